//===- FlowSources.cpp - Values that flow into a value --------------------===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "FlowSources.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/SymbolTable.h"
#include "mlir/Interfaces/ControlFlowInterfaces.h"

using namespace mlir;
using namespace mlir::sq;

using Sources = std::optional<SmallVector<Value>>;

static Sources getRegionSources(RegionBranchOpInterface branch, Value value) {
  RegionBranchInverseSuccessorMapping mapping;
  branch.getSuccessorInputOperandMapping(mapping);
  auto it = mapping.find(value);
  if (it == mapping.end() || it->second.empty())
    return std::nullopt;
  // The mapping's own order is that of a hash table. Any order does that is the
  // same for another value that is forwarded by the same ops.
  SmallVector<OpOperand *> operands(it->second);
  llvm::sort(operands, [](OpOperand *lhs, OpOperand *rhs) {
    return lhs->getOwner() < rhs->getOwner();
  });
  return llvm::map_to_vector(operands,
                             [](OpOperand *operand) { return operand->get(); });
}

static Sources getCallerSources(func::FuncOp function, unsigned index,
                                Operation *root) {
  std::optional<SymbolTable::UseRange> uses =
      SymbolTable::getSymbolUses(function, root);
  if (!function.isPrivate() || !uses)
    return std::nullopt;
  SmallVector<Value> sources;
  for (SymbolTable::SymbolUse use : *uses) {
    auto call = dyn_cast<func::CallOp>(use.getUser());
    if (!call)
      return std::nullopt;
    sources.push_back(call.getOperand(index));
  }
  return sources;
}

static Sources getReturnSources(func::CallOp call, unsigned index) {
  auto callee = SymbolTable::lookupNearestSymbolFrom<func::FuncOp>(
      call, call.getCalleeAttr());
  if (!callee || callee.isExternal())
    return std::nullopt;
  SmallVector<Value> sources;
  for (Block &block : callee.getBody())
    if (auto ret = dyn_cast<func::ReturnOp>(block.getTerminator()))
      sources.push_back(ret.getOperand(index));
  return sources;
}

Sources mlir::sq::getFlowSources(Value value, Operation *root) {
  if (auto arg = dyn_cast<BlockArgument>(value)) {
    if (!arg.getOwner()->isEntryBlock())
      return std::nullopt;
    Operation *parent = arg.getOwner()->getParentOp();
    if (auto function = dyn_cast<func::FuncOp>(parent))
      return getCallerSources(function, arg.getArgNumber(), root);
    if (auto branch = dyn_cast<RegionBranchOpInterface>(parent))
      return getRegionSources(branch, value);
    return std::nullopt;
  }
  Operation *op = value.getDefiningOp();
  if (auto call = dyn_cast<func::CallOp>(op))
    return getReturnSources(call, cast<OpResult>(value).getResultNumber());
  if (auto branch = dyn_cast<RegionBranchOpInterface>(op))
    return getRegionSources(branch, value);
  return std::nullopt;
}

bool mlir::sq::haveSameFlow(Value lhs, Value rhs) {
  auto lhsArg = dyn_cast<BlockArgument>(lhs),
       rhsArg = dyn_cast<BlockArgument>(rhs);
  if (lhsArg || rhsArg)
    return lhsArg && rhsArg && lhsArg.getOwner() == rhsArg.getOwner();
  return lhs.getDefiningOp() == rhs.getDefiningOp();
}
