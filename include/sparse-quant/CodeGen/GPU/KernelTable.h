//===- KernelTable.h - Which kernels GPUs have ------------------*- C++ -*-===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef SPARSE_QUANT_CODEGEN_GPU_KERNELTABLE_H
#define SPARSE_QUANT_CODEGEN_GPU_KERNELTABLE_H

#include "sparse-quant/Dialect/SQ/IR/SQ.h"
#include "sparse-quant/Support/DType.h"
#include "sparse-quant/Target/GPUTarget.h"
#include <optional>
#include <string>

namespace mlir::sq::cuda {

/// Integer codes of both through tensor cores; sums are exact.
inline constexpr StringLiteral kMmaS8 = "gpu.mma-s8";
/// E4M3 and E5M2 of both through tensor cores.
inline constexpr StringLiteral kMmaFP8 = "gpu.mma-fp8";
/// Weights that f16 holds and f16 activations through tensor cores.
inline constexpr StringLiteral kMmaF16 = "gpu.mma-f16";
/// Weights that bf16 holds and activations in bf16, or f32 in three parts,
/// through tensor cores.
inline constexpr StringLiteral kMmaBF16 = "gpu.mma-bf16";
/// Dense weights in f32, f16 or bf16, which are no `sq.matmul`.
inline constexpr StringLiteral kDense = "gpu.dense";
/// convert-sq-to-linalg, a thread an element.
inline constexpr StringLiteral kGeneric = "gpu.generic";

/// What there is to compute, whether or not the weights are packed already.
struct Product {
  numerics::Format weights;
  /// Absent for dense weights.
  std::optional<numerics::Pattern> pattern;
  /// Absent for floats, whose type is then `input`: f32, f16 or bf16.
  std::optional<numerics::Format> activations;
  DType input = DType::F32;
  int64_t cols = 0;
};

struct StorageChoice {
  Layout layout = Layout::Rows;
  /// Why tensor cores don't multiply it; "" if they do.
  std::string whyNotPacked;
  /// Why weights are stored with zeros in place of what is dropped; "" if they
  /// aren't.
  std::string whyStoredDense;
};

/// Asked before the weights of `product` are packed.
StorageChoice selectStorage(const Product &product,
                            ArrayRef<const GPUTarget *> targets);

struct KernelChoice {
  StringRef kernel;
  /// Why no better one fits, or why it does more than it had to; "" otherwise.
  std::string missed;
};

/// All of `targets` have the instructions of the kernel.
KernelChoice selectKernel(MatmulOp op, ArrayRef<const GPUTarget *> targets);

/// "" if `op`, which has a kernel, may be computed by it, otherwise the reason
/// why not.
std::string checkKernel(MatmulOp op, ArrayRef<const GPUTarget *> targets);

/// The kernels that sq-lower-linear-to-gpu generates; it leaves the others to
/// convert-sq-to-linalg.
std::vector<std::string> getGeneratedKernels();

} // namespace mlir::sq::cuda

#endif // SPARSE_QUANT_CODEGEN_GPU_KERNELTABLE_H
