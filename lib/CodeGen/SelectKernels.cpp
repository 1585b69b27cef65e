//===- SelectKernels.cpp - Decide the kernel of each sq.matmul ------------===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/Remarks.h"
#include "mlir/IR/TypeUtilities.h"
#include "sparse-quant/CodeGen/CPU/KernelTable.h"
#include "sparse-quant/CodeGen/GPU/KernelTable.h"
#include "sparse-quant/CodeGen/Passes.h"

#include <cmath>

using namespace mlir;

namespace mlir::sq {
#define GEN_PASS_DEF_SELECTKERNELS
#include "sparse-quant/CodeGen/Passes.h.inc"
} // namespace mlir::sq

using namespace mlir::sq;

static void setCosts(MatmulOp op, ArrayRef<KernelCost> costs) {
  if (costs.empty())
    return;
  SmallVector<Attribute> attributes;
  for (const KernelCost &cost : costs)
    attributes.push_back(CostAttr::get(
        op.getContext(), cost.inputs, std::llround(cost.ns), cost.bytes,
        cost.ops, cost.memoryBound ? Bound::Memory : Bound::Compute));
  op.setCostAttr(ArrayAttr::get(op.getContext(), attributes));
}

static void remarkOn(MatmulOp op, const KernelChoice &choice) {
  auto options =
      remark::RemarkOpts::name("KernelSelected").category("sq-select-kernels");
  bool isBest = choice.whyNotBetter.empty();
  auto remark = isBest ? remark::passed(op.getLoc(), options)
                       : remark::missed(op.getLoc(), options);
  remark << "selected " << remark::metric("kernel", choice.kernel);
  if (!choice.costs.empty()) {
    std::string costs = "predicted " + describeCosts(choice.costs);
    if (!choice.next.empty())
      costs += "; " + choice.next.str() + " " + describeCosts(choice.nextCosts);
    remark << remark::metric("cost", costs);
  }
  if (!isBest)
    remark << remark::reason("{0}", choice.whyNotBetter);
}

static void setDecision(MatmulOp op, const KernelChoice &choice) {
  op.setKernel(choice.kernel);
  if (choice.manyInputs)
    op.setManyInputs(choice.manyInputs);
  setCosts(op, choice.costs);
}

static LogicalResult select(MatmulOp op, const KernelTable &table,
                            const KernelDecision &preferred) {
  if (op.getKernel()) {
    KernelDecision given{*op.getKernel(), op.getManyInputs()};
    std::string reason = table.check(given, op);
    if (!reason.empty())
      return op.emitError("kernel '")
             << given.kernel << "' can't compute this op: " << reason;
    setDecision(op, table.complete(given, op));
    return success();
  }
  KernelChoice choice = table.select(op, preferred);
  if (choice.kernel.empty())
    return op.emitError("no kernel can compute this op: ")
           << choice.whyNotBetter;
  setDecision(op, choice);
  remarkOn(op, choice);
  return success();
}

/// Widening is exact, so that `op` may read halves itself where kernels
/// multiply them.
static void takeHalves(MatmulOp op) {
  auto widened = op.getInput().getDefiningOp<arith::ExtFOp>();
  if (!widened)
    return;
  Type from = getElementTypeOrSelf(widened.getIn().getType());
  if (from.isF16() || from.isBF16())
    op.getInputMutable().assign(widened.getIn());
}

namespace {
struct SelectKernels : sq::impl::SelectKernelsBase<SelectKernels> {
  using SelectKernelsBase::SelectKernelsBase;

  /// Of the module's GPUs if it has some, otherwise of its CPU; null after an
  /// error.
  std::unique_ptr<KernelTable> createKernelTable() {
    ModuleOp module = getOperation();
    if (hasGPUTargets(module)) {
      auto targets = readGPUTargets(module);
      return succeeded(targets) ? cuda::createKernelTable(*targets) : nullptr;
    }
    auto target = readTarget(module, KernelTarget(lanes, isa));
    return succeeded(target) ? cpu::createKernelTable(*target) : nullptr;
  }

  void runOnOperation() override {
    std::unique_ptr<KernelTable> table = createKernelTable();
    if (!table)
      return signalPassFailure();
    KernelDecision preferred;
    if (!prefer.empty()) {
      std::string error;
      FailureOr<KernelDecision> parsed = table->parse(prefer, error);
      if (failed(parsed)) {
        getOperation().emitError("sq-select-kernels: prefer: ") << error;
        return signalPassFailure();
      }
      preferred = *parsed;
    }
    WalkResult result = getOperation().walk([&](MatmulOp op) {
      if (table->multipliesHalves())
        takeHalves(op);
      return failed(select(op, *table, preferred)) ? WalkResult::interrupt()
                                                   : WalkResult::advance();
    });
    if (result.wasInterrupted())
      signalPassFailure();
  }
};
} // namespace
