//===- LowerHostLoads.cpp - sq-lower-host-loads ---------------------------===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "mlir/Interfaces/ViewLikeInterface.h"
#include "sparse-quant/CodeGen/GPU/Passes.h"

using namespace mlir;

namespace mlir::sq {
#define GEN_PASS_DEF_LOWERHOSTLOADS
#include "sparse-quant/CodeGen/GPU/Passes.h.inc"
} // namespace mlir::sq

using namespace mlir::sq;

/// Whether the host itself has the memory: a constant, or its stack.
static bool isHostMemory(Value memref) {
  while (auto view = memref.getDefiningOp<ViewLikeOpInterface>())
    memref = view.getViewSource();
  Operation *op = memref.getDefiningOp();
  return isa_and_nonnull<memref::GetGlobalOp, memref::AllocaOp>(op);
}

static Value toPointer(ImplicitLocOpBuilder &b, Value index) {
  Value integer = arith::IndexCastOp::create(b, b.getI64Type(), index);
  return LLVM::IntToPtrOp::create(b, LLVM::LLVMPointerType::get(b.getContext()),
                                  integer);
}

/// The address of the element that `load` reads.
static Value getAddress(ImplicitLocOpBuilder &b, memref::LoadOp load,
                        int64_t bytes) {
  auto metadata = memref::ExtractStridedMetadataOp::create(b, load.getMemRef());
  Value element = metadata.getOffset();
  for (auto [index, stride] :
       llvm::zip_equal(load.getIndices(), metadata.getStrides()))
    element = arith::AddIOp::create(b, element,
                                    arith::MulIOp::create(b, index, stride));
  Value offset = arith::MulIOp::create(
      b, element, arith::ConstantIndexOp::create(b, bytes));
  Value base =
      memref::ExtractAlignedPointerAsIndexOp::create(b, load.getMemRef());
  return toPointer(b, arith::AddIOp::create(b, base, offset));
}

namespace {
struct LowerHostLoads : sq::impl::LowerHostLoadsBase<LowerHostLoads> {
  void runOnOperation() override {
    SmallVector<memref::LoadOp> loads;
    for (auto function : getOperation().getOps<func::FuncOp>())
      function.walk([&](memref::LoadOp load) {
        if (!isHostMemory(load.getMemRef()))
          loads.push_back(load);
      });
    if (loads.empty())
      return;
    auto b = ImplicitLocOpBuilder::atBlockBegin(getOperation().getLoc(),
                                                getOperation().getBody());
    Type pointer = LLVM::LLVMPointerType::get(&getContext());
    auto read = LLVM::LLVMFuncOp::create(
        b, "sq_gpu_read",
        LLVM::LLVMFunctionType::get(LLVM::LLVMVoidType::get(&getContext()),
                                    {pointer, pointer, b.getI64Type()}));
    for (memref::LoadOp load : loads)
      if (failed(lower(load, read)))
        return signalPassFailure();
  }

  static LogicalResult lower(memref::LoadOp load, LLVM::LLVMFuncOp read) {
    Type type = load.getType();
    if (!type.isIntOrFloat() || type.getIntOrFloatBitWidth() % 8)
      return load.emitError("the host can't read an element of type ")
             << type << " from the device";
    int64_t bytes = type.getIntOrFloatBitWidth() / 8;
    auto function = load->getParentOfType<func::FuncOp>();
    // Once, not in a loop: the stack would grow.
    auto start = ImplicitLocOpBuilder::atBlockBegin(
        load.getLoc(), &function.getBody().front());
    Value buffer = memref::AllocaOp::create(start, MemRefType::get({}, type));
    ImplicitLocOpBuilder b(load.getLoc(), load);
    Value to =
        toPointer(b, memref::ExtractAlignedPointerAsIndexOp::create(b, buffer));
    Value size =
        LLVM::ConstantOp::create(b, b.getI64Type(), b.getI64IntegerAttr(bytes));
    LLVM::CallOp::create(b, read,
                         ValueRange{to, getAddress(b, load, bytes), size});
    Value value = memref::LoadOp::create(b, buffer, ValueRange());
    load.replaceAllUsesWith(value);
    load.erase();
    return success();
  }
};
} // namespace
