//===- Epilogue.cpp - Elementwise ops of a product's kernel ---------------===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "Epilogue.h"
#include "MemoryRoot.h"

using namespace mlir;
using namespace mlir::sq;
using namespace mlir::sq::cuda;

/// Whether the op has the product's elements for loops, one result, and
/// computes each element of it without what it held.
static bool isElementwise(linalg::GenericOp op) {
  return op.hasPureBufferSemantics() && op.getNumLoops() == 2 &&
         op.getNumParallelLoops() == 2 && op.getNumDpsInits() == 1 &&
         op.getMatchingIndexingMap(op.getDpsInitOperand(0)).isIdentity() &&
         !op.payloadUsesValueFromOperand(op.getDpsInitOperand(0)) &&
         llvm::all_of(*op.getBody(), [](Operation &nested) {
           return isMemoryEffectFree(&nested);
         });
}

/// Whether all that `op` reads is known to be apart from `written`, or is the
/// same element of it.
static bool readsApartFrom(linalg::GenericOp op, Value written) {
  Value root = getRoot(written);
  return root &&
         llvm::all_of(op.getDpsInputOperands(), [&](OpOperand *operand) {
           if (op.isScalar(operand))
             return true;
           Value from = getRoot(operand->get());
           // A constant of the module is no argument of a kernel.
           if (!from ||
               isa_and_nonnull<memref::GetGlobalOp>(from.getDefiningOp()))
             return false;
           return from != root ||
                  (operand->get() == written &&
                   op.getMatchingIndexingMap(operand).isIdentity());
         });
}

/// Whether others than `known` read what `memref` holds.
static bool isReadByOthers(Value memref, ArrayRef<Operation *> known) {
  if (!memref.getDefiningOp<memref::AllocOp>())
    return true;
  return llvm::any_of(memref.getUsers(), [&](Operation *user) {
    return !isa<memref::DeallocOp>(user) && !llvm::is_contained(known, user);
  });
}

/// Ops that change no memory that exists.
static bool isPassedBy(Operation *op) {
  return isMemoryEffectFree(op) || isa<memref::AllocOp>(op);
}

void Epilogue::takeInit(MatmulOp op, RewriterBase &rewriter) {
  if (op.getOverwrites())
    return;
  Operation *before = op->getPrevNode();
  while (before && (isPassedBy(before) || isa<memref::DeallocOp>(before)))
    before = before->getPrevNode();
  auto candidate = dyn_cast_if_present<linalg::LinalgOp>(before);
  if (!candidate || !candidate.hasPureBufferSemantics() ||
      candidate.getNumDpsInits() != 1 ||
      candidate.getDpsInits()[0] != op.getInit())
    return;
  // Memory that it reads may be released behind it.
  for (Operation *next = before->getNextNode(); next != op;
       next = next->getNextNode())
    if (isa<memref::DeallocOp>(next))
      return;
  FailureOr<linalg::GenericOp> generic = sortLoops(candidate, rewriter);
  if (succeeded(generic) && isElementwise(*generic) &&
      readsApartFrom(*generic, op.getInit()))
    init = *generic;
}

SmallVector<Value> Epilogue::getWrites(MatmulOp op) {
  SmallVector<Value> writes = {op.getInit()};
  for (Step &step : steps)
    writes.push_back(step.op.getDpsInits()[0]);
  return writes;
}

/// Other threads still read what the product and the ops before read, and write
/// what they write.
bool Epilogue::mayWrite(MatmulOp op, Value result) {
  Value root = getRoot(result);
  auto isApart = [&](Value memref) {
    Value other = getRoot(memref);
    return other && other != root;
  };
  return root && isApart(op.getInput()) &&
         llvm::all_of(op.getInputScales(), isApart) &&
         llvm::all_of(
             getWrites(op),
             [&](Value write) { return write == result || isApart(write); }) &&
         llvm::all_of(
             steps,
             [&](Step &step) { return readsApartFrom(step.op, result); }) &&
         (!init || readsApartFrom(init, result));
}

bool Epilogue::takeStep(MatmulOp op, RewriterBase &rewriter) {
  Value from = steps.empty() ? op.getInit() : steps.back().op.getDpsInits()[0];
  Operation *last = steps.empty() ? op : steps.back().op.getOperation();
  SmallVector<Operation *> passed, deallocs;
  Operation *next = last->getNextNode();
  for (; next; next = next->getNextNode()) {
    if (isPassedBy(next))
      passed.push_back(next);
    else if (isa<memref::DeallocOp>(next))
      deallocs.push_back(next);
    else
      break;
  }
  auto candidate = dyn_cast_if_present<linalg::LinalgOp>(next);
  if (!candidate || !candidate.hasPureBufferSemantics() ||
      !llvm::is_contained(candidate.getDpsInputs(), from))
    return false;
  FailureOr<linalg::GenericOp> generic = sortLoops(candidate, rewriter);
  if (failed(generic) || !isElementwise(*generic))
    return false;
  Value result = generic->getDpsInits()[0];
  if (!mayWrite(op, result))
    return false;
  // What the kernel writes already is read as this element alone.
  SmallVector<Value> writes = getWrites(op);
  writes.push_back(result);
  if (!llvm::all_of(
          writes, [&](Value write) { return readsApartFrom(*generic, write); }))
    return false;
  for (Operation *each : passed)
    rewriter.moveOpBefore(each, op);
  for (Operation *each : deallocs)
    rewriter.moveOpAfter(each, *generic);
  SmallVector<Operation *> known = {op, *generic};
  if (init)
    known.push_back(init);
  for (Step &step : steps)
    known.push_back(step.op);
  bool isRead = isReadByOthers(from, known) && result != from;
  (steps.empty() ? isProductRead : steps.back().isRead) = isRead;
  steps.push_back({*generic, from, true});
  return true;
}

Epilogue Epilogue::take(MatmulOp op, RewriterBase &rewriter) {
  Epilogue epilogue;
  epilogue.takeInit(op, rewriter);
  while (epilogue.takeStep(op, rewriter))
    ;
  return epilogue;
}

Value Epilogue::emitInit(ImplicitLocOpBuilder &b, ValueRange indices) {
  return LoopBody(init, b).emit(indices, /*old=*/Value());
}

void Epilogue::emitSteps(ImplicitLocOpBuilder &b, Value value,
                         ValueRange indices) {
  for (Step &step : steps) {
    LoopBody body(step.op, b);
    value = body.emit(indices, /*old=*/Value(), step.from, value);
    if (step.isRead)
      body.storeResult(value, indices);
  }
}

void Epilogue::erase(RewriterBase &rewriter) {
  for (Step &step : llvm::reverse(steps))
    rewriter.eraseOp(step.op);
  if (init)
    rewriter.eraseOp(init);
}
