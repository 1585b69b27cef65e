//===- Scores.cpp - How much an element matters ---------------------------===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "Internal.h"
#include "VectorClones.h"
#include "sparse-quant/Numerics/Pattern.h"

#include <bit>
#include <cmath>

namespace mlir::sq::numerics {

SQ_VECTOR_CLONES static void copyMagnitudes(const float *from, size_t count,
                                            float *to) {
  for (size_t i = 0; i < count; ++i)
    to[i] = std::fabs(from[i]);
}

void magnitudeScores(std::span<const float> weights, std::span<float> scores) {
  copyMagnitudes(weights.data(), weights.size(), scores.data());
}

void wandaScores(std::span<const float> weights, std::span<const float> norms,
                 int64_t rows, int64_t cols, std::span<float> scores) {
  for (int64_t row = 0; row < rows; ++row) {
    const float *from = weights.data() + row * cols;
    float *to = scores.data() + row * cols;
    for (int64_t k = 0; k < cols; ++k)
      to[k] = std::fabs(from[k]) * norms[k];
  }
}

void applyMask(std::span<const float> values, std::span<const uint8_t> mask,
               std::span<float> out) {
  // On the bits, so that what is dropped is +0.0 whatever it was.
  auto apply = [](float value, uint8_t keep) {
    return std::bit_cast<float>(std::bit_cast<uint32_t>(value) &
                                -uint32_t(keep != 0));
  };
  const size_t size = values.size();
  const uint8_t *keep = mask.data();
  float *to = out.data();
  // Two loops: that `values` and `out` are one is what keeps a compiler from
  // vectorizing the second.
  if (values.data() == to) {
    for (size_t i = 0; i < size; ++i)
      to[i] = apply(to[i], keep[i]);
    return;
  }
  for (size_t i = 0; i < size; ++i)
    to[i] = apply(values[i], keep[i]);
}

} // namespace mlir::sq::numerics
