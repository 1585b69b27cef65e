//===- SQShapes.cpp - Result shapes as values -----------------------------===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Arith/Utils/Utils.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Builders.h"
#include "sparse-quant/Dialect/SQ/IR/SQ.h"

using namespace mlir;
using namespace mlir::sq;

/// The extents of `type`, the dynamic ones taken from `source`.
static SmallVector<OpFoldResult> getSizes(OpBuilder &b, Location loc,
                                          RankedTensorType type, Value source) {
  SmallVector<OpFoldResult> sizes;
  for (auto [dim, extent] : llvm::enumerate(type.getShape()))
    sizes.push_back(ShapedType::isDynamic(extent)
                        ? tensor::getMixedSize(b, loc, source, dim)
                        : OpFoldResult(b.getIndexAttr(extent)));
  return sizes;
}

static LogicalResult reifyLike(Operation *op, OpBuilder &b, Value source,
                               ReifiedRankedShapedTypeDims &shapes) {
  shapes.push_back(getSizes(b, op->getLoc(),
                            cast<RankedTensorType>(op->getResult(0).getType()),
                            source));
  return success();
}

LogicalResult MaskOp::reifyResultShapes(OpBuilder &b,
                                        ReifiedRankedShapedTypeDims &shapes) {
  return reifyLike(*this, b, getInput(), shapes);
}

LogicalResult
ApplyMaskOp::reifyResultShapes(OpBuilder &b,
                               ReifiedRankedShapedTypeDims &shapes) {
  return reifyLike(*this, b, getInput(), shapes);
}

LogicalResult
DequantizeOp::reifyResultShapes(OpBuilder &b,
                                ReifiedRankedShapedTypeDims &shapes) {
  return reifyLike(*this, b, getValues(), shapes);
}

LogicalResult WidenOp::reifyResultShapes(OpBuilder &b,
                                         ReifiedRankedShapedTypeDims &shapes) {
  return reifyLike(*this, b, getValues(), shapes);
}

LogicalResult
QuantizeOp::reifyResultShapes(OpBuilder &b,
                              ReifiedRankedShapedTypeDims &shapes) {
  if (failed(reifyLike(*this, b, getInput(), shapes)))
    return failure();
  auto type = cast<RankedTensorType>(getInput().getType());
  int64_t axis = *normalizeAxis(getAxis(), type.getRank());
  for (Value scale : getScales()) {
    auto scaleType = cast<RankedTensorType>(scale.getType());
    SmallVector<OpFoldResult> sizes =
        getSizes(b, getLoc(), scaleType, getInput());
    // Only the scales of groups are dynamic along the axis.
    if (scaleType.isDynamicDim(axis)) {
      Value extent = getValueOrCreateConstantIndexOp(b, getLoc(), sizes[axis]);
      Value group = arith::ConstantIndexOp::create(
          b, getLoc(), getFormat().getFormat().groupSize);
      sizes[axis] =
          arith::CeilDivUIOp::create(b, getLoc(), extent, group).getResult();
    }
    shapes.push_back(std::move(sizes));
  }
  return success();
}

LogicalResult MatmulOp::reifyResultShapes(OpBuilder &b,
                                          ReifiedRankedShapedTypeDims &shapes) {
  if (!getResult())
    return failure();
  shapes.push_back(tensor::getMixedSizes(b, getLoc(), getInit()));
  return success();
}

LogicalResult
AttentionOp::reifyResultShapes(OpBuilder &b,
                               ReifiedRankedShapedTypeDims &shapes) {
  if (getResults().empty())
    return failure();
  for (Value init : getDpsInits())
    shapes.push_back(tensor::getMixedSizes(b, getLoc(), init));
  return success();
}
