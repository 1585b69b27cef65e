//===- SQToLinalg.cpp - The reference lowering of sq ----------------------===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "sparse-quant/Conversion/SQToLinalg/SQToLinalg.h"
#include "Internal.h"
#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Transforms/DialectConversion.h"

namespace mlir::sq {
#define GEN_PASS_DEF_CONVERTSQTOLINALGPASS
#include "sparse-quant/Conversion/SQToLinalg/Passes.h.inc"
} // namespace mlir::sq

using namespace mlir;
using namespace mlir::sq;

void mlir::sq::populateSQToLinalgPatterns(RewritePatternSet &patterns) {
  populateAttentionPatterns(patterns);
  populateMaskPatterns(patterns);
  populateMatmulPatterns(patterns);
  populatePackPatterns(patterns);
  populateQuantizePatterns(patterns);
}

namespace {

struct ConvertSQToLinalgPass
    : sq::impl::ConvertSQToLinalgPassBase<ConvertSQToLinalgPass> {
  using ConvertSQToLinalgPassBase::ConvertSQToLinalgPassBase;

  void runOnOperation() override {
    WalkResult onTensors = getOperation()->walk([](Operation *op) {
      if (!isa<MatmulOp, AttentionOp>(op) || op->getNumResults() > 0)
        return WalkResult::advance();
      op->emitOpError("expected tensors, got memrefs; run convert-sq-to-linalg "
                      "before bufferization");
      return WalkResult::interrupt();
    });
    if (onTensors.wasInterrupted())
      return signalPassFailure();

    IRRewriter rewriter(&getContext());
    lowerRoundTrips(rewriter, getOperation());
    ConversionTarget target(getContext());
    target.addIllegalDialect<SQDialect>();
    target.addLegalOp<ParameterOp>();
    target.addDynamicallyLegalOp<MatmulOp>([&](MatmulOp op) {
      return op.getKernel() && llvm::is_contained(keepKernels, *op.getKernel());
    });
    target.addDynamicallyLegalOp<AttentionOp>(
        [&](AttentionOp) -> bool { return keepAttention; });
    target.markUnknownOpDynamicallyLegal([](Operation *) { return true; });
    RewritePatternSet patterns(&getContext());
    populateSQToLinalgPatterns(patterns);
    ConversionConfig config;
    config.allowPatternRollback = false;
    // The reference lowering is tested against the folders, so it must not call
    // them: both would be the same code.
    config.foldingMode = DialectConversionFoldingMode::Never;
    if (failed(applyPartialConversion(getOperation(), target,
                                      std::move(patterns), config)))
      signalPassFailure();
  }
};

} // namespace

void mlir::sq::registerSQToLinalgPasses() {
  registerPass([] { return createConvertSQToLinalgPass(); });
}
