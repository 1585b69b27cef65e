//===- MappedPages.cpp - Give back the pages of a mapped file -------------===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "sparse-quant/Support/MappedPages.h"
#include "llvm/Config/llvm-config.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Process.h"

#ifdef LLVM_ON_UNIX
#include <sys/mman.h>
#endif

void mlir::sq::releasePages(const llvm::MemoryBuffer &buffer) {
#ifdef LLVM_ON_UNIX
  if (buffer.getBufferKind() != llvm::MemoryBuffer::MemoryBuffer_MMap)
    return;
  // A whole file is mapped from its start, hence at a page's start.
  uintptr_t start = reinterpret_cast<uintptr_t>(buffer.getBufferStart());
  if (start % llvm::sys::Process::getPageSizeEstimate() == 0)
    madvise(reinterpret_cast<void *>(start), buffer.getBufferSize(),
            MADV_DONTNEED);
#endif
}
