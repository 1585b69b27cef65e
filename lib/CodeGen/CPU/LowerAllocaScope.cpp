//===- LowerAllocaScope.cpp -------------------------------------*- C++ -*-===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/IR/PatternMatch.h"
#include "sparse-quant/CodeGen/CPU/Passes.h"

using namespace mlir;

namespace mlir::sq {
#define GEN_PASS_DEF_LOWERALLOCASCOPE
#include "sparse-quant/CodeGen/CPU/Passes.h.inc"
} // namespace mlir::sq

using namespace mlir::sq;

namespace {
struct LowerAllocaScope : sq::impl::LowerAllocaScopeBase<LowerAllocaScope> {
  void runOnOperation() override {
    // Inner scopes first: an outer one then holds a single block of them.
    SmallVector<memref::AllocaScopeOp> scopes;
    getOperation().walk(
        [&](memref::AllocaScopeOp op) { scopes.push_back(op); });
    IRRewriter rewriter(&getContext());
    for (memref::AllocaScopeOp scope : scopes) {
      Location loc = scope.getLoc();
      rewriter.setInsertionPoint(scope);
      Value stack = LLVM::StackSaveOp::create(
          rewriter, loc, LLVM::LLVMPointerType::get(&getContext()));
      Block &body = scope.getBodyRegion().front();
      Operation *end = body.getTerminator();
      rewriter.replaceAllUsesWith(scope.getResults(), end->getOperands());
      rewriter.eraseOp(end);
      rewriter.inlineBlockBefore(&body, scope);
      LLVM::StackRestoreOp::create(rewriter, loc, stack);
      rewriter.eraseOp(scope);
    }
  }
};
} // namespace
