//===- WeightChain.h - The parts of a compressed weight ---------*- C++ -*-===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef SPARSE_QUANT_LIB_DIALECT_SQ_TRANSFORMS_WEIGHTCHAIN_H
#define SPARSE_QUANT_LIB_DIALECT_SQ_TRANSFORMS_WEIGHTCHAIN_H

#include "HalfWeights.h"
#include "sparse-quant/Dialect/SQ/Transforms/LayerReport.h"
#include "sparse-quant/Dialect/SQ/Transforms/PackWeights.h"
#include "sparse-quant/Dialect/SQ/Transforms/WeightEvaluator.h"

namespace mlir::sq {

/// `root` = [dequantize of quantize of, or extf of truncf of] [apply_mask of]
/// `base`.
struct WeightChain {
  Value root, base;
  /// f16 or bf16, where the weight is only rounded.
  std::optional<DType> half;
  DequantizeOp dequantize;
  QuantizeOp quantize;
  ApplyMaskOp apply;

  explicit WeightChain(Value root);

  bool isSparse() const { return static_cast<bool>(apply); }
  bool isQuantized() const { return static_cast<bool>(quantize); }
  /// Of what is stored; none of f32.
  std::optional<numerics::Format> getFormat() const;
  /// The mask's op if its scores are the magnitudes, perhaps times norms, of
  /// `base` itself, so that another order of the steps has a meaning.
  MaskOp getOwnMask() const;
};

/// The steps of a chain in any order.
class OrderStudy {
public:
  OrderStudy(WeightEvaluator &evaluator, const WeightChain &chain)
      : evaluator(evaluator), chain(chain) {}

  /// Rows of the layer as `order` has them.
  LogicalResult evaluate(StudyOrder order, RowRange range,
                         std::vector<float> &out);
  /// The mask of the quantized values: the wrong one.
  LogicalResult evaluateQuantizedMask(RowRange range,
                                      std::vector<uint8_t> &out);

private:
  /// The unmasked weight through the format and back.
  LogicalResult roundTrip(RowRange range, std::vector<float> &out);
  LogicalResult computeQuantizedMask(MaskOp mask, RowRange range,
                                     std::vector<uint8_t> &out);

  WeightEvaluator &evaluator;
  const WeightChain &chain;
  /// For patterns that look at the whole tensor.
  std::optional<MaskBits> wholeMask;
};

/// Adds up errors over the blocks of a layer.
class ErrorMeter {
public:
  ErrorMeter(WeightEvaluator &evaluator, const WeightChain &chain);

  LogicalResult add(RowRange range);
  /// Fills in the norms and errors.
  void finish(LayerReport &report);

private:
  LogicalResult count(RowRange range, ArrayRef<float> values);
  LogicalResult measure(RowRange range, ArrayRef<float> values,
                        numerics::OrderErrors &errors);
  LogicalResult measureByStudy(RowRange range, ArrayRef<float> values,
                               numerics::OrderErrors &errors);
  void addSwaps(RowRange range, const numerics::OrderErrors &block);

  WeightEvaluator &evaluator;
  const WeightChain &chain;
  OrderStudy study;
  LayerReport::Counts counts;
  /// L2 norms are squared until `finish`.
  numerics::Norms weights;
  numerics::OrderErrors sum;
  bool measurable;
  /// Where rows depend on each other: the largest bin so far, negative for no
  /// bound, and what each mask alone keeps.
  bool whole;
  double bin = 0.0;
  int64_t dropped = 0, added = 0;
};

} // namespace mlir::sq

#endif // SPARSE_QUANT_LIB_DIALECT_SQ_TRANSFORMS_WEIGHTCHAIN_H
