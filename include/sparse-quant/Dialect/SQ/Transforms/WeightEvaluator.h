//===- WeightEvaluator.h - Values of constant expressions -------*- C++ -*-===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Evaluates trees of sq.parameter, arith.constant, sq.mask, sq.apply_mask,
// sq.quantize and sq.dequantize through Numerics. A tensor is seen as a matrix
// of its last axis, and evaluated in blocks of rows, so that the intermediate
// results of a large layer never exist as a whole. Where rows depend on each
// other, what they share is found first and kept: of a format with scope
// `tensor` the largest magnitude, of a pattern the mask, a bit each.
//
//===----------------------------------------------------------------------===//
#ifndef SPARSE_QUANT_DIALECT_SQ_TRANSFORMS_WEIGHTEVALUATOR_H
#define SPARSE_QUANT_DIALECT_SQ_TRANSFORMS_WEIGHTEVALUATOR_H

#include "sparse-quant/Dialect/SQ/IR/SQ.h"
#include "sparse-quant/Numerics/Quantize.h"
#include "sparse-quant/Support/WeightFiles.h"

namespace mlir::sq {

/// Rows [begin, end) of a matrix.
struct RowRange {
  int64_t begin, end;
  int64_t size() const { return end - begin; }
};

/// The extents of a tensor seen as a matrix of its last axis.
struct MatrixShape {
  int64_t rows, cols;
};
MatrixShape getMatrixShape(Value value);

/// A mask in an eighth of its bytes.
class MaskBits {
public:
  MaskBits() = default;
  explicit MaskBits(ArrayRef<uint8_t> mask);
  /// Elements [begin, begin + out.size()), a byte each.
  void read(int64_t begin, MutableArrayRef<uint8_t> out) const;

private:
  std::vector<uint8_t> bits;
};

class WeightEvaluator {
public:
  explicit WeightEvaluator(WeightFiles &files) : files(files) {}

  /// A text that two values share exactly when they are computed alike from the
  /// same bytes; nullopt where the value isn't constant.
  std::optional<std::string> getKey(Value value);

  /// Blocks must start and end at multiples of this (or at the last row).
  int64_t getRowGranularity(Value value);

  /// The ranges that a layer is evaluated in, each but the last one of a
  /// multiple of `multiple` rows.
  SmallVector<RowRange> getBlocks(Value value, int64_t multiple = 1);

  // The following are for values that have a key, and for ranges that respect
  // the granularity. On failure, a diagnostic names the tensor.

  /// f32 values.
  LogicalResult evaluate(Value value, RowRange range, std::vector<float> &out);
  /// i1 values, a byte each.
  LogicalResult evaluateMask(Value value, RowRange range,
                             std::vector<uint8_t> &out);
  /// Codes and scales of a quantization.
  LogicalResult encode(QuantizeOp op, RowRange range, numerics::Encoded &out);
  /// The same for another input than the op's own; static scales don't count.
  LogicalResult encodeInput(QuantizeOp op, Value input, RowRange range,
                            numerics::Encoded &out);

  /// The element type of a parameter in its file; nullopt where it can't be
  /// read, which is reported when its values are.
  std::optional<DType> getStoredDType(ParameterOp op);

  /// To be called after each layer: forgets what its rows shared, and lets the
  /// pages of the files leave memory.
  void release();
  /// Only the latter.
  void releasePages() { files.dontNeed(); }

private:
  LogicalResult readParameter(ParameterOp op, RowRange range,
                              std::vector<float> &out);
  LogicalResult computeMask(MaskOp op, RowRange range,
                            std::vector<uint8_t> &out);
  /// As evaluate, for an encoder: an infinity is an error.
  LogicalResult evaluateFinite(QuantizeOp op, Value input, RowRange range,
                               std::vector<float> &out);
  LogicalResult getLargestMagnitude(QuantizeOp op, Value input, float &out);

  WeightFiles &files;
  /// What rows share, until release().
  DenseMap<Value, MaskBits> wholeMasks;
  DenseMap<Value, float> largestMagnitudes;
  DenseMap<Value, std::optional<std::string>> keys;
};

/// Whether the format or the pattern looks at the whole tensor.
bool isWhole(const numerics::Format &format);
bool isWhole(const numerics::Pattern &pattern);

/// The name of the weight that `value` is computed from, for messages.
StringRef getWeightName(Value value);

} // namespace mlir::sq

#endif // SPARSE_QUANT_DIALECT_SQ_TRANSFORMS_WEIGHTEVALUATOR_H
