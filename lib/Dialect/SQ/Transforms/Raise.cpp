//===- Raise.cpp - Foreign spellings to sq ops ----------------------------===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "sparse-quant/Dialect/SQ/Transforms/Raise.h"
#include "RaiseMatchers.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Quant/IR/Quant.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Dominance.h"
#include "mlir/IR/Remarks.h"
#include "mlir/Interfaces/FunctionInterfaces.h"
#include "mlir/Transforms/CSE.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"
#include "sparse-quant/Dialect/SQ/IR/SQ.h"
#include "sparse-quant/Dialect/SQ/Transforms/Passes.h"
#include "llvm/ADT/MapVector.h"

namespace mlir::sq {
#define GEN_PASS_DEF_SQRAISE
#include "sparse-quant/Dialect/SQ/Transforms/Passes.h.inc"
} // namespace mlir::sq

using namespace mlir;
using namespace mlir::sq;

static remark::RemarkOpts remarkOptions(Operation *op, StringRef family) {
  auto options = remark::RemarkOpts::name(family).category("sq-raise");
  if (auto function = op->getParentOfType<FunctionOpInterface>())
    return options.function(function.getName());
  return options;
}

/// Tells why each op below `root` that is like a member of the family stays.
static void reportMissed(Operation *root, RaiseFunction function,
                         StringRef family, StringRef what,
                         const RaiseOptions &options) {
  llvm::MapVector<Operation *, std::string> reasons;
  root->walk([&](Operation *op) {
    std::string reason;
    if (failed(function(op, options, /*rewriter=*/nullptr, reason)) &&
        !reason.empty())
      reasons[op] = reason;
  });
  for (auto &[op, reason] : reasons)
    // Of a chain only the end speaks.
    if (llvm::none_of(op->getUsers(),
                      [&](Operation *user) { return reasons.contains(user); }))
      remark::missed(op->getLoc(), remarkOptions(op, family))
          << remark::add("{0}: {1}", what.str(), reason);
}

LogicalResult mlir::sq::raiseToSQ(Operation *root,
                                  const RaiseOptions &options) {
  RewritePatternSet patterns(root->getContext());
  populateRaiseQDQPatterns(patterns, options);
  populateRaiseMaskPatterns(patterns);
  populateRaiseQuantPatterns(patterns, options);
  GreedyRewriteConfig config;
  config.enableFolding(false)
      .enableConstantCSE(false)
      .setRegionSimplificationLevel(GreedySimplifyRegionLevel::Disabled);
  if (failed(applyPatternsGreedily(root, std::move(patterns), config)))
    return root->emitError("raising foreign spellings doesn't settle");

  // A quantizer and its inverse were matched apart; what reads the codes has to
  // name the very scales that made them.
  IRRewriter rewriter(root->getContext());
  DominanceInfo dominance(root);
  eliminateCommonSubExpressions(rewriter, dominance, root);

  reportMissed(root, raiseQuantize, "quantize", "not raised to sq.quantize",
               options);
  reportMissed(root, raiseDequantize, "dequantize",
               "not raised to sq.dequantize", options);
  reportMissed(root, raiseMask, "mask", "not raised to sq.apply_mask", options);
  reportMissed(root, raiseQuant, "quant", "not raised from the quant dialect",
               options);
  return success();
}

namespace {
struct RaisePass : sq::impl::SQRaiseBase<RaisePass> {
  using SQRaiseBase::SQRaiseBase;
  void runOnOperation() override {
    if (failed(raiseToSQ(getOperation(), {allowNarrowRange})))
      signalPassFailure();
  }
};
} // namespace
