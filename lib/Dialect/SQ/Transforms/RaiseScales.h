//===- RaiseScales.h - The scales of a foreign quantizer --------*- C++ -*-===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef SPARSE_QUANT_LIB_DIALECT_SQ_TRANSFORMS_RAISESCALES_H
#define SPARSE_QUANT_LIB_DIALECT_SQ_TRANSFORMS_RAISESCALES_H

#include "Element.h"
#include "sparse-quant/Dialect/SQ/Transforms/StaticQuantization.h"

namespace mlir::sq {

/// The scale and the zero point that a chain reads for each element of a
/// tensor, and what sq makes of them.
class ForeignScales {
public:
  ForeignScales(RankedTensorType type, Element scale,
                std::optional<Element> zeroPoint)
      : type(type), scale(scale), zeroPoint(zeroPoint) {}

  /// Finds layout and format; fails with a reason where sq has none.
  LogicalResult match(unsigned bits, bool isSigned, std::string &reason);
  StaticQuantization build(OpBuilder &builder, Location loc) const;

private:
  LogicalResult matchLayout(std::string &reason);
  LogicalResult matchZeroPoint(std::string &reason);
  LogicalResult matchShape(std::string &reason);

  RankedTensorType type;
  Element scale;
  std::optional<Element> zeroPoint;
  ScaleLayout layout;
  numerics::Format format;
  /// In the layout's order; one for all, or one for each scale.
  SmallVector<int64_t> zeroPoints;
  /// Constant scales in the layout's order; else `tensor` or `scalar`.
  SmallVector<float> constants;
  Value tensor, scalar;
};

/// Calls `body` with each index into a tensor of `shape`, in row-major order.
void forEachIndex(ArrayRef<int64_t> shape,
                  function_ref<void(ArrayRef<int64_t>)> body);
/// The row-major position of `index`.
int64_t flattenIndex(ArrayRef<int64_t> index, ArrayRef<int64_t> shape);

} // namespace mlir::sq

#endif // SPARSE_QUANT_LIB_DIALECT_SQ_TRANSFORMS_RAISESCALES_H
