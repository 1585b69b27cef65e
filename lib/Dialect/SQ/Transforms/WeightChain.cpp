//===- WeightChain.cpp - Errors and orders of a compressed weight ---------===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "WeightChain.h"

#include <cmath>

using namespace mlir;
using namespace mlir::sq;

WeightChain::WeightChain(Value root) : root(root), base(root) {
  if ((dequantize = base.getDefiningOp<DequantizeOp>())) {
    quantize = dequantize.getValues().getDefiningOp<QuantizeOp>();
    base = quantize.getInput();
  }
  if ((apply = base.getDefiningOp<ApplyMaskOp>()))
    base = apply.getInput();
}

std::optional<numerics::Format> WeightChain::getFormat() const {
  if (!quantize)
    return std::nullopt;
  return QuantizeOp(quantize).getFormat().getFormat();
}

MaskOp WeightChain::getOwnMask() const {
  if (!apply)
    return nullptr;
  auto mask = ApplyMaskOp(apply).getMask().getDefiningOp<MaskOp>();
  if (!mask || mask.getInput() != base ||
      mask.getCriterion() == Criterion::Scores)
    return nullptr;
  return mask;
}

/// Wanda's norms; none for other criteria.
static LogicalResult readNorms(WeightEvaluator &evaluator, MaskOp mask,
                               std::vector<float> &norms) {
  norms.clear();
  if (!mask || !mask.getNorms())
    return success();
  return evaluator.evaluate(mask.getNorms(), {0, 1}, norms);
}

/// `values` through the format and back.
static LogicalResult roundTrip(const WeightChain &chain,
                               std::vector<float> &values, RowRange range) {
  numerics::Format format = *chain.getFormat();
  int64_t cols = getMatrixShape(chain.base).cols;
  numerics::Encoded encoded;
  if (numerics::Error error =
          numerics::encode(format, values, range.size(), cols, encoded))
    return QuantizeOp(chain.quantize).emitError()
           << "tensor '" << getWeightName(chain.base) << "', rows from "
           << range.begin << ": " << *error;
  numerics::decode(format, encoded, range.size(), cols, values);
  return success();
}

/// Masks quantized `values`, choosing by their own scores where the mask is
/// made from the weight.
static LogicalResult maskQuantized(WeightEvaluator &evaluator,
                                   const WeightChain &chain,
                                   std::vector<float> &values, RowRange range) {
  std::vector<uint8_t> keep(values.size());
  MaskOp mask = chain.getOwnMask();
  if (!mask) {
    if (failed(evaluator.evaluateMask(ApplyMaskOp(chain.apply).getMask(), range,
                                      keep)))
      return failure();
    numerics::applyMask(values, keep, values);
    return success();
  }
  std::vector<float> norms, scores(values.size());
  if (failed(readNorms(evaluator, mask, norms)))
    return failure();
  int64_t cols = getMatrixShape(chain.base).cols;
  if (norms.empty())
    numerics::magnitudeScores(values, scores);
  else
    numerics::wandaScores(values, norms, range.size(), cols, scores);
  if (numerics::Error error = numerics::computeMask(
          mask.getPattern().getPattern(), scores, range.size(), cols, keep))
    return mask.emitError() << *error;
  numerics::applyMask(values, keep, values);
  return success();
}

LogicalResult mlir::sq::evaluateStudy(WeightEvaluator &evaluator,
                                      const WeightChain &chain,
                                      StudyOrder order, RowRange range,
                                      std::vector<float> &out) {
  if (order == StudyOrder::SparsityFirst || order == StudyOrder::None)
    return evaluator.evaluate(chain.root, range, out);
  if (order == StudyOrder::Sparsity)
    return evaluator.evaluate(
        chain.apply ? Value(ApplyMaskOp(chain.apply).getResult()) : chain.base,
        range, out);
  if (chain.quantize && QuantizeOp(chain.quantize).isStatic())
    return QuantizeOp(chain.quantize).emitError()
           << "a study of orders needs scales that are computed from the "
              "weight, not static ones";
  if (failed(evaluator.evaluate(chain.base, range, out)) ||
      (chain.quantize && failed(roundTrip(chain, out, range))))
    return failure();
  if (order == StudyOrder::Quantization || !chain.apply)
    return success();
  return maskQuantized(evaluator, chain, out, range);
}

//===----------------------------------------------------------------------===//
// ErrorMeter
//===----------------------------------------------------------------------===//

ErrorMeter::ErrorMeter(const WeightChain &chain)
    : chain(chain),
      measurable(!chain.quantize || !QuantizeOp(chain.quantize).isStatic()) {}

/// Adds norms whose L2 is a sum of squares.
static void accumulate(numerics::Norms &sum, const numerics::Norms &block) {
  sum.l1 += block.l1;
  sum.l2 += block.l2 * block.l2;
}

static numerics::Norms distance(ArrayRef<float> a, ArrayRef<float> b) {
  numerics::Norms norms;
  for (auto [x, y] : llvm::zip_equal(a, b)) {
    double difference = double(x) - double(y);
    norms.l1 += std::fabs(difference);
    norms.l2 += difference * difference;
  }
  norms.l2 = std::sqrt(norms.l2);
  return norms;
}

LogicalResult ErrorMeter::measure(WeightEvaluator &evaluator, RowRange range,
                                  ArrayRef<float> values,
                                  numerics::OrderErrors &errors) {
  MaskOp mask = chain.getOwnMask();
  if (chain.quantize && (mask || !chain.apply)) {
    std::vector<float> norms;
    if (failed(readNorms(evaluator, mask, norms)))
      return failure();
    std::optional<numerics::Pattern> pattern;
    if (mask)
      pattern = mask.getPattern().getPattern();
    if (numerics::Error error = numerics::measureOrder(
            pattern ? &*pattern : nullptr, *chain.getFormat(),
            std::span(values.data(), values.size()), norms, range.size(),
            getMatrixShape(chain.base).cols, errors))
      return QuantizeOp(chain.quantize).emitError()
             << "tensor '" << getWeightName(chain.base) << "', rows from "
             << range.begin << ": " << *error;
    return success();
  }
  // A given mask is the same in both orders.
  auto measureOne = [&](StudyOrder order, numerics::Norms &norms) {
    std::vector<float> stored;
    if (failed(evaluateStudy(evaluator, chain, order, range, stored)))
      return failure();
    norms = distance(values, stored);
    return success();
  };
  return success(
      succeeded(measureOne(StudyOrder::Sparsity, errors.sparsity)) &&
      succeeded(measureOne(StudyOrder::Quantization, errors.quantization)) &&
      succeeded(measureOne(StudyOrder::SparsityFirst, errors.sparsityFirst)) &&
      succeeded(
          measureOne(StudyOrder::QuantizationFirst, errors.quantizationFirst)));
}

LogicalResult ErrorMeter::count(WeightEvaluator &evaluator, RowRange range,
                                ArrayRef<float> values) {
  std::vector<uint8_t> keep(values.size(), 1);
  if (chain.apply && failed(evaluator.evaluateMask(
                         ApplyMaskOp(chain.apply).getMask(), range, keep)))
    return failure();
  for (auto [value, isKept] : llvm::zip_equal(values, keep)) {
    counts.zeros += value == 0.0f;
    counts.kept += isKept;
    counts.droppedNonzeros += value != 0.0f && !isKept;
  }
  return success();
}

LogicalResult ErrorMeter::add(WeightEvaluator &evaluator, RowRange range) {
  std::vector<float> values;
  if (failed(evaluator.evaluate(chain.base, range, values)) ||
      failed(count(evaluator, range, values)))
    return failure();
  for (float value : values) {
    weights.l1 += std::fabs(double(value));
    weights.l2 += double(value) * double(value);
  }
  if (!measurable)
    return success();
  numerics::OrderErrors block;
  if (failed(measure(evaluator, range, values, block)))
    return failure();
  accumulate(sum.sparsity, block.sparsity);
  accumulate(sum.quantization, block.quantization);
  accumulate(sum.sparsityFirst, block.sparsityFirst);
  accumulate(sum.quantizationFirst, block.quantizationFirst);
  sum.swapped += block.swapped;
  // Each block bounds its own difference; a negative one says "no bound".
  if (range.begin == 0)
    sum.swapBound = block.swapBound;
  else if (sum.swapBound >= 0.0)
    sum.swapBound =
        block.swapBound < 0.0 ? -1.0 : sum.swapBound + block.swapBound;
  return success();
}

void ErrorMeter::finish(LayerReport &report) {
  weights.l2 = std::sqrt(weights.l2);
  report.weights = weights;
  report.counts = counts;
  if (!measurable)
    return;
  for (numerics::Norms *norms : {&sum.sparsity, &sum.quantization,
                                 &sum.sparsityFirst, &sum.quantizationFirst})
    norms->l2 = std::sqrt(norms->l2);
  sum.threshold = {sum.sparsity.l1 + sum.quantization.l1,
                   sum.sparsity.l2 + sum.quantization.l2};
  report.errors = sum;
}
