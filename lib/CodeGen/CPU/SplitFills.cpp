//===- SplitFills.cpp - A filled tensor for each of its users -------------===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Matchers.h"
#include "mlir/Interfaces/DestinationStyleOpInterface.h"
#include "sparse-quant/CodeGen/CPU/Passes.h"
#include "sparse-quant/Dialect/SQ/IR/SQ.h"

using namespace mlir;

namespace mlir::sq {
#define GEN_PASS_DEF_SPLITFILLS
#include "sparse-quant/CodeGen/CPU/Passes.h.inc"
} // namespace mlir::sq

using namespace mlir::sq;

namespace {
struct SplitFills : sq::impl::SplitFillsBase<SplitFills> {
  using SplitFillsBase::SplitFillsBase;

  /// Whether `op` is a product that is added to zeros, and has a kernel that
  /// can write it instead.
  bool canOverwrite(Operation *op, linalg::FillOp fill) {
    auto matmul = dyn_cast<MatmulOp>(op);
    return matmul && matchPattern(fill.getInputs()[0], m_PosZeroFloat()) &&
           llvm::is_contained(kernels, matmul.getKernel().value_or(""));
  }

  void runOnOperation() override {
    SmallVector<linalg::FillOp> fills;
    getOperation().walk([&](linalg::FillOp op) {
      if (op.getNumResults() == 1 &&
          op.getOutputs()[0].getDefiningOp<tensor::EmptyOp>())
        fills.push_back(op);
    });
    for (linalg::FillOp fill : fills) {
      auto empty = fill.getOutputs()[0].getDefiningOp<tensor::EmptyOp>();
      for (OpOperand &use :
           llvm::make_early_inc_range(fill.getResult(0).getUses())) {
        auto user = dyn_cast<DestinationStyleOpInterface>(use.getOwner());
        if (!user || !user.isDpsInit(&use))
          continue;
        OpBuilder b(user);
        IRMapping mapping;
        Operation *place = b.clone(*empty, mapping);
        if (canOverwrite(user, fill)) {
          use.set(place->getResult(0));
          cast<MatmulOp>(user).setOverwrites(true);
        } else {
          use.set(b.clone(*fill, mapping)->getResult(0));
        }
      }
      if (fill->use_empty())
        fill.erase();
    }
  }
};
} // namespace
