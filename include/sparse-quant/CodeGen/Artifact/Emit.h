//===- Emit.h - LLVM IR to an object and a shared library -------*- C++ -*-===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The steps behind the last MLIR pass: LLVM IR with entry points and the
// descriptor, optimized, as text, assembly, object, or linked with the runtime.
//
//===----------------------------------------------------------------------===//
#ifndef SPARSE_QUANT_CODEGEN_ARTIFACT_EMIT_H
#define SPARSE_QUANT_CODEGEN_ARTIFACT_EMIT_H

#include "sparse-quant/CodeGen/Artifact/Signature.h"
#include "llvm/Support/Error.h"
#include <memory>
#include <string>
#include <vector>

namespace llvm {
class LLVMContext;
class Module;
class TargetMachine;
class raw_pwrite_stream;
} // namespace llvm

namespace mlir::sq {

/// One row of `sq-run info`: sq_layer_desc of artifact.h.
struct LayerInfo {
  std::string name, pattern, format, kernel, order, whyDense, cost;
  int64_t rows = 0, columns = 0;
  uint64_t denseBytes = 0, packedBytes = 0;
  double relativeError = -1.0;
};

/// What goes into sq_artifact_desc besides the signature.
struct ArtifactInfo {
  std::string producer;
  std::string modelName;
  uint64_t weightsSize = 0;
  uint64_t weightsHeaderHash = 0;
  uint64_t weightsDataHash = 0;
  std::vector<LayerInfo> layers;
  /// Name of the descriptor; hidden unless it differs from the default.
  std::string symbol = "sq_artifact";
};

/// Translates a module in the LLVM dialect; null after an emitted error. With
/// `useWorkspace` temporaries come from the runtime, otherwise from libc.
std::unique_ptr<llvm::Module> translateToLLVM(ModuleOp module,
                                              llvm::LLVMContext &context,
                                              llvm::TargetMachine &machine,
                                              bool useWorkspace = true);

/// Adds the packed entry points and the descriptor.
llvm::Error addDescriptor(llvm::Module &module,
                          const ArtifactSignature &signature,
                          const ArtifactInfo &info,
                          llvm::TargetMachine &machine);

/// Adds a module, optimized, whose descriptor is `descriptor`, to `all`, which
/// is null at first. Only the descriptor stays visible.
llvm::Error addVariant(std::unique_ptr<llvm::Module> &all,
                       std::unique_ptr<llvm::Module> variant,
                       llvm::StringRef descriptor);

/// Adds the table of the variants' descriptors.
void addVariantTable(llvm::Module &module,
                     llvm::ArrayRef<std::string> descriptors);

/// Runs LLVM's -O3 pipeline for the target; with `sanitizeAddresses` the result
/// calls AddressSanitizer's runtime around each access.
void optimize(llvm::Module &module, llvm::TargetMachine &machine,
              bool sanitizeAddresses = false);

/// Writes assembly or an object file.
llvm::Error emitCode(llvm::Module &module, llvm::TargetMachine &machine,
                     bool assembly, llvm::raw_pwrite_stream &out);

struct LinkOptions {
  std::string object;
  std::string output;
  /// libSQRuntime.a.
  std::string runtime;
  /// It is this machine's, and no good for another architecture.
  bool runtimeIsHosts = false;
  std::string triple;
  bool openmp = true;
};

/// Links `object` with the runtime into a shared library, by the system's
/// compiler driver (clang or cc), because it knows where the C library is.
llvm::Error linkSharedLibrary(const LinkOptions &options);

} // namespace mlir::sq

#endif // SPARSE_QUANT_CODEGEN_ARTIFACT_EMIT_H
