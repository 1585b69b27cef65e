//===- GPUTarget.h - The GPUs that we compile for ---------------*- C++ -*-===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A list of architectures is named as `cuda:sm_80,sm_90a`. A module carries it
// as the device "GPU" of its target, beside the "CPU" of TargetAttr.h:
//
//   "GPU" = #dlti.target_device_spec<"sq.archs" = ["sm_80", "sm_90a"],
//     "sq.shared_bytes" = 166912 : i64, "sq.multiprocessors" = 108 : i64>
//
// The architectures decide; the numbers are what all of them have.
//
//===----------------------------------------------------------------------===//
#ifndef SPARSE_QUANT_TARGET_GPUTARGET_H
#define SPARSE_QUANT_TARGET_GPUTARGET_H

#include "mlir/IR/BuiltinOps.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"

namespace mlir::sq {

struct GPUTarget {
  /// LLVM's and ptxas's name.
  llvm::StringLiteral arch;
  /// PTX that is emitted, as LLVM numbers it: 85 is version 8.5. The oldest
  /// that has all that kernels for this architecture use; `mma.sp` with ordered
  /// metadata came with 8.5.
  unsigned ptx;
  /// Of the CUDA that came with that PTX, as drivers number it: a driver that
  /// is older can't read it.
  unsigned cuda;
  /// Shared memory that one block can have, at most.
  int64_t sharedBytes;
  /// Multiprocessors of the part that GPUTarget.cpp names.
  int64_t multiprocessors;
  /// `mma.sp::ordered_metadata`.
  bool orderedMetadata;
  /// `mma` on FP8 operands. Not on data center parts from Hopper on, which have
  /// it in other instructions: of PTX's ptxas makes conversions to f16 there.
  bool fp8;
  /// `wgmma`, of Hopper alone.
  bool warpgroup;
  /// `tcgen05`, of Blackwell's data center parts alone.
  bool tensorMemory;

  /// The device's name for it, 10 * major + minor: 80, 90, 120.
  unsigned getCapability() const {
    unsigned capability = 0;
    llvm::StringRef number = arch.drop_front(3);
    number.consumeInteger(10, capability);
    return capability;
  }
  /// Whether code runs on this architecture alone, not on later ones.
  bool isExact() const { return arch.ends_with("a"); }
};

llvm::ArrayRef<GPUTarget> getKnownGPUTargets();

/// The target named `arch`; null if there is none.
const GPUTarget *lookupGPUTarget(llvm::StringRef arch);

/// Whether `text` names GPUs.
inline bool isGPUTarget(llvm::StringRef text) {
  return text.starts_with("cuda:") || text == "cuda";
}

/// Reads "cuda:arch,arch,...".
llvm::Expected<llvm::SmallVector<const GPUTarget *>>
parseGPUTargets(llvm::StringRef text);

/// Writes the device "GPU" onto `module`, and leaves other devices.
void attachGPUTargets(ModuleOp module,
                      llvm::ArrayRef<const GPUTarget *> targets);

/// Whether the module has GPUs.
bool hasGPUTargets(ModuleOp module);

/// What `module` is compiled for. Emits an error, and fails, where there is no
/// device "GPU", or it isn't what it should be.
FailureOr<llvm::SmallVector<const GPUTarget *>> readGPUTargets(ModuleOp module);

} // namespace mlir::sq

#endif // SPARSE_QUANT_TARGET_GPUTARGET_H
