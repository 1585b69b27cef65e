//===- SQToQuant.cpp - sq ops to upstream's quant -------------------------===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "sparse-quant/Conversion/SQToQuant/SQToQuant.h"
#include "mlir/Dialect/Quant/IR/Quant.h"
#include "mlir/IR/PatternMatch.h"
#include "mlir/IR/Remarks.h"
#include "mlir/Interfaces/FunctionInterfaces.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"
#include "sparse-quant/Dialect/SQ/Transforms/StaticQuantization.h"

namespace mlir::sq {
#define GEN_PASS_DEF_CONVERTSQTOQUANTPASS
#include "sparse-quant/Conversion/SQToQuant/Passes.h.inc"
} // namespace mlir::sq

using namespace mlir;
using namespace mlir::sq;

/// The quantized tensor type that `op` encodes to, or null with a reason.
static RankedTensorType getUniformType(QuantizeOp op, std::string &reason) {
  if (!op.isStatic()) {
    reason = "the scales are computed from the values; !quant.uniform holds "
             "constants";
    return {};
  }
  return toUniformType(cast<RankedTensorType>(op.getInput().getType()),
                       op.getFormat(), op.getAxis(), op.getStaticScales(),
                       reason);
}

static RankedTensorType getUniformType(DequantizeOp op, std::string &reason) {
  return toUniformType(cast<RankedTensorType>(op.getType()), op.getFormat(),
                       op.getAxis(), op.getScales(), reason);
}

namespace {

struct ConvertQuantize : OpRewritePattern<QuantizeOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(QuantizeOp op,
                                PatternRewriter &rewriter) const override {
    std::string reason;
    RankedTensorType type = getUniformType(op, reason);
    if (!type)
      return rewriter.notifyMatchFailure(op, reason);
    Value quantized = quant::QuantizeCastOp::create(rewriter, op.getLoc(), type,
                                                    op.getInput());
    rewriter.replaceOpWithNewOp<quant::StorageCastOp>(
        op, op.getValues().getType(), quantized);
    return success();
  }
};

struct ConvertDequantize : OpRewritePattern<DequantizeOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(DequantizeOp op,
                                PatternRewriter &rewriter) const override {
    std::string reason;
    RankedTensorType type = getUniformType(op, reason);
    if (!type)
      return rewriter.notifyMatchFailure(op, reason);
    Value quantized = quant::StorageCastOp::create(rewriter, op.getLoc(), type,
                                                   op.getValues());
    rewriter.replaceOpWithNewOp<quant::DequantizeCastOp>(op, op.getType(),
                                                         quantized);
    return success();
  }
};

/// To codes and back to the same type.
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

void mlir::sq::populateSQToQuantPatterns(RewritePatternSet &patterns) {
  patterns.add<ConvertQuantize, ConvertDequantize, FoldStorageCasts>(
      patterns.getContext());
}

static void remarkOn(Operation *op, StringRef reason) {
  auto options =
      remark::RemarkOpts::name("not-converted").category("convert-sq-to-quant");
  if (auto function = op->getParentOfType<FunctionOpInterface>())
    options = options.function(function.getName());
  remark::missed(op->getLoc(), options)
      << remark::add("not converted to quant: {0}", reason.str());
}

namespace {
struct ConvertSQToQuant : sq::impl::ConvertSQToQuantPassBase<ConvertSQToQuant> {
  void runOnOperation() override {
    RewritePatternSet patterns(&getContext());
    populateSQToQuantPatterns(patterns);
    GreedyRewriteConfig config;
    config.enableFolding(false)
        .enableConstantCSE(false)
        .setRegionSimplificationLevel(GreedySimplifyRegionLevel::Disabled);
    if (failed(
            applyPatternsGreedily(getOperation(), std::move(patterns), config)))
      return signalPassFailure();
    getOperation()->walk([](Operation *op) {
      std::string reason;
      if (auto quantize = dyn_cast<QuantizeOp>(op))
        getUniformType(quantize, reason);
      else if (auto dequantize = dyn_cast<DequantizeOp>(op))
        getUniformType(dequantize, reason);
      if (!reason.empty())
        remarkOn(op, reason);
    });
  }
};
} // namespace

void mlir::sq::registerSQToQuantPasses() {
  registerPass([] { return createConvertSQToQuantPass(); });
}
