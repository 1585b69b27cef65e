//===- Error.h - What masking and quantizing cost ---------------*- C++ -*-===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The errors of Harma et al. (arXiv 2405.20935): eps_f(x) = x - f(x), as L1
// and L2 norms, for the mask alone (S), the quantizer alone (Q), and both in
// either order. The threshold is T1's bound ||eps_S|| + ||eps_Q||.
//
//===----------------------------------------------------------------------===//
#ifndef SPARSE_QUANT_NUMERICS_ERROR_H
#define SPARSE_QUANT_NUMERICS_ERROR_H

#include "sparse-quant/Numerics/Pattern.h"
#include "sparse-quant/Numerics/Quantize.h"

namespace mlir::sq::numerics {

struct Norms {
  double l1 = 0.0, l2 = 0.0;
};

struct OrderErrors {
  Norms sparsity, quantization, sparsityFirst, quantizationFirst;
  /// Sums of the first two, per norm.
  Norms threshold;
  /// Elements that the first order keeps and the second drops; as many go the
  /// other way.
  int64_t swapped = 0;
  /// F3: swapped * largest bin, an upper bound of
  /// quantizationFirst.l1 - sparsityFirst.l1. Negative where the bound does not
  /// hold: bins that are not uniform, Wanda scores, patterns that may drop a
  /// group's largest element, asymmetric formats.
  double swapBound = -1.0;
};

/// Magnitude mask when `norms` is empty, Wanda otherwise (the quantized-first
/// order scores the decoded values). `pattern` null means no mask.
Error measureOrder(const Pattern *pattern, const Format &format,
                   std::span<const float> weights, std::span<const float> norms,
                   int64_t rows, int64_t cols, OrderErrors &out);

/// The bin Δ of the bound `swapped * Δ`, the largest of the groups in
/// `encoded`; negative where the bound does not hold. For who measures in
/// parts.
double swapBin(const Pattern *pattern, const Format &format, bool magnitude,
               const Encoded &encoded);

} // namespace mlir::sq::numerics

#endif // SPARSE_QUANT_NUMERICS_ERROR_H
