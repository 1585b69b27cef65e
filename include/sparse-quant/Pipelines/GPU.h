//===- GPU.h - From packed IR to kernels and their host code ----*- C++ -*-===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The stages of compilation for GPUs, beside those of CPU.h: bufferization is
// the same.
//
//===----------------------------------------------------------------------===//
#ifndef SPARSE_QUANT_PIPELINES_GPU_H
#define SPARSE_QUANT_PIPELINES_GPU_H

#include "mlir/Pass/PassManager.h"

namespace mlir::sq {

/// packed level -> linalg on tensors, without any op of `sq`.
void buildGPUReferencePipeline(OpPassManager &pm);

/// memrefs -> host functions that launch, and kernels in `@kernels`.
void buildGPUOutlinePipeline(OpPassManager &pm);

/// The kernels -> the NVVM dialect, for the architectures of the module's
/// target (sq-attach-target).
void buildGPUToNVVMPipeline(OpPassManager &pm);

/// The host's functions -> the LLVM dialect, with calls of the runtime.
void buildGPUHostPipeline(OpPassManager &pm);

/// All of the above.
void buildGPUPipeline(OpPassManager &pm);

/// `sq-gpu-pipeline` and its stages, for sq-opt.
void registerGPUPipelines();

} // namespace mlir::sq

#endif // SPARSE_QUANT_PIPELINES_GPU_H
