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
#include "sparse-quant/Dialect/SQ/IR/SQ.h"

using namespace mlir;
using namespace mlir::sq;

RankedTensorType mlir::sq::getRealType(Type type) {
  return cast<RankedTensorType>(type).clone(
      Float32Type::get(type.getContext()));
}

static bool hasCodeType(Value value) {
  return isCodeElementType(getElementTypeOrSelf(value.getType()));
}

FailureOr<Value> Realizer::fail(Location loc, const Twine &message) {
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

FailureOr<Value> Realizer::realizeOp(OpResult value, RealizeDepth depth) {
  Operation *op = value.getOwner();
  unsigned index = value.getResultNumber();
  if (isa<QuantizeOp, DequantizeOp>(op)) {
    FailureOr<Value> real = op->getOperand(0);
    if (isa<DequantizeOp>(op) || depth == RealizeDepth::Unquantized)
      real = realize(op->getOperand(0), depth);
    if (succeeded(real))
      memo[{value, static_cast<unsigned>(depth)}] = *real;
    return real;
  }
  // Where it is derived from quantized values, it is a violation of its own.
  if (isa<MaskOp>(op))
    return Value(value);
  if (auto branch = dyn_cast<scf::IfOp>(op))
    return realizeIf(branch, index, depth);
  if (auto loop = dyn_cast<scf::ForOp>(op))
    return realizeLoop(loop, index, /*inside=*/false, depth);
  if (auto call = dyn_cast<func::CallOp>(op))
    return realizeCall(call, index, depth);
  if (op->getNumOperands() == 0 || isa<tensor::EmptyOp>(op))
    return realizeStored(op);
  return realizeClone(value, depth);
}

/// Codes that come from nowhere: only those that hold no value can be replaced.
FailureOr<Value> Realizer::realizeStored(Operation *op) {
  OpBuilder::InsertionGuard guard(rewriter);
  rewriter.setInsertionPointAfter(op);
  Value value = op->getResult(0);
  if (auto empty = dyn_cast<tensor::EmptyOp>(op))
    return tensor::EmptyOp::create(rewriter, op->getLoc(),
                                   empty.getMixedSizes(), rewriter.getF32Type())
        .getResult();
  if (matchPattern(value, m_Zero()) || matchPattern(value, m_AnyZeroFloat()))
    return arith::ConstantOp::create(
               rewriter, op->getLoc(),
               rewriter.getZeroAttr(getRealType(value.getType())))
        .getResult();
  return fail(op->getLoc(), "the values are stored here already quantized");
}

FailureOr<Value> Realizer::realizeClone(OpResult value, RealizeDepth depth) {
  Operation *op = value.getOwner();
  if (!isMemoryEffectFree(op) ||
      (op->getNumRegions() != 0 && !isa<linalg::LinalgOp>(op)))
    return fail(op->getLoc(),
                "the way back to the unquantized values ends at '" +
                    op->getName().getStringRef() + "'");
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
    return fail(op->getLoc(),
                "the way back to the unquantized values ends at '" +
                    op->getName().getStringRef() + "'");
  Operation *clone = rewriter.clone(*op);
  clone->setOperands(operands);
  for (OpResult result : clone->getResults())
    if (hasCodeType(result))
      result.setType(getRealType(result.getType()));
  return remember(value, clone->getResult(value.getResultNumber()), depth);
}
