//===- MappedPages.h - Give back the pages of a mapped file -----*- C++ -*-===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef SPARSE_QUANT_SUPPORT_MAPPEDPAGES_H
#define SPARSE_QUANT_SUPPORT_MAPPEDPAGES_H

namespace llvm {
class MemoryBuffer;
} // namespace llvm

namespace mlir::sq {

/// Takes the pages of a mapped, read-only file out of this process's memory;
/// they come back when they are read again. MemoryBuffer::dontNeedIfMmap asks
/// for the same by posix_madvise, which glibc ignores. Does nothing to buffers
/// that aren't mapped, and on systems without madvise.
void releasePages(const llvm::MemoryBuffer &buffer);

} // namespace mlir::sq

#endif // SPARSE_QUANT_SUPPORT_MAPPEDPAGES_H
