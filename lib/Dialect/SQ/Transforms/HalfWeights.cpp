//===- HalfWeights.cpp - Dense weights in f16 and bf16 --------------------===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "HalfWeights.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/TypeUtilities.h"
#include "sparse-quant/Dialect/SQ/Transforms/Linear.h"
#include "sparse-quant/Numerics/Format.h"
#include "sparse-quant/Support/HalfFloat.h"

using namespace mlir;
using namespace mlir::sq;

std::optional<DType> mlir::sq::getHalfDType(Type elementType) {
  if (elementType.isF16())
    return DType::F16;
  if (elementType.isBF16())
    return DType::BF16;
  return std::nullopt;
}

Type mlir::sq::getHalfType(MLIRContext *context, DType half) {
  if (half == DType::F16)
    return Float16Type::get(context);
  return BFloat16Type::get(context);
}

StringRef mlir::sq::getHalfName(DType half) {
  return half == DType::F16 ? "f16" : "bf16";
}

Value mlir::sq::createRounding(OpBuilder &builder, Location loc, Value value,
                               DType half) {
  auto type = cast<RankedTensorType>(value.getType());
  Value rounded = arith::TruncFOp::create(
      builder, loc, type.clone(getHalfType(builder.getContext(), half)), value);
  return arith::ExtFOp::create(builder, loc, type, rounded);
}

arith::TruncFOp mlir::sq::getRounding(Value value) {
  auto extend = value.getDefiningOp<arith::ExtFOp>();
  if (!extend || !isa<RankedTensorType>(value.getType()) ||
      !getElementTypeOrSelf(value).isF32())
    return nullptr;
  auto truncate = extend.getIn().getDefiningOp<arith::TruncFOp>();
  if (!truncate || !getElementTypeOrSelf(truncate.getIn()).isF32() ||
      !getHalfDType(getElementTypeOrSelf(truncate)))
    return nullptr;
  // Another rounding than to nearest even is somebody else's.
  if (auto mode = truncate.getRoundingmode())
    if (*mode != arith::RoundingMode::to_nearest_even)
      return nullptr;
  return truncate;
}

std::optional<DType> mlir::sq::getRoundedDType(Value value) {
  arith::TruncFOp rounding = getRounding(value);
  if (!rounding)
    return std::nullopt;
  return getHalfDType(getElementTypeOrSelf(rounding));
}

uint16_t mlir::sq::roundToHalf(DType half, float value) {
  return half == DType::F16 ? numerics::encodeF16(value) : narrowBF16(value);
}

float mlir::sq::widenHalf(DType half, uint16_t bits) {
  return half == DType::F16 ? widenF16(bits) : widenBF16(bits);
}

bool mlir::sq::canReadHalf(OpOperand &use) {
  if (isa<tensor::ExtractOp>(use.getOwner()))
    return true;
  std::optional<LinearLayer> layer = matchLinear(use.getOwner());
  return layer && layer->weight == &use;
}

void mlir::sq::readHalf(OpBuilder &builder, OpOperand &use, Value half) {
  Operation *op = use.getOwner();
  Location loc = op->getLoc();
  builder.setInsertionPoint(op);
  Value result;
  if (auto extract = dyn_cast<tensor::ExtractOp>(op)) {
    Value element =
        tensor::ExtractOp::create(builder, loc, half, extract.getIndices());
    result = arith::ExtFOp::create(builder, loc, extract.getType(), element);
  } else {
    // A product of two element types; it widens to that of the sum.
    LinearLayer layer = *matchLinear(op);
    AffineExpr m, n, k;
    bindDims(builder.getContext(), m, n, k);
    auto map = [&](ArrayRef<AffineExpr> exprs) {
      return AffineMap::get(3, 0, exprs, builder.getContext());
    };
    NamedAttribute maps(
        builder.getStringAttr("indexing_maps"),
        builder.getAffineMapArrayAttr({map({m, k}), map({n, k}), map({m, n})}));
    result = linalg::MatmulOp::create(
                 builder, loc, TypeRange{op->getResult(0).getType()},
                 ValueRange{layer.input->get(), half},
                 ValueRange{layer.init->get()}, ArrayRef<NamedAttribute>{maps})
                 .getResult(0);
  }
  op->getResult(0).replaceAllUsesWith(result);
  op->erase();
}
