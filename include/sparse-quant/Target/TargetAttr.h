//===- TargetAttr.h - The target as the IR carries it -----------*- C++ -*-===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A module says what it is compiled for in upstream's attribute (DLTI), so that
// passes, and the tests of passes, need no option for it:
//
//   module attributes {dlti.target_system_spec = #dlti.target_system_spec<
//     "CPU" = #dlti.target_device_spec<
//       "sq.isa" = "avx512-vbmi2", "max_vector_op_width" = 512 : i64, ...>>}
//
// The keys are in the description of sq-attach-target.
//
//===----------------------------------------------------------------------===//
#ifndef SPARSE_QUANT_TARGET_TARGETATTR_H
#define SPARSE_QUANT_TARGET_TARGETATTR_H

#include "mlir/IR/BuiltinOps.h"
#include "sparse-quant/Target/CPUFacts.h"
#include "sparse-quant/Target/TargetSpec.h"

namespace mlir::sq {

/// What kernels ask of the CPU that code is generated for.
struct KernelTarget {
  /// f32 lanes of a vector as kernels cut them: at least 8, so that a vector of
  /// bits is whole bytes; narrower registers take a vector in parts.
  unsigned lanes = 16;
  VectorISA isa = VectorISA::None;
  CPUFacts facts = getCPUFacts("", 16);

  KernelTarget() = default;
  KernelTarget(unsigned lanes, VectorISA isa)
      : KernelTarget(lanes, isa, getCPUFacts("", lanes)) {}
  KernelTarget(unsigned lanes, VectorISA isa, const CPUFacts &facts)
      : lanes(lanes), isa(isa), facts(facts) {}
  explicit KernelTarget(const TargetSpec &spec)
      : KernelTarget(std::max(8u, spec.f32Lanes), spec.isa, spec.facts) {}
};

/// Writes the target onto `module`.
void attachTarget(ModuleOp module, const KernelTarget &target);

/// Whether `module` has a target.
bool hasTarget(ModuleOp module);

/// The target of `module`; `otherwise` if it has none. Facts that the attribute
/// leaves out are those of a CPU that isn't known. Emits an error, and fails,
/// where a key that we need is missing, or a value isn't what it should be.
FailureOr<KernelTarget> readTarget(ModuleOp module,
                                   const KernelTarget &otherwise);

} // namespace mlir::sq

#endif // SPARSE_QUANT_TARGET_TARGETATTR_H
