//===- Scores.cpp - How much an element matters ---------------------------===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "Internal.h"
#include "sparse-quant/Numerics/Pattern.h"

#include <bit>
#include <cmath>

namespace mlir::sq::numerics {

void magnitudeScores(std::span<const float> weights, std::span<float> scores) {
  for (size_t i = 0; i < weights.size(); ++i)
    scores[i] = std::fabs(weights[i]);
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
  for (size_t i = 0; i < values.size(); ++i) {
    uint32_t keep = mask[i] ? 0xffffffffu : 0u;
    out[i] = std::bit_cast<float>(std::bit_cast<uint32_t>(values[i]) & keep);
  }
}

} // namespace mlir::sq::numerics
