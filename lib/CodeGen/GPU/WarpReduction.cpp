//===- WarpReduction.cpp - Sums of rows, by warps -------------------------===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "WarpReduction.h"
#include "mlir/Analysis/SliceAnalysis.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Arith/Utils/Utils.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/Linalg/Utils/Utils.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/IR/IRMapping.h"

using namespace mlir;
using namespace mlir::sq;

static constexpr int64_t kWarp = 32;

/// The operation that adds to the result; null if it is more than one.
static Operation *getCombiner(linalg::GenericOp op) {
  SmallVector<Operation *> combiners;
  if (!matchReduction(op.getRegionOutputArgs(), 0, combiners) ||
      combiners.size() != 1 || !arith::getNeutralElement(combiners.front()))
    return nullptr;
  return combiners.front();
}

bool cuda::isForWarps(linalg::GenericOp op) {
  if (op.getNumReductionLoops() != 1 || op.getNumDpsInits() != 1 ||
      linalg::isParallelIterator(op.getIteratorTypesArray().back()))
    return false;
  Type element = getElementTypeOrSelf(op.getDpsInits()[0]);
  if (!element.isF32() && !element.isInteger(32))
    return false;
  unsigned reduction = op.getNumLoops() - 1;
  int64_t columns = op.getStaticLoopRanges().back();
  if (!ShapedType::isDynamic(columns) && columns < kWarp)
    return false;
  for (AffineMap map : op.getIndexingMapsArray()) {
    if (!map.isProjectedPermutation())
      return false;
    if (map.isFunctionOfDim(reduction) &&
        map.getDimPosition(map.getNumResults() - 1) != reduction)
      return false;
  }
  return getCombiner(op) != nullptr;
}

namespace {

class WarpReduction {
public:
  WarpReduction(linalg::GenericOp op, int64_t threads, RewriterBase &rewriter)
      : op(op), threads(threads), b(op.getLoc(), rewriter) {
    b.setInsertionPoint(op);
    combiner = getCombiner(op);
  }

  scf::ParallelOp emit();

private:
  Value constant(int64_t value) {
    return arith::ConstantIndexOp::create(b, value);
  }
  Value load(OpOperand &operand, ValueRange indices);
  /// What the op's body makes of the elements at `indices` and of `sum`.
  Value emitBody(ValueRange indices, Value sum);
  Value combine(Value x, Value y);
  /// The element of the result that is the `index`-th in row-major order.
  SmallVector<Value> getElement(Value index, ArrayRef<Value> extents);
  void emitWarp(ArrayRef<Value> element, Value lane, Value columns);

  linalg::GenericOp op;
  int64_t threads;
  ImplicitLocOpBuilder b;
  Operation *combiner;
};

} // namespace

Value WarpReduction::load(OpOperand &operand, ValueRange indices) {
  if (op.isScalar(&operand))
    return operand.get();
  SmallVector<Value> own;
  AffineMap map = op.getMatchingIndexingMap(&operand);
  for (unsigned i = 0; i < map.getNumResults(); ++i)
    own.push_back(indices[map.getDimPosition(i)]);
  return memref::LoadOp::create(b, operand.get(), own);
}

Value WarpReduction::emitBody(ValueRange indices, Value sum) {
  IRMapping mapping;
  for (auto [operand, argument] :
       llvm::zip(op.getDpsInputOperands(), op.getRegionInputArgs()))
    mapping.map(argument, load(*operand, indices));
  mapping.map(op.getRegionOutputArgs()[0], sum);
  for (Operation &nested : op.getBody()->without_terminator()) {
    if (auto index = dyn_cast<linalg::IndexOp>(nested))
      mapping.map(index.getResult(), indices[index.getDim()]);
    else
      b.clone(nested, mapping);
  }
  return mapping.lookupOrDefault(op.getBody()->getTerminator()->getOperand(0));
}

Value WarpReduction::combine(Value x, Value y) {
  Operation *copy = b.clone(*combiner);
  copy->setOperands({x, y});
  return copy->getResult(0);
}

SmallVector<Value> WarpReduction::getElement(Value index,
                                             ArrayRef<Value> extents) {
  SmallVector<Value> element(extents.size());
  for (size_t i = extents.size(); i-- > 0;) {
    element[i] = i ? arith::RemUIOp::create(b, index, extents[i]) : index;
    if (i)
      index = arith::DivUIOp::create(b, index, extents[i]);
  }
  return element;
}

void WarpReduction::emitWarp(ArrayRef<Value> element, Value lane,
                             Value columns) {
  TypedAttr neutral = *arith::getNeutralElement(combiner);
  Value init = arith::ConstantOp::create(b, neutral);
  auto loop = scf::ForOp::create(b, lane, columns, constant(kWarp), init);
  SmallVector<Value> indices(element);
  indices.push_back(loop.getInductionVar());
  {
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(loop.getBody());
    scf::YieldOp::create(b, emitBody(indices, loop.getRegionIterArg(0)));
  }
  Value sum = loop.getResult(0);
  for (int64_t distance = kWarp / 2; distance; distance /= 2) {
    auto other = gpu::ShuffleOp::create(b, sum, int32_t(distance),
                                        int32_t(kWarp), gpu::ShuffleMode::XOR);
    sum = combine(sum, other.getShuffleResult());
  }
  Value isFirst =
      arith::CmpIOp::create(b, arith::CmpIPredicate::eq, lane, constant(0));
  auto store = scf::IfOp::create(b, isFirst);
  b.setInsertionPointToStart(store.thenBlock());
  OpOperand &out = op.getDpsInitsMutable()[0];
  AffineMap map = op.getMatchingIndexingMap(&out);
  SmallVector<Value> own;
  for (unsigned i = 0; i < map.getNumResults(); ++i)
    own.push_back(element[map.getDimPosition(i)]);
  Value old = memref::LoadOp::create(b, out.get(), own);
  memref::StoreOp::create(b, combine(old, sum), out.get(), own);
}

scf::ParallelOp WarpReduction::emit() {
  SmallVector<Value> extents;
  for (Range range : cast<linalg::LinalgOp>(op.getOperation())
                         .createLoopRanges(b, b.getLoc()))
    extents.push_back(
        getValueOrCreateConstantIndexOp(b, b.getLoc(), range.size));
  Value columns = extents.pop_back_val();
  Value count = constant(1);
  for (Value extent : extents)
    count = arith::MulIOp::create(b, count, extent);
  Value zero = constant(0), one = constant(1), warp = constant(kWarp);
  Value size = constant(threads);
  auto blocks =
      scf::ParallelOp::create(b, zero, count, constant(threads / kWarp));
  b.setInsertionPointToStart(blocks.getBody());
  auto lanes = scf::ParallelOp::create(b, zero, size, one);
  b.setInsertionPointToStart(lanes.getBody());
  Value thread = lanes.getInductionVars()[0];
  Value index = arith::AddIOp::create(b, blocks.getInductionVars()[0],
                                      arith::DivUIOp::create(b, thread, warp));
  Value exists =
      arith::CmpIOp::create(b, arith::CmpIPredicate::ult, index, count);
  // The same for all lanes of a warp.
  auto branch = scf::IfOp::create(b, exists);
  b.setInsertionPointToStart(branch.thenBlock());
  emitWarp(getElement(index, extents), arith::RemUIOp::create(b, thread, warp),
           columns);
  return blocks;
}

scf::ParallelOp cuda::reduceByWarps(linalg::GenericOp op, int64_t threads,
                                    RewriterBase &rewriter) {
  scf::ParallelOp blocks = WarpReduction(op, threads, rewriter).emit();
  rewriter.eraseOp(op);
  return blocks;
}
