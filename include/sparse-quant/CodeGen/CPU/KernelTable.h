//===- KernelTable.h - Which kernels exist, and what each can do -*- C++
//-*-===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Kernels as data. A row says what it needs; `selectKernel` takes the first
// row that fits, and the last row fits all weights that are packed in rows.
// Adding a kernel is adding a row and a generator.
//
//===----------------------------------------------------------------------===//
#ifndef SPARSE_QUANT_CODEGEN_CPU_KERNELTABLE_H
#define SPARSE_QUANT_CODEGEN_CPU_KERNELTABLE_H

#include "sparse-quant/Dialect/SQ/IR/SQ.h"
#include "sparse-quant/Target/VectorISA.h"
#include <string>

namespace mlir::sq::cpu {

/// Integer dot products of many rows of quantized activations with weights in
/// tiles, which are decoded once for all of them.
inline constexpr StringRef kTilePanel = "cpu.tile-panel";
/// Integer dot products of quantized activations with weights in tiles.
inline constexpr StringRef kTileDot = "cpu.tile-dot";
/// f32 multiply-adds of activations with weights in tiles, decoded in
/// registers.
inline constexpr StringRef kTileFma = "cpu.tile-fma";
/// Decodes a block of packed rows to f32, then vector dot products.
inline constexpr StringRef kDecodeRows = "cpu.decode-rows";
/// convert-sq-to-linalg: slow, and right for every legal combination.
inline constexpr StringRef kReference = "cpu.reference";

/// What kernels ask of the CPU that code is generated for.
struct KernelTarget {
  /// f32 lanes of a vector register.
  unsigned lanes = 16;
  VectorISA isa = VectorISA::None;
};

struct KernelChoice {
  StringRef kernel;
  /// Why no earlier row of the table fits, row by row; "" for the first row.
  std::string whyNotBetter;
};

KernelChoice selectKernel(MatmulOp op, const KernelTarget &target);

/// "" if `kernel` may compute `op`, otherwise the reason why not.
std::string checkKernel(StringRef kernel, MatmulOp op,
                        const KernelTarget &target);

/// The layout that the best kernel for such a layer reads. Asked before the
/// weights are packed; `pattern` and `activations` are null where there are
/// none.
Layout selectLayout(const numerics::Format &weights,
                    const numerics::Pattern *pattern,
                    const numerics::Format *activations, int64_t rows,
                    int64_t cols, const KernelTarget &target);

} // namespace mlir::sq::cpu

#endif // SPARSE_QUANT_CODEGEN_CPU_KERNELTABLE_H
