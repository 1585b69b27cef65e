//===- SelectKernels.cpp - Decide the kernel of each sq.matmul --*- C++ -*-===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "mlir/IR/Remarks.h"
#include "sparse-quant/CodeGen/CPU/KernelTable.h"
#include "sparse-quant/CodeGen/CPU/Passes.h"

using namespace mlir;

namespace mlir::sq {
#define GEN_PASS_DEF_SELECTKERNELS
#include "sparse-quant/CodeGen/CPU/Passes.h.inc"
} // namespace mlir::sq

using namespace mlir::sq;

namespace {
struct SelectKernels : sq::impl::SelectKernelsBase<SelectKernels> {
  using SelectKernelsBase::SelectKernelsBase;

  void runOnOperation() override {
    cpu::KernelTarget target{lanes, isa};
    WalkResult result = getOperation().walk([&](MatmulOp op) {
      if (std::optional<StringRef> given = op.getKernel()) {
        std::string reason = cpu::checkKernel(*given, op, target);
        if (reason.empty())
          return WalkResult::advance();
        op.emitError("kernel '")
            << *given << "' can't compute this op: " << reason;
        return WalkResult::interrupt();
      }
      cpu::KernelChoice choice = cpu::selectKernel(op, target);
      if (choice.kernel.empty()) {
        op.emitError("no kernel can compute this op: ") << choice.whyNotBetter;
        return WalkResult::interrupt();
      }
      op.setKernel(choice.kernel);
      auto options = remark::RemarkOpts::name("KernelSelected")
                         .category("sq-select-kernels");
      if (choice.whyNotBetter.empty())
        remark::passed(op.getLoc(), options)
            << "selected " << remark::metric("kernel", choice.kernel);
      else
        remark::missed(op.getLoc(), options)
            << "selected " << remark::metric("kernel", choice.kernel)
            << remark::reason("{0}", choice.whyNotBetter);
      return WalkResult::advance();
    });
    if (result.wasInterrupted())
      signalPassFailure();
  }
};
} // namespace
