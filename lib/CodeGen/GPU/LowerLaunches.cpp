//===- LowerLaunches.cpp - sq-lower-launches ------------------------------===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "mlir/IR/SymbolTable.h"
#include "sparse-quant/CodeGen/GPU/Passes.h"

using namespace mlir;

namespace mlir::sq {
#define GEN_PASS_DEF_LOWERLAUNCHES
#include "sparse-quant/CodeGen/GPU/Passes.h.inc"
} // namespace mlir::sq

using namespace mlir::sq;

namespace {
struct LowerLaunches : sq::impl::LowerLaunchesBase<LowerLaunches> {
  void runOnOperation() override;

private:
  LogicalResult lower(gpu::LaunchFuncOp launch);
  void rename(StringRef from, StringRef to);

  LLVM::LLVMFuncOp callee;
  SmallVector<StringRef> kernels;
};
} // namespace

/// Room on the stack for `type`, once a call: the launch may be in a loop.
static Value makeRoom(gpu::LaunchFuncOp launch, Type type, int64_t count) {
  auto function = launch->getParentOfType<LLVM::LLVMFuncOp>();
  auto b = ImplicitLocOpBuilder::atBlockBegin(launch.getLoc(),
                                              &function.getBody().front());
  Value size =
      LLVM::ConstantOp::create(b, b.getI64Type(), b.getI64IntegerAttr(count));
  return LLVM::AllocaOp::create(b, LLVM::LLVMPointerType::get(b.getContext()),
                                type, size);
}

LogicalResult LowerLaunches::lower(gpu::LaunchFuncOp launch) {
  ImplicitLocOpBuilder b(launch.getLoc(), launch);
  if (launch.getAsyncToken() || launch.getAsyncObject() ||
      !launch.getAsyncDependencies().empty())
    return launch.emitError(
        "a launch on a stream of its own isn't in the order "
        "that the runtime's one stream keeps");
  auto *kernel = llvm::find(kernels, launch.getKernelName().getValue());
  if (kernel == kernels.end())
    return launch.emitError("no kernel ") << launch.getKernel();
  auto pointer = LLVM::LLVMPointerType::get(b.getContext());
  auto constant = [&](int64_t value) -> Value {
    return LLVM::ConstantOp::create(b, b.getI32Type(),
                                    b.getI32IntegerAttr(value));
  };
  int64_t count = launch.getNumKernelOperands();
  Value args = makeRoom(launch, pointer, std::max<int64_t>(count, 1));
  for (auto [i, value] : llvm::enumerate(launch.getKernelOperands())) {
    Value place = makeRoom(launch, value.getType(), 1);
    LLVM::StoreOp::create(b, value, place);
    Value entry = LLVM::GEPOp::create(b, pointer, pointer, args,
                                      LLVM::GEPArg(int32_t(i)));
    LLVM::StoreOp::create(b, place, entry);
  }
  SmallVector<Value> operands = {constant(kernel - kernels.begin())};
  gpu::KernelDim3 grid = launch.getGridSizeOperandValues(),
                  block = launch.getBlockSizeOperandValues();
  operands.append({grid.x, grid.y, grid.z, block.x, block.y, block.z});
  Value shared = launch.getDynamicSharedMemorySize();
  operands.push_back(shared ? shared : constant(0));
  operands.push_back(args);
  LLVM::CallOp::create(b, callee, operands);
  launch.erase();
  return success();
}

void LowerLaunches::rename(StringRef from, StringRef to) {
  auto function = getOperation().lookupSymbol<LLVM::LLVMFuncOp>(from);
  if (!function)
    return;
  if (succeeded(SymbolTable::replaceAllSymbolUses(
          function, StringAttr::get(&getContext(), to), getOperation())))
    function.setSymName(to);
}

void LowerLaunches::runOnOperation() {
  ModuleOp module = getOperation();
  kernels.clear();
  for (auto device : module.getOps<gpu::GPUModuleOp>())
    for (auto function : device.getOps<LLVM::LLVMFuncOp>())
      if (function->hasAttr(NVVM::NVVMDialect::getKernelFuncAttrName()))
        kernels.push_back(function.getName());
  SmallVector<gpu::LaunchFuncOp> launches;
  module.walk([&](gpu::LaunchFuncOp launch) { launches.push_back(launch); });
  auto b =
      ImplicitLocOpBuilder::atBlockBegin(module.getLoc(), module.getBody());
  Type i32 = b.getI32Type(), i64 = b.getI64Type();
  Type pointer = LLVM::LLVMPointerType::get(&getContext());
  if (!launches.empty())
    callee = LLVM::LLVMFuncOp::create(
        b, "sq_gpu_launch",
        LLVM::LLVMFunctionType::get(
            LLVM::LLVMVoidType::get(&getContext()),
            {i32, i64, i64, i64, i64, i64, i64, i32, pointer}));
  for (gpu::LaunchFuncOp launch : launches)
    if (failed(lower(launch)))
      return signalPassFailure();
  rename("aligned_alloc", "sq_gpu_allocate");
  rename("free", "sq_gpu_release");
  module->setAttr(kKernelsAttr, b.getStrArrayAttr(kernels));
}
