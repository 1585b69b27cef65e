//===- SelectGPUKernels.cpp - sq-select-gpu-kernels -----------------------===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/Remarks.h"
#include "mlir/IR/TypeUtilities.h"
#include "sparse-quant/CodeGen/GPU/KernelTable.h"
#include "sparse-quant/CodeGen/GPU/Passes.h"

using namespace mlir;

namespace mlir::sq {
#define GEN_PASS_DEF_SELECTGPUKERNELS
#include "sparse-quant/CodeGen/GPU/Passes.h.inc"
} // namespace mlir::sq

using namespace mlir::sq;

namespace {
struct SelectGPUKernels : sq::impl::SelectGPUKernelsBase<SelectGPUKernels> {
  void runOnOperation() override {
    SmallVector<MatmulOp> products;
    getOperation().walk([&](MatmulOp op) { products.push_back(op); });
    if (products.empty())
      return;
    auto targets = readGPUTargets(getOperation());
    if (failed(targets))
      return signalPassFailure();
    for (MatmulOp op : products)
      takeHalves(op);
    for (MatmulOp op : products)
      if (failed(select(op, *targets)))
        return signalPassFailure();
  }

private:
  /// Widening is exact, and tensor cores multiply halves: `op` may read them
  /// itself.
  static void takeHalves(MatmulOp op) {
    auto widened = op.getInput().getDefiningOp<arith::ExtFOp>();
    if (!widened)
      return;
    Type from = getElementTypeOrSelf(widened.getIn().getType());
    if (from.isF16() || from.isBF16())
      op.getInputMutable().assign(widened.getIn());
  }

  LogicalResult select(MatmulOp op, ArrayRef<const GPUTarget *> targets) {
    if (op.getKernel()) {
      std::string reason = cuda::checkKernel(op, targets);
      if (reason.empty())
        return success();
      return op.emitError("kernel '")
             << *op.getKernel() << "' can't compute this op: " << reason;
    }
    cuda::KernelChoice choice = cuda::selectKernel(op, targets);
    if (choice.kernel == cuda::kGeneric && op.getLayout() != Layout::Rows)
      return op.emitError("no kernel can compute this op: ") << choice.missed;
    op.setKernel(choice.kernel);
    auto options = remark::RemarkOpts::name("KernelSelected")
                       .category("sq-select-gpu-kernels");
    auto remark = choice.missed.empty() ? remark::passed(op.getLoc(), options)
                                        : remark::missed(op.getLoc(), options);
    remark << "selected " << remark::metric("kernel", choice.kernel);
    if (!choice.missed.empty())
      remark << remark::reason("{0}", choice.missed);
    return success();
  }
};
} // namespace
