//===- RowKernel.cpp - Ops row by row, a block of threads each ------------===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// How threads share what is inside of a row:
//
//   no reduction             elements t, t + 256, ... are thread t's
//   one sum                  all threads have a part, which lanes of a warp
//                            exchange and warps put into shared memory
//   sums along rows          a warp has sum w, w + 8, ...
//   few sums across rows     thread t has a part of sum t % n, and neighbors
//                            read neighbors; parts go through shared memory
//   other sums               thread t has sums t, t + 256, ...
//
//===----------------------------------------------------------------------===//
#include "RowKernel.h"
#include "DeviceBuilder.h"
#include "mlir/Dialect/Arith/Utils/Utils.h"

using namespace mlir;
using namespace mlir::sq;
using namespace mlir::sq::cuda;

static constexpr int64_t kThreads = 256, kWarps = kThreads / kWarp;

/// Elements of the result in a row; nullopt if that isn't known.
static std::optional<int64_t> countResults(linalg::GenericOp op,
                                           unsigned rows) {
  int64_t count = 1;
  SmallVector<int64_t> extents = op.getStaticLoopRanges();
  for (int64_t extent : ArrayRef(extents)
                            .take_front(op.getNumParallelLoops())
                            .drop_front(rows)) {
    if (ShapedType::isDynamic(extent))
      return std::nullopt;
    count *= extent;
  }
  return count;
}

bool cuda::isRowOp(linalg::GenericOp op, unsigned rows) {
  // One thread would add up all of a row.
  return op.getNumReductionLoops() == 0 || countResults(op, rows) != 1 ||
         findCombiner(op);
}

namespace {

class RowKernel {
public:
  RowKernel(ArrayRef<linalg::GenericOp> ops, ArrayRef<OpFoldResult> rows,
            RewriterBase &rewriter)
      : ops(ops), numRows(rows.size()), b(rewriter.getUnknownLoc(), rewriter) {
    b.setLoc(this->ops.back().getLoc());
    b.setInsertionPoint(this->ops.back());
    rowExtents = toValues(rows);
    for (linalg::GenericOp op : ops)
      extents.push_back(toValues(getExtents(op, b)));
  }

  void emit();

private:
  /// How threads share an op.
  enum class Sharing { Elements, OneSum, SumsAlongRows, SumsAcross, Sums };
  Sharing getSharing(linalg::GenericOp op);

  Value constant(int64_t value) {
    return arith::ConstantIndexOp::create(b, value);
  }
  SmallVector<Value> toValues(ArrayRef<OpFoldResult> folded);
  /// Body for i = from, from + step, ... below to.
  void emitFor(Value from, Value to, Value step,
               function_ref<void(Value)> body);
  void emitIf(arith::CmpIPredicate predicate, Value x, Value y,
              function_ref<void()> body);
  /// The op's loops for element `index` of the row's results.
  SmallVector<Value> getLoops(size_t op, Value index);
  /// Words of shared memory that no other op uses.
  Value takeShared(linalg::GenericOp op);
  static int64_t countShared(Sharing sharing) {
    return sharing == Sharing::OneSum       ? kWarps
           : sharing == Sharing::SumsAcross ? kThreads
                                            : 0;
  }

  void emitOp(size_t index);
  void emitOneSum(LoopBody &body, size_t index);
  void emitSumsAlongRows(LoopBody &body, size_t index, Value count);
  void emitSumsAcross(LoopBody &body, size_t index, int64_t count);
  void emitElements(LoopBody &body, size_t index, Value count);

  SmallVector<linalg::GenericOp> ops;
  unsigned numRows;
  ImplicitLocOpBuilder b;
  SmallVector<Value> rowExtents, row;
  SmallVector<SmallVector<Value>> extents;
  Value thread, shared;
  int64_t sharedBytes = 0;
};

} // namespace

SmallVector<Value> RowKernel::toValues(ArrayRef<OpFoldResult> folded) {
  SmallVector<Value> values;
  for (OpFoldResult value : folded)
    values.push_back(getValueOrCreateConstantIndexOp(b, b.getLoc(), value));
  return values;
}

RowKernel::Sharing RowKernel::getSharing(linalg::GenericOp op) {
  if (op.getNumReductionLoops() == 0)
    return Sharing::Elements;
  std::optional<int64_t> count = countResults(op, numRows);
  if (count == 1)
    return Sharing::OneSum;
  if (isForWarps(op))
    return Sharing::SumsAlongRows;
  if (count && *count < kThreads && kThreads % *count == 0 && findCombiner(op))
    return Sharing::SumsAcross;
  return Sharing::Sums;
}

void RowKernel::emitFor(Value from, Value to, Value step,
                        function_ref<void(Value)> body) {
  auto loop = scf::ForOp::create(b, from, to, step);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(loop.getBody());
  body(loop.getInductionVar());
}

void RowKernel::emitIf(arith::CmpIPredicate predicate, Value x, Value y,
                       function_ref<void()> body) {
  Value condition = arith::CmpIOp::create(b, predicate, x, y);
  auto branch = scf::IfOp::create(b, condition);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(branch.thenBlock());
  body();
}

SmallVector<Value> RowKernel::getLoops(size_t op, Value index) {
  SmallVector<Value> loops = row;
  unsigned parallel = ops[op].getNumParallelLoops();
  llvm::append_range(
      loops,
      getElement(
          b, index,
          ArrayRef(extents[op]).take_front(parallel).drop_front(numRows)));
  // A row that is one element has no loop inside of it.
  loops.resize(parallel);
  return loops;
}

Value RowKernel::takeShared(linalg::GenericOp op) {
  int64_t count = countShared(getSharing(op));
  Type element = getElementTypeOrSelf(op.getDpsInits()[0]);
  auto type =
      MemRefType::get({count}, element, MemRefLayoutAttrInterface(),
                      cast<MemRefType>(shared.getType()).getMemorySpace());
  Value offset = constant(sharedBytes);
  sharedBytes += count * 4;
  return memref::ViewOp::create(b, type, shared, offset, ValueRange());
}

void RowKernel::emitOneSum(LoopBody &body, size_t index) {
  SmallVector<Value> loops = getLoops(index, constant(0));
  Value own = body.reduceWarp(
      body.reduce(loops, thread, extents[index].back(), constant(kThreads)));
  Value parts = takeShared(ops[index]);
  Value warp = arith::DivUIOp::create(b, thread, constant(kWarp));
  Value lane = arith::RemUIOp::create(b, thread, constant(kWarp));
  Value zero = constant(0);
  emitIf(arith::CmpIPredicate::eq, lane, zero,
         [&] { memref::StoreOp::create(b, own, parts, warp); });
  ::mlir::gpu::BarrierOp::create(b);
  emitIf(arith::CmpIPredicate::eq, thread, zero, [&] {
    Value sum = memref::LoadOp::create(b, parts, zero);
    for (int64_t i = 1; i < kWarps; ++i)
      sum = body.combine(sum, memref::LoadOp::create(b, parts, constant(i)));
    loops.push_back(zero);
    body.addToResult(sum, loops);
  });
}

void RowKernel::emitSumsAlongRows(LoopBody &body, size_t index, Value count) {
  Value warp = arith::DivUIOp::create(b, thread, constant(kWarp));
  Value lane = arith::RemUIOp::create(b, thread, constant(kWarp));
  emitFor(warp, count, constant(kWarps), [&](Value i) {
    SmallVector<Value> loops = getLoops(index, i);
    Value sum = body.reduceWarp(
        body.reduce(loops, lane, extents[index].back(), constant(kWarp)));
    emitIf(arith::CmpIPredicate::eq, lane, constant(0), [&] {
      loops.push_back(constant(0));
      body.addToResult(sum, loops);
    });
  });
}

void RowKernel::emitSumsAcross(LoopBody &body, size_t index, int64_t count) {
  Value parts = takeShared(ops[index]);
  Value columns = constant(count);
  SmallVector<Value> loops =
      getLoops(index, arith::RemUIOp::create(b, thread, columns));
  Value first = arith::DivUIOp::create(b, thread, columns);
  Value own = body.reduce(loops, first, extents[index].back(),
                          constant(kThreads / count));
  memref::StoreOp::create(b, own, parts, thread);
  ::mlir::gpu::BarrierOp::create(b);
  emitIf(arith::CmpIPredicate::ult, thread, columns, [&] {
    Value sum = own;
    for (int64_t i = 1; i < kThreads / count; ++i) {
      Value place = arith::AddIOp::create(b, thread, constant(i * count));
      sum = body.combine(sum, memref::LoadOp::create(b, parts, place));
    }
    loops.push_back(constant(0));
    body.addToResult(sum, loops);
  });
}

void RowKernel::emitElements(LoopBody &body, size_t index, Value count) {
  emitFor(thread, count, constant(kThreads), [&](Value i) {
    SmallVector<Value> loops = getLoops(index, i);
    if (body.numReductions() == 0) {
      Value old = body.usesResult() ? body.loadResult(loops) : Value();
      return body.storeResult(body.emit(loops, old), loops);
    }
    emitFor(constant(0), extents[index].back(), constant(1), [&](Value k) {
      loops.push_back(k);
      body.storeResult(body.emit(loops, body.loadResult(loops)), loops);
    });
  });
}

void RowKernel::emitOp(size_t index) {
  linalg::GenericOp op = ops[index];
  LoopBody body(op, b);
  Value count = multiply(b, ArrayRef(extents[index])
                                .take_front(op.getNumParallelLoops())
                                .drop_front(numRows));
  switch (getSharing(op)) {
  case Sharing::OneSum:
    return emitOneSum(body, index);
  case Sharing::SumsAlongRows:
    return emitSumsAlongRows(body, index, count);
  case Sharing::SumsAcross:
    return emitSumsAcross(body, index, *countResults(op, numRows));
  case Sharing::Elements:
  case Sharing::Sums:
    return emitElements(body, index, count);
  }
}

void RowKernel::emit() {
  int64_t needed = 0;
  for (linalg::GenericOp op : ops)
    needed += 4 * countShared(getSharing(op));
  Value blocks = multiply(b, rowExtents);
  emitLaunch(b, {blocks}, kThreads, needed, [&] {
    thread = ::mlir::gpu::ThreadIdOp::create(b, ::mlir::gpu::Dimension::x);
    Value block = ::mlir::gpu::BlockIdOp::create(b, ::mlir::gpu::Dimension::x);
    row = getElement(b, block, rowExtents);
    if (needed) {
      auto space = ::mlir::gpu::AddressSpaceAttr::get(
          b.getContext(), ::mlir::gpu::AddressSpace::Workgroup);
      auto type = MemRefType::get({ShapedType::kDynamic}, b.getI8Type(),
                                  MemRefLayoutAttrInterface(), space);
      shared = ::mlir::gpu::DynamicSharedMemoryOp::create(b, type);
    }
    for (size_t i = 0; i < ops.size(); ++i) {
      if (i)
        ::mlir::gpu::BarrierOp::create(b);
      emitOp(i);
    }
  });
}

void cuda::emitRowKernel(ArrayRef<linalg::GenericOp> ops,
                         ArrayRef<OpFoldResult> rows, RewriterBase &rewriter) {
  RowKernel(ops, rows, rewriter).emit();
  auto launch =
      cast<::mlir::gpu::LaunchOp>(ArrayRef(ops).back()->getPrevNode());
  sinkConstants(launch.getBody(),
                OpBuilder::atBlockBegin(&launch.getBody().front()));
  for (linalg::GenericOp op : ops)
    rewriter.eraseOp(op);
}
