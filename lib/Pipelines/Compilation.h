//===- Compilation.h - One run of the compiler ------------------*- C++ -*-===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef SPARSE_QUANT_LIB_PIPELINES_COMPILATION_H
#define SPARSE_QUANT_LIB_PIPELINES_COMPILATION_H

#include "CompileGPU.h"
#include "mlir/Pass/PassManager.h"
#include "sparse-quant/CodeGen/Artifact/Emit.h"
#include "sparse-quant/CodeGen/KernelTable.h"
#include "sparse-quant/Dialect/SQ/Transforms/PackWeights.h"
#include "sparse-quant/Pipelines/CPU.h"
#include "sparse-quant/Pipelines/Compile.h"
#include "sparse-quant/Pipelines/OutputFiles.h"
#include "sparse-quant/Pipelines/Summary.h"
#include "sparse-quant/Target/TargetAttr.h"
#include "llvm/Target/TargetMachine.h"

namespace mlir::sq {

/// What is made for one of the targets.
struct Variant {
  TargetSpec target;
  std::unique_ptr<llvm::TargetMachine> machine;
  CPUPipelineOptions pipeline;
  KernelTarget kernelTarget;
  /// Of that CPU, or of the GPUs that it launches on.
  std::unique_ptr<KernelTable> kernels;
  /// The packed module, to be lowered in place. All variants but the last have
  /// a copy.
  ModuleOp module;
  OwningOpRef<ModuleOp> copy;
  ArtifactSignature signature;
  /// What became of the layers.
  std::vector<LayerInfo> layers;
  std::vector<LayerReport> reports;
};

/// One compilation; the members are what a later stage needs of an earlier one.
class Compilation {
public:
  Compilation(ModuleOp module, const CompileOptions &options)
      : module(module), options(options) {}

  LogicalResult run();

private:
  LogicalResult fail(llvm::Error error) {
    return emitError(UnknownLoc::get(module.getContext()))
           << llvm::toString(std::move(error));
  }
  LogicalResult runStage(ModuleOp module,
                         function_ref<void(OpPassManager &)> build) {
    PassManager pm(module.getContext(), ModuleOp::getOperationName());
    if (options.configurePasses && failed(options.configurePasses(pm)))
      return failure();
    build(pm);
    return pm.run(module);
  }
  /// The temporary path of what becomes `final`.
  LogicalResult addOutput(StringRef final, std::string &path);
  LogicalResult openOutputs();
  /// Opens `path` and lets `write` fill it.
  LogicalResult
  writeFile(StringRef path,
            function_ref<llvm::Error(llvm::raw_pwrite_stream &)> write);
  LogicalResult openTargets();
  LogicalResult openGPUTargets();
  Variant &addVariant(TargetSpec target,
                      std::unique_ptr<llvm::TargetMachine> machine);
  LogicalResult lower();
  LogicalResult lowerForGPU();
  LogicalResult compressAndPack();
  LayoutChoice chooseLayout(const LayoutRequest &layer);
  void recordKernels(Variant &variant);
  void recordParallelRegions(Variant &variant);
  LogicalResult writeLayerReport();
  LogicalResult writeModule();
  std::unique_ptr<llvm::Module> generateCode(llvm::LLVMContext &context);
  LogicalResult emitMachineCode();
  LogicalResult link();

  ModuleOp module;
  const CompileOptions &options;
  /// One for each target, from the least to the best. Options don't move.
  std::vector<std::unique_ptr<Variant>> variants;
  /// With these, the one variant is for the CPU that launches.
  SmallVector<const GPUTarget *> gpuTargets;
  GPUCode gpuCode;
  ArtifactSignature signature;
  ArtifactInfo info;
  PackResult packed;
  OutputFiles files;
  /// Where `files` has us write; empty for what isn't written.
  std::string weightPath, headerPath, reportPath, objectPath, outputPath;
};

} // namespace mlir::sq

#endif // SPARSE_QUANT_LIB_PIPELINES_COMPILATION_H
