//===- LoopBody.cpp - What a linalg op computes for an element ------------===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "LoopBody.h"
#include "DeviceBuilder.h"
#include "mlir/Analysis/SliceAnalysis.h"
#include "mlir/Dialect/Affine/Utils.h"
#include "mlir/Dialect/Linalg/Transforms/Transforms.h"
#include "mlir/Dialect/Linalg/Utils/Utils.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/Interfaces/ViewLikeInterface.h"
#include "mlir/Transforms/RegionUtils.h"

using namespace mlir;
using namespace mlir::sq;
using namespace mlir::sq::cuda;

FailureOr<linalg::GenericOp> cuda::sortLoops(linalg::LinalgOp op,
                                             RewriterBase &rewriter) {
  rewriter.setInsertionPoint(op);
  auto generic = dyn_cast<linalg::GenericOp>(op.getOperation());
  if (!generic) {
    FailureOr<linalg::GenericOp> made = generalizeNamedOp(rewriter, op);
    if (failed(made))
      return failure();
    generic = *made;
  }
  SmallVector<unsigned> order, reductions;
  for (auto [i, type] : llvm::enumerate(generic.getIteratorTypesArray()))
    (linalg::isParallelIterator(type) ? order : reductions).push_back(i);
  llvm::append_range(order, reductions);
  if (llvm::is_sorted(order))
    return generic;
  rewriter.setInsertionPoint(generic);
  return interchangeGenericOp(rewriter, generic, order);
}

void cuda::sinkConstants(Region &region, OpBuilder place) {
  SetVector<Value> used;
  getUsedValuesDefinedAbove(region, used);
  for (Value value : used) {
    SmallVector<Operation *> chain;
    Operation *op = value.getDefiningOp();
    for (; op && isa<ViewLikeOpInterface>(op);
         op = cast<ViewLikeOpInterface>(op).getViewSource().getDefiningOp())
      chain.push_back(op);
    if (!isa_and_nonnull<memref::GetGlobalOp>(op))
      continue;
    chain.push_back(op);
    IRMapping mapping;
    for (Operation *link : llvm::reverse(chain))
      place.clone(*link, mapping);
    replaceAllUsesInRegionWith(value, mapping.lookup(value), region);
  }
}

Operation *cuda::findCombiner(linalg::GenericOp op) {
  SmallVector<Operation *> combiners;
  if (op.getNumReductionLoops() != 1 || op.getNumDpsInits() != 1)
    return nullptr;
  Type element = getElementTypeOrSelf(op.getDpsInits()[0]);
  if ((!element.isF32() && !element.isInteger(32)) ||
      !matchReduction(op.getRegionOutputArgs(), 0, combiners) ||
      combiners.size() != 1 || !arith::getNeutralElement(combiners.front()))
    return nullptr;
  return combiners.front();
}

bool cuda::isForWarps(linalg::GenericOp op) {
  if (!findCombiner(op))
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
  return true;
}

SmallVector<Value> cuda::getElement(ImplicitLocOpBuilder &b, Value index,
                                    ArrayRef<Value> extents) {
  SmallVector<Value> element(extents.size());
  for (size_t i = extents.size(); i-- > 0;) {
    element[i] = i ? arith::RemUIOp::create(b, index, extents[i]) : index;
    if (i)
      index = arith::DivUIOp::create(b, index, extents[i]);
  }
  return element;
}

Value cuda::multiply(ImplicitLocOpBuilder &b, ArrayRef<Value> extents) {
  Value product;
  for (Value extent : extents)
    product = product ? arith::MulIOp::create(b, product, extent).getResult()
                      : extent;
  return product ? product : arith::ConstantIndexOp::create(b, 1).getResult();
}

SmallVector<OpFoldResult> cuda::getExtents(linalg::GenericOp op, OpBuilder &b) {
  SmallVector<OpFoldResult> extents;
  auto linalgOp = cast<linalg::LinalgOp>(op.getOperation());
  for (Range range : linalgOp.createLoopRanges(b, op.getLoc()))
    extents.push_back(range.size);
  return extents;
}

SmallVector<Value> LoopBody::getIndices(OpOperand &operand, ValueRange loops) {
  SmallVector<Value> indices;
  for (AffineExpr expression : op.getMatchingIndexingMap(&operand).getResults())
    indices.push_back(
        affine::expandAffineExpr(b, b.getLoc(), expression, loops, {}));
  return indices;
}

Value LoopBody::load(OpOperand &operand, ValueRange indices) {
  if (op.isScalar(&operand))
    return operand.get();
  return memref::LoadOp::create(b, operand.get(), getIndices(operand, indices));
}

bool LoopBody::usesResult() {
  return op.payloadUsesValueFromOperand(&op.getDpsInitsMutable()[0]);
}

Value LoopBody::loadResult(ValueRange indices) {
  return load(op.getDpsInitsMutable()[0], indices);
}

void LoopBody::storeResult(Value value, ValueRange indices) {
  OpOperand &result = op.getDpsInitsMutable()[0];
  memref::StoreOp::create(b, value, result.get(), getIndices(result, indices));
}

Value LoopBody::emit(ValueRange indices, Value old, Value from, Value known) {
  IRMapping mapping;
  for (auto [operand, argument] :
       llvm::zip(op.getDpsInputOperands(), op.getRegionInputArgs()))
    if (op.payloadUsesValueFromOperand(operand))
      mapping.map(argument, known && operand->get() == from
                                ? known
                                : load(*operand, indices));
  if (old)
    mapping.map(op.getRegionOutputArgs()[0], old);
  for (Operation &nested : op.getBody()->without_terminator()) {
    if (auto index = dyn_cast<linalg::IndexOp>(nested))
      mapping.map(index.getResult(), indices[index.getDim()]);
    else
      b.clone(nested, mapping);
  }
  return mapping.lookupOrDefault(op.getBody()->getTerminator()->getOperand(0));
}

Value LoopBody::combine(Value x, Value y) {
  Operation *copy = b.clone(*combiner);
  copy->setOperands({x, y});
  return copy->getResult(0);
}

Value LoopBody::reduce(ArrayRef<Value> outer, Value from, Value to,
                       Value step) {
  Value neutral =
      arith::ConstantOp::create(b, *arith::getNeutralElement(combiner));
  auto loop = scf::ForOp::create(b, from, to, step, neutral);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(loop.getBody());
  SmallVector<Value> indices(outer);
  indices.push_back(loop.getInductionVar());
  scf::YieldOp::create(b, emit(indices, loop.getRegionIterArg(0)));
  return loop.getResult(0);
}

Value LoopBody::reduceWarp(Value own) {
  for (int64_t distance = kWarp / 2; distance; distance /= 2) {
    auto other = ::mlir::gpu::ShuffleOp::create(b, own, int32_t(distance),
                                                int32_t(kWarp),
                                                ::mlir::gpu::ShuffleMode::XOR);
    own = combine(own, other.getShuffleResult());
  }
  return own;
}

void LoopBody::addToResult(Value sum, ValueRange indices) {
  storeResult(combine(loadResult(indices), sum), indices);
}
