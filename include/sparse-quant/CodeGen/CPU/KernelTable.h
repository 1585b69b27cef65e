//===- KernelTable.h - Which kernels CPUs have ------------------*- C++ -*-===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Kernels are data (lib/CodeGen/CPU/KernelRows.cpp): a row says what it needs
// of weights, activations and target, and who generates it. The cheapest row
// that fits is taken, and the last row fits all weights that are packed in
// rows.
//
//===----------------------------------------------------------------------===//
#ifndef SPARSE_QUANT_CODEGEN_CPU_KERNELTABLE_H
#define SPARSE_QUANT_CODEGEN_CPU_KERNELTABLE_H

#include "sparse-quant/CodeGen/KernelTable.h"

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

/// "cpu.tile-panel", or "cpu.tile-dot, cpu.tile-panel from 48 rows of
/// activations on".
std::string describeDecision(const KernelDecision &decision);

/// The kernels of `target`. Weights are stored dense where that is expected to
/// be faster than what their pattern allows, beyond what predictions are worth.
std::unique_ptr<KernelTable> createKernelTable(const KernelTarget &target);

/// The kernels that sq-lower-linear generates; it leaves the others to
/// convert-sq-to-linalg.
std::vector<std::string> getGeneratedKernels();
/// Those that can write their results instead of adding to them.
std::vector<std::string> getOverwritingKernels();

} // namespace mlir::sq::cpu

#endif // SPARSE_QUANT_CODEGEN_CPU_KERNELTABLE_H
