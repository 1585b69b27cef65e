//===- RealizeRegions.cpp - Rebuild values across regions and calls -------===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The real twin of a value that crosses a region's or a function's boundary
// crosses it beside the value: as one more result, loop-carried value,
// argument. Canonicalization drops the originals where nobody needs them.
//
//===----------------------------------------------------------------------===//
#include "Realize.h"
#include "mlir/IR/SymbolTable.h"
#include "llvm/ADT/ScopeExit.h"

using namespace mlir;
using namespace mlir::sq;

FailureOr<Value> Realizer::realizeIf(scf::IfOp op, unsigned index,
                                     RealizeDepth depth) {
  // On its way back through a loop around it, it may come by here, and rebuild
  // what it comes by; terminators stay.
  scf::YieldOp thenYield = op.thenYield(), elseYield = op.elseYield();
  if (failed(realize(thenYield.getOperand(index), depth)))
    return failure();
  FailureOr<Value> elseValue = realize(elseYield.getOperand(index), depth);
  if (failed(elseValue))
    return failure();
  FailureOr<Value> thenValue = realize(thenYield.getOperand(index), depth);
  op = cast<scf::IfOp>(thenYield->getParentOp());
  if (Value known = findKnown(op.getResult(index), depth))
    return known;
  SmallVector<Type> types(op.getResultTypes());
  types.push_back(thenValue->getType());

  OpBuilder::InsertionGuard guard(rewriter);
  rewriter.setInsertionPoint(op);
  auto wider = scf::IfOp::create(rewriter, op.getLoc(), types,
                                 op.getCondition(), /*addThenBlock=*/false,
                                 /*addElseBlock=*/false);
  wider->setDiscardableAttrs(op->getDiscardableAttrDictionary());
  wider.getThenRegion().takeBody(op.getThenRegion());
  wider.getElseRegion().takeBody(op.getElseRegion());
  wider.thenYield().getResultsMutable().append(*thenValue);
  wider.elseYield().getResultsMutable().append(*elseValue);
  ValueRange kept = wider.getResults().drop_back();
  transfer(op.getResults(), kept);
  rewriter.replaceOp(op, kept);
  return remember(wider.getResult(index), wider.getResults().back(), depth);
}

FailureOr<Value> Realizer::realizeLoop(scf::ForOp op, unsigned index,
                                       bool inside, RealizeDepth depth) {
  auto yield = cast<scf::YieldOp>(op.getBody()->getTerminator());
  FailureOr<Value> init = realize(op.getInitArgs()[index], depth);
  if (failed(init))
    return failure();
  op = cast<scf::ForOp>(yield->getParentOp());
  if (Value known = findKnown(inside ? Value(op.getRegionIterArg(index))
                                     : Value(op.getResult(index)),
                              depth))
    return known;
  // The twin is carried unchanged until the real yield is known, for which
  // its own argument must exist.
  SmallVector<Value> oldArgs(op.getBody()->getArguments());
  SmallVector<Value> oldResults(op.getResults());
  SmallVector<Provenance> argStates, resultStates;
  for (Value arg : oldArgs)
    argStates.push_back(lookup(arg));
  for (Value result : oldResults)
    resultStates.push_back(lookup(result));
  OpBuilder::InsertionGuard guard(rewriter);
  FailureOr<LoopLikeOpInterface> replaced = op.replaceWithAdditionalYields(
      rewriter, *init, /*replaceInitOperandUsesInLoop=*/false,
      [](OpBuilder &, Location, ArrayRef<BlockArgument> added) {
        return SmallVector<Value>(added.begin(), added.end());
      });
  if (failed(replaced))
    return failure();
  auto wider = cast<scf::ForOp>(replaced->getOperation());
  auto adopt = [&](ArrayRef<Value> from, ValueRange to,
                   ArrayRef<Provenance> states) {
    transfer(from, to);
    for (auto [value, state] : llvm::zip(to, states))
      younger[value] = state;
  };
  adopt(oldArgs, wider.getBody()->getArguments().drop_back(), argStates);
  adopt(oldResults, wider.getResults().drop_back(), resultStates);
  unsigned added = wider.getNumRegionIterArgs() - 1;
  remember(wider.getRegionIterArg(index), wider.getRegionIterArg(added), depth);

  // The loop may be rebuilt again in the meantime; its terminator stays.
  FailureOr<Value> yielded = realize(yield.getOperand(index), depth);
  if (failed(yielded))
    return failure();
  yield.getResultsMutable()[added].set(*yielded);
  wider = cast<scf::ForOp>(yield->getParentOp());
  Value result =
      remember(wider.getResult(index), wider.getResult(added), depth);
  return inside ? Value(wider.getRegionIterArg(added)) : result;
}

scf::WhileOp Realizer::rebuildWhile(scf::WhileOp op, Value init, Value result) {
  SmallVector<Value> inits(op.getInits());
  SmallVector<Type> types(op.getResultTypes());
  if (init)
    inits.push_back(init);
  if (result)
    types.push_back(result.getType());
  OpBuilder::InsertionGuard guard(rewriter);
  rewriter.setInsertionPoint(op);
  auto wider =
      scf::WhileOp::create(rewriter, op.getLoc(), types, inits,
                           /*beforeBuilder=*/nullptr, /*afterBuilder=*/nullptr);
  wider->setDiscardableAttrs(op->getDiscardableAttrDictionary());
  wider.getBefore().takeBody(op.getBefore());
  wider.getAfter().takeBody(op.getAfter());
  if (init) {
    wider.getBefore().addArgument(init.getType(), op.getLoc());
    // Carried unchanged until the real yield is known, which may need this.
    wider.getYieldOp().getResultsMutable().append(init);
  }
  if (result) {
    wider.getAfter().addArgument(result.getType(), op.getLoc());
    wider.getConditionOp().getArgsMutable().append(result);
  }
  ValueRange kept = wider.getResults().take_front(op.getNumResults());
  transfer(op.getResults(), kept);
  rewriter.replaceOp(op, kept);
  return wider;
}

FailureOr<Value> Realizer::realizeWhileArgument(scf::WhileOp op, unsigned index,
                                                RealizeDepth depth) {
  Block *before = op.getBeforeBody();
  FailureOr<Value> init = realize(op.getInits()[index], depth);
  if (failed(init))
    return failure();
  op = cast<scf::WhileOp>(before->getParentOp());
  if (Value known = findKnown(before->getArgument(index), depth))
    return known;
  rebuildWhile(op, *init, /*result=*/nullptr);
  unsigned added = before->getNumArguments() - 1;
  Value real =
      remember(before->getArgument(index), before->getArgument(added), depth);
  // The op may be rebuilt again in the meantime; its blocks stay.
  auto yield = [&] {
    return cast<scf::WhileOp>(before->getParentOp()).getYieldOp();
  };
  FailureOr<Value> yielded = realize(yield().getOperand(index), depth);
  if (failed(yielded))
    return failure();
  yield().getResultsMutable()[added].set(*yielded);
  return real;
}

FailureOr<Value> Realizer::realizeWhileResult(scf::WhileOp op, unsigned index,
                                              bool inside, RealizeDepth depth) {
  Block *before = op.getBeforeBody(), *after = op.getAfterBody();
  FailureOr<Value> forwarded =
      realize(op.getConditionOp().getArgs()[index], depth);
  if (failed(forwarded))
    return failure();
  op = cast<scf::WhileOp>(before->getParentOp());
  // On its way through the loop it may have come by here.
  Value known = inside ? findKnown(after->getArgument(index), depth)
                       : findKnown(op.getResult(index), depth);
  if (known)
    return known;
  op = rebuildWhile(op, /*init=*/nullptr, *forwarded);
  Value arg =
      remember(after->getArgument(index), after->getArguments().back(), depth);
  Value result = remember(op.getResult(index), op.getResults().back(), depth);
  return inside ? arg : result;
}

/// All calls of `function`, or failure when it may be called from elsewhere.
static FailureOr<SmallVector<func::CallOp>> findCalls(func::FuncOp function,
                                                      Operation *root) {
  std::optional<SymbolTable::UseRange> uses =
      SymbolTable::getSymbolUses(function, root);
  if (!function.isPrivate() || !uses)
    return failure();
  SmallVector<func::CallOp> calls;
  for (SymbolTable::SymbolUse use : *uses) {
    auto call = dyn_cast<func::CallOp>(use.getUser());
    if (!call)
      return failure();
    calls.push_back(call);
  }
  return calls;
}

FailureOr<Value> Realizer::realizeArgument(BlockArgument arg,
                                           RealizeDepth depth) {
  Operation *parent = arg.getOwner()->getParentOp();
  if (auto loop = dyn_cast<scf::ForOp>(parent))
    return realizeLoop(loop, arg.getArgNumber() - 1, /*inside=*/true, depth);
  if (auto loop = dyn_cast<scf::WhileOp>(parent)) {
    if (arg.getOwner() == loop.getBeforeBody())
      return realizeWhileArgument(loop, arg.getArgNumber(), depth);
    return realizeWhileResult(loop, arg.getArgNumber(), /*inside=*/true, depth);
  }
  auto function = dyn_cast<func::FuncOp>(parent);
  if (!function || !arg.getOwner()->isEntryBlock())
    return fail(
        arg.getLoc(),
        "the way back to the unquantized values ends at an argument of '" +
            parent->getName().getStringRef() + "'");
  FailureOr<SmallVector<func::CallOp>> calls = findCalls(function, root);
  if (failed(calls) || calls->empty())
    return fail(arg.getLoc(), "the values enter here already quantized");

  unsigned index = arg.getArgNumber(), added = function.getNumArguments();
  if (failed(function.insertArgument(added, getRealType(arg.getType()), {},
                                     arg.getLoc())))
    return fail(arg.getLoc(), "the function takes no further argument");
  structureChanged = true;
  Value real = remember(arg, function.getArgument(added), depth);
  // Finding an operand's twin may rebuild calls, this one too: look again.
  while (true) {
    calls = findCalls(function, root);
    auto *narrow = llvm::find_if(*calls, [&](func::CallOp call) {
      return call.getNumOperands() == added;
    });
    if (narrow == calls->end())
      return real;
    if (Value known = findKnown(narrow->getOperand(index), depth))
      narrow->getOperandsMutable().append(known);
    else if (failed(realize(narrow->getOperand(index), depth)))
      return failure();
  }
}

FailureOr<Value> Realizer::realizeCall(func::CallOp op, unsigned index,
                                       RealizeDepth depth) {
  auto callee = SymbolTable::lookupNearestSymbolFrom<func::FuncOp>(
      op, op.getCalleeAttr());
  if (!callee || callee.isExternal() || failed(findCalls(callee, root)))
    return fail(op.getLoc(), "the values come from here, and the callee is not "
                             "a private function with a body");
  unsigned added = callee.getNumResults();
  if (failed(callee.insertResult(
          added, getRealType(op.getResult(index).getType()), {})))
    return fail(op.getLoc(), "the callee returns no further result");
  structureChanged = true;
  // The calls first, so that a recursive one finds its twin.
  UnrealizedConversionCastOp pin;
  auto calls = findCalls(callee, root);
  for (func::CallOp call : *calls) {
    OpBuilder::InsertionGuard guard(rewriter);
    rewriter.setInsertionPoint(call);
    bool isThis = call == op;
    auto wider = func::CallOp::create(rewriter, call.getLoc(), callee,
                                      call.getOperands());
    wider->setDiscardableAttrs(call->getDiscardableAttrDictionary());
    ValueRange kept = wider.getResults().drop_back();
    transfer(call.getResults(), kept);
    rewriter.replaceOp(call, kept);
    Value twin =
        remember(wider.getResult(index), wider.getResults().back(), depth);
    // Further results may be added to the call in the meantime.
    if (isThis)
      pin = UnrealizedConversionCastOp::create(rewriter, wider.getLoc(),
                                               twin.getType(), twin);
  }
  auto unpin = llvm::scope_exit([&] { rewriter.eraseOp(pin); });
  SmallVector<func::ReturnOp> returns;
  for (Block &block : callee.getBody())
    if (auto ret = dyn_cast<func::ReturnOp>(block.getTerminator()))
      returns.push_back(ret);
  // Places are kept, so that results that are added on the way come behind.
  for (func::ReturnOp ret : returns)
    ret.getOperandsMutable().append(ret.getOperand(index));
  for (func::ReturnOp ret : returns) {
    FailureOr<Value> value = realize(ret.getOperand(index), depth);
    if (failed(value))
      return failure();
    ret.setOperand(added, *value);
  }
  return pin.getOperand(0);
}
