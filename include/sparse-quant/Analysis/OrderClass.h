//===- OrderClass.h - Masks that follow quantization ------------*- C++ -*-===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Finds the places where a mask follows quantization and says how bad each is.
// The three classes are those of docs/order.md:
//
//   1 commuting            moving the mask in front changes no decoded value
//   2 scale-changing       the mask is legal, but the scales saw dropped values
//   3 mask-from-quantized  the scores themselves are quantized
//
//===----------------------------------------------------------------------===//
#ifndef SPARSE_QUANT_ANALYSIS_ORDERCLASS_H
#define SPARSE_QUANT_ANALYSIS_ORDERCLASS_H

#include "sparse-quant/Analysis/OrderProvenance.h"
#include "sparse-quant/Dialect/SQ/IR/SQ.h"

namespace mlir::sq {

enum class OrderClass {
  Commuting = 1,
  ScaleChanging = 2,
  MaskFromQuantized = 3
};
StringRef stringifyOrderClass(OrderClass orderClass);

struct OrderViolation {
  /// The sq.mask (class 3), sq.apply_mask or sq.pack.
  Operation *op = nullptr;
  OrderClass orderClass = OrderClass::ScaleChanging;
  /// The operand that is quantized.
  Value operand;
  /// The ops that quantized it.
  SmallVector<Operation *, 2> culprits;
  /// Mask elements that swap when the mask is taken from the real values, and
  /// the bound of NUM-T6 on what that gains in L1. Both are 0 for class 1. In
  /// class 2 the mask stays, and what tighter scales gain has no bound here. In
  /// class 3 they are unknown unless the data is constant, and there is no
  /// bound where NUM-T6 has none.
  std::optional<int64_t> swapped;
  std::optional<double> bound;
};

/// All violations below `root` that control flow can reach, in program order.
/// A mask that nobody uses masks nothing, and is none.
SmallVector<OrderViolation>
findOrderViolations(Operation *root, const OrderProvenance &provenance);

} // namespace mlir::sq

#endif // SPARSE_QUANT_ANALYSIS_ORDERCLASS_H
