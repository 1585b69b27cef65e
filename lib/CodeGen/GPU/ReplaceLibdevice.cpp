//===- ReplaceLibdevice.cpp - sq-replace-libdevice ------------------------===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "sparse-quant/CodeGen/GPU/Passes.h"
#include "llvm/ADT/StringSwitch.h"

using namespace mlir;

namespace mlir::sq {
#define GEN_PASS_DEF_REPLACELIBDEVICE
#include "sparse-quant/CodeGen/GPU/Passes.h.inc"
} // namespace mlir::sq

using namespace mlir::sq;

/// The op that computes what libdevice's `name` does; "" if there is none.
static StringRef getIntrinsic(StringRef name) {
  // f32 versions have an `f` at the end.
  return llvm::StringSwitch<StringRef>(name)
      .Cases({"__nv_floorf", "__nv_floor"}, "llvm.intr.floor")
      .Cases({"__nv_ceilf", "__nv_ceil"}, "llvm.intr.ceil")
      .Cases({"__nv_rintf", "__nv_rint"}, "llvm.intr.roundeven")
      .Cases({"__nv_truncf", "__nv_trunc"}, "llvm.intr.trunc")
      .Cases({"__nv_fmaf", "__nv_fma"}, "llvm.intr.fma")
      .Cases({"__nv_sqrtf", "__nv_sqrt"}, "llvm.intr.sqrt")
      .Cases({"__nv_fabsf", "__nv_fabs"}, "llvm.intr.fabs")
      .Cases({"__nv_copysignf", "__nv_copysign"}, "llvm.intr.copysign")
      .Default("");
}

namespace {
struct ReplaceLibdevice : sq::impl::ReplaceLibdeviceBase<ReplaceLibdevice> {
  void runOnOperation() override {
    WalkResult result = getOperation().walk([](LLVM::CallOp call) {
      std::optional<StringRef> callee = call.getCallee();
      if (!callee || !callee->starts_with("__nv_"))
        return WalkResult::advance();
      StringRef intrinsic = getIntrinsic(*callee);
      if (intrinsic.empty()) {
        call.emitError("no code for libdevice's ")
            << *callee << " on a GPU: it has no instruction";
        return WalkResult::interrupt();
      }
      OpBuilder builder(call);
      OperationState state(call.getLoc(), intrinsic, call.getArgOperands(),
                           call.getResultTypes());
      call->replaceAllUsesWith(builder.create(state));
      call.erase();
      return WalkResult::advance();
    });
    if (result.wasInterrupted())
      return signalPassFailure();
    for (auto function :
         llvm::make_early_inc_range(getOperation().getOps<LLVM::LLVMFuncOp>()))
      if (function.isExternal() && function.getName().starts_with("__nv_"))
        function.erase();
  }
};
} // namespace
