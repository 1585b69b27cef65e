//===- AttachNVVM.cpp - sq-attach-nvvm ------------------------------------===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "sparse-quant/CodeGen/GPU/Passes.h"
#include "sparse-quant/Target/GPUTarget.h"

using namespace mlir;

namespace mlir::sq {
#define GEN_PASS_DEF_ATTACHNVVM
#include "sparse-quant/CodeGen/GPU/Passes.h.inc"
} // namespace mlir::sq

using namespace mlir::sq;

namespace {
struct AttachNVVM : sq::impl::AttachNVVMBase<AttachNVVM> {
  void runOnOperation() override {
    if (getOperation().getOps<gpu::GPUModuleOp>().empty())
      return;
    auto targets = readGPUTargets(getOperation());
    if (failed(targets))
      return signalPassFailure();
    Builder b(&getContext());
    SmallVector<Attribute> attrs;
    for (const GPUTarget *target : *targets)
      attrs.push_back(NVVM::NVVMTargetAttr::get(
          &getContext(), /*optLevel=*/3, "nvptx64-nvidia-cuda", target->arch,
          "+ptx" + std::to_string(target->ptx)));
    for (auto module : getOperation().getOps<gpu::GPUModuleOp>())
      module.setTargetsAttr(b.getArrayAttr(attrs));
  }
};
} // namespace
