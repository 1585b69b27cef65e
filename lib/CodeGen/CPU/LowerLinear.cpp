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
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "sparse-quant/CodeGen/CPU/Passes.h"

using namespace mlir;

namespace mlir::sq {
#define GEN_PASS_DEF_LOWERLINEAR
#include "sparse-quant/CodeGen/CPU/Passes.h.inc"
} // namespace mlir::sq

using namespace mlir::sq;
using namespace mlir::sq::cpu;

static bool isRowMajor(Value value) {
  auto type = dyn_cast<MemRefType>(value.getType());
  return type && type.getRank() == 2 && type.isLastDimUnitStride();
}

/// Whether `op` is out[m, n] += x[m, k] * w[n, k] with static N, K, on f32 but
/// for weights in f16 or bf16, which are widened.
static bool isLinear(linalg::LinalgOp op) {
  if (!op.hasPureBufferSemantics() || op.getNumDpsInputs() != 2 ||
      !linalg::isaContractionOpInterface(op) || op.getNumLoops() != 3)
    return false;
  MLIRContext *context = op.getContext();
  AffineExpr m, n, k;
  bindDims(context, m, n, k);
  auto map = [&](ArrayRef<AffineExpr> exprs) {
    return AffineMap::get(3, 0, exprs, context);
  };
  if (op.getIndexingMapsArray() !=
      SmallVector<AffineMap>{map({m, k}), map({n, k}), map({m, n})})
    return false;
  if (!llvm::all_of(op->getOperands(), isRowMajor) ||
      !getElementTypeOrSelf(op.getDpsInputs()[0]).isF32() ||
      !getElementTypeOrSelf(op.getDpsInits()[0]).isF32())
    return false;
  auto weights = cast<MemRefType>(op.getDpsInputs()[1].getType());
  Type element = weights.getElementType();
  if (!element.isF32() && !element.isF16() && !element.isBF16())
    return false;
  // The body of a generic contraction may be on other types than f32 sums.
  return weights.hasStaticShape();
}

static void lowerDense(linalg::LinalgOp op, int64_t lanes) {
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
    SmallVector<linalg::LinalgOp> dense;
    SmallVector<MatmulOp> packed;
    getOperation().walk([&](Operation *op) {
      if (auto matmul = dyn_cast<MatmulOp>(op)) {
        packed.push_back(matmul);
      } else if (auto linalgOp = dyn_cast<linalg::MatmulOp>(op)) {
        if (isLinear(linalgOp))
          dense.push_back(linalgOp);
      }
    });
    for (linalg::LinalgOp op : dense)
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
