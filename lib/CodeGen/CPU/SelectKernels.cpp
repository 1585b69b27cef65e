//===- SelectKernels.cpp - Decide the kernel of each sq.matmul --*- C++ -*-===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "mlir/IR/Remarks.h"
#include "sparse-quant/CodeGen/CPU/KernelTable.h"
#include "sparse-quant/CodeGen/CPU/Passes.h"

#include <cmath>

using namespace mlir;

namespace mlir::sq {
#define GEN_PASS_DEF_SELECTKERNELS
#include "sparse-quant/CodeGen/CPU/Passes.h.inc"
} // namespace mlir::sq

using namespace mlir::sq;

static void setCosts(MatmulOp op, ArrayRef<cpu::KernelCost> costs) {
  SmallVector<Attribute> attributes;
  for (const cpu::KernelCost &cost : costs)
    attributes.push_back(CostAttr::get(
        op.getContext(), cost.inputs, std::llround(cost.ns), cost.bytes,
        cost.ops, cost.memoryBound ? Bound::Memory : Bound::Compute));
  op.setCostAttr(ArrayAttr::get(op.getContext(), attributes));
}

static void remarkOn(MatmulOp op, const cpu::KernelChoice &choice) {
  auto options =
      remark::RemarkOpts::name("KernelSelected").category("sq-select-kernels");
  std::string costs = "predicted " + cpu::describeCosts(choice.costs);
  if (!choice.next.empty())
    costs +=
        "; " + choice.next.str() + " " + cpu::describeCosts(choice.nextCosts);
  bool isBest = choice.whyNotBetter.empty();
  auto remark = isBest ? remark::passed(op.getLoc(), options)
                       : remark::missed(op.getLoc(), options);
  remark << "selected " << remark::metric("kernel", choice.kernel)
         << remark::metric("cost", costs);
  if (!isBest)
    remark << remark::reason("{0}", choice.whyNotBetter);
}

static void setDecision(MatmulOp op, const cpu::KernelChoice &choice) {
  op.setKernel(choice.kernel);
  if (choice.manyInputs)
    op.setManyInputs(choice.manyInputs);
  setCosts(op, choice.costs);
}

namespace {
struct SelectKernels : sq::impl::SelectKernelsBase<SelectKernels> {
  using SelectKernelsBase::SelectKernelsBase;

  LogicalResult select(MatmulOp op, const KernelTarget &target,
                       const cpu::KernelDecision &preferred) {
    if (op.getKernel()) {
      cpu::KernelDecision given{*op.getKernel(), op.getManyInputs()};
      std::string reason = cpu::checkDecision(given, op, target);
      if (!reason.empty())
        return op.emitError("kernel '")
               << given.kernel << "' can't compute this op: " << reason;
      setDecision(op, cpu::completeDecision(given, op, target));
      return success();
    }
    cpu::KernelChoice choice = cpu::selectKernel(op, target, preferred);
    if (choice.kernel.empty())
      return op.emitError("no kernel can compute this op: ")
             << choice.whyNotBetter;
    setDecision(op, choice);
    remarkOn(op, choice);
    return success();
  }

  void runOnOperation() override {
    FailureOr<KernelTarget> target =
        readTarget(getOperation(), KernelTarget(lanes, isa));
    if (failed(target))
      return signalPassFailure();
    cpu::KernelDecision preferred;
    if (!prefer.empty()) {
      std::string error;
      FailureOr<cpu::KernelDecision> parsed =
          cpu::parseKernelDecision(prefer, error);
      if (failed(parsed)) {
        getOperation().emitError("sq-select-kernels: prefer: ") << error;
        return signalPassFailure();
      }
      preferred = *parsed;
    }
    WalkResult result = getOperation().walk([&](MatmulOp op) {
      return failed(select(op, *target, preferred)) ? WalkResult::interrupt()
                                                    : WalkResult::advance();
    });
    if (result.wasInterrupted())
      signalPassFailure();
  }
};
} // namespace
