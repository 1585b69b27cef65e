//===- WeightChain.h - The parts of a compressed weight ---------*- C++ -*-===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef SPARSE_QUANT_LIB_DIALECT_SQ_TRANSFORMS_WEIGHTCHAIN_H
#define SPARSE_QUANT_LIB_DIALECT_SQ_TRANSFORMS_WEIGHTCHAIN_H

#include "sparse-quant/Dialect/SQ/Transforms/LayerReport.h"
#include "sparse-quant/Dialect/SQ/Transforms/PackWeights.h"
#include "sparse-quant/Dialect/SQ/Transforms/WeightEvaluator.h"

namespace mlir::sq {

/// `root` = [dequantize of quantize of] [apply_mask of] `base`.
struct WeightChain {
  Value root, base;
  DequantizeOp dequantize;
  QuantizeOp quantize;
  ApplyMaskOp apply;

  explicit WeightChain(Value root);

  bool isSparse() const { return static_cast<bool>(apply); }
  bool isQuantized() const { return static_cast<bool>(quantize); }
  std::optional<numerics::Format> getFormat() const;
  /// The mask's op if its scores are the magnitudes, perhaps times norms, of
  /// `base` itself, so that another order of the steps has a meaning.
  MaskOp getOwnMask() const;
};

/// What the study stores for rows of a layer, in place of `chain.root`.
LogicalResult evaluateStudy(WeightEvaluator &evaluator,
                            const WeightChain &chain, StudyOrder order,
                            RowRange range, std::vector<float> &out);

/// Adds up errors over the blocks of a layer.
class ErrorMeter {
public:
  explicit ErrorMeter(const WeightChain &chain);

  LogicalResult add(WeightEvaluator &evaluator, RowRange range);
  /// Fills in the norms and errors.
  void finish(LayerReport &report);

private:
  LogicalResult count(WeightEvaluator &evaluator, RowRange range,
                      ArrayRef<float> values);
  LogicalResult measure(WeightEvaluator &evaluator, RowRange range,
                        ArrayRef<float> values, numerics::OrderErrors &errors);

  const WeightChain &chain;
  LayerReport::Counts counts;
  /// L2 norms are squared until `finish`.
  numerics::Norms weights;
  numerics::OrderErrors sum;
  bool measurable;
};

} // namespace mlir::sq

#endif // SPARSE_QUANT_LIB_DIALECT_SQ_TRANSFORMS_WEIGHTCHAIN_H
