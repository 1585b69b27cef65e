//===- ElementTraits.h - Bit layouts of the element types -------*- C++ -*-===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What tells one float element type from another, as constants, and the scalar
// encoder that both encodeElement and the bulk loops are made of.
//
//===----------------------------------------------------------------------===//
#ifndef SPARSE_QUANT_LIB_NUMERICS_ELEMENTTRAITS_H
#define SPARSE_QUANT_LIB_NUMERICS_ELEMENTTRAITS_H

#include "sparse-quant/Numerics/Codebook.h"

#include <algorithm>
#include <bit>

namespace mlir::sq::numerics {

/// A sign bit, `exponentBits`, `mantissaBits`; gradual underflow as in IEEE
/// 754.
struct FloatLayout {
  unsigned mantissaBits;
  int bias;
  /// Code of the largest finite magnitude.
  unsigned maxCode;
  unsigned bits;

  /// Exponent of the smallest normal number, and of the gap below it.
  constexpr int minExponent() const { return 1 - bias; }
  constexpr int gapExponent() const {
    return minExponent() - static_cast<int>(mantissaBits);
  }
};

constexpr FloatLayout layoutOf(Element element) {
  switch (element) {
  case Element::E4M3FN:
    return {3, 7, 0x7e, 8};
  case Element::E5M2:
    return {2, 15, 0x7b, 8};
  case Element::E2M3FN:
    return {3, 1, 0x1f, 6};
  case Element::E3M2FN:
    return {2, 3, 0x1f, 6};
  case Element::F16:
    return {10, 15, 0x7bff, 16};
  case Element::BF16:
    return {7, 127, 0x7f7f, 16};
  case Element::E2M1FN:
  case Element::Int:
  case Element::NF4:
    break;
  }
  return {1, 1, 0x7, 4};
}

/// 2^exponent for -126 <= exponent <= 127.
constexpr float powerOfTwo(int exponent) {
  return std::bit_cast<float>(static_cast<uint32_t>(exponent + 127) << 23);
}

/// Value of a finite, non-negative code.
constexpr float decodeMagnitude(FloatLayout layout, unsigned code) {
  unsigned fraction = code & ((1u << layout.mantissaBits) - 1);
  int exponent = static_cast<int>(code >> layout.mantissaBits);
  if (exponent != 0)
    fraction |= 1u << layout.mantissaBits;
  // Both factors and the product are exact: at most 4 significant bits.
  return static_cast<float>(fraction) *
         powerOfTwo(layout.gapExponent() + std::max(exponent - 1, 0));
}

constexpr float maxFinite(Element element) {
  if (const Codebook *codebook = getCodebook(element))
    return codebook->values.back();
  FloatLayout layout = layoutOf(element);
  return decodeMagnitude(layout, layout.maxCode);
}

/// `integerBits` for Int, which has no width of its own.
constexpr unsigned elementBits(Element element, unsigned integerBits) {
  if (getCodebook(element))
    return 4;
  return element == Element::Int ? integerBits : layoutOf(element).bits;
}

/// floor(log2(maxFinite)), the emax of OCP MX v1.0.
constexpr int maxExponent(Element element) {
  if (element == Element::Int)
    return 0; // MXINT8: 1 + 63/64, below 2.
  return static_cast<int>(std::bit_cast<uint32_t>(maxFinite(element)) >> 23) -
         127;
}

/// NUM-F3: nearest code, ties to the even code, saturating, never a negative
/// zero. Branch-free, so that loops over it vectorize.
template <Element element>
inline uint32_t encodeFloat(float value) {
  constexpr FloatLayout layout = layoutOf(element);
  constexpr unsigned shift = 23 - layout.mantissaBits;
  constexpr uint32_t half = (1u << (shift - 1)) - 1;
  constexpr uint32_t rebias = static_cast<uint32_t>(127 - layout.bias)
                              << layout.mantissaBits;
  // Adding 2^23 gaps makes the unit in the last place one gap: the FPU then
  // rounds subnormal codes, to nearest even, and leaves them in the low bits.
  constexpr float magic = powerOfTwo(layout.gapExponent() + 23);

  uint32_t bits = std::bit_cast<uint32_t>(value);
  float magnitude = std::bit_cast<float>(bits & 0x7fffffffu);
  magnitude = magnitude < maxFinite(element) ? magnitude : maxFinite(element);
  uint32_t raw = std::bit_cast<uint32_t>(magnitude);
  uint32_t normal = ((raw + half + ((raw >> shift) & 1u)) >> shift) - rebias;
  uint32_t subnormal = std::bit_cast<uint32_t>(magnitude + magic) -
                       std::bit_cast<uint32_t>(magic);
  uint32_t code =
      magnitude < powerOfTwo(layout.minExponent()) ? subnormal : normal;
  uint32_t sign = (bits >> 31) << (layout.bits - 1);
  return code == 0 ? 0u : code | sign;
}

/// Nearest integer, ties to even, saturating to [low, high] (|bounds| < 2^21).
inline int32_t encodeInteger(float value, float low, float high) {
  // 1.5 * 2^23: the sum's unit in the last place is 1, for either sign.
  constexpr float magic = 12582912.0f;
  value = value > low ? value : low;
  value = value < high ? value : high;
  return std::bit_cast<int32_t>(value + magic) - std::bit_cast<int32_t>(magic);
}

} // namespace mlir::sq::numerics

#endif // SPARSE_QUANT_LIB_NUMERICS_ELEMENTTRAITS_H
