//===- GPUImages.h - Kernels as part of an artifact -------------*- C++ -*-===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef SPARSE_QUANT_CODEGEN_ARTIFACT_GPUIMAGES_H
#define SPARSE_QUANT_CODEGEN_ARTIFACT_GPUIMAGES_H

#include "sparse-quant/Target/GPUTarget.h"
#include <optional>
#include <string>

namespace llvm {
class Module;
} // namespace llvm

namespace mlir::sq {

/// All kernels of a model, for one architecture.
struct GPUImage {
  const GPUTarget *target;
  /// PTX; else machine code.
  bool isPTX;
  std::string data;
};

/// Adds `sq_gpu` of sparse-quant-c/artifact.h to `module`.
llvm::Error addGPUImages(llvm::Module &module, ArrayRef<GPUImage> images,
                         ArrayRef<std::string> kernels);

/// The assembler of a CUDA toolkit: on the path, or in the folder `bin` of
/// CUDA_ROOT, CUDA_HOME or /usr/local/cuda. Nothing if there is none.
std::optional<std::string> findPTXAssembler();

/// Machine code of `ptx`.
llvm::Expected<std::string> assemblePTX(StringRef assembler, StringRef ptx,
                                        const GPUTarget &target);

} // namespace mlir::sq

#endif // SPARSE_QUANT_CODEGEN_ARTIFACT_GPUIMAGES_H
