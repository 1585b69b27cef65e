//===- DenseProduct.h - Linear layers that stay dense -----------*- C++ -*-===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef SPARSE_QUANT_CODEGEN_DENSEPRODUCT_H
#define SPARSE_QUANT_CODEGEN_DENSEPRODUCT_H

#include "mlir/Dialect/Linalg/IR/Linalg.h"

namespace mlir::sq {

/// Whether `op` is out[m, n] += x[m, k] * w[n, k] on memrefs with static N and
/// K, in f32 but for weights in f16 or bf16, which are widened.
inline bool isDenseProduct(linalg::MatmulOp op) {
  auto isRowMajor = [](Value value) {
    auto type = dyn_cast<MemRefType>(value.getType());
    return type && type.getRank() == 2 && type.isLastDimUnitStride();
  };
  AffineExpr m, n, k;
  bindDims(op.getContext(), m, n, k);
  auto map = [&](ArrayRef<AffineExpr> exprs) {
    return AffineMap::get(3, 0, exprs, op.getContext());
  };
  if (!op.hasPureBufferSemantics() ||
      op.getIndexingMapsArray() !=
          SmallVector<AffineMap>{map({m, k}), map({n, k}), map({m, n})} ||
      !llvm::all_of(op->getOperands(), isRowMajor) ||
      !getElementTypeOrSelf(op.getDpsInputs()[0]).isF32() ||
      !getElementTypeOrSelf(op.getDpsInits()[0]).isF32())
    return false;
  auto weights = cast<MemRefType>(op.getDpsInputs()[1].getType());
  Type element = weights.getElementType();
  return (element.isF32() || element.isF16() || element.isBF16()) &&
         weights.hasStaticShape();
}

} // namespace mlir::sq

#endif // SPARSE_QUANT_CODEGEN_DENSEPRODUCT_H
