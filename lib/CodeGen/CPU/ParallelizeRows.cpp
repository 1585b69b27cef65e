//===- ParallelizeRows.cpp - Loops around layers on several threads -------===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "Loops.h"
#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Linalg/Transforms/Transforms.h"
#include "sparse-quant/CodeGen/CPU/Passes.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;

namespace mlir::sq {
#define GEN_PASS_DEF_PARALLELIZEROWS
#include "sparse-quant/CodeGen/CPU/Passes.h.inc"
} // namespace mlir::sq

using namespace mlir::sq;
using namespace mlir::sq::cpu;

/// Ops for an index of the outermost loop; nullopt if that isn't known.
static std::optional<int64_t> countRowWork(linalg::LinalgOp op) {
  int64_t work = std::max<size_t>(1, op.getBlock()->getOperations().size() - 1);
  for (int64_t extent : ArrayRef(op.getStaticLoopRanges()).drop_front()) {
    if (ShapedType::isDynamic(extent))
      return std::nullopt;
    work = llvm::SaturatingMultiply<uint64_t>(work, extent);
  }
  return work;
}

/// A loop of `type` over parts of `rows` rows around a clone of `op`.
static LogicalResult tile(RewriterBase &rewriter, linalg::LinalgOp op,
                          OpFoldResult rows,
                          linalg::LinalgTilingLoopType type) {
  auto clone = cast<linalg::LinalgOp>(rewriter.clone(*op));
  linalg::LinalgTilingOptions options;
  options.setLoopType(type);
  options.setTileSizeComputationFunction(
      [&](OpBuilder &b, Operation *) -> SmallVector<Value> {
        SmallVector<Value> sizes(
            op.getNumLoops(),
            arith::ConstantIndexOp::create(b, op.getLoc(), 0));
        sizes.front() = getValueOrCreateConstantIndexOp(b, op.getLoc(), rows);
        return sizes;
      });
  OpBuilder::InsertionGuard guard(rewriter);
  rewriter.setInsertionPoint(clone);
  FailureOr<linalg::TiledLinalgOp> tiled =
      linalg::tileLinalgOp(rewriter, clone, options);
  if (failed(tiled))
    return failure();
  rewriter.eraseOp(clone);
  return success();
}

namespace {
struct ParallelizeRows : sq::impl::ParallelizeRowsBase<ParallelizeRows> {
  using ParallelizeRowsBase::ParallelizeRowsBase;

  bool isCandidate(linalg::LinalgOp op) const;
  LogicalResult parallelize(RewriterBase &rewriter, linalg::LinalgOp op) const;

  void runOnOperation() override {
    SmallVector<linalg::LinalgOp> ops;
    getOperation().walk([&](linalg::LinalgOp op) {
      if (isCandidate(op))
        ops.push_back(op);
    });
    IRRewriter rewriter(&getContext());
    for (linalg::LinalgOp op : ops)
      if (failed(parallelize(rewriter, op)))
        return signalPassFailure();
  }
};
} // namespace

bool ParallelizeRows::isCandidate(linalg::LinalgOp op) const {
  // Products have kernels of their own.
  if (!op.hasPureBufferSemantics() || linalg::isaContractionOpInterface(op) ||
      op->getParentOfType<scf::ParallelOp>() || op.getNumLoops() == 0 ||
      op.getIteratorTypesArray().front() != utils::IteratorType::parallel)
    return false;
  std::optional<int64_t> work = countRowWork(op);
  if (!work)
    return false;
  int64_t rows = op.getStaticLoopRanges().front();
  return ShapedType::isDynamic(rows) ||
         (rows > 1 &&
          llvm::SaturatingMultiply<uint64_t>(rows, *work) >= minWork);
}

LogicalResult ParallelizeRows::parallelize(RewriterBase &rewriter,
                                           linalg::LinalgOp op) const {
  Location loc = op.getLoc();
  rewriter.setInsertionPoint(op);
  int64_t work = *countRowWork(op);
  OpFoldResult part =
      rewriter.getIndexAttr(std::max<int64_t>(1, partWork / work));
  int64_t known = op.getStaticLoopRanges().front();
  if (!ShapedType::isDynamic(known)) {
    if (failed(tile(rewriter, op, part,
                    linalg::LinalgTilingLoopType::ParallelLoops)))
      return failure();
    rewriter.eraseOp(op);
    return success();
  }
  OpFoldResult rows = op.createLoopRanges(rewriter, loc).front().size;
  Value count = getValueOrCreateConstantIndexOp(rewriter, loc, rows);
  Value isLarge = arith::CmpIOp::create(
      rewriter, loc, arith::CmpIPredicate::uge, count,
      arith::ConstantIndexOp::create(rewriter, loc,
                                     llvm::divideCeil(minWork, work)));
  auto branch = scf::IfOp::create(rewriter, loc, isLarge, /*withElse=*/true);
  rewriter.setInsertionPointToStart(branch.thenBlock());
  if (failed(tile(rewriter, op, part,
                  linalg::LinalgTilingLoopType::ParallelLoops)))
    return failure();
  // A loop of one iteration: so both branches work on parts of the same types,
  // for which there is one function.
  rewriter.setInsertionPointToStart(branch.elseBlock());
  if (failed(tile(rewriter, op, count, linalg::LinalgTilingLoopType::Loops)))
    return failure();
  rewriter.eraseOp(op);
  return success();
}
