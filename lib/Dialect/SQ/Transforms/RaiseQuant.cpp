//===- RaiseQuant.cpp - Casts of !quant.uniform types ---------------------===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "RaiseMatchers.h"
#include "mlir/Dialect/Quant/IR/Quant.h"
#include "mlir/Dialect/Quant/IR/QuantTypes.h"
#include "sparse-quant/Dialect/SQ/Transforms/StaticQuantization.h"

using namespace mlir;
using namespace mlir::sq;

/// The tensor of codes that a quantized tensor stands for.
static RankedTensorType getStorageTensor(RankedTensorType type) {
  return type.clone(
      cast<quant::QuantizedType>(type.getElementType()).getStorageType());
}

static LogicalResult raiseEncode(quant::QuantizeCastOp op,
                                 const RaiseOptions &options,
                                 PatternRewriter *rewriter,
                                 std::string &reason) {
  std::optional<UniformQuantization> quantization = fromUniformType(
      op.getType(), CodeUse::Encode, options.allowNarrowRange, reason);
  if (!quantization || !rewriter)
    return success(quantization.has_value());
  Value codes =
      createStaticQuantize(*rewriter, op.getLoc(), op.getInput(),
                           quantization->build(*rewriter, op.getLoc()));
  rewriter->replaceOpWithNewOp<quant::StorageCastOp>(op, op.getType(), codes);
  return success();
}

static LogicalResult raiseDecode(quant::DequantizeCastOp op,
                                 const RaiseOptions &options,
                                 PatternRewriter *rewriter,
                                 std::string &reason) {
  Type type = op.getInput().getType();
  std::optional<UniformQuantization> quantization =
      fromUniformType(type, CodeUse::Decode, options.allowNarrowRange, reason);
  if (!quantization || !rewriter)
    return success(quantization.has_value());
  RankedTensorType storage = getStorageTensor(cast<RankedTensorType>(type));
  Value codes = quant::StorageCastOp::create(*rewriter, op.getLoc(), storage,
                                             op.getInput());
  rewriter->replaceOp(
      op, createStaticDequantize(*rewriter, op.getLoc(), codes,
                                 quantization->build(*rewriter, op.getLoc())));
  return success();
}

LogicalResult mlir::sq::raiseQuant(Operation *op, const RaiseOptions &options,
                                   PatternRewriter *rewriter,
                                   std::string &reason) {
  if (auto cast = dyn_cast<quant::QuantizeCastOp>(op))
    return raiseEncode(cast, options, rewriter, reason);
  if (auto cast = dyn_cast<quant::DequantizeCastOp>(op))
    return raiseDecode(cast, options, rewriter, reason);
  return failure();
}

namespace {
/// scast(scast(x)) with x of the result's type is x.
struct FoldStorageCasts : OpRewritePattern<quant::StorageCastOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(quant::StorageCastOp op,
                                PatternRewriter &rewriter) const override {
    auto inner = op.getInput().getDefiningOp<quant::StorageCastOp>();
    if (!inner || inner.getInput().getType() != op.getType())
      return failure();
    rewriter.replaceOp(op, inner.getInput());
    return success();
  }
};
} // namespace

void mlir::sq::populateRaiseQuantPatterns(RewritePatternSet &patterns,
                                          const RaiseOptions &options) {
  patterns.add<RaisePattern>(patterns.getContext(), raiseQuant, options);
  patterns.add<FoldStorageCasts>(patterns.getContext());
}
