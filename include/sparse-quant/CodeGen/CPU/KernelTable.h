//===- KernelTable.h - Which kernels exist, and what each can do -*- C++
//-*-===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Kernels are data (lib/CodeGen/CPU/KernelRows.cpp): a row says what it needs
// of weights, activations and target, and who generates it. `selectKernel`
// takes the first row that fits, and the last row fits all weights that are
// packed in rows.
//
//===----------------------------------------------------------------------===//
#ifndef SPARSE_QUANT_CODEGEN_CPU_KERNELTABLE_H
#define SPARSE_QUANT_CODEGEN_CPU_KERNELTABLE_H

#include "sparse-quant/Dialect/SQ/IR/SQ.h"
#include "sparse-quant/Numerics/TileLayout.h"
#include "sparse-quant/Target/VectorISA.h"
#include <optional>
#include <string>

namespace mlir::sq::cpu {

/// Integer dot products of many rows of quantized activations with weights in
/// tiles, which are decoded once for all of them.
inline constexpr StringLiteral kTilePanel = "cpu.tile-panel";
/// Integer dot products of quantized activations with weights in tiles.
inline constexpr StringLiteral kTileDot = "cpu.tile-dot";
/// Integer dot products of quantized activations with weights in the layout
/// `blocks`: dropped vectors of tiles are skipped.
inline constexpr StringLiteral kTileBlocks = "cpu.tile-blocks";
/// f32 multiply-adds of activations with weights in tiles, decoded in
/// registers.
inline constexpr StringLiteral kTileFma = "cpu.tile-fma";
/// Decodes a block of packed rows to f32, then vector dot products.
inline constexpr StringLiteral kDecodeRows = "cpu.decode-rows";
/// convert-sq-to-linalg: slow, and right for every legal combination.
inline constexpr StringLiteral kReference = "cpu.reference";

/// What kernels ask of the CPU that code is generated for.
struct KernelTarget {
  /// f32 lanes of a vector register.
  unsigned lanes = 16;
  VectorISA isa = VectorISA::None;
};

/// What there is to compute, whether or not the weights are packed already.
struct Product {
  numerics::Format weights;
  /// Absent for dense weights.
  std::optional<numerics::Pattern> pattern;
  /// Absent for f32.
  std::optional<numerics::Format> activations;
  int64_t rows = 0, cols = 0;
  /// Rows of activations; absent where they are only known at run time.
  std::optional<int64_t> inputs;

  static Product get(MatmulOp op);
  /// The tiles that the weights are in, or might have been in.
  numerics::TileLayout getTiles() const {
    return numerics::TileLayout::get(weights, pattern ? &*pattern : nullptr,
                                     rows, cols);
  }
  /// Why the weights can't be in blocks; nullopt if they can.
  numerics::Error checkBlocks() const {
    return numerics::TileLayout::checkBlocks(
        weights, pattern ? &*pattern : nullptr, cols);
  }
  numerics::TileLayout getBlocks() const {
    return numerics::TileLayout::getBlocks(weights, *pattern, rows, cols);
  }
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

/// The layout that the best kernel for `product` reads. Asked before the
/// weights are packed.
Layout selectLayout(const Product &product, const KernelTarget &target);

/// The kernels that sq-lower-linear generates; it leaves the others to
/// convert-sq-to-linalg.
std::vector<std::string> getGeneratedKernels();

} // namespace mlir::sq::cpu

#endif // SPARSE_QUANT_CODEGEN_CPU_KERNELTABLE_H
