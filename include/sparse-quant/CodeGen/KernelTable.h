//===- KernelTable.h - What kernels a target has ----------------*- C++ -*-===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A target's kernels are rows of a table, which says what each needs of
// weights, activations and the target. Two questions are put to it, the same
// ones for every target: how the weights of a layer are packed, before they are
// (`selectStorage`, by sq-compile), and which kernel computes a product with
// packed weights, and why not a better one (`select`, by sq-select-kernels).
//
//===----------------------------------------------------------------------===//
#ifndef SPARSE_QUANT_CODEGEN_KERNELTABLE_H
#define SPARSE_QUANT_CODEGEN_KERNELTABLE_H

#include "sparse-quant/Dialect/SQ/IR/SQ.h"
#include "sparse-quant/Numerics/TileLayout.h"
#include "sparse-quant/Support/DType.h"
#include "sparse-quant/Target/TargetAttr.h"
#include <memory>
#include <optional>
#include <string>

namespace mlir::sq {

/// What there is to compute, whether or not the weights are packed already.
struct Product {
  numerics::Format weights;
  /// Absent for dense weights.
  std::optional<numerics::Pattern> pattern;
  /// Whether `pattern` says how many weights are kept: not of a given mask.
  bool isDensityKnown = true;
  /// Absent for floats, whose type is then `input`: f32, f16 or bf16.
  std::optional<numerics::Format> activations;
  DType input = DType::F32;
  /// Whether their codes are bytes of integers already, or, with f16 for
  /// `input`, f16 (sq.widen).
  bool areWidened = false;
  int64_t rows = 0, cols = 0;
  /// Rows of activations; absent where they are only known at run time.
  std::optional<int64_t> inputs;

  /// Without a bitmap, dropped weights are stored as zeros, and there is no
  /// pattern.
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

/// How the weights of a layer are best packed.
struct StorageChoice {
  /// If only kept weights are stored, and if zeros are.
  Layout layout = Layout::Rows, denseLayout = Layout::Rows;
  /// Why they are better stored dense, with zeros for what is dropped; "" if
  /// they aren't.
  std::string whyStoredDense;
  /// Why no kernel takes weights of 16 bits in another form than they have in
  /// rows, where they aren't packed; "" if there is nothing to say.
  std::string whyNotPacked;
  /// Whether kernels on this layout multiply codes in 16 bits (LayoutChoice).
  bool widensInput = false;
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

struct KernelChoice : KernelDecision {
  /// Of the op's number of rows; of one and of many where it isn't known. None
  /// where the target has no cost model.
  SmallVector<KernelCost> costs;
  /// The cheapest of the other kernels that fit; "" if there is none.
  StringRef next;
  SmallVector<KernelCost> nextCosts;
  /// Why no kernel that is expected to be at least as fast fits, or why this
  /// one does more than it had to; "" if there is nothing better.
  std::string whyNotBetter;
};

class KernelTable {
public:
  virtual ~KernelTable();

  /// Asked before the weights of `product` are packed, for products with so
  /// many rows of activations, which count alike.
  virtual StorageChoice
  selectStorage(const Product &product,
                ArrayRef<std::optional<int64_t>> inputs) const = 0;

  /// The best kernel that fits; `kernel` is "" if none does. `preferred`, if it
  /// fits, is taken whatever it costs.
  virtual KernelChoice select(MatmulOp op,
                              const KernelDecision &preferred = {}) const = 0;

  /// "" if `op` may be computed as `decision` says, otherwise the reason why
  /// not.
  virtual std::string check(const KernelDecision &decision,
                            MatmulOp op) const = 0;

  /// A decision that was made elsewhere and that `check` allows, with what it
  /// leaves open, and with what it is expected to take.
  virtual KernelChoice complete(const KernelDecision &decision,
                                MatmulOp op) const = 0;

  /// The name of a kernel, or with from how many rows on: "cpu.tile-panel:48".
  /// An error for what is none of the table.
  virtual FailureOr<KernelDecision> parse(StringRef text,
                                          std::string &error) const = 0;

  /// Whether there are kernels that multiply f16 and bf16 as they are.
  virtual bool multipliesHalves() const = 0;
};

} // namespace mlir::sq

#endif // SPARSE_QUANT_CODEGEN_KERNELTABLE_H
