//===- Codebook.h - Elements that are looked up -----------------*- C++ -*-===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// NUM-F15. A codebook lists its values; no arithmetic on a code gives them. Two
// facts about it are enough to write an encoder and a decoder that agree to the
// bit, in C++ as in generated code: the values, and from which f32 on the next
// one is nearest.
//
//===----------------------------------------------------------------------===//
#ifndef SPARSE_QUANT_NUMERICS_CODEBOOK_H
#define SPARSE_QUANT_NUMERICS_CODEBOOK_H

#include "sparse-quant/Numerics/Format.h"

#include <array>
#include <bit>

namespace mlir::sq::numerics {

struct Codebook {
  static constexpr unsigned kSize = 16;

  /// Ascending; one of them is 0.0.
  std::array<float, kSize> values;
  /// Which one that is.
  unsigned zero;

  /// Code 0 is the value 0 (NUM-F3), so codes count from there and wrap around.
  constexpr uint8_t codeOf(unsigned index) const {
    return static_cast<uint8_t>((index - zero) % kSize);
  }
  constexpr float decode(unsigned code) const {
    return values[(code + zero) % kSize];
  }
  /// The smallest f32 that is nearer to values[index + 1] than to
  /// values[index], or equally near and the upper one has the even code. So the
  /// index of the nearest value is a count of boundaries.
  constexpr float boundary(unsigned index) const {
    // Exact: f32 sums of such magnitudes have less than 53 bits.
    double middle =
        (static_cast<double>(values[index]) + values[index + 1]) / 2;
    float nearest = static_cast<float>(middle);
    if (nearest > middle || (nearest == middle && codeOf(index + 1) % 2 == 0))
      return nearest;
    // The next f32 up. No middle is zero.
    uint32_t bits = std::bit_cast<uint32_t>(nearest);
    return std::bit_cast<float>(nearest > 0.0f ? bits + 1 : bits - 1);
  }
};

/// NormalFloat4: quantiles of a normal distribution, scaled to [-1, 1].
/// Dettmers et al., QLoRA, arXiv 2305.14314, appendix E; as bitsandbytes has
/// them in f32.
inline constexpr Codebook nf4Codebook = {
    {-1.0f, -0.6961928009986877f, -0.5250730514526367f, -0.39491748809814453f,
     -0.28444138169288635f, -0.18477343022823334f, -0.09105003625154495f, 0.0f,
     0.07958029955625534f, 0.16093020141124725f, 0.24611230194568634f,
     0.33791524171829224f, 0.44070982933044434f, 0.5626170039176941f,
     0.7229568362236023f, 1.0f},
    /*zero=*/7};

/// The codebook of an element, or null if its value is arithmetic on its code.
constexpr const Codebook *getCodebook(Element element) {
  return element == Element::NF4 ? &nf4Codebook : nullptr;
}

} // namespace mlir::sq::numerics

#endif // SPARSE_QUANT_NUMERICS_CODEBOOK_H
