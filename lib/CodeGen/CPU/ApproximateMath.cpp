//===- ApproximateMath.cpp - Calls of libm to polynomials -----------------===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "mlir/Dialect/Math/Transforms/Passes.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"
#include "sparse-quant/CodeGen/CPU/Passes.h"

using namespace mlir;

namespace mlir::sq {
#define GEN_PASS_DEF_APPROXIMATEMATH
#include "sparse-quant/CodeGen/CPU/Passes.h.inc"
} // namespace mlir::sq

using namespace mlir::sq;

namespace {
struct ApproximateMath : sq::impl::ApproximateMathBase<ApproximateMath> {
  void runOnOperation() override {
    RewritePatternSet patterns(&getContext());
    populateMathPolynomialApproximationPatterns(patterns, [](StringRef name) {
      return name == math::ExpOp::getOperationName() ||
             name == math::TanhOp::getOperationName() ||
             name == math::ErfOp::getOperationName();
    });
    if (failed(applyPatternsGreedily(getOperation(), std::move(patterns))))
      signalPassFailure();
  }
};
} // namespace
