//===- ExportSharedMemory.cpp - sq-export-shared-memory -------------------===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "sparse-quant/CodeGen/GPU/Passes.h"

using namespace mlir;

namespace mlir::sq {
#define GEN_PASS_DEF_EXPORTSHAREDMEMORY
#include "sparse-quant/CodeGen/GPU/Passes.h.inc"
} // namespace mlir::sq

using namespace mlir::sq;

namespace {
struct ExportSharedMemory
    : sq::impl::ExportSharedMemoryBase<ExportSharedMemory> {
  void runOnOperation() override {
    for (auto global : getOperation().getOps<LLVM::GlobalOp>()) {
      auto array = dyn_cast<LLVM::LLVMArrayType>(global.getType());
      if (array && array.getNumElements() == 0 &&
          global.getAddrSpace() == unsigned(NVVM::NVVMMemorySpace::Shared))
        global.setLinkage(LLVM::Linkage::External);
    }
  }
};
} // namespace
