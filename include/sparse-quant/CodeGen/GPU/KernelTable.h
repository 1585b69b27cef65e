//===- KernelTable.h - Which kernels GPUs have ------------------*- C++ -*-===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef SPARSE_QUANT_CODEGEN_GPU_KERNELTABLE_H
#define SPARSE_QUANT_CODEGEN_GPU_KERNELTABLE_H

#include "sparse-quant/CodeGen/KernelTable.h"
#include "sparse-quant/Target/GPUTarget.h"

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

/// The kernels that all of `targets` have.
std::unique_ptr<KernelTable>
createKernelTable(ArrayRef<const GPUTarget *> targets);

/// The kernels that sq-lower-linear-to-gpu generates; it leaves the others to
/// convert-sq-to-linalg.
std::vector<std::string> getGeneratedKernels();

} // namespace mlir::sq::cuda

#endif // SPARSE_QUANT_CODEGEN_GPU_KERNELTABLE_H
