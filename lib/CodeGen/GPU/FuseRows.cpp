//===- FuseRows.cpp - sq-fuse-rows ----------------------------------------===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "MemoryRoot.h"
#include "RowKernel.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "llvm/ADT/SetVector.h"

using namespace mlir;

namespace mlir::sq {
#define GEN_PASS_DEF_FUSEROWS
#include "sparse-quant/CodeGen/GPU/Passes.h.inc"
} // namespace mlir::sq

using namespace mlir::sq;
using namespace mlir::sq::cuda;

/// Loops that may be rows: all parallel ones where something is left inside of
/// them, a reduction or the last of several.
static unsigned getMostRowLoops(linalg::GenericOp op) {
  unsigned parallel = op.getNumParallelLoops();
  return op.getNumReductionLoops() || parallel < 2 ? parallel : parallel - 1;
}

/// Whether the first `rows` indices of the operand are the row's.
static bool isOfRow(AffineMap map, unsigned rows) {
  if (map.getNumResults() < rows)
    return false;
  for (unsigned i = 0; i < rows; ++i)
    if (map.getResult(i) != getAffineDimExpr(i, map.getContext()))
      return false;
  return true;
}

static bool isEqual(OpFoldResult a, OpFoldResult b) {
  if (isEqualConstantIntOrValue(a, b))
    return true;
  auto first = dyn_cast_if_present<Value>(a),
       second = dyn_cast_if_present<Value>(b);
  if (!first || !second)
    return false;
  // Extents of one memref, asked for twice.
  auto x = first.getDefiningOp<memref::DimOp>(),
       y = second.getDefiningOp<memref::DimOp>();
  return x && y && x.getSource() == y.getSource() && x.getConstantIndex() &&
         x.getConstantIndex() == y.getConstantIndex();
}

static unsigned countEqual(ArrayRef<OpFoldResult> a, ArrayRef<OpFoldResult> b) {
  unsigned count = 0;
  while (count < std::min(a.size(), b.size()) && isEqual(a[count], b[count]))
    ++count;
  return count;
}

/// A launch has 4 KiB of parameters; what isn't a memref takes few.
static constexpr int64_t kMostMemrefBytes = 3 << 10;

/// What a memref takes of them: two pointers, an offset, sizes and strides.
static int64_t countParameterBytes(Value memref) {
  return 8 * (3 + 2 * cast<MemRefType>(memref.getType()).getRank());
}

namespace {

/// Ops that can be done row by row, each by one block of threads: what one
/// writes in a row, others read and write in that row alone.
class Run {
public:
  /// Adds the op, unless that would make it no run.
  bool add(linalg::GenericOp op, ArrayRef<OpFoldResult> extents);
  /// Whether there is more than one op, and work for a block in a row.
  bool isWorthwhile() const {
    return ops.size() > 1 && llvm::any_of(ops, [&](linalg::GenericOp op) {
             return op.getNumLoops() > rows;
           });
  }
  /// Replaces the ops by a launch at the last one.
  void emit(RewriterBase &rewriter) {
    emitRowKernel(ops, ArrayRef(extents).take_front(rows), rewriter);
  }

  /// Memory that is to be released behind the launch.
  SmallVector<Operation *> deallocs;

private:
  struct Access {
    Value root, memref;
    AffineMap map;
    bool isWrite;
  };
  /// What the op touches; fails where that isn't known.
  static LogicalResult collect(linalg::GenericOp op,
                               SmallVectorImpl<Access> &accesses);
  /// Whether a block could meet what another one writes.
  bool conflicts(const Access &a, const Access &b, unsigned rows) const;

  SmallVector<linalg::GenericOp> ops;
  SmallVector<OpFoldResult> extents;
  SmallVector<Access> accesses;
  unsigned rows = 0;
};

} // namespace

LogicalResult Run::collect(linalg::GenericOp op,
                           SmallVectorImpl<Access> &accesses) {
  for (OpOperand &operand : op->getOpOperands()) {
    if (op.isScalar(&operand))
      continue;
    Value root = getRoot(operand.get());
    if (!root)
      return failure();
    accesses.push_back({root, operand.get(),
                        op.getMatchingIndexingMap(&operand),
                        op.isDpsInit(&operand)});
  }
  // Bodies look tables up.
  WalkResult result = op.getBody()->walk([&](Operation *nested) {
    if (auto load = dyn_cast<memref::LoadOp>(nested)) {
      Value root = getRoot(load.getMemRef());
      accesses.push_back({root, load.getMemRef(), AffineMap(), false});
      return root ? WalkResult::advance() : WalkResult::interrupt();
    }
    return isMemoryEffectFree(nested) ? WalkResult::advance()
                                      : WalkResult::interrupt();
  });
  return success(!result.wasInterrupted());
}

bool Run::conflicts(const Access &a, const Access &b, unsigned rows) const {
  if (a.root != b.root || !(a.isWrite || b.isWrite))
    return false;
  return a.memref != b.memref || !a.map || !b.map || !isOfRow(a.map, rows) ||
         !isOfRow(b.map, rows);
}

bool Run::add(linalg::GenericOp op, ArrayRef<OpFoldResult> newExtents) {
  SmallVector<Access> added;
  if (op.getNumDpsInits() != 1 || op.getNumReductionLoops() > 1 ||
      failed(collect(op, added)))
    return false;
  unsigned newRows = getMostRowLoops(op);
  if (!ops.empty()) {
    unsigned shared = std::min(
        std::min(rows, newRows),
        countEqual(extents, newExtents.take_front(op.getNumParallelLoops())));
    // Two ops decide how many loops are rows: with fewer there would be fewer
    // blocks.
    if (shared == 0 || (ops.size() > 1 && shared < rows))
      return false;
    newRows = shared;
  }
  if (newRows == 0 || !isRowOp(op, newRows))
    return false;
  SmallVector<Access> all = accesses;
  llvm::append_range(all, added);
  SetVector<Value> memrefs;
  for (const Access &access : all)
    memrefs.insert(access.memref);
  int64_t bytes = 0;
  for (Value memref : memrefs)
    bytes += countParameterBytes(memref);
  if (bytes > kMostMemrefBytes)
    return false;
  for (const Access &a : all)
    for (const Access &b : added)
      if (conflicts(a, b, newRows))
        return false;
  if (ops.empty())
    llvm::append_range(extents,
                       newExtents.take_front(op.getNumParallelLoops()));
  ops.push_back(op);
  accesses = std::move(all);
  rows = newRows;
  return true;
}

namespace {
struct FuseRows : sq::impl::FuseRowsBase<FuseRows> {
  void runOnOperation() override;

private:
  void fuse(Block &block, RewriterBase &rewriter);
};
} // namespace

void FuseRows::fuse(Block &block, RewriterBase &rewriter) {
  std::optional<Run> run;
  auto finish = [&](Operation *next) {
    if (run && run->isWorthwhile()) {
      for (Operation *dealloc : run->deallocs)
        rewriter.moveOpBefore(dealloc, next);
      run->emit(rewriter);
    }
    run.reset();
  };
  for (Operation &op : llvm::make_early_inc_range(block)) {
    auto linalgOp = dyn_cast<linalg::LinalgOp>(op);
    if (linalgOp && linalgOp.hasPureBufferSemantics()) {
      FailureOr<linalg::GenericOp> generic = sortLoops(linalgOp, rewriter);
      if (failed(generic)) {
        finish(&op);
        continue;
      }
      rewriter.setInsertionPoint(*generic);
      SmallVector<OpFoldResult> extents = getExtents(*generic, rewriter);
      if (!run)
        run.emplace();
      if (run->add(*generic, extents))
        continue;
      finish(*generic);
      run.emplace();
      if (!run->add(*generic, extents))
        run.reset();
      continue;
    }
    if (!run || isa<memref::AllocOp>(op) || isMemoryEffectFree(&op))
      continue;
    if (isa<memref::DeallocOp>(op))
      run->deallocs.push_back(&op);
    else
      finish(&op);
  }
  finish(&block.back());
}

void FuseRows::runOnOperation() {
  IRRewriter rewriter(&getContext());
  SmallVector<Block *> blocks;
  getOperation().walk([&](Block *block) {
    Operation *parent = block->getParentOp();
    if (!isa<linalg::LinalgOp, gpu::LaunchOp>(parent) &&
        !parent->getParentOfType<linalg::LinalgOp>() &&
        !parent->getParentOfType<gpu::LaunchOp>())
      blocks.push_back(block);
  });
  for (Block *block : blocks)
    fuse(*block, rewriter);
}
