//===- TargetSpec.h - What we compile for -----------------------*- C++ -*-===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A target is named on the command line and described here once. Nothing in
// the compiler asks the machine that it runs on, except for the name "native".
//
//===----------------------------------------------------------------------===//
#ifndef SPARSE_QUANT_TARGET_TARGETSPEC_H
#define SPARSE_QUANT_TARGET_TARGETSPEC_H

#include "sparse-quant/Target/CPUFacts.h"
#include "sparse-quant/Target/VectorISA.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"
#include <memory>
#include <string>
#include <vector>

namespace llvm {
class TargetMachine;
} // namespace llvm

namespace mlir::sq {

struct TargetSpec {
  std::string triple;
  /// LLVM's CPU name: "icelake-server", "x86-64-v3", "cortex-a76".
  std::string cpu;
  /// Features that the code may use beyond or without the CPU's, LLVM's
  /// spelling: "+avx512vnni,-avx512vp2intersect".
  std::string features;
  /// Width of a vector register in f32 lanes: 16 (AVX-512), 8 (AVX2), 4.
  unsigned f32Lanes = 4;
  /// What kernels may use beyond generic vectors.
  VectorISA isa = VectorISA::None;
  /// How fast it is, as far as it is known. The number of cores is this
  /// machine's for "native".
  CPUFacts facts;
};

/// Reads `--target=`: "native", a CPU name of the host's architecture, or
/// "triple:cpu" ("aarch64-linux-gnu:cortex-a76").
llvm::Expected<TargetSpec> parseTarget(llvm::StringRef text);

/// Reads a list of targets for one artifact, "multi:cpu,cpu", from the least to
/// the best; "multi" is a list for x86-64. Anything else is a list of one. They
/// differ in their CPU alone.
llvm::Expected<std::vector<TargetSpec>> parseTargets(llvm::StringRef text);

llvm::Expected<std::unique_ptr<llvm::TargetMachine>>
createTargetMachine(const TargetSpec &spec);

/// The instruction-set features that `machine` may use, without tuning flags:
/// what an artifact asks its CPU for when it is opened.
std::vector<std::string> getRequiredFeatures(llvm::TargetMachine &machine);

} // namespace mlir::sq

#endif // SPARSE_QUANT_TARGET_TARGETSPEC_H
