//===- CompileGPU.h - A packed module to kernels and host code --*- C++ -*-===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef SPARSE_QUANT_LIB_PIPELINES_COMPILEGPU_H
#define SPARSE_QUANT_LIB_PIPELINES_COMPILEGPU_H

#include "sparse-quant/CodeGen/Artifact/GPUImages.h"

namespace mlir {
class PassManager;
} // namespace mlir

namespace mlir::sq {

struct GPUCode {
  std::vector<GPUImage> images;
  std::vector<std::string> kernels;
};

/// PTX of the kernels of `module`, which buildGPUPipeline has lowered, and
/// their machine code if there is a toolkit; says so if there isn't. The
/// kernels are removed, so that host code is left.
FailureOr<GPUCode> takeGPUCode(ModuleOp module,
                               ArrayRef<const GPUTarget *> targets);

} // namespace mlir::sq

#endif // SPARSE_QUANT_LIB_PIPELINES_COMPILEGPU_H
