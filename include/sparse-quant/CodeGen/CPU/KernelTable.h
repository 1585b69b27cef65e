//===- KernelTable.h - Which kernels exist, what they can do ----*- C++ -*-===//
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
#include "sparse-quant/Target/TargetAttr.h"
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

/// What there is to compute, whether or not the weights are packed already.
struct Product {
  numerics::Format weights;
  /// Absent for dense weights.
  std::optional<numerics::Pattern> pattern;
  /// Absent for f32.
  std::optional<numerics::Format> activations;
  /// Whether their codes are bytes of integers already (sq.widen).
  bool areWidened = false;
  int64_t rows = 0, cols = 0;
  /// Rows of activations; absent where they are only known at run time.
  std::optional<int64_t> inputs;

  static Product get(MatmulOp op);
  /// Share of the weights that is kept.
  double getKept() const { return pattern ? pattern->density() : 1.0; }
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

/// A prediction, for one number of rows of activations.
struct KernelCost {
  int64_t inputs = 0;
  /// Time on all cores; bytes from memory; products that are computed, a
  /// multiplication and its addition being two.
  double ns = 0;
  int64_t bytes = 0, ops = 0;
  bool memoryBound = false;
};

/// "12.3 us for 1 row of activations, 456 us for 128".
std::string describeCosts(ArrayRef<KernelCost> costs);

/// A kernel of the table, and from how many rows of activations on it computes;
/// fewer go to its kernel for few. Absent if it has none, or the op's number of
/// rows is known.
struct KernelDecision {
  StringRef kernel;
  std::optional<int64_t> manyInputs;
};

/// "cpu.tile-panel", or "cpu.tile-dot, cpu.tile-panel from 48 rows of
/// activations on".
std::string describeDecision(const KernelDecision &decision);

struct KernelChoice : KernelDecision {
  /// Of the op's number of rows; of one and of many where it isn't known.
  SmallVector<KernelCost> costs;
  /// The cheapest of the other kernels that fit; "" if there is none.
  StringRef next;
  SmallVector<KernelCost> nextCosts;
  /// Why no kernel that is expected to be at least as fast fits, row by row;
  /// "" if the fastest of the table was chosen.
  std::string whyNotBetter;
};

/// The cheapest kernel that fits. `preferred`, if it fits, is taken whatever it
/// costs.
KernelChoice selectKernel(MatmulOp op, const KernelTarget &target,
                          const KernelDecision &preferred = {});

/// "cpu.tile-panel", or with from how many rows on: "cpu.tile-panel:48". An
/// error for what is no kernel of the table.
FailureOr<KernelDecision> parseKernelDecision(StringRef text,
                                              std::string &error);

/// "" if `op` may be computed as `decision` says, otherwise the reason why not.
std::string checkDecision(const KernelDecision &decision, MatmulOp op,
                          const KernelTarget &target);

/// A decision that was made elsewhere, with what it leaves open, and with what
/// it is expected to take.
KernelChoice completeDecision(const KernelDecision &decision, MatmulOp op,
                              const KernelTarget &target);

/// How the weights of a layer are best packed.
struct StorageChoice {
  /// If only kept weights are stored.
  Layout layout = Layout::Rows;
  /// Why they are better stored dense, in tiles, with zeros for what is
  /// dropped; "" if they aren't.
  std::string whyStoredDense;
};

/// Asked before the weights of `product` are packed, for products with so many
/// rows of activations, which count alike. Dense where that is expected to be
/// faster than what `product.pattern` allows, beyond what predictions are
/// worth.
StorageChoice selectStorage(const Product &product,
                            ArrayRef<std::optional<int64_t>> inputs,
                            const KernelTarget &target);

/// The kernels that sq-lower-linear generates; it leaves the others to
/// convert-sq-to-linalg.
std::vector<std::string> getGeneratedKernels();
/// Those that can write their results instead of adding to them.
std::vector<std::string> getOverwritingKernels();

} // namespace mlir::sq::cpu

#endif // SPARSE_QUANT_CODEGEN_CPU_KERNELTABLE_H
