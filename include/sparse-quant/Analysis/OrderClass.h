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

/// How a carried value was quantized, in the value's own shape.
struct Quantizer {
  QuantFormatAttrInterface format;
  /// Nonnegative.
  int64_t axis = 0;
  /// Empty when the scales are computed from the values.
  SmallVector<Value> staticScales;

  bool operator==(const Quantizer &) const = default;
};

/// Follows `value` (decoded, or codes) back through transposes, casts,
/// broadcasts, slices, regions and calls to its quantizer. std::nullopt when
/// paths disagree or a reshape regroups the scales. `root` is where callers of
/// functions are looked for.
std::optional<Quantizer> traceQuantizer(Value value, Operation *root);

struct OrderViolation {
  /// The sq.mask (class 3), sq.apply_mask, or sq.pack with a computed mask.
  Operation *op = nullptr;
  OrderClass orderClass = OrderClass::ScaleChanging;
  /// The operand that is quantized.
  Value operand;
  /// The ops that quantized it.
  SmallVector<Operation *, 2> culprits;
  /// Mask elements that swap when the mask is taken from the real values, and
  /// the bound of F3 on what that gains in L1; unknown unless the data is
  /// constant, and no bound for formats with uneven bins.
  std::optional<int64_t> swapped;
  std::optional<double> bound;
};

/// All violations below `root`, in program order.
SmallVector<OrderViolation>
findOrderViolations(Operation *root, const OrderProvenance &provenance);

} // namespace mlir::sq

#endif // SPARSE_QUANT_ANALYSIS_ORDERCLASS_H
