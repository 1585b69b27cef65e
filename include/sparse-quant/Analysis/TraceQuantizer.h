//===- TraceQuantizer.h - How a value was quantized -------------*- C++ -*-===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Once the dataflow analysis has said that a value is quantized: how, in the
// value's own shape, and is a mask one that this quantizer doesn't notice? Both
// walk backwards through moves, regions and calls.
//
//===----------------------------------------------------------------------===//
#ifndef SPARSE_QUANT_ANALYSIS_TRACEQUANTIZER_H
#define SPARSE_QUANT_ANALYSIS_TRACEQUANTIZER_H

#include "sparse-quant/Dialect/SQ/IR/SQ.h"

namespace mlir::sq {

/// How a carried value was quantized, in the value's own shape: quantizing the
/// real twin of the value in this way gives the value again.
struct Quantizer {
  QuantFormatAttrInterface format;
  /// Nonnegative.
  int64_t axis = 0;
  /// Empty when the scales are computed from the values.
  SmallVector<Value> staticScales;

  bool operator==(const Quantizer &) const = default;
};

/// Follows `value` (decoded, or codes) back through moves, regions and calls
/// to its quantizer. std::nullopt when paths disagree, when codes are decoded
/// with scales that aren't theirs, or when a reshape, a slice or a cast leaves
/// groups that quantizing again wouldn't give. `root` is where callers of
/// functions are looked for.
std::optional<Quantizer> traceQuantizer(Value value, Operation *root);

/// Whether `scales` went the way of `codes`, from one quantizer.
bool scalesBelongTo(ValueRange scales, Value codes, Operation *root);

/// Whether masking `value`, which is quantized, by `mask` gives the decoded
/// values that quantizing the masked twin gives: class 1.
bool maskCommutes(Value mask, Value value, Operation *root);

/// Whether `codes` come from a quantizer that saw them masked by `mask`.
bool isMaskedBefore(Value codes, Value mask);

} // namespace mlir::sq

#endif // SPARSE_QUANT_ANALYSIS_TRACEQUANTIZER_H
