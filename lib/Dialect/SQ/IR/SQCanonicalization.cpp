//===- SQCanonicalization.cpp - Rewrites that change no value ---*- C++ -*-===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Each pattern leaves every bit of every value as it was. What is *not* done:
//
// * dequantize(quantize(x)) -> x: rounding is what the two are for.
// * pack and unpack around a mask: the mask would end up on codes, which is
//   against the order that sq-verify-order proves.
// * apply_mask(apply_mask(x, a), b) where sq.mask computes a or b: the pattern
//   of a mask is a promise to kernels, and `and` hides it.
//
//===----------------------------------------------------------------------===//
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/PatternMatch.h"
#include "sparse-quant/Dialect/SQ/IR/Commute.h"
#include "sparse-quant/Dialect/SQ/IR/SQ.h"

using namespace mlir;
using namespace mlir::sq;

static int64_t getAxisOf(int64_t axis, Value shaped) {
  return *normalizeAxis(axis,
                        cast<RankedTensorType>(shaped.getType()).getRank());
}

namespace {

/// mask magnitude(apply_mask(x, m)) P -> m, where m = mask magnitude(x) P
///
/// The kept elements have scores not below those of the dropped ones, which are
/// now 0; where both are 0 the kept ones have lower indices. So the same ones
/// win again. Norms may be negative or infinite and given scores negative, so
/// magnitude is the only criterion for which this holds.
struct MaskOfMasked : OpRewritePattern<MaskOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(MaskOp op,
                                PatternRewriter &rewriter) const override {
    auto apply = op.getInput().getDefiningOp<ApplyMaskOp>();
    auto mask = apply ? apply.getMask().getDefiningOp<MaskOp>() : MaskOp();
    if (!mask || mask.getInput() != apply.getInput() ||
        mask.getPattern() != op.getPattern() ||
        getAxisOf(mask.getAxis(), op.getInput()) !=
            getAxisOf(op.getAxis(), op.getInput()))
      return failure();
    if (op.getCriterion() != Criterion::Magnitude ||
        mask.getCriterion() != Criterion::Magnitude)
      return rewriter.notifyMatchFailure(op, "expected magnitude scores");
    rewriter.replaceOp(op, mask.getMask());
    return success();
  }
};

/// apply_mask(apply_mask(x, a), b) -> apply_mask(x, a and b)
struct NestedApplyMask : OpRewritePattern<ApplyMaskOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(ApplyMaskOp op,
                                PatternRewriter &rewriter) const override {
    auto inner = op.getInput().getDefiningOp<ApplyMaskOp>();
    if (!inner)
      return failure();
    if (!inner->hasOneUse())
      return rewriter.notifyMatchFailure(op, "the inner result is used too");
    if (op.getMask().getDefiningOp<MaskOp>() ||
        inner.getMask().getDefiningOp<MaskOp>())
      return rewriter.notifyMatchFailure(op, "a mask has a pattern to keep");
    Value both = arith::AndIOp::create(rewriter, op.getLoc(), inner.getMask(),
                                       op.getMask());
    rewriter.replaceOpWithNewOp<ApplyMaskOp>(op, inner.getInput(), both);
    return success();
  }
};

/// quantize(dequantize(quantize(x))) -> quantize(x)
///
/// NUM-C3: codes and scales come out the same, but for hbfp. Static scales are
/// not the ones that the values would choose, so they have no such rule.
struct QuantizeOfDequantized : OpRewritePattern<QuantizeOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(QuantizeOp op,
                                PatternRewriter &rewriter) const override {
    auto dequantize = op.getInput().getDefiningOp<DequantizeOp>();
    auto inner = dequantize ? dequantize.getValues().getDefiningOp<QuantizeOp>()
                            : QuantizeOp();
    if (!inner || op.isStatic() || inner.isStatic() ||
        !op.getFormat().getFormat().isIdempotent() ||
        inner.getFormat() != op.getFormat() ||
        dequantize.getFormat() != op.getFormat() ||
        !llvm::equal(dequantize.getScales(), inner.getScales()) ||
        inner->getResultTypes() != op->getResultTypes())
      return failure();
    int64_t axis = getAxisOf(op.getAxis(), op.getInput());
    if (getAxisOf(dequantize.getAxis(), op.getInput()) != axis ||
        getAxisOf(inner.getAxis(), op.getInput()) != axis)
      return rewriter.notifyMatchFailure(op, "the groups run elsewhere");
    rewriter.replaceOp(op, inner.getResults());
    return success();
  }
};

} // namespace

void MaskOp::getCanonicalizationPatterns(RewritePatternSet &patterns,
                                         MLIRContext *context) {
  patterns.add<MaskOfMasked>(context);
}

void ApplyMaskOp::getCanonicalizationPatterns(RewritePatternSet &patterns,
                                              MLIRContext *context) {
  patterns.add<NestedApplyMask>(context);
  populateCommuteMaskPatterns(patterns);
}

void QuantizeOp::getCanonicalizationPatterns(RewritePatternSet &patterns,
                                             MLIRContext *context) {
  patterns.add<QuantizeOfDequantized>(context);
}
