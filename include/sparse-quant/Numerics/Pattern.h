//===- Pattern.h - Sparsity patterns and their masks ------------*- C++ -*-===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Which elements a pattern keeps, given a score per element. Matrices are
// row-major [rows, cols]; groups and blocks run along cols (the reduction axis
// K of a weight W[N, K]). Ties: the lower index wins (numerics.md).
//
//===----------------------------------------------------------------------===//
#ifndef SPARSE_QUANT_NUMERICS_PATTERN_H
#define SPARSE_QUANT_NUMERICS_PATTERN_H

#include "sparse-quant/Numerics/Format.h"

#include <span>
#include <vector>

namespace mlir::sq::numerics {

enum class PatternKind : uint8_t { NM, Unstructured, Block };
enum class SparsityScope : uint8_t { Tensor, Row };

struct Pattern {
  PatternKind kind = PatternKind::NM;
  /// NM: keep n of m consecutive elements, 1 <= n <= m <= 64.
  int64_t n = 2, m = 4;
  /// Unstructured and Block: the fraction that is dropped, in [0, 1].
  double sparsity = 0.0;
  /// Unstructured: what the fraction is counted over.
  SparsityScope scope = SparsityScope::Row;
  /// Block: extent of a block; the fraction is counted over each block row.
  int64_t blockRows = 1, blockCols = 1;

  static Pattern nm(int64_t n, int64_t m);
  static Pattern unstructured(double sparsity, SparsityScope scope);
  static Pattern block(int64_t rows, int64_t cols, double sparsity);

  /// "nm2:4", "unstructured0.5.row", "block16x4.0.75".
  std::string str() const;
  Error verify() const;
  /// Fraction kept, ignoring rounding at edges.
  double density() const;
  /// Elements (Unstructured) or blocks (Block) that are dropped of `count`:
  /// floor(sparsity * count), in f64 and with 1e-6 of slack (NUM-S3).
  int64_t numDropped(int64_t count) const;
  /// True when a *magnitude* mask of this pattern never drops the largest
  /// element of a scale group unless it drops the whole group
  /// (NUM-S7): what makes class-1 commutation exact.
  /// False for Block. For NM this form takes for granted that N:M groups and
  /// scale groups nest; where they may not (3:5 under groups of 32: a group of
  /// five lies across two scales), ask the form that knows the format.
  bool preservesGroupMax() const;
  bool preservesGroupMax(const Format &format) const;

  bool operator==(const Pattern &) const = default;
};

std::optional<Pattern> parsePattern(const std::string &text);

/// |w|, with -0.0 scored as 0.
void magnitudeScores(std::span<const float> weights, std::span<float> scores);
/// |w| * norms[k]; norms has `cols` entries (NUM-S5; Sun et al., Wanda).
void wandaScores(std::span<const float> weights, std::span<const float> norms,
                 int64_t rows, int64_t cols, std::span<float> scores);

/// Writes 1 for kept, 0 for dropped. A NaN score is an error that names its
/// index. A last group cut short by the edge counts as padded with zeros.
Error computeMask(const Pattern &pattern, std::span<const float> scores,
                  int64_t rows, int64_t cols, std::span<uint8_t> mask);

/// Whether `mask` could have been made by `pattern` (at most n of each m, at
/// most the kept count of each scope, whole blocks).
Error checkMask(const Pattern &pattern, std::span<const uint8_t> mask,
                int64_t rows, int64_t cols);

/// Dropped elements become +0.0, also where the input is -0.0 or NaN.
void applyMask(std::span<const float> values, std::span<const uint8_t> mask,
               std::span<float> out);

} // namespace mlir::sq::numerics

#endif // SPARSE_QUANT_NUMERICS_PATTERN_H
