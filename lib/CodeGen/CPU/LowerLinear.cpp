//===- LowerLinear.cpp - Linear layers to vector code -----------*- C++ -*-===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "DotKernel.h"
#include "FloatPanel.h"
#include "KernelRow.h"
#include "Loops.h"
#include "RowKernel.h"
#include "sparse-quant/CodeGen/CPU/Passes.h"
#include "sparse-quant/CodeGen/DenseProduct.h"

using namespace mlir;

namespace mlir::sq {
#define GEN_PASS_DEF_LOWERLINEAR
#include "sparse-quant/CodeGen/CPU/Passes.h.inc"
} // namespace mlir::sq

using namespace mlir::sq;
using namespace mlir::sq::cpu;

static void lowerDense(linalg::MatmulOp op, int64_t lanes) {
  ImplicitLocOpBuilder b(op.getLoc(), op);
  Value input = op.getDpsInputs()[0], weights = op.getDpsInputs()[1];
  Value out = op.getDpsInits()[0];
  auto type = cast<MemRefType>(weights.getType());
  emitByRows(
      b, input, [&] { emitDensePanelProduct(b, input, weights, out, lanes); },
      [&] {
        emitRowBlocks(b, type.getDimSize(0), [&](ArrayRef<Value> columns) {
          WeightBlock block{weights, SmallVector<Value>(columns)};
          emitDotProducts(b, input, block, out, columns, type.getDimSize(1),
                          lanes);
        });
      });
  op->erase();
}

namespace {
struct LowerLinear : sq::impl::LowerLinearBase<LowerLinear> {
  using LowerLinearBase::LowerLinearBase;

  void runOnOperation() override {
    FailureOr<KernelTarget> given =
        readTarget(getOperation(), KernelTarget(lanes, isa));
    if (failed(given))
      return signalPassFailure();
    const KernelTarget &target = *given;
    SmallVector<linalg::MatmulOp> dense;
    SmallVector<MatmulOp> packed;
    getOperation().walk([&](Operation *op) {
      if (auto matmul = dyn_cast<MatmulOp>(op)) {
        packed.push_back(matmul);
      } else if (auto product = dyn_cast<linalg::MatmulOp>(op)) {
        if (isDenseProduct(product))
          dense.push_back(product);
      }
    });
    for (linalg::MatmulOp op : dense)
      lowerDense(op, target.lanes);
    for (MatmulOp op : packed) {
      const KernelRow *row = findKernel(op.getKernel().value_or(""));
      if (!row || !row->emit)
        continue;
      std::string reason = row->check(Product::get(op), target);
      Type input = getElementTypeOrSelf(op.getInput().getType());
      if (reason.empty() && op.getActivationFormatAttr() &&
          (row->multipliesFloats() || !input.isInteger(8)))
        reason = "its activations are still codes; run sq-decode-activations "
                 "in front of bufferization";
      if (reason.empty() && op.getOverwrites() && !row->overwrites)
        reason = "it adds to its results";
      if (!reason.empty()) {
        op.emitError("kernel '")
            << row->name << "' can't compute this op: " << reason;
        return signalPassFailure();
      }
      ImplicitLocOpBuilder b(op.getLoc(), op);
      row->emit(b, op, target);
      op.erase();
    }
  }
};
} // namespace
