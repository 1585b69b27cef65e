//===- UniformTypes.cpp - !quant.uniform and sq formats -------------------===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "RaiseScales.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Quant/IR/Quant.h"
#include "mlir/Dialect/Quant/IR/QuantTypes.h"
#include "mlir/IR/Matchers.h"
#include "sparse-quant/Dialect/SQ/Transforms/StaticQuantization.h"

#include <cmath>

using namespace mlir;
using namespace mlir::sq;

//===----------------------------------------------------------------------===//
// From !quant.uniform
//===----------------------------------------------------------------------===//

namespace {
/// The parameters of any of the three uniform types: row-major scales, and how
/// many elements of each dimension share one (0: all).
struct UniformParameters {
  SmallVector<float> scales;
  SmallVector<int64_t> zeroPoints;
  SmallVector<int64_t> blocks;
  /// Extents of the scales.
  SmallVector<int64_t> shape;
};
} // namespace

static std::optional<UniformParameters> getParameters(quant::QuantizedType type,
                                                      RankedTensorType tensor,
                                                      std::string &reason) {
  int64_t rank = tensor.getRank();
  UniformParameters result;
  result.blocks.assign(rank, 0);
  result.shape.assign(rank, 1);
  if (auto perLayer = dyn_cast<quant::UniformQuantizedType>(type)) {
    result.scales = {static_cast<float>(perLayer.getScale())};
    result.zeroPoints = {perLayer.getZeroPoint()};
    return result;
  }
  if (auto perAxis = dyn_cast<quant::UniformQuantizedPerAxisType>(type)) {
    for (double scale : perAxis.getScales())
      result.scales.push_back(static_cast<float>(scale));
    llvm::append_range(result.zeroPoints, perAxis.getZeroPoints());
    result.blocks[perAxis.getQuantizedDimension()] = 1;
    result.shape[perAxis.getQuantizedDimension()] = result.scales.size();
    return result;
  }
  if (auto sub = dyn_cast<quant::UniformQuantizedSubChannelType>(type)) {
    for (APFloat scale : sub.getScales().getValues<APFloat>())
      result.scales.push_back(scale.convertToFloat());
    for (APInt zeroPoint : sub.getZeroPoints().getValues<APInt>())
      result.zeroPoints.push_back(type.isSigned() ? zeroPoint.getSExtValue()
                                                  : zeroPoint.getZExtValue());
    for (auto [dimension, block] : sub.getBlockSizeInfo())
      result.blocks[dimension] = block;
    ArrayRef<int64_t> shape = sub.getScales().getType().getShape();
    if (static_cast<int64_t>(shape.size()) != rank) {
      reason = "the scales have another rank than the tensor";
      return std::nullopt;
    }
    result.shape.assign(shape.begin(), shape.end());
    return result;
  }
  reason = "the type has no scales";
  return std::nullopt;
}

StaticQuantization UniformQuantization::build(OpBuilder &builder,
                                              Location loc) const {
  StaticQuantization result;
  result.format = format;
  result.axis = axis;
  result.scale = arith::ConstantOp::create(builder, loc, scale);
  if (zeroPoint)
    result.zeroPoint = arith::ConstantOp::create(builder, loc, zeroPoint);
  return result;
}

std::optional<UniformQuantization>
mlir::sq::fromUniformType(Type quantizedTensor, CodeUse use,
                          bool allowNarrowRange, std::string &reason) {
  auto tensor = dyn_cast<RankedTensorType>(quantizedTensor);
  if (!tensor) {
    reason = "not a ranked tensor: sq ops take ranked tensors only";
    return std::nullopt;
  }
  auto type = cast<quant::QuantizedType>(tensor.getElementType());
  if (!type.getExpressedType() || !type.getExpressedType().isF32()) {
    reason = "the expressed type isn't f32, what sq quantizes";
    return std::nullopt;
  }
  std::optional<UniformParameters> parameters =
      getParameters(type, tensor, reason);
  if (!parameters)
    return std::nullopt;
  std::optional<ScaleLayout> layout =
      chooseScaleLayout(tensor.getShape(), parameters->blocks, reason);
  if (!layout)
    return std::nullopt;
  if (ShapedType::isDynamicShape(layout->shape)) {
    reason = "a scale for each index of a dynamic dimension can't be constant";
    return std::nullopt;
  }
  unsigned bits = type.getStorageTypeIntegralWidth();
  std::optional<numerics::Format> format = chooseIntegerFormat(
      bits, type.isSigned(), *layout, parameters->zeroPoints, reason);
  if (!format ||
      (use == CodeUse::Encode &&
       !isFormatRange(bits, type.isSigned(), type.getStorageTypeMin(),
                      type.getStorageTypeMax(), allowNarrowRange, reason)))
    return std::nullopt;
  for (float scale : parameters->scales)
    if (!isUsableScale(scale, reason))
      return std::nullopt;

  SmallVector<float> scales;
  SmallVector<int32_t> zeroPoints;
  forEachIndex(layout->shape, [&](ArrayRef<int64_t> index) {
    SmallVector<int64_t> source = layout->getFirstElement(index);
    for (auto [position, block] : llvm::zip_equal(source, parameters->blocks))
      position = block == 0 ? 0 : position / block;
    int64_t flat = flattenIndex(source, parameters->shape);
    scales.push_back(parameters->scales[flat]);
    zeroPoints.push_back(parameters->zeroPoints[flat]);
  });
  MLIRContext *context = tensor.getContext();
  auto scaleType =
      RankedTensorType::get(layout->shape, Float32Type::get(context));
  UniformQuantization result;
  result.format = getFormatAttr(context, *format);
  result.axis = layout->axis;
  result.scale = DenseElementsAttr::get(scaleType, ArrayRef(scales));
  if (format->hasZeroPoint())
    result.zeroPoint = DenseElementsAttr::get(
        scaleType.clone(IntegerType::get(context, 32)), ArrayRef(zeroPoints));
  return result;
}

//===----------------------------------------------------------------------===//
// To !quant.uniform
//===----------------------------------------------------------------------===//

static DenseElementsAttr getConstant(Value value) {
  DenseElementsAttr attr;
  matchPattern(value, m_Constant(&attr));
  return attr;
}

RankedTensorType mlir::sq::toUniformType(RankedTensorType real,
                                         QuantFormatAttrInterface formatAttr,
                                         int64_t axis, ValueRange scaleValues,
                                         std::string &reason) {
  numerics::Format format = formatAttr.getFormat();
  auto fail = [&](const Twine &why) {
    reason = why.str();
    return RankedTensorType();
  };
  if (format.family != numerics::Family::Int)
    return fail("'" + format.str() +
                "' is no integer format; !quant.uniform is");
  DenseElementsAttr scaleAttr = getConstant(scaleValues[0]);
  DenseElementsAttr zeroAttr =
      format.hasZeroPoint() ? getConstant(scaleValues[1]) : DenseElementsAttr();
  if (!scaleAttr || (format.hasZeroPoint() && !zeroAttr))
    return fail("the scales aren't constant; !quant.uniform holds constants");

  SmallVector<double> scales;
  SmallVector<float> narrowScales;
  for (APFloat scale : scaleAttr.getValues<APFloat>()) {
    bool inexact;
    scale.convert(APFloat::IEEEsingle(), APFloat::rmNearestTiesToEven,
                  &inexact);
    if (!isUsableScale(scale.convertToFloat(), reason))
      return {};
    narrowScales.push_back(scale.convertToFloat());
    scales.push_back(scale.convertToFloat());
  }
  SmallVector<int64_t> zeroPoints(scales.size(), 0);
  if (zeroAttr)
    for (auto [zeroPoint, value] :
         llvm::zip_equal(zeroPoints, zeroAttr.getValues<int32_t>()))
      zeroPoint = value;

  MLIRContext *context = real.getContext();
  int64_t high = (1 << (format.symmetric ? format.bits - 1 : format.bits)) - 1;
  int64_t low = format.symmetric ? -high : 0;
  unsigned flags = format.symmetric ? quant::QuantizationFlags::Signed : 0;
  for (int64_t zeroPoint : zeroPoints)
    if (zeroPoint < low || zeroPoint > high)
      return fail("the zero point " + Twine(zeroPoint) +
                  " is none of the codes");
  Type storage = IntegerType::get(context, format.bits);
  Type expressed = Float32Type::get(context);
  axis = *normalizeAxis(axis, real.getRank());
  SmallVector<int64_t> divided;
  for (int64_t d = 0; d < real.getRank(); ++d)
    if (scaleAttr.getType().getShape()[d] != 1)
      divided.push_back(d);
  if (divided.empty())
    return real.clone(quant::UniformQuantizedType::get(
        flags, storage, expressed, scales[0], zeroPoints[0], low, high));
  if (divided.size() == 1 && divided[0] != axis)
    return real.clone(quant::UniformQuantizedPerAxisType::get(
        flags, storage, expressed, scales, zeroPoints, divided[0], low, high));

  // Sub-channel: one element of every other dimension shares a scale.
  SmallVector<int32_t> dimensions;
  SmallVector<int64_t> blocks;
  for (int64_t d : divided) {
    if (d == axis && real.isDynamicDim(d))
      return fail("scale groups run along a dynamic dimension");
    if (d == axis && real.getDimSize(d) % format.groupSize != 0)
      return fail("the last scale group is short; !quant.uniform has blocks of "
                  "one size");
    dimensions.push_back(d);
    blocks.push_back(d == axis ? format.groupSize : 1);
  }
  auto attrType =
      RankedTensorType::get(scaleAttr.getType().getShape(), expressed);
  SmallVector<APInt> zeros;
  for (int64_t zeroPoint : zeroPoints)
    zeros.push_back(APInt(format.bits, zeroPoint, /*isSigned=*/true,
                          /*implicitTrunc=*/true));
  return real.clone(quant::UniformQuantizedSubChannelType::get(
      flags, storage, expressed,
      DenseElementsAttr::get(attrType, ArrayRef(narrowScales)),
      DenseElementsAttr::get(attrType.clone(storage), zeros), dimensions,
      blocks, low, high));
}
