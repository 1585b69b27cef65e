//===- MergeKernels.cpp - sq-merge-kernels --------------------------------===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "mlir/IR/SymbolTable.h"
#include "sparse-quant/CodeGen/GPU/Passes.h"

using namespace mlir;

namespace mlir::sq {
#define GEN_PASS_DEF_MERGEKERNELS
#include "sparse-quant/CodeGen/GPU/Passes.h.inc"
} // namespace mlir::sq

using namespace mlir::sq;

/// Equal up to names and locations; the kernels of two modules name the same
/// constants, which outlining has copied from one module.
static bool isEqual(gpu::GPUFuncOp a, gpu::GPUFuncOp b) {
  return a.getFunctionType() == b.getFunctionType() &&
         a.getKnownBlockSizeAttr() == b.getKnownBlockSizeAttr() &&
         OperationEquivalence::isRegionEquivalentTo(
             &a.getBody(), &b.getBody(), OperationEquivalence::IgnoreLocations);
}

/// What equal kernels have in common.
static llvm::hash_code hashKernel(gpu::GPUFuncOp kernel) {
  llvm::hash_code hash(0);
  kernel.walk([&](Operation *op) {
    hash = llvm::hash_combine(hash, op->getName(), op->getAttrDictionary());
  });
  return hash;
}

namespace {
struct MergeKernels : sq::impl::MergeKernelsBase<MergeKernels> {
  void runOnOperation() override;

private:
  /// Moves `kernel` to `kernels`, or finds its equal there.
  gpu::GPUFuncOp moveOrFind(gpu::GPUFuncOp kernel, SymbolTable &kernels);

  DenseMap<size_t, SmallVector<gpu::GPUFuncOp, 1>> known;
};
} // namespace

gpu::GPUFuncOp MergeKernels::moveOrFind(gpu::GPUFuncOp kernel,
                                        SymbolTable &kernels) {
  auto &candidates = known[hashKernel(kernel)];
  for (gpu::GPUFuncOp candidate : candidates)
    if (isEqual(candidate, kernel))
      return candidate;
  kernel->remove();
  kernels.insert(kernel);
  candidates.push_back(kernel);
  return kernel;
}

void MergeKernels::runOnOperation() {
  known.clear();
  ModuleOp module = getOperation();
  SmallVector<gpu::GPUModuleOp> modules(module.getOps<gpu::GPUModuleOp>());
  if (modules.empty())
    return;
  OpBuilder builder(module.getContext());
  auto merged =
      gpu::GPUModuleOp::create(builder, module.getLoc(), kKernelModule);
  SymbolTable(module).insert(merged);
  SymbolTable kernels(merged);
  DenseMap<Attribute, gpu::GPUFuncOp> byName;
  for (gpu::GPUModuleOp old : modules)
    for (Operation &op : llvm::make_early_inc_range(*old.getBody())) {
      StringRef name = SymbolTable::getSymbolName(&op);
      if (auto kernel = dyn_cast<gpu::GPUFuncOp>(op)) {
        auto reference = SymbolRefAttr::get(old.getNameAttr(),
                                            {FlatSymbolRefAttr::get(kernel)});
        byName[reference] = moveOrFind(kernel, kernels);
      } else if (!kernels.lookup(name)) {
        op.remove();
        kernels.insert(&op);
      }
    }
  module.walk([&](gpu::LaunchFuncOp launch) {
    if (gpu::GPUFuncOp kernel = byName.lookup(launch.getKernelAttr()))
      launch.setKernelAttr(SymbolRefAttr::get(
          merged.getNameAttr(), {FlatSymbolRefAttr::get(kernel)}));
  });
  for (gpu::GPUModuleOp old : modules)
    old.erase();
}
