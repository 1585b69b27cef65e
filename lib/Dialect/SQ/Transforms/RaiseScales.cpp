//===- RaiseScales.cpp - The scales of a foreign quantizer ----------------===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "RaiseScales.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Utils/ReshapeOpsUtils.h"
#include "mlir/IR/Builders.h"

#include <cmath>

using namespace mlir;
using namespace mlir::sq;

void mlir::sq::forEachIndex(ArrayRef<int64_t> shape,
                            function_ref<void(ArrayRef<int64_t>)> body) {
  SmallVector<int64_t> index(shape.size(), 0);
  for (int64_t i = 0, e = ShapedType::getNumElements(shape); i < e; ++i) {
    body(index);
    for (int64_t d = shape.size() - 1; d >= 0 && ++index[d] == shape[d]; --d)
      index[d] = 0;
  }
}

int64_t mlir::sq::flattenIndex(ArrayRef<int64_t> index,
                               ArrayRef<int64_t> shape) {
  int64_t flat = 0;
  for (auto [i, extent] : llvm::zip_equal(index, shape))
    flat = flat * extent + i;
  return flat;
}

/// The position in a constant of `shape` that `map` reads at `element`.
static int64_t readAt(AffineMap map, ArrayRef<int64_t> shape,
                      ArrayRef<int64_t> element) {
  return flattenIndex(map.compose(element), shape);
}

/// How many elements of each of the root's dimensions share a scale that `map`
/// reads; nullopt where a dimension isn't simply divided.
static std::optional<SmallVector<int64_t>> getBlocks(AffineMap map) {
  SmallVector<int64_t> blocks(map.getNumDims(), 0);
  for (AffineExpr expr : map.getResults()) {
    if (isa<AffineConstantExpr>(expr))
      continue;
    int64_t block = 1;
    if (auto division = dyn_cast<AffineBinaryOpExpr>(expr);
        division && expr.getKind() == AffineExprKind::FloorDiv) {
      auto divisor = dyn_cast<AffineConstantExpr>(division.getRHS());
      if (!divisor)
        return std::nullopt;
      block = divisor.getValue();
      expr = division.getLHS();
    }
    auto dim = dyn_cast<AffineDimExpr>(expr);
    if (!dim || block < 1 || blocks[dim.getPosition()] != 0)
      return std::nullopt;
    blocks[dim.getPosition()] = block;
  }
  return blocks;
}

LogicalResult ForeignScales::matchShape(std::string &reason) {
  // A tensor of scales has to become the layout's by a reshape.
  auto source = cast<RankedTensorType>(tensor.getType());
  auto target = RankedTensorType::get(layout.shape, source.getElementType());
  auto withoutUnits = [](ArrayRef<int64_t> shape) {
    return llvm::to_vector(
        llvm::make_filter_range(shape, [](int64_t e) { return e != 1; }));
  };
  AffineMap map = scale.asSourceTensor()->map;
  unsigned last = 0;
  bool ordered = true;
  for (AffineExpr expr : map.getResults())
    for (unsigned d = 0; d < map.getNumDims(); ++d)
      if (expr.isFunctionOfDim(d)) {
        ordered &= d >= last;
        last = d;
      }
  if (ordered && !layout.replicated &&
      withoutUnits(source.getShape()) == withoutUnits(target.getShape()) &&
      (source.getShape() == target.getShape() ||
       getReassociationIndicesForReshape(source, target)))
    return success();
  reason = "the scales vary along axes for which sq has no format, and they "
           "aren't constant";
  return failure();
}

LogicalResult ForeignScales::matchLayout(std::string &reason) {
  SmallVector<int64_t> none(type.getRank(), 0);
  auto choose = [&](ArrayRef<int64_t> blocks) {
    std::optional<ScaleLayout> chosen =
        chooseScaleLayout(type.getShape(), blocks, reason);
    if (chosen)
      layout = *chosen;
    return success(chosen.has_value());
  };
  if (!scale.getElementType().isF32()) {
    reason = "the scale isn't f32";
    return failure();
  }
  if (std::optional<APFloat> value = scale.getFloat()) {
    constants = {value->convertToFloat()};
    return failure(failed(choose(none)) ||
                   !isUsableScale(constants.front(), reason));
  }
  std::optional<Element> source = scale.asSourceTensor();
  if (!source) {
    scalar = scale.asUniformScalar();
    if (scalar)
      return choose(none);
    reason = "the scale is computed inside of the same op";
    return failure();
  }
  std::optional<SmallVector<int64_t>> blocks = getBlocks(source->map);
  if (!blocks) {
    reason = "the scale is read at an index that is neither a dimension nor a "
             "dimension divided by a group size";
    return failure();
  }
  if (failed(choose(*blocks)))
    return failure();
  auto dense = source->getDense();
  if (!dense || ShapedType::isDynamicShape(layout.shape)) {
    tensor = source->value;
    return matchShape(reason);
  }
  auto values = dense->first.getValues<float>();
  LogicalResult usable = success();
  forEachIndex(layout.shape, [&](ArrayRef<int64_t> index) {
    constants.push_back(
        values[readAt(dense->second, dense->first.getType().getShape(),
                      layout.getFirstElement(index))]);
    if (!isUsableScale(constants.back(), reason))
      usable = failure();
  });
  return usable;
}

/// `value` as an integer; nullopt if it isn't one.
static std::optional<int64_t> toInteger(double value) {
  if (value != std::floor(value) || std::fabs(value) > 1 << 20)
    return std::nullopt;
  return static_cast<int64_t>(value);
}

LogicalResult ForeignScales::matchZeroPoint(std::string &reason) {
  if (!zeroPoint) {
    zeroPoints = {0};
    return success();
  }
  // Through conversions to the constant as it was written.
  Element element = *zeroPoint;
  bool isSigned = true;
  while (Operation *op = element.getOp()) {
    if (isa<arith::UIToFPOp, arith::ExtUIOp>(op))
      isSigned = false;
    else if (!isa<arith::SIToFPOp, arith::ExtSIOp>(op))
      break;
    element = element.getOperand(0);
  }
  auto widen = [&](const APInt &value) {
    return isSigned ? value.getSExtValue()
                    : static_cast<int64_t>(value.getZExtValue());
  };
  if (std::optional<APInt> value = element.getInteger()) {
    zeroPoints = {widen(*value)};
    return success();
  }
  if (std::optional<APFloat> value = element.getFloat()) {
    std::optional<int64_t> integer = toInteger(value->convertToDouble());
    reason = integer ? "" : "the zero point isn't an integer";
    zeroPoints = {integer.value_or(0)};
    return success(integer.has_value());
  }
  auto dense = element.getDense();
  std::optional<Element> source = scale.asSourceTensor();
  if (!dense) {
    reason = "the zero point isn't constant";
    return failure();
  }
  if (!source || getBlocks(dense->second) != getBlocks(source->map)) {
    reason = "the zero points don't go with the scales one by one";
    return failure();
  }
  if (ShapedType::isDynamicShape(layout.shape)) {
    reason = "the zero points are constant, but their number isn't known";
    return failure();
  }
  LogicalResult result = success();
  forEachIndex(layout.shape, [&](ArrayRef<int64_t> index) {
    int64_t flat = readAt(dense->second, dense->first.getType().getShape(),
                          layout.getFirstElement(index));
    if (isa<IntegerType>(dense->first.getElementType())) {
      zeroPoints.push_back(widen(dense->first.getValues<APInt>()[flat]));
      return;
    }
    std::optional<int64_t> integer =
        toInteger(dense->first.getValues<APFloat>()[flat].convertToDouble());
    if (!integer) {
      reason = "a zero point isn't an integer";
      result = failure();
    }
    zeroPoints.push_back(integer.value_or(0));
  });
  return result;
}

LogicalResult ForeignScales::match(unsigned bits, bool isSigned,
                                   std::string &reason) {
  if (failed(matchLayout(reason)) || failed(matchZeroPoint(reason)))
    return failure();
  std::optional<numerics::Format> chosen =
      chooseIntegerFormat(bits, isSigned, layout, zeroPoints, reason);
  if (!chosen)
    return failure();
  format = *chosen;
  if (format.hasZeroPoint() && ShapedType::isDynamicShape(layout.shape)) {
    reason = "the zero points are constant, but their number isn't known";
    return failure();
  }
  return success();
}

StaticQuantization ForeignScales::build(OpBuilder &builder,
                                        Location loc) const {
  StaticQuantization result;
  result.format = getFormatAttr(builder.getContext(), format);
  result.axis = layout.axis;
  auto scaleType = RankedTensorType::get(layout.shape, builder.getF32Type());
  if (!constants.empty()) {
    result.scale = arith::ConstantOp::create(
        builder, loc, DenseElementsAttr::get(scaleType, ArrayRef(constants)));
  } else if (scalar) {
    result.scale =
        tensor::FromElementsOp::create(builder, loc, scaleType, scalar);
  } else {
    auto source = cast<RankedTensorType>(tensor.getType());
    result.scale = tensor;
    if (source.getRank() < scaleType.getRank())
      result.scale = tensor::ExpandShapeOp::create(
          builder, loc, scaleType, tensor,
          *getReassociationIndicesForReshape(source, scaleType));
    else if (source != scaleType)
      result.scale = tensor::CollapseShapeOp::create(
          builder, loc, scaleType, tensor,
          *getReassociationIndicesForReshape(source, scaleType));
  }
  if (format.hasZeroPoint()) {
    SmallVector<int32_t> values(zeroPoints.begin(), zeroPoints.end());
    result.zeroPoint = arith::ConstantOp::create(
        builder, loc,
        DenseElementsAttr::get(scaleType.clone(builder.getI32Type()),
                               ArrayRef(values)));
  }
  return result;
}
