//===- Commute.cpp - Masks that commute with a quantizer ------------------===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Let M be a mask and q a quantizer that maps 0 to 0. Where M keeps the largest
// element of each scale group, q sees the same scales with and without M, thus
// M * q(x) = q(M * x), code by code. A magnitude mask of x keeps it, unless it
// drops the whole group: then the group's scale differs, its codes are all zero
// either way, and so are its decoded values. Static scales see nothing of M.
//
//===----------------------------------------------------------------------===//
#include "sparse-quant/Dialect/SQ/IR/Commute.h"
#include "mlir/IR/PatternMatch.h"
#include "sparse-quant/Dialect/SQ/IR/SQ.h"

using namespace mlir;
using namespace mlir::sq;

bool mlir::sq::maskKeepsGroupMax(MaskOp mask, const numerics::Format &format,
                                 int64_t axis) {
  numerics::Pattern pattern = mask.getPattern().getPattern();
  if (mask.getCriterion() != Criterion::Magnitude ||
      !pattern.preservesGroupMax(format))
    return false;
  // Where the whole tensor is one group of either, axes don't matter.
  if (format.scope == numerics::GroupScope::Tensor ||
      (pattern.kind == numerics::PatternKind::Unstructured &&
       pattern.scope == numerics::SparsityScope::Tensor))
    return true;
  int64_t rank = cast<RankedTensorType>(mask.getInput().getType()).getRank();
  return normalizeAxis(mask.getAxis(), rank) == axis;
}

bool mlir::sq::zeroIsKept(const numerics::Format &format, bool isStatic,
                          bool masksCodes) {
  return format.isZeroPreserving() || (isStatic && !masksCodes);
}

static bool commutes(Value maskValue, QuantizeOp quantize, bool masksCodes) {
  numerics::Format format = quantize.getFormat().getFormat();
  if (!zeroIsKept(format, quantize.isStatic(), masksCodes))
    return false;
  if (quantize.isStatic())
    return true;
  auto mask = maskValue.getDefiningOp<MaskOp>();
  int64_t rank =
      cast<RankedTensorType>(quantize.getInput().getType()).getRank();
  return mask && mask.getInput() == quantize.getInput() &&
         maskKeepsGroupMax(mask, format,
                           *normalizeAxis(quantize.getAxis(), rank));
}

/// The quantizer of the masked input, next to `apply`.
static QuantizeOp requantize(ApplyMaskOp apply, QuantizeOp quantize,
                             PatternRewriter &rewriter) {
  Value sparse = ApplyMaskOp::create(rewriter, apply.getLoc(),
                                     quantize.getInput(), apply.getMask());
  return QuantizeOp::create(
      rewriter, quantize.getLoc(), quantize->getResultTypes(), sparse,
      quantize.getStaticScales(), quantize.getFormat(), quantize.getAxis());
}

namespace {
/// apply_mask(dequantize(quantize(x)), m)
///   -> dequantize(quantize(apply_mask(x, m)))
struct CommuteWithDecoded : OpRewritePattern<ApplyMaskOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(ApplyMaskOp op,
                                PatternRewriter &rewriter) const override {
    auto dequantize = op.getInput().getDefiningOp<DequantizeOp>();
    auto quantize = dequantize
                        ? dequantize.getValues().getDefiningOp<QuantizeOp>()
                        : QuantizeOp();
    if (!quantize || dequantize.getFormat() != quantize.getFormat() ||
        dequantize.getAxis() != quantize.getAxis() ||
        !llvm::equal(dequantize.getScales(), quantize.getUsedScales()) ||
        !commutes(op.getMask(), quantize, /*masksCodes=*/false))
      return failure();
    // With other users the tensor would be quantized twice: not canonical.
    if (!dequantize->hasOneUse() || !quantize.getValues().hasOneUse() ||
        !llvm::all_of(quantize.getScales(),
                      [](Value scale) { return scale.hasOneUse(); }))
      return rewriter.notifyMatchFailure(op, "the dense values are used too");
    QuantizeOp sparse = requantize(op, quantize, rewriter);
    rewriter.replaceOpWithNewOp<DequantizeOp>(
        op, op.getType(), sparse.getValues(), sparse.getUsedScales(),
        dequantize.getFormat(), dequantize.getAxis());
    return success();
  }
};

/// apply_mask(codes of quantize(x), m) -> codes of quantize(apply_mask(x, m))
struct CommuteWithCodes : OpRewritePattern<ApplyMaskOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(ApplyMaskOp op,
                                PatternRewriter &rewriter) const override {
    auto quantize = op.getInput().getDefiningOp<QuantizeOp>();
    if (!quantize || op.getInput() != quantize.getValues() ||
        !quantize.getValues().hasOneUse() ||
        !commutes(op.getMask(), quantize, /*masksCodes=*/true))
      return failure();
    // The scale of a group that vanishes may differ: it must go nowhere but to
    // the decoding of these codes, which are all zero there.
    for (Value scale : quantize.getScales())
      for (Operation *user : scale.getUsers()) {
        auto dequantize = dyn_cast<DequantizeOp>(user);
        if (!dequantize || dequantize.getValues() != op.getResult())
          return rewriter.notifyMatchFailure(op,
                                             "the scales are used elsewhere");
      }
    QuantizeOp sparse = requantize(op, quantize, rewriter);
    for (auto [before, after] :
         llvm::zip_equal(quantize.getScales(), sparse.getScales()))
      rewriter.replaceAllUsesWith(before, after);
    rewriter.replaceOp(op, sparse.getValues());
    return success();
  }
};
} // namespace

void mlir::sq::populateCommuteMaskPatterns(RewritePatternSet &patterns) {
  patterns.add<CommuteWithDecoded, CommuteWithCodes>(patterns.getContext());
}
