//===- TileForGPU.cpp - sq-tile-for-gpu -----------------------------------===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "LoopBody.h"
#include "WarpReduction.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/Linalg/Transforms/Transforms.h"
#include "mlir/Dialect/SCF/Transforms/Transforms.h"
#include "mlir/Dialect/SCF/Utils/Utils.h"
#include "mlir/IR/PatternMatch.h"
#include "mlir/IR/Remarks.h"
#include "sparse-quant/CodeGen/GPU/Passes.h"

using namespace mlir;

namespace mlir::sq {
#define GEN_PASS_DEF_TILEFORGPU
#include "sparse-quant/CodeGen/GPU/Passes.h.inc"
} // namespace mlir::sq

using namespace mlir::sq;

/// A parallel loop of one iteration around `op`.
static scf::ParallelOp wrapInParallel(Operation *op, RewriterBase &rewriter) {
  OpBuilder::InsertionGuard guard(rewriter);
  rewriter.setInsertionPoint(op);
  Location loc = op->getLoc();
  Value zero = arith::ConstantIndexOp::create(rewriter, loc, 0);
  Value one = arith::ConstantIndexOp::create(rewriter, loc, 1);
  auto loop = scf::ParallelOp::create(rewriter, loc, zero, one, one);
  rewriter.moveOpBefore(op, loop.getBody()->getTerminator());
  return loop;
}

/// The parallel loop that computes `op`, an element an iteration.
static FailureOr<scf::ParallelOp> lowerToParallel(linalg::GenericOp op,
                                                  RewriterBase &rewriter) {
  scf::ParallelOp loop;
  if (op.getNumParallelLoops() == 0)
    loop = wrapInParallel(op, rewriter);
  rewriter.setInsertionPoint(op);
  FailureOr<linalg::LinalgLoops> loops =
      linalg::linalgOpToParallelLoops(rewriter, op);
  if (failed(loops))
    return failure();
  if (!loop)
    loop = cast<scf::ParallelOp>(loops->front());
  rewriter.eraseOp(op);
  return loop;
}

/// All dimensions of `loop` as one.
static scf::ParallelOp collapse(scf::ParallelOp loop, RewriterBase &rewriter) {
  if (loop.getNumLoops() == 1)
    return loop;
  // It is replaced in place.
  Operation *next = loop->getNextNode();
  std::vector<unsigned> all(loop.getNumLoops());
  std::iota(all.begin(), all.end(), 0u);
  collapseParallelLoops(rewriter, loop, {all});
  return cast<scf::ParallelOp>(next->getPrevNode());
}

/// Where a kernel's threads begin: between loops over blocks and threads there
/// is no place for ops.
static OpBuilder atThread(scf::ParallelOp loop) {
  Block *body = loop.getBody();
  while (auto inner = dyn_cast<scf::ParallelOp>(body->front()))
    body = inner.getBody();
  return OpBuilder::atBlockBegin(body);
}

static bool contains(Operation *op, function_ref<bool(Operation *)> matches) {
  return op
      ->walk([&](Operation *nested) {
        return matches(nested) ? WalkResult::interrupt()
                               : WalkResult::advance();
      })
      .wasInterrupted();
}

static bool isKernel(Operation *op) {
  return isa<scf::ParallelOp, gpu::LaunchOp>(op);
}

namespace {
struct TileForGPU : sq::impl::TileForGPUBase<TileForGPU> {
  using TileForGPUBase::TileForGPUBase;

  void runOnOperation() override;

private:
  LogicalResult lowerLinalg(IRRewriter &rewriter);
  LogicalResult lowerOp(linalg::LinalgOp op, IRRewriter &rewriter);
  /// What stores outside of kernels becomes one.
  LogicalResult wrapStores(Block &block, IRRewriter &rewriter);

  /// An iteration is a thread; they aren't in blocks yet.
  SmallVector<scf::ParallelOp> kernels;
};
} // namespace

LogicalResult TileForGPU::lowerOp(linalg::LinalgOp op, IRRewriter &rewriter) {
  if (!op.hasPureBufferSemantics())
    return op.emitError("expected memrefs: bufferize before sq-tile-for-gpu");
  Location loc = op.getLoc();
  FailureOr<linalg::GenericOp> generic = cuda::sortLoops(op, rewriter);
  if (succeeded(generic) && threads % 32 == 0 && cuda::isForWarps(*generic)) {
    scf::ParallelOp loop = cuda::reduceByWarps(*generic, threads, rewriter);
    cuda::sinkConstants(loop.getRegion(), atThread(loop));
    return success();
  }
  FailureOr<scf::ParallelOp> loop = failure();
  if (succeeded(generic))
    loop = lowerToParallel(*generic, rewriter);
  if (failed(loop))
    return emitError(loc, "this op has no form as loops");
  kernels.push_back(collapse(*loop, rewriter));
  return success();
}

LogicalResult TileForGPU::lowerLinalg(IRRewriter &rewriter) {
  SmallVector<linalg::LinalgOp> ops;
  getOperation().walk([&](Operation *op) {
    if (auto copy = dyn_cast<memref::CopyOp>(op)) {
      rewriter.setInsertionPoint(copy);
      ops.push_back(cast<linalg::LinalgOp>(
          linalg::CopyOp::create(rewriter, copy.getLoc(), copy.getSource(),
                                 copy.getTarget())
              .getOperation()));
      rewriter.eraseOp(copy);
    } else if (auto linalgOp = dyn_cast<linalg::LinalgOp>(op)) {
      ops.push_back(linalgOp);
    }
  });
  for (linalg::LinalgOp op : ops)
    if (failed(lowerOp(op, rewriter)))
      return failure();
  return success();
}

LogicalResult TileForGPU::wrapStores(Block &block, IRRewriter &rewriter) {
  for (Operation &op : llvm::make_early_inc_range(block)) {
    if (isKernel(&op))
      continue;
    if (contains(&op, isKernel)) {
      for (Region &region : op.getRegions())
        for (Block &nested : region)
          if (failed(wrapStores(nested, rewriter)))
            return failure();
      continue;
    }
    if (isa<memref::AllocaOp>(op))
      return op.emitError("memory on the stack is the host's, where no kernel "
                          "can use it: allocate it");
    if (!contains(&op, [](Operation *nested) {
          return isa<memref::StoreOp>(nested);
        }))
      continue;
    if (op.getNumResults() && !op.use_empty())
      return op.emitError("a loop that stores and has results can't run on the "
                          "device");
    remark::missed(
        op.getLoc(),
        remark::RemarkOpts::name("OneThread").category("sq-tile-for-gpu"))
        << remark::reason("a loop nest that stores isn't known to be "
                          "parallel: it runs on one thread");
    kernels.push_back(wrapInParallel(&op, rewriter));
  }
  return success();
}

void TileForGPU::runOnOperation() {
  if (threads < 1 || threads > 1024) {
    getOperation().emitError("a block has 1 to 1024 threads, not ")
        << threads.getValue();
    return signalPassFailure();
  }
  kernels.clear();
  IRRewriter rewriter(&getContext());
  if (failed(lowerLinalg(rewriter)))
    return signalPassFailure();
  for (Block &block : getOperation().getBody())
    if (failed(wrapStores(block, rewriter)))
      return signalPassFailure();
  for (scf::ParallelOp loop : kernels) {
    cuda::sinkConstants(loop.getRegion(), atThread(loop));
    scf::tileParallelLoop(loop, {threads}, /*noMinMaxBounds=*/true);
  }
}
