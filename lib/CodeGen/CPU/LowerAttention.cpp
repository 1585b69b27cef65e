//===- LowerAttention.cpp - sq.attention to functions of vector code ------===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "AttentionKernel.h"
#include "Loops.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/IR/SymbolTable.h"
#include "sparse-quant/CodeGen/CPU/Passes.h"
#include "llvm/ADT/MapVector.h"

using namespace mlir;

namespace mlir::sq {
#define GEN_PASS_DEF_LOWERATTENTION
#include "sparse-quant/CodeGen/CPU/Passes.h.inc"
} // namespace mlir::sq

using namespace mlir::sq;
using namespace mlir::sq::cpu;

/// Multiplications below which threads cost more than they save.
static constexpr int64_t kParallelWork = 1 << 17;

namespace {

/// Makes the functions of attention ops that differ in their layer at most.
class AttentionFunctions {
public:
  AttentionFunctions(AttentionOp op, StringRef name, ModuleOp module)
      : op(op), name(name), module(module),
        b(op.getLoc(), module.getBodyRegion()) {
    b.setInsertionPointToEnd(module.getBody());
    numTokens = AttentionOp::getExtent(op.getQuery(), 0);
  }

  /// (operands of the op..., layer) -> ().
  func::FuncOp makeEntry();

private:
  Value index(int64_t value) { return constantIndex(b, value); }
  func::FuncOp declare(const Twine &suffix, ArrayRef<Type> types);
  func::FuncOp makeRows(int64_t tokens);
  void emitAppend(Value token, Value head);

  AttentionOp op;
  std::string name;
  ModuleOp module;
  ImplicitLocOpBuilder b;
  int64_t numTokens;
  // Of the entry.
  Value query, position, out, layer;
  SmallVector<Value> sources, caches;
};

} // namespace

func::FuncOp AttentionFunctions::declare(const Twine &suffix,
                                         ArrayRef<Type> types) {
  auto function = func::FuncOp::create(b, (name + suffix).str(),
                                       b.getFunctionType(types, {}));
  function.setPrivate();
  function.setNoInline(true);
  b.setInsertionPointToStart(function.addEntryBlock());
  return function;
}

/// (query, out, caches..., position, layer, head, token) -> ().
func::FuncOp AttentionFunctions::makeRows(int64_t tokens) {
  OpBuilder::InsertionGuard guard(b);
  SmallVector<Type> types = {op.getQuery().getType(), op.getInit().getType()};
  llvm::append_range(types, op.getCaches().getTypes());
  types.append(4, b.getIndexType());
  func::FuncOp function = declare("_rows" + Twine(tokens), types);
  ArrayRef<BlockArgument> args = function.getArguments();
  AttentionInputs inputs;
  inputs.query = args[0];
  inputs.out = args[1];
  llvm::append_range(inputs.caches, args.drop_front(2).drop_back(4));
  inputs.scale = op.getScale().convertToFloat();
  args = args.take_back(4);
  inputs.position = args[0];
  inputs.layer = args[1];
  inputs.head = args[2];
  inputs.token = args[3];
  emitAttention(b, inputs, tokens);
  func::ReturnOp::create(b);
  return function;
}

/// A token's key and value, and their scales, to the caches.
void AttentionFunctions::emitAppend(Value token, Value head) {
  Value at = arith::AddIOp::create(b, position, token);
  Value lanes = index(AttentionOp::kLanes);
  Value block = arith::DivUIOp::create(b, at, lanes);
  Value lane = arith::RemUIOp::create(b, at, lanes);
  emitLoop(b, index(0), index(op.getHeadDim()), 1, [&](Value d) {
    for (int64_t i : {0, 1}) {
      Value element =
          memref::LoadOp::create(b, sources[i], ValueRange{token, head, d});
      SmallVector<Value> where = {layer, head};
      if (i == 0)
        where.append({block, d, lane});
      else
        where.append({at, d});
      memref::StoreOp::create(b, element, caches[i], where);
    }
  });
  for (size_t i = 2; i < caches.size(); ++i) {
    Value scale = memref::LoadOp::create(b, sources[i],
                                         ValueRange{token, head, index(0)});
    memref::StoreOp::create(b, scale, caches[i], ValueRange{layer, head, at});
  }
}

func::FuncOp AttentionFunctions::makeEntry() {
  int64_t block = getTokenBlock(op.getGroupSize());
  bool single = numTokens == 1 || block == 1;
  func::FuncOp blockRows = single ? func::FuncOp() : makeRows(block);
  func::FuncOp singleRows = makeRows(1);

  OpBuilder::InsertionGuard guard(b);
  SmallVector<Type> types(op->getOperandTypes());
  types.push_back(b.getIndexType());
  func::FuncOp function = declare("", types);
  // In the order of the op's operands.
  ArrayRef<BlockArgument> args = function.getArguments();
  size_t numScales = op.getScales().size();
  query = args[0];
  llvm::append_range(sources, args.slice(1, 2 + numScales));
  args = args.drop_front(3 + numScales);
  position = args[0];
  out = args[1];
  llvm::append_range(caches, args.slice(2, 2 + numScales));
  layer = args.back();

  auto callRows = [&](func::FuncOp rows, Value head, Value token) {
    SmallVector<Value> operands = {query, out};
    llvm::append_range(operands, caches);
    operands.append({position, layer, head, token});
    func::CallOp::create(b, rows, operands);
  };
  Value heads = index(op.getNumHeads());
  Value count = memref::DimOp::create(b, query, index(0));
  auto attendHead = [&](Value head) {
    emitLoop(b, index(0), count, 1,
             [&](Value token) { emitAppend(token, head); });
    Value whole = index(0);
    if (blockRows) {
      whole = arith::MulIOp::create(
          b, arith::DivUIOp::create(b, count, index(block)), index(block));
      emitLoop(b, index(0), whole, block,
               [&](Value token) { callRows(blockRows, head, token); });
    }
    emitLoop(b, whole, count, 1,
             [&](Value token) { callRows(singleRows, head, token); });
  };

  // Heads are independent of each other, in what they append, too.
  Value total = arith::AddIOp::create(b, position, count);
  Value work = arith::MulIOp::create(
      b, arith::MulIOp::create(b, total, count),
      index(2 * op.getNumHeads() * op.getGroupSize() * op.getHeadDim()));
  Value isLarge = arith::CmpIOp::create(b, arith::CmpIPredicate::uge, work,
                                        index(kParallelWork));
  auto branch = scf::IfOp::create(b, isLarge, /*withElseRegion=*/true);
  {
    OpBuilder::InsertionGuard inner(b);
    b.setInsertionPointToStart(branch.thenBlock());
    auto loop = scf::ParallelOp::create(
        b, ValueRange{index(0)}, ValueRange{heads}, ValueRange{index(1)});
    b.setInsertionPointToStart(loop.getBody());
    attendHead(loop.getInductionVars().front());
    b.setInsertionPointToStart(branch.elseBlock());
    emitLoop(b, index(0), heads, 1, attendHead);
  }
  func::ReturnOp::create(b);
  return function;
}

namespace {
struct LowerAttention : sq::impl::LowerAttentionBase<LowerAttention> {
  void runOnOperation() override {
    SmallVector<AttentionOp> ops;
    WalkResult checked = getOperation().walk([&](AttentionOp op) {
      ops.push_back(op);
      for (Value operand : op->getOperands()) {
        if (isa<IndexType>(operand.getType()))
          continue;
        auto type = dyn_cast<MemRefType>(operand.getType());
        if (type && type.isLastDimUnitStride())
          continue;
        op.emitOpError("expected memrefs whose innermost stride is 1, got ")
            << operand.getType() << "; run one-shot-bufferize first";
        return WalkResult::interrupt();
      }
      return WalkResult::advance();
    });
    if (checked.wasInterrupted())
      return signalPassFailure();

    SymbolTable symbols(getOperation());
    using Key = std::pair<SmallVector<Type>, Attribute>;
    SmallVector<std::pair<Key, func::FuncOp>> functions;
    for (AttentionOp op : ops) {
      Key key(SmallVector<Type>(op->getOperandTypes()), op.getScaleAttr());
      auto *known = llvm::find_if(
          functions, [&](const auto &entry) { return entry.first == key; });
      if (known == functions.end()) {
        std::string name;
        for (size_t i = functions.size(); name.empty() || symbols.lookup(name);
             ++i)
          name = "sq_attention" + std::to_string(i);
        functions.emplace_back(
            key, AttentionFunctions(op, name, getOperation()).makeEntry());
        known = std::prev(functions.end());
      }
      ImplicitLocOpBuilder b(op.getLoc(), op);
      SmallVector<Value> operands(op->getOperands());
      operands.push_back(constantIndex(b, op.getLayer()));
      func::CallOp::create(b, known->second, operands);
      op.erase();
    }
  }
};
} // namespace
