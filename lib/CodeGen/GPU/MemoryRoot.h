//===- MemoryRoot.h - What a memref is a part of ----------------*- C++ -*-===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef SPARSE_QUANT_LIB_CODEGEN_GPU_MEMORYROOT_H
#define SPARSE_QUANT_LIB_CODEGEN_GPU_MEMORYROOT_H

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Interfaces/ViewLikeInterface.h"

namespace mlir::sq::cuda {

/// The memory that a memref is a view of; null where that isn't known to be
/// apart from others.
inline Value getRoot(Value memref) {
  while (auto view = memref.getDefiningOp<ViewLikeOpInterface>())
    memref = view.getViewSource();
  Operation *op = memref.getDefiningOp();
  // Arguments of functions don't overlap (artifact.h).
  bool isKnown = op ? isa<memref::AllocOp, memref::GetGlobalOp>(op)
                    : isa<func::FuncOp>(memref.getParentBlock()->getParentOp());
  return isKnown ? memref : Value();
}

} // namespace mlir::sq::cuda

#endif // SPARSE_QUANT_LIB_CODEGEN_GPU_MEMORYROOT_H
