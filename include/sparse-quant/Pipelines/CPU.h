//===- CPU.h - From packed IR to the LLVM dialect, for CPUs -----*- C++ -*-===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The stages of compilation. Each has a contract of one line and can be run on
// its own in sq-opt.
//
//===----------------------------------------------------------------------===//
#ifndef SPARSE_QUANT_PIPELINES_CPU_H
#define SPARSE_QUANT_PIPELINES_CPU_H

#include "mlir/Pass/PassManager.h"
#include "mlir/Pass/PassOptions.h"
#include "sparse-quant/Target/VectorISA.h"

namespace mlir::sq {

struct CPUPipelineOptions : PassPipelineOptions<CPUPipelineOptions> {
  /// For a module without a target (sq-attach-target).
  Option<unsigned> lanes{*this, "lanes",
                         llvm::cl::desc("f32 lanes of a vector of the kernels, "
                                        "a multiple of 8, for a module "
                                        "without a target"),
                         llvm::cl::init(16)};
  Option<VectorISA> isa{
      *this, "isa",
      llvm::cl::desc("What the target has beyond generic vectors, for a "
                     "module without a target"),
      llvm::cl::init(VectorISA::None), getVectorISAValues()};
  Option<std::string> preferKernel{
      *this, "prefer-kernel",
      llvm::cl::desc("Kernel to take wherever it fits (sq-select-kernels)")};
  Option<bool> openmp{*this, "openmp",
                      llvm::cl::desc("Run parallel loops by OpenMP"),
                      llvm::cl::init(true)};
};

/// semantic level -> ordered level: no mask follows quantization.
void buildOrderPipeline(OpPassManager &pm);

/// packed level -> packed level with a `kernel` on each sq.matmul, in order
/// (the invariant of sparsity before quantization is verified first).
void buildSchedulePipeline(OpPassManager &pm,
                           const CPUPipelineOptions &options);

/// scheduled -> linalg on tensors; sq.matmul stays where a kernel computes it.
void buildReferencePipeline(OpPassManager &pm,
                            const CPUPipelineOptions &options);

/// linalg on tensors -> memrefs, with the calling convention of artifacts.
void buildBufferizePipeline(OpPassManager &pm,
                            const CPUPipelineOptions &options);

/// memrefs -> loops and vectors -> the LLVM dialect.
void buildLowerToLLVMPipeline(OpPassManager &pm,
                              const CPUPipelineOptions &options);

/// All of the above.
void buildCPUPipeline(OpPassManager &pm, const CPUPipelineOptions &options);

/// `sq-cpu-pipeline` and its stages, for sq-opt.
void registerPipelines();

} // namespace mlir::sq

#endif // SPARSE_QUANT_PIPELINES_CPU_H
