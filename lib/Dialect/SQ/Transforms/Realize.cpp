//===- Realize.cpp - Rebuild a value from unquantized sources -------------===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "Realize.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Matchers.h"
#include "mlir/Transforms/RegionUtils.h"
#include "sparse-quant/Dialect/SQ/IR/SQ.h"
#include "llvm/Support/SaveAndRestore.h"

using namespace mlir;
using namespace mlir::sq;

Type mlir::sq::getRealType(Type type) {
  if (!isCodeElementType(getElementTypeOrSelf(type)))
    return type;
  Type real = Float32Type::get(type.getContext());
  auto tensor = dyn_cast<TensorType>(type);
  return tensor ? Type(tensor.clone(real)) : real;
}

static bool hasCodeType(Value value) {
  return isCodeElementType(getElementTypeOrSelf(value.getType()));
}

LogicalResult Realizer::fail(Location loc, const Twine &message) {
  if (!obstacle)
    obstacle = Obstacle{loc, message.str()};
  return failure();
}

Provenance Realizer::lookup(Value value) const {
  auto it = younger.find(value);
  return it == younger.end() ? provenance.get(value) : it->second;
}

Value Realizer::remember(Value value, Value real, RealizeDepth depth) {
  Provenance state;
  state.facts = Provenance::Real;
  younger[real] = state;
  memo[{value, static_cast<unsigned>(depth)}] = real;
  return real;
}

void Realizer::transfer(ValueRange from, ValueRange to) {
  for (auto [before, after] : llvm::zip(from, to)) {
    for (auto &entry : memo)
      if (entry.second == before)
        entry.second = after;
    younger[after] = lookup(before);
    for (unsigned depth : {0u, 1u}) {
      auto it = memo.find({before, depth});
      if (it == memo.end())
        continue;
      Value real = it->second;
      memo.erase(it);
      memo[{after, depth}] = real;
    }
  }
  structureChanged = true;
}

Value Realizer::findKnown(Value value, RealizeDepth depth) const {
  if (!lookup(value).isQuantized())
    return value;
  return memo.lookup({value, static_cast<unsigned>(depth)});
}

FailureOr<Value> Realizer::realize(Value value, RealizeDepth depth) {
  if (Value known = findKnown(value, depth))
    return known;
  if (auto arg = dyn_cast<BlockArgument>(value))
    return realizeArgument(arg, depth);
  return realizeOp(cast<OpResult>(value), depth);
}

FailureOr<Value> Realizer::realizeQuantizer(OpResult value,
                                            RealizeDepth depth) {
  Operation *op = value.getOwner();
  FailureOr<Value> real = op->getOperand(0);
  if (auto dequantize = dyn_cast<DequantizeOp>(op)) {
    llvm::SaveAndRestore guard(
        hasZeroPoint, dequantize.getFormat().getFormat().hasZeroPoint());
    real = realize(op->getOperand(0), depth);
  } else if (depth == RealizeDepth::Unquantized) {
    llvm::SaveAndRestore guard(hasZeroPoint, false);
    real = realize(op->getOperand(0), depth);
  }
  if (succeeded(real))
    memo[{value, static_cast<unsigned>(depth)}] = *real;
  return real;
}

FailureOr<Value> Realizer::realizeOp(OpResult value, RealizeDepth depth) {
  Operation *op = value.getOwner();
  unsigned index = value.getResultNumber();
  if (isa<QuantizeOp, DequantizeOp>(op))
    return realizeQuantizer(value, depth);
  if (auto branch = dyn_cast<scf::IfOp>(op))
    return realizeIf(branch, index, depth);
  if (auto loop = dyn_cast<scf::ForOp>(op))
    return realizeLoop(loop, index, /*inside=*/false, depth);
  if (auto loop = dyn_cast<scf::WhileOp>(op))
    return realizeWhileResult(loop, index, /*inside=*/false, depth);
  if (auto call = dyn_cast<func::CallOp>(op))
    return realizeCall(call, index, depth);
  if (isa<tensor::EmptyOp>(op) ||
      (op->getNumOperands() == 0 && op->getNumRegions() == 0))
    return realizeStored(op);
  return realizeClone(value, depth);
}

/// Codes that come from nowhere: only those that hold no value can be replaced.
FailureOr<Value> Realizer::realizeStored(Operation *op) {
  OpBuilder::InsertionGuard guard(rewriter);
  rewriter.setInsertionPointAfter(op);
  Value value = op->getResult(0);
  Type type = getRealType(value.getType());
  if (auto empty = dyn_cast<tensor::EmptyOp>(op))
    return tensor::EmptyOp::create(rewriter, op->getLoc(),
                                   empty.getMixedSizes(),
                                   getElementTypeOrSelf(type))
        .getResult();
  if (!hasZeroPoint &&
      (matchPattern(value, m_Zero()) || matchPattern(value, m_AnyZeroFloat())))
    return arith::ConstantOp::create(rewriter, op->getLoc(),
                                     rewriter.getZeroAttr(type))
        .getResult();
  return fail(op->getLoc(), "the values are stored here already quantized");
}

FailureOr<Value> Realizer::realizeClone(OpResult value, RealizeDepth depth) {
  Operation *op = value.getOwner();
  auto endsHere = [&] {
    return fail(op->getLoc(),
                "the way back to the unquantized values ends at '" +
                    op->getName().getStringRef() + "'");
  };
  llvm::SetVector<Value> captured;
  getUsedValuesDefinedAbove(op->getRegions(), captured);
  if (!isMemoryEffectFree(op) ||
      (op->getNumRegions() != 0 && !isa<linalg::LinalgOp, tensor::PadOp>(op)) ||
      llvm::any_of(captured,
                   [&](Value used) { return lookup(used).isQuantized(); }))
    return endsHere();
  if (!isCarrierOp(op) && !isa<ApplyMaskOp>(op) &&
      llvm::any_of(op->getOperands(), hasCodeType))
    return fail(op->getLoc(), "'" + op->getName().getStringRef() +
                                  "' computes on codes, which the real values "
                                  "can't replace");

  SmallVector<Value> operands;
  for (unsigned i = 0; i < op->getNumOperands(); ++i) {
    OpOperand &operand = op->getOpOperand(i);
    auto linalgOp = dyn_cast<linalg::LinalgOp>(op);
    bool unread = linalgOp && linalgOp.isDpsInit(&operand) &&
                  !linalgOp.payloadUsesValueFromOperand(&operand);
    if (unread && hasCodeType(operand.get())) {
      OpBuilder::InsertionGuard guard(rewriter);
      rewriter.setInsertionPoint(op);
      operands.push_back(tensor::EmptyOp::create(
          rewriter, op->getLoc(),
          tensor::getMixedSizes(rewriter, op->getLoc(), operand.get()),
          rewriter.getF32Type()));
      continue;
    }
    if (unread) {
      operands.push_back(operand.get());
      continue;
    }
    FailureOr<Value> real = realize(operand.get(), depth);
    if (failed(real))
      return failure();
    operands.push_back(*real);
  }
  // The way back of one may have rebuilt the loop that another comes from, or
  // come by here.
  if (Value known = findKnown(value, depth))
    return known;
  for (auto [operand, real] : llvm::zip(op->getOperands(), operands))
    if (Value known = findKnown(operand, depth))
      real = known;

  OpBuilder::InsertionGuard guard(rewriter);
  rewriter.setInsertionPointAfter(op);
  if (auto transpose = dyn_cast<linalg::TransposeOp>(op))
    return remember(value,
                    linalg::TransposeOp::create(rewriter, op->getLoc(),
                                                operands[0], operands[1],
                                                transpose.getPermutation())
                        ->getResult(0),
                    depth);
  if (auto broadcast = dyn_cast<linalg::BroadcastOp>(op))
    return remember(value,
                    linalg::BroadcastOp::create(rewriter, op->getLoc(),
                                                operands[0], operands[1],
                                                broadcast.getDimensions())
                        ->getResult(0),
                    depth);
  if (hasCodeType(value) && op->getNumRegions() != 0)
    return endsHere();
  Operation *clone = rewriter.clone(*op);
  clone->setOperands(operands);
  for (OpResult result : clone->getResults())
    if (hasCodeType(result))
      result.setType(getRealType(result.getType()));
  return remember(value, clone->getResult(value.getResultNumber()), depth);
}
