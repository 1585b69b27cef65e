//===- SplitDestinations.cpp - A tensor for each op that writes it
//---------===//
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
#define GEN_PASS_DEF_SPLITDESTINATIONS
#include "sparse-quant/CodeGen/CPU/Passes.h.inc"
} // namespace mlir::sq

using namespace mlir::sq;

namespace {
struct SplitDestinations : sq::impl::SplitDestinationsBase<SplitDestinations> {
  using SplitDestinationsBase::SplitDestinationsBase;

  /// Whether `op` is a product that is added to zeros, and has a kernel that
  /// can write it instead.
  bool canOverwrite(Operation *op, linalg::FillOp fill) {
    auto matmul = dyn_cast<MatmulOp>(op);
    return matmul && matchPattern(fill.getInputs()[0], m_PosZeroFloat()) &&
           llvm::is_contained(kernels, matmul.getKernel().value_or(""));
  }

  void splitFill(linalg::FillOp fill);
  void splitEmpty(tensor::EmptyOp empty);

  void runOnOperation() override {
    SmallVector<linalg::FillOp> fills;
    getOperation().walk([&](linalg::FillOp op) {
      if (op.getNumResults() == 1 &&
          op.getOutputs()[0].getDefiningOp<tensor::EmptyOp>())
        fills.push_back(op);
    });
    llvm::for_each(fills, [&](linalg::FillOp op) { splitFill(op); });
    SmallVector<tensor::EmptyOp> empties;
    getOperation().walk([&](tensor::EmptyOp op) { empties.push_back(op); });
    llvm::for_each(empties, [&](tensor::EmptyOp op) { splitEmpty(op); });
  }
};
} // namespace

/// The uses of `value` as destinations, and their ops.
static SmallVector<std::pair<DestinationStyleOpInterface, OpOperand *>>
findDestinations(Value value) {
  SmallVector<std::pair<DestinationStyleOpInterface, OpOperand *>> found;
  for (OpOperand &use : value.getUses())
    if (auto user = dyn_cast<DestinationStyleOpInterface>(use.getOwner());
        user && user.isDpsInit(&use))
      found.emplace_back(user, &use);
  return found;
}

void SplitDestinations::splitFill(linalg::FillOp fill) {
  auto empty = fill.getOutputs()[0].getDefiningOp<tensor::EmptyOp>();
  for (auto [user, use] : findDestinations(fill.getResult(0))) {
    OpBuilder b(user);
    IRMapping mapping;
    Operation *place = b.clone(*empty, mapping);
    if (canOverwrite(user, fill)) {
      use->set(place->getResult(0));
      cast<MatmulOp>(user.getOperation()).setOverwrites(true);
    } else {
      use->set(b.clone(*fill, mapping)->getResult(0));
    }
  }
  if (fill->use_empty())
    fill.erase();
}

void SplitDestinations::splitEmpty(tensor::EmptyOp empty) {
  if (empty->hasOneUse())
    return;
  for (auto [user, use] : findDestinations(empty))
    use->set(OpBuilder(user).clone(*empty)->getResult(0));
  if (empty->use_empty())
    empty.erase();
}
