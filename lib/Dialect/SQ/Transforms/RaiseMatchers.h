//===- RaiseMatchers.h - What the raising families share --------*- C++ -*-===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Each family is a matcher that builds nothing: the patterns rewrite where it
// succeeds, and where it fails with a reason the pass tells that reason.
//
//===----------------------------------------------------------------------===//
#ifndef SPARSE_QUANT_LIB_DIALECT_SQ_TRANSFORMS_RAISEMATCHERS_H
#define SPARSE_QUANT_LIB_DIALECT_SQ_TRANSFORMS_RAISEMATCHERS_H

#include "mlir/IR/PatternMatch.h"
#include "sparse-quant/Dialect/SQ/Transforms/Raise.h"

#include <optional>
#include <string>

namespace mlir::sq {

/// Whether a chain of elementwise ops may end in `op`: one ranked tensor comes
/// out, and arith, math or linalg computes it.
bool isElementwiseRoot(Operation *op);

/// Rewrites `op`, or fails; with a nonempty `reason` if the op is like a
/// member of the family. A null rewriter only asks.
using RaiseFunction = LogicalResult (*)(Operation *op,
                                        const RaiseOptions &options,
                                        PatternRewriter *rewriter,
                                        std::string &reason);

LogicalResult raiseQuantize(Operation *op, const RaiseOptions &options,
                            PatternRewriter *rewriter, std::string &reason);
LogicalResult raiseDequantize(Operation *op, const RaiseOptions &options,
                              PatternRewriter *rewriter, std::string &reason);
LogicalResult raiseMask(Operation *op, const RaiseOptions &options,
                        PatternRewriter *rewriter, std::string &reason);
LogicalResult raiseQuant(Operation *op, const RaiseOptions &options,
                         PatternRewriter *rewriter, std::string &reason);

/// The pattern that runs `function` on every op.
struct RaisePattern : RewritePattern {
  RaisePattern(MLIRContext *context, RaiseFunction function,
               const RaiseOptions &options)
      : RewritePattern(MatchAnyOpTypeTag(), /*benefit=*/1, context),
        function(function), options(options) {}

  LogicalResult matchAndRewrite(Operation *op,
                                PatternRewriter &rewriter) const override {
    std::string reason;
    if (succeeded(function(op, options, &rewriter, reason)))
      return success();
    return rewriter.notifyMatchFailure(op, reason);
  }

  RaiseFunction function;
  RaiseOptions options;
};

} // namespace mlir::sq

#endif // SPARSE_QUANT_LIB_DIALECT_SQ_TRANSFORMS_RAISEMATCHERS_H
