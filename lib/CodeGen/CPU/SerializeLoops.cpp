//===- SerializeLoops.cpp - Parallel loops that aren't worth threads ------===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "mlir/IR/PatternMatch.h"
#include "sparse-quant/CodeGen/CPU/Passes.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;

namespace mlir::sq {
#define GEN_PASS_DEF_SERIALIZELOOPS
#include "sparse-quant/CodeGen/CPU/Passes.h.inc"
} // namespace mlir::sq

using namespace mlir::sq;

/// Iterations of `loop`, all dimensions together; nullopt if that isn't known.
static std::optional<int64_t> countIterations(LoopLikeOpInterface loop) {
  auto lower = loop.getLoopLowerBounds(), upper = loop.getLoopUpperBounds(),
       steps = loop.getLoopSteps();
  if (!lower || !upper || !steps)
    return std::nullopt;
  int64_t count = 1;
  for (auto [from, to, by] : llvm::zip_equal(*lower, *upper, *steps)) {
    std::optional<int64_t> begin = getConstantIntValue(from),
                           end = getConstantIntValue(to),
                           step = getConstantIntValue(by);
    if (!begin || !end || !step || *step < 1)
      return std::nullopt;
    int64_t extent = *end > *begin ? llvm::divideCeil(*end - *begin, *step) : 0;
    count = llvm::SaturatingMultiply<uint64_t>(count, extent);
  }
  return count;
}

/// How many ops `block` runs, those on indices left out, which hide behind the
/// others; nullopt if that isn't known.
static std::optional<uint64_t> estimateWork(Block &block) {
  uint64_t work = 0;
  for (Operation &op : block.without_terminator()) {
    std::optional<uint64_t> cost;
    if (auto loop = dyn_cast<LoopLikeOpInterface>(&op)) {
      std::optional<int64_t> count = countIterations(loop);
      if (!count)
        return std::nullopt;
      cost = estimateWork(op.getRegion(0).front());
      if (cost)
        cost = llvm::SaturatingMultiply<uint64_t>(*cost, *count);
    } else if (op.getNumRegions() > 0 || isa<CallOpInterface>(op)) {
      return std::nullopt;
    } else {
      bool isIndex = llvm::all_of(op.getResultTypes(),
                                  [](Type type) { return type.isIndex(); });
      cost = op.getNumResults() > 0 && isIndex ? 0 : 1;
    }
    if (!cost)
      return std::nullopt;
    work = llvm::SaturatingAdd<uint64_t>(work, *cost);
  }
  return work;
}

namespace {
struct SerializeLoops : sq::impl::SerializeLoopsBase<SerializeLoops> {
  using SerializeLoopsBase::SerializeLoopsBase;

  void runOnOperation() override {
    SmallVector<scf::ParallelOp> small;
    getOperation().walk([&](scf::ParallelOp loop) {
      std::optional<int64_t> count = countIterations(loop);
      std::optional<uint64_t> work = estimateWork(*loop.getBody());
      if (loop.getNumReductions() == 0 && count && work &&
          llvm::SaturatingMultiply<uint64_t>(*count, *work) < minWork)
        small.push_back(loop);
    });
    IRRewriter rewriter(&getContext());
    for (scf::ParallelOp loop : small) {
      rewriter.setInsertionPoint(loop);
      scf::LoopNest nest =
          scf::buildLoopNest(rewriter, loop.getLoc(), loop.getLowerBound(),
                             loop.getUpperBound(), loop.getStep());
      Block *body = nest.loops.back().getBody();
      rewriter.eraseOp(loop.getBody()->getTerminator());
      SmallVector<Value> indices;
      for (scf::ForOp dimension : nest.loops)
        indices.push_back(dimension.getInductionVar());
      rewriter.inlineBlockBefore(loop.getBody(), body->getTerminator(),
                                 indices);
      rewriter.eraseOp(loop);
    }
  }
};
} // namespace
