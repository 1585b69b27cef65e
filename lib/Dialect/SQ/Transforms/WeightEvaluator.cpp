//===- WeightEvaluator.cpp - Values of constant weight expressions --------===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "sparse-quant/Dialect/SQ/Transforms/WeightEvaluator.h"
#include "HalfWeights.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/Diagnostics.h"
#include "mlir/IR/TypeUtilities.h"
#include "sparse-quant/Dialect/SQ/Transforms/Linear.h"
#include "llvm/ADT/TypeSwitch.h"
#include "llvm/Support/Format.h"

#include <cmath>
#include <cstring>
#include <numeric>

using namespace mlir;
using namespace mlir::sq;

/// A block's f32 values take a quarter of a megabyte: more than enough to
/// amortize every call, little enough to stay in a core's cache.
static constexpr int64_t kBlockElements = 1 << 16;

MatrixShape mlir::sq::getMatrixShape(Value value) {
  ArrayRef<int64_t> shape = cast<RankedTensorType>(value.getType()).getShape();
  if (shape.empty())
    return {1, 1};
  int64_t rows = 1;
  for (int64_t extent : shape.drop_back())
    rows *= extent;
  return {rows, shape.back()};
}

bool mlir::sq::isWhole(const numerics::Format &format) {
  return format.scope == numerics::GroupScope::Tensor ||
         format.hasTensorScale();
}

bool mlir::sq::isWhole(const numerics::Pattern &pattern) {
  return pattern.kind == numerics::PatternKind::Unstructured &&
         pattern.scope == numerics::SparsityScope::Tensor;
}

MaskBits::MaskBits(ArrayRef<uint8_t> mask) : bits((mask.size() + 7) / 8) {
  for (auto [index, keep] : llvm::enumerate(mask))
    bits[index / 8] |= keep << index % 8;
}

void MaskBits::read(int64_t begin, MutableArrayRef<uint8_t> out) const {
  for (auto [index, keep] : llvm::enumerate(out))
    keep = bits[(begin + index) / 8] >> (begin + index) % 8 & 1;
}

StringRef mlir::sq::getWeightName(Value value) {
  while (Operation *op = value.getDefiningOp()) {
    if (auto parameter = dyn_cast<ParameterOp>(op))
      return parameter.getName();
    if (op->getNumOperands() == 0)
      break;
    value = op->getOperand(0);
  }
  return "constant";
}

/// Whether the groups of `op` run along the last axis, the only one that is
/// evaluated.
template <typename OpTy>
static bool hasLastAxis(OpTy op, Value shaped) {
  int64_t rank = cast<RankedTensorType>(shaped.getType()).getRank();
  return rank > 0 && normalizeAxis(op.getAxis(), rank) == rank - 1;
}

//===----------------------------------------------------------------------===//
// Questions about the tree
//===----------------------------------------------------------------------===//

std::optional<std::string> WeightEvaluator::getKey(Value value) {
  auto it = keys.find(value);
  if (it != keys.end())
    return it->second;
  // Operands first: the map may grow, and the IR has no cycles here.
  auto combine = [&](StringRef head,
                     ValueRange operands) -> std::optional<std::string> {
    std::string text = head.str() + "(";
    for (Value operand : operands) {
      std::optional<std::string> key = getKey(operand);
      if (!key)
        return std::nullopt;
      text += *key + ";";
    }
    return text + ")";
  };
  auto print = [](Attribute attr) {
    std::string text;
    llvm::raw_string_ostream(text) << attr;
    return text;
  };
  std::optional<std::string> key;
  auto type = dyn_cast<RankedTensorType>(value.getType());
  Operation *op = value.getDefiningOp();
  if (op && type && type.hasStaticShape())
    llvm::TypeSwitch<Operation *>(op)
        .Case([&](ParameterOp op) {
          if (op.getSource())
            key = getParameterKey(op);
        })
        .Case([&](arith::ConstantOp op) {
          // Attributes are uniqued, so the pointer is the value.
          if (isa<DenseElementsAttr>(op.getValue()))
            key = "constant " + std::to_string(reinterpret_cast<uintptr_t>(
                                    op.getValue().getAsOpaquePointer()));
        })
        .Case([&](MaskOp op) {
          if (hasLastAxis(op, op.getInput()))
            key = combine(stringifyCriterion(op.getCriterion()).str() + " " +
                              print(op.getPattern()),
                          op->getOperands());
        })
        .Case([&](ApplyMaskOp op) {
          if (type.getElementType().isF32())
            key = combine("apply", op->getOperands());
        })
        .Case([&](QuantizeOp op) {
          bool readable = op.getStaticScales().size() <= 1 &&
                          llvm::all_of(op.getStaticScales(), [](Value scale) {
                            return getElementTypeOrSelf(scale).isF32();
                          });
          if (hasLastAxis(op, op.getInput()) && readable)
            key =
                combine("quantize " + print(op.getFormat()), op->getOperands());
        })
        .Case([&](arith::ExtFOp op) {
          if (std::optional<DType> half = getRoundedDType(op.getResult()))
            key = combine("round " + getHalfName(*half).str(),
                          getRounding(op.getResult()).getIn());
        })
        .Case([&](arith::TruncFOp op) {
          if (std::optional<DType> half = getHalfDType(type.getElementType()))
            key = combine("truncate " + getHalfName(*half).str(), op.getIn());
        })
        .Case([&](DequantizeOp op) {
          // Only the inverse of a quantization with its own scales.
          auto quantized = op.getValues().getDefiningOp<QuantizeOp>();
          if (quantized && quantized.getFormat() == op.getFormat() &&
              hasLastAxis(op, op.getResult()) &&
              llvm::equal(quantized.getUsedScales(), op.getScales()))
            key = combine("dequantize", op.getValues());
        });
  return keys[value] = key;
}

int64_t WeightEvaluator::getRowGranularity(Value value) {
  Operation *op = value.getDefiningOp();
  int64_t granularity = 1;
  if (auto mask = dyn_cast<MaskOp>(op)) {
    numerics::Pattern pattern = mask.getPattern().getPattern();
    if (pattern.kind == numerics::PatternKind::Block)
      granularity = pattern.blockRows;
    return std::lcm(granularity, getRowGranularity(mask.getInput()));
  }
  if (auto apply = dyn_cast<ApplyMaskOp>(op))
    return std::lcm(getRowGranularity(apply.getInput()),
                    getRowGranularity(apply.getMask()));
  if (auto quantize = dyn_cast<QuantizeOp>(op))
    return getRowGranularity(quantize.getInput());
  if (auto dequantize = dyn_cast<DequantizeOp>(op))
    return getRowGranularity(dequantize.getValues());
  if (arith::TruncFOp rounding = getRounding(value))
    return getRowGranularity(rounding.getIn());
  return granularity;
}

SmallVector<RowRange> WeightEvaluator::getBlocks(Value value,
                                                 int64_t multiple) {
  MatrixShape shape = getMatrixShape(value);
  int64_t granularity =
      std::lcm(std::max<int64_t>(1, getRowGranularity(value)), multiple);
  int64_t wanted = kBlockElements / std::max<int64_t>(1, shape.cols);
  int64_t step = std::max<int64_t>(1, wanted / granularity) * granularity;
  SmallVector<RowRange> blocks;
  for (int64_t begin = 0; begin < shape.rows; begin += step)
    blocks.push_back({begin, std::min(begin + step, shape.rows)});
  return blocks;
}

//===----------------------------------------------------------------------===//
// Evaluation
//===----------------------------------------------------------------------===//

/// Fails at `op` where one of `values`, whose first is `range`'s, is a NaN.
static LogicalResult checkNoNaN(Operation *op, const Twine &name,
                                ArrayRef<float> values, RowRange range,
                                int64_t cols, StringRef advice) {
  // Without an early exit it vectorizes, and there hardly ever is one.
  int found = 0;
  for (float value : values)
    found |= value != value;
  if (!found)
    return success();
  for (auto [index, value] : llvm::enumerate(values))
    if (std::isnan(value))
      return op->emitError()
             << name << " has a NaN at [" << range.begin + int64_t(index) / cols
             << ", " << int64_t(index) % cols << "]; " << advice;
  return success();
}

LogicalResult WeightEvaluator::readParameter(ParameterOp op, RowRange range,
                                             std::vector<float> &out) {
  auto values =
      files.readParameter(op.getName(), *op.getSource(), op.getOffset(),
                          cast<RankedTensorType>(op.getType()).getShape());
  if (!values)
    return op.emitError() << llvm::toString(values.takeError());
  int64_t cols = getMatrixShape(op.getResult()).cols;
  out.resize(range.size() * cols);
  // A large range is a whole tensor, of which there is no need for two.
  constexpr size_t part = 16 * kBlockElements;
  for (size_t begin = 0; begin < out.size(); begin += part) {
    values->read(
        range.begin * cols + begin,
        MutableArrayRef(out).slice(begin, std::min(part, out.size() - begin)));
    if (out.size() > part)
      files.dontNeed();
  }
  return checkNoNaN(
      op, "tensor '" + op.getName() + "' of '" + *op.getSource() + "'", out,
      range, cols, "repair the checkpoint");
}

std::optional<DType> WeightEvaluator::getStoredDType(ParameterOp op) {
  if (!op.getSource())
    return std::nullopt;
  auto stored =
      files.readBytes(op.getName(), *op.getSource(), op.getOffset(),
                      cast<RankedTensorType>(op.getType()).getShape());
  if (stored)
    return stored->dtype;
  llvm::consumeError(stored.takeError());
  return std::nullopt;
}

/// Values through 16 bits and back.
static LogicalResult roundValues(arith::TruncFOp op, DType half, RowRange range,
                                 int64_t cols, MutableArrayRef<float> values) {
  for (auto [index, value] : llvm::enumerate(values)) {
    float rounded = widenHalf(half, roundToHalf(half, value));
    if (std::isinf(rounded)) {
      std::string text;
      llvm::raw_string_ostream(text) << llvm::format("%g", value);
      return op.emitError()
             << "tensor '" << getWeightName(op.getIn()) << "' has " << text
             << " at [" << range.begin + int64_t(index) / cols << ", "
             << int64_t(index) % cols << "], which is beyond "
             << getHalfName(half)
             << (half == DType::F16 ? "; use bf16 or keep the layer in f32"
                                    : "; keep the layer in f32");
    }
    value = rounded;
  }
  return success();
}

LogicalResult WeightEvaluator::evaluate(Value value, RowRange range,
                                        std::vector<float> &out) {
  int64_t cols = getMatrixShape(value).cols;
  Operation *op = value.getDefiningOp();
  if (auto parameter = dyn_cast<ParameterOp>(op))
    return readParameter(parameter, range, out);
  if (auto constant = dyn_cast<arith::ConstantOp>(op)) {
    auto values =
        cast<DenseElementsAttr>(constant.getValue()).getValues<float>();
    out.assign(values.begin() + range.begin * cols,
               values.begin() + range.end * cols);
    // Also for mx, which could represent it: a weight is a number.
    return checkNoNaN(constant, "constant weight", out, range, cols,
                      "repair the model");
  }
  if (auto apply = dyn_cast<ApplyMaskOp>(op)) {
    std::vector<uint8_t> mask;
    // In this order the scores are gone before the values come.
    if (failed(evaluateMask(apply.getMask(), range, mask)) ||
        failed(evaluate(apply.getInput(), range, out)))
      return failure();
    numerics::applyMask(out, mask, out);
    return success();
  }
  if (std::optional<DType> half = getRoundedDType(value)) {
    arith::TruncFOp rounding = getRounding(value);
    if (failed(evaluate(rounding.getIn(), range, out)))
      return failure();
    return roundValues(rounding, *half, range, cols, out);
  }
  auto quantize =
      cast<DequantizeOp>(op).getValues().getDefiningOp<QuantizeOp>();
  numerics::Encoded encoded;
  if (failed(encode(quantize, range, encoded)))
    return failure();
  out.resize(range.size() * cols);
  numerics::decode(quantize.getFormat().getFormat(), encoded, range.size(),
                   cols, out);
  return success();
}

LogicalResult WeightEvaluator::computeMask(MaskOp op, RowRange range,
                                           std::vector<uint8_t> &out) {
  int64_t cols = getMatrixShape(op.getInput()).cols;
  std::vector<float> scores, norms;
  if (failed(evaluate(op.getInput(), range, scores)))
    return failure();
  if (op.getCriterion() == Criterion::Magnitude) {
    numerics::magnitudeScores(scores, scores);
  } else if (op.getCriterion() == Criterion::Wanda) {
    if (failed(evaluate(op.getNorms(), {0, 1}, norms)))
      return failure();
    numerics::wandaScores(scores, norms, range.size(), cols, scores);
  }
  out.resize(scores.size());
  if (numerics::Error error = numerics::computeMask(
          op.getPattern().getPattern(), scores, range.size(), cols, out))
    return op.emitError() << "tensor '" << getWeightName(op.getInput())
                          << "', rows from " << range.begin << ": " << *error;
  return success();
}

LogicalResult WeightEvaluator::evaluateMask(Value value, RowRange range,
                                            std::vector<uint8_t> &out) {
  auto [rows, cols] = getMatrixShape(value);
  if (auto mask = value.getDefiningOp<MaskOp>()) {
    if (!isWhole(mask.getPattern().getPattern()))
      return computeMask(mask, range, out);
    auto it = wholeMasks.find(value);
    if (it == wholeMasks.end()) {
      if (failed(computeMask(mask, {0, rows}, out)))
        return failure();
      it = wholeMasks.try_emplace(value, MaskBits(out)).first;
    }
    out.assign(range.size() * cols, 0);
    out.shrink_to_fit();
    it->second.read(range.begin * cols, out);
    return success();
  }
  auto constant = value.getDefiningOp<arith::ConstantOp>();
  auto values = cast<DenseElementsAttr>(constant.getValue()).getValues<bool>();
  out.assign(values.begin() + range.begin * cols,
             values.begin() + range.end * cols);
  return success();
}

LogicalResult WeightEvaluator::evaluateFinite(QuantizeOp op, Value input,
                                              RowRange range,
                                              std::vector<float> &out) {
  if (failed(evaluate(input, range, out)))
    return failure();
  // Numerics counts from the block's first element; users count rows. For `mx`
  // an infinity has a meaning, NaN for the whole block; in a weight that is of
  // no use to anybody.
  int64_t cols = getMatrixShape(input).cols;
  for (auto [index, value] : llvm::enumerate(out))
    if (std::isinf(value))
      return op.emitError()
             << "tensor '" << getWeightName(input) << "' has an infinity at ["
             << range.begin + int64_t(index) / cols << ", "
             << int64_t(index) % cols << "], which '"
             << op.getFormat().getFormat().str()
             << "' can't represent; repair the checkpoint";
  return success();
}

LogicalResult WeightEvaluator::getLargestMagnitude(QuantizeOp op, Value input,
                                                   float &out) {
  auto it = largestMagnitudes.find(input);
  if (it != largestMagnitudes.end()) {
    out = it->second;
    return success();
  }
  out = 0.0f;
  std::vector<float> values;
  for (RowRange range : getBlocks(input)) {
    if (failed(evaluateFinite(op, input, range, values)))
      return failure();
    for (float value : values)
      out = std::max(out, std::fabs(value));
  }
  largestMagnitudes[input] = out;
  return success();
}

LogicalResult WeightEvaluator::encodeInput(QuantizeOp op, Value input,
                                           RowRange range,
                                           numerics::Encoded &out) {
  numerics::Format format = op.getFormat().getFormat();
  int64_t rows = range.size(), cols = getMatrixShape(input).cols;
  std::vector<float> values;
  if (failed(evaluateFinite(op, input, range, values)))
    return failure();
  // All that a tensor's scale depends on is the largest magnitude: a row with
  // it stands in for the rows of other blocks.
  bool whole = isWhole(format) && cols > 0;
  if (whole) {
    float largest;
    if (failed(getLargestMagnitude(op, input, largest)))
      return failure();
    values.resize((rows + 1) * cols);
    values[rows * cols] = largest;
  }
  if (numerics::Error error =
          numerics::encode(format, values, rows + whole, cols, out))
    return op.emitError() << "tensor '" << getWeightName(input)
                          << "', rows from " << range.begin << ": " << *error;
  if (!whole)
    return success();
  out.codes.resize(rows * cols);
  if (format.scope != numerics::GroupScope::Tensor)
    out.scales.resize(rows * format.numGroups(cols) *
                      numerics::scaleBytes(format.scaleType));
  return success();
}

LogicalResult WeightEvaluator::encode(QuantizeOp op, RowRange range,
                                      numerics::Encoded &out) {
  if (!op.isStatic())
    return encodeInput(op, op.getInput(), range, out);
  numerics::Format format = op.getFormat().getFormat();
  std::vector<float> values, scales;
  bool perTensor = format.scope == numerics::GroupScope::Tensor;
  if (failed(evaluateFinite(op, op.getInput(), range, values)) ||
      failed(evaluate(op.getStaticScales().front(),
                      perTensor ? RowRange{0, 1} : range, scales)))
    return failure();
  out.scales.resize(scales.size() * sizeof(float));
  std::memcpy(out.scales.data(), scales.data(), out.scales.size());
  if (numerics::Error error =
          numerics::encodeWithScales(format, values, range.size(),
                                     getMatrixShape(op.getInput()).cols, out))
    return op.emitError() << "tensor '" << getWeightName(op.getInput())
                          << "', rows from " << range.begin << ": " << *error;
  return success();
}

void WeightEvaluator::release() {
  wholeMasks.clear();
  largestMagnitudes.clear();
  files.dontNeed();
}
