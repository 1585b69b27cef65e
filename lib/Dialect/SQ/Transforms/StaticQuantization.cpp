//===- StaticQuantization.cpp - Scales from elsewhere ---------------------===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "sparse-quant/Dialect/SQ/Transforms/StaticQuantization.h"
#include "mlir/IR/Builders.h"

#include <cmath>

using namespace mlir;
using namespace mlir::sq;

SmallVector<int64_t>
ScaleLayout::getFirstElement(ArrayRef<int64_t> index) const {
  SmallVector<int64_t> element(index);
  if (scope == numerics::GroupScope::Group)
    element[axis] *= groupSize;
  return element;
}

std::optional<ScaleLayout> mlir::sq::chooseScaleLayout(ArrayRef<int64_t> shape,
                                                       ArrayRef<int64_t> blocks,
                                                       std::string &reason) {
  int64_t rank = shape.size();
  if (rank == 0) {
    reason = "a tensor of rank 0 has no axis";
    return std::nullopt;
  }
  // A block that covers its dimension is no division of it.
  SmallVector<int64_t> parts(blocks);
  for (int64_t d = 0; d < rank; ++d)
    if (shape[d] == 1 ||
        (!ShapedType::isDynamic(shape[d]) && parts[d] >= shape[d]))
      parts[d] = 0;

  ScaleLayout layout;
  if (llvm::all_of(parts, [](int64_t part) { return part == 0; })) {
    layout.axis = rank - 1;
    layout.shape.assign(rank, 1);
    return layout;
  }
  // The reduction axis of weights is the last: groups run along it if they can.
  layout.axis = rank - 1;
  if (parts[layout.axis] == 1) {
    for (int64_t part : {int64_t(0), int64_t(2)})
      for (int64_t d = rank - 1; d >= 0 && parts[layout.axis] == 1; --d)
        if (part == 0 ? parts[d] == 0 && shape[d] != 1 : parts[d] >= part)
          layout.axis = d;
    if (parts[layout.axis] == 1) {
      reason = "each element has a scale of its own";
      return std::nullopt;
    }
  }
  int64_t part = parts[layout.axis];
  layout.scope =
      part == 0 ? numerics::GroupScope::Row : numerics::GroupScope::Group;
  layout.groupSize = part;
  layout.shape.assign(shape.begin(), shape.end());
  if (part != 0 && ShapedType::isDynamic(shape[layout.axis])) {
    reason = "scale groups run along a dynamic dimension";
    return std::nullopt;
  }
  layout.shape[layout.axis] =
      part == 0 ? 1 : llvm::divideCeil(shape[layout.axis], part);
  for (int64_t d = 0; d < rank; ++d)
    layout.replicated |= d != layout.axis && shape[d] != 1 && parts[d] != 1;
  return layout;
}

std::optional<numerics::Format> mlir::sq::chooseIntegerFormat(
    unsigned bits, bool isSigned, const ScaleLayout &layout,
    ArrayRef<int64_t> zeroPoints, std::string &reason) {
  if (bits < 2 || bits > 8) {
    reason = "codes of " + std::to_string(bits) +
             " bits: sq has integer formats of 2 to 8 bits";
    return std::nullopt;
  }
  if (isSigned) {
    for (int64_t zeroPoint : zeroPoints)
      if (zeroPoint != 0) {
        reason = "the zero point " + std::to_string(zeroPoint) +
                 " of signed codes: sq has zero points for unsigned codes only";
        return std::nullopt;
      }
    return numerics::Format::integer(bits, layout.scope, layout.groupSize);
  }
  if (layout.scope == numerics::GroupScope::Group) {
    reason = "unsigned codes with a scale for each group: sq has zero points "
             "per tensor and per row only";
    return std::nullopt;
  }
  for (int64_t zeroPoint : zeroPoints)
    if (zeroPoint < 0 || zeroPoint >= (1 << bits)) {
      reason = "the zero point " + std::to_string(zeroPoint) +
               " is none of the codes";
      return std::nullopt;
    }
  return numerics::Format::asymmetric(bits, layout.scope);
}

static std::string rangeText(double low, double high) {
  auto text = [](double bound) {
    return std::isinf(bound) ? std::string(bound < 0 ? "-inf" : "inf")
                             : std::to_string(int64_t(bound));
  };
  return "[" + text(low) + ", " + text(high) + "]";
}

bool mlir::sq::isFormatRange(unsigned bits, bool isSigned, double low,
                             double high, bool allowNarrowRange,
                             std::string &reason) {
  double top = isSigned ? (1 << (bits - 1)) - 1 : (1 << bits) - 1;
  double bottom = isSigned ? -top : 0.0;
  if (low == bottom && high == top)
    return true;
  if (isSigned && low == bottom - 1 && high == top) {
    if (allowNarrowRange)
      return true;
    reason = "the range " + rangeText(low, high) + " has the code " +
             std::to_string(int64_t(low)) + ", which int<" +
             std::to_string(bits) + "> lacks; clamp to " +
             rangeText(bottom, top) +
             ", or set allow-narrow-range if nothing saturates";
    return false;
  }
  if (std::isinf(low) || std::isinf(high))
    reason = "the codes are not clamped on both sides";
  else
    reason = "the range " + rangeText(low, high) +
             " is not the range of a format of " + std::to_string(bits) +
             " bits, " + rangeText(bottom, top);
  return false;
}

bool mlir::sq::isUsableScale(float scale, std::string &reason) {
  if (std::isfinite(scale) && scale > 0.0f)
    return true;
  reason = "a scale is not a positive finite f32";
  return false;
}

/// The last axis is the ops' default.
static int64_t spellAxis(int64_t axis, RankedTensorType type) {
  return axis == type.getRank() - 1 ? -1 : axis;
}

Value mlir::sq::createStaticQuantize(OpBuilder &builder, Location loc,
                                     Value input,
                                     const StaticQuantization &quantization) {
  auto type = cast<RankedTensorType>(input.getType());
  return QuantizeOp::create(
             builder, loc, type.clone(quantization.format.getCodeType()),
             TypeRange(), input, quantization.getScales(), quantization.format,
             spellAxis(quantization.axis, type))
      .getValues();
}

Value mlir::sq::createStaticDequantize(OpBuilder &builder, Location loc,
                                       Value codes,
                                       const StaticQuantization &quantization) {
  auto type = cast<RankedTensorType>(codes.getType());
  return DequantizeOp::create(builder, loc, type.clone(builder.getF32Type()),
                              codes, quantization.getScales(),
                              quantization.format,
                              spellAxis(quantization.axis, type));
}
