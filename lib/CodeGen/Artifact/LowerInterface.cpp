//===- LowerInterface.cpp - Tensors to the artifact's calling convention -*- C++
//-*-===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "sparse-quant/CodeGen/Artifact/Passes.h"
#include "sparse-quant/CodeGen/Artifact/Signature.h"
#include "sparse-quant/Dialect/SQ/IR/SQ.h"

using namespace mlir;

namespace mlir::sq {
#define GEN_PASS_DEF_LOWERINTERFACE
#include "sparse-quant/CodeGen/Artifact/Passes.h.inc"
} // namespace mlir::sq

using namespace mlir::sq;

static MemRefType getBufferType(Type type) {
  auto shaped = cast<ShapedType>(type);
  return MemRefType::get(shaped.getShape(), shaped.getElementType());
}

/// Replaces a parameter by a view into the weight file. The tensor is not
/// `writable`, so bufferization copies before it would write to the file.
static LogicalResult lowerParameter(ParameterOp op, Value weights) {
  if (op.getSource() || !op.getOffset())
    return op.emitError("parameter '")
           << op.getName()
           << "' is not in the artifact's weight file: run sq-pack-weights";
  OpBuilder builder(op);
  Location loc = op.getLoc();
  Value offset = arith::ConstantIndexOp::create(builder, loc, *op.getOffset());
  Value view = memref::ViewOp::create(builder, loc, getBufferType(op.getType()),
                                      weights, offset, ValueRange());
  Value tensor = bufferization::ToTensorOp::create(
      builder, loc, op.getType(), view, /*restrict=*/true, /*writable=*/false);
  op.replaceAllUsesWith(tensor);
  op.erase();
  return success();
}

/// Turns the tensor argument `i` into a memref.
static void lowerArgument(func::FuncOp func, unsigned i, bool isState,
                          OpBuilder &builder) {
  BlockArgument argument = func.getArgument(i);
  Type tensorType = argument.getType();
  argument.setType(getBufferType(tensorType));
  auto tensor = bufferization::ToTensorOp::create(
      builder, func.getLoc(), tensorType, argument, /*restrict=*/true,
      /*writable=*/isState);
  argument.replaceAllUsesExcept(tensor, tensor);
}

static LogicalResult lowerFunction(func::FuncOp func) {
  SmallVector<std::optional<unsigned>> stateResults = getStateResults(func);
  Block &entry = func.getBody().front();
  if (!func.getBody().hasOneBlock())
    return func.emitError("expected structured control flow in '")
           << func.getName() << "', got several blocks";
  auto result = cast<func::ReturnOp>(entry.getTerminator());
  OpBuilder builder(func.getContext());
  builder.setInsertionPointToStart(&entry);
  for (unsigned i = 0, e = func.getNumArguments(); i < e; ++i)
    lowerArgument(func, i, bool(func.getArgAttr(i, "sq.state")), builder);

  auto weightsType =
      MemRefType::get({ShapedType::kDynamic}, builder.getI8Type());
  entry.insertArgument(0u, weightsType, func.getLoc());

  builder.setInsertionPoint(result);
  for (auto [value, state] :
       llvm::zip_equal(result.getOperands(), stateResults)) {
    Value destination =
        state
            ? entry.getArgument(*state + 1)
            : entry.addArgument(getBufferType(value.getType()), func.getLoc());
    auto store = bufferization::MaterializeInDestinationOp::create(
        builder, result.getLoc(), value, destination);
    store.setRestrict(true);
    store.setWritable(true);
  }
  func::ReturnOp::create(builder, result.getLoc());
  result.erase();

  SmallVector<ParameterOp> parameters;
  func.walk([&](ParameterOp op) { parameters.push_back(op); });
  for (ParameterOp op : parameters)
    if (failed(lowerParameter(op, entry.getArgument(0))))
      return failure();

  // The attributes have been read into the signature; positions have moved.
  func.removeArgAttrsAttr();
  func.removeResAttrsAttr();
  func.setType(builder.getFunctionType(entry.getArgumentTypes(), {}));
  func->setAttr(LLVM::LLVMDialect::getEmitCWrapperAttrName(),
                builder.getUnitAttr());
  return success();
}

namespace {
struct LowerInterface : sq::impl::LowerInterfaceBase<LowerInterface> {
  void runOnOperation() override {
    // Reads what the rewrite removes, and rejects what the C ABI can't carry.
    if (failed(getSignature(getOperation())))
      return signalPassFailure();
    for (auto func : getOperation().getOps<func::FuncOp>())
      if (!func.isPrivate() && !func.isExternal() &&
          failed(lowerFunction(func)))
        return signalPassFailure();
  }
};
} // namespace
