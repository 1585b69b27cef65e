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
  } else if ((half = getRoundedDType(base))) {
    base = getRounding(base).getIn();
  }
  if ((apply = base.getDefiningOp<ApplyMaskOp>()))
    base = apply.getInput();
}

std::optional<numerics::Format> WeightChain::getFormat() const {
  if (half)
    return numerics::Format::half(
        *half == DType::F16 ? numerics::Element::F16 : numerics::Element::BF16);
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

//===----------------------------------------------------------------------===//
// OrderStudy
//===----------------------------------------------------------------------===//

LogicalResult OrderStudy::roundTrip(RowRange range, std::vector<float> &out) {
  if (chain.half) {
    if (failed(evaluator.evaluate(chain.base, range, out)))
      return failure();
    for (float &value : out)
      value = widenHalf(*chain.half, roundToHalf(*chain.half, value));
    return success();
  }
  if (!chain.quantize)
    return evaluator.evaluate(chain.base, range, out);
  QuantizeOp quantize = chain.quantize;
  if (quantize.isStatic())
    return quantize.emitError()
           << "a study of orders needs scales that are computed from the "
              "weight, not static ones";
  numerics::Encoded encoded;
  if (failed(evaluator.encodeInput(quantize, chain.base, range, encoded)))
    return failure();
  int64_t cols = getMatrixShape(chain.base).cols;
  out.resize(range.size() * cols);
  numerics::decode(*chain.getFormat(), encoded, range.size(), cols, out);
  return success();
}

LogicalResult OrderStudy::computeQuantizedMask(MaskOp mask, RowRange range,
                                               std::vector<uint8_t> &out) {
  auto [rows, cols] = getMatrixShape(chain.base);
  std::vector<float> norms, scores, part;
  if (failed(readNorms(evaluator, mask, norms)))
    return failure();
  // All rows at once are only wanted as scores.
  scores.reserve(range.size() * cols);
  for (RowRange block : evaluator.getBlocks(chain.root)) {
    block = {std::max(block.begin, range.begin),
             std::min(block.end, range.end)};
    if (block.begin >= block.end)
      continue;
    if (failed(roundTrip(block, part)))
      return failure();
    scores.insert(scores.end(), part.begin(), part.end());
    evaluator.releasePages();
  }
  if (norms.empty())
    numerics::magnitudeScores(scores, scores);
  else
    numerics::wandaScores(scores, norms, range.size(), cols, scores);
  out.resize(scores.size());
  if (numerics::Error error = numerics::computeMask(
          mask.getPattern().getPattern(), scores, range.size(), cols, out))
    return mask.emitError() << *error;
  return success();
}

LogicalResult OrderStudy::evaluateQuantizedMask(RowRange range,
                                                std::vector<uint8_t> &out) {
  MaskOp mask = chain.getOwnMask();
  // A given mask is the same in both orders.
  if (!mask)
    return evaluator.evaluateMask(ApplyMaskOp(chain.apply).getMask(), range,
                                  out);
  if (!isWhole(mask.getPattern().getPattern()))
    return computeQuantizedMask(mask, range, out);
  auto [rows, cols] = getMatrixShape(chain.base);
  if (!wholeMask) {
    if (failed(computeQuantizedMask(mask, {0, rows}, out)))
      return failure();
    wholeMask.emplace(out);
  }
  out.assign(range.size() * cols, 0);
  out.shrink_to_fit();
  wholeMask->read(range.begin * cols, out);
  return success();
}

LogicalResult OrderStudy::evaluate(StudyOrder order, RowRange range,
                                   std::vector<float> &out) {
  if (order == StudyOrder::SparsityFirst || order == StudyOrder::None)
    return evaluator.evaluate(chain.root, range, out);
  if (order == StudyOrder::Sparsity)
    return evaluator.evaluate(
        chain.apply ? Value(ApplyMaskOp(chain.apply).getResult()) : chain.base,
        range, out);
  std::vector<uint8_t> keep;
  bool masks = order == StudyOrder::QuantizationFirst && chain.apply;
  if ((masks && failed(evaluateQuantizedMask(range, keep))) ||
      failed(roundTrip(range, out)))
    return failure();
  if (masks)
    numerics::applyMask(out, keep, out);
  return success();
}

//===----------------------------------------------------------------------===//
// ErrorMeter
//===----------------------------------------------------------------------===//

ErrorMeter::ErrorMeter(WeightEvaluator &evaluator, const WeightChain &chain)
    : evaluator(evaluator), chain(chain), study(evaluator, chain),
      measurable(!chain.quantize || !QuantizeOp(chain.quantize).isStatic()) {
  MaskOp mask = chain.getOwnMask();
  whole = chain.quantize && (isWhole(*chain.getFormat()) ||
                             (mask && isWhole(mask.getPattern().getPattern())));
}

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

LogicalResult ErrorMeter::measure(RowRange range, ArrayRef<float> values,
                                  numerics::OrderErrors &errors) {
  MaskOp mask = chain.getOwnMask();
  if (!chain.quantize || (chain.apply && !mask) || whole)
    return measureByStudy(range, values, errors);
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

LogicalResult ErrorMeter::measureByStudy(RowRange range, ArrayRef<float> values,
                                         numerics::OrderErrors &errors) {
  std::vector<float> stored;
  for (auto [order, norms] :
       {std::pair(StudyOrder::Sparsity, &errors.sparsity),
        {StudyOrder::Quantization, &errors.quantization},
        {StudyOrder::SparsityFirst, &errors.sparsityFirst},
        {StudyOrder::QuantizationFirst, &errors.quantizationFirst}}) {
    if (failed(study.evaluate(order, range, stored)))
      return failure();
    *norms = distance(values, stored);
  }
  if (!whole)
    return success();
  MaskOp mask = chain.getOwnMask();
  numerics::Encoded encoded;
  if (failed(evaluator.encodeInput(chain.quantize, chain.base, range, encoded)))
    return failure();
  std::optional<numerics::Pattern> pattern;
  if (mask)
    pattern = mask.getPattern().getPattern();
  double blockBin =
      chain.apply && !mask
          ? -1.0
          : numerics::swapBin(pattern ? &*pattern : nullptr, *chain.getFormat(),
                              !mask || !mask.getNorms(), encoded);
  bin = bin < 0.0 || blockBin < 0.0 ? -1.0 : std::max(bin, blockBin);
  if (!chain.apply)
    return success();
  std::vector<uint8_t> keep, quantizedKeep;
  if (failed(evaluator.evaluateMask(ApplyMaskOp(chain.apply).getMask(), range,
                                    keep)) ||
      failed(study.evaluateQuantizedMask(range, quantizedKeep)))
    return failure();
  for (auto [first, second] : llvm::zip_equal(keep, quantizedKeep)) {
    dropped += first > second;
    added += first < second;
  }
  return success();
}

LogicalResult ErrorMeter::count(RowRange range, ArrayRef<float> values) {
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

/// Where blocks are independent, each bounds its own difference; a negative one
/// says "no bound".
void ErrorMeter::addSwaps(RowRange range, const numerics::OrderErrors &block) {
  sum.swapped += block.swapped;
  if (range.begin == 0)
    sum.swapBound = block.swapBound;
  else if (sum.swapBound >= 0.0)
    sum.swapBound =
        block.swapBound < 0.0 ? -1.0 : sum.swapBound + block.swapBound;
}

LogicalResult ErrorMeter::add(RowRange range) {
  std::vector<float> values;
  if (failed(evaluator.evaluate(chain.base, range, values)) ||
      failed(count(range, values)))
    return failure();
  for (float value : values) {
    weights.l1 += std::fabs(double(value));
    weights.l2 += double(value) * double(value);
  }
  if (!measurable)
    return success();
  numerics::OrderErrors block;
  if (failed(measure(range, values, block)))
    return failure();
  accumulate(sum.sparsity, block.sparsity);
  accumulate(sum.quantization, block.quantization);
  accumulate(sum.sparsityFirst, block.sparsityFirst);
  accumulate(sum.quantizationFirst, block.quantizationFirst);
  addSwaps(range, block);
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
  if (whole) {
    sum.swapped = std::max(dropped, added);
    sum.swapBound = bin < 0.0 ? -1.0 : double(sum.swapped) * bin;
  }
  report.errors = sum;
}
