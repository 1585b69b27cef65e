//===- AttachTarget.cpp - sq-attach-target --------------------------------===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "sparse-quant/Target/GPUTarget.h"
#include "sparse-quant/Target/Passes.h"
#include "sparse-quant/Target/TargetAttr.h"

using namespace mlir;

namespace mlir::sq {
#define GEN_PASS_DEF_ATTACHTARGET
#include "sparse-quant/Target/Passes.h.inc"
} // namespace mlir::sq

using namespace mlir::sq;

namespace {
struct AttachTarget : sq::impl::AttachTargetBase<AttachTarget> {
  using AttachTargetBase::AttachTargetBase;

  void runOnOperation() override {
    if (isGPUTarget(target)) {
      auto targets = parseGPUTargets(target);
      if (targets)
        return attachGPUTargets(getOperation(), *targets);
      getOperation().emitError() << llvm::toString(targets.takeError());
      return signalPassFailure();
    }
    llvm::Expected<TargetSpec> spec = parseTarget(target);
    if (!spec) {
      getOperation().emitError() << llvm::toString(spec.takeError());
      return signalPassFailure();
    }
    attachTarget(getOperation(), KernelTarget(*spec));
  }
};
} // namespace
