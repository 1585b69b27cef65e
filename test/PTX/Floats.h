//===- Floats.h - Small floats to and from double ---------------*- C++ -*-===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef SPARSE_QUANT_TEST_PTX_FLOATS_H
#define SPARSE_QUANT_TEST_PTX_FLOATS_H

#include <cmath>
#include <cstdint>
#include <cstring>

namespace ptx {

/// A binary float with a sign, `exponent` and `mantissa` bits, in the low bits.
inline double decodeFloat(uint32_t bits, int exponent, int mantissa, int bias) {
  uint32_t fraction = bits & ((1u << mantissa) - 1);
  int power = static_cast<int>(bits >> mantissa & ((1u << exponent) - 1));
  double sign = bits >> (exponent + mantissa) & 1 ? -1 : 1;
  if (power == 0)
    return sign * std::ldexp(fraction, 1 - bias - mantissa);
  return sign *
         std::ldexp(fraction + (1u << mantissa), power - bias - mantissa);
}

inline double fromBF16(uint32_t bits) {
  uint32_t wide = bits << 16;
  float value;
  std::memcpy(&value, &wide, 4);
  return value;
}
inline double fromF16(uint32_t bits) {
  if ((bits >> 10 & 31) == 31)
    return bits & 1023 ? NAN : bits >> 15 ? -INFINITY : INFINITY;
  return decodeFloat(bits, 5, 10, 15);
}
inline double fromE4M3(uint32_t bits) {
  return (bits & 0x7F) == 0x7F ? NAN : decodeFloat(bits, 4, 3, 7);
}
inline double fromE5M2(uint32_t bits) {
  if ((bits >> 2 & 31) == 31)
    return bits & 3 ? NAN : bits >> 7 ? -INFINITY : INFINITY;
  return decodeFloat(bits, 5, 2, 15);
}

/// Round to nearest even. `value` is a float or a sum of two of the type, so
/// that double holds it.
inline uint32_t toBF16(double value) {
  if (std::isnan(value))
    return 0x7FFF;
  // To odd on the way, so that rounding twice is rounding once.
  float single = static_cast<float>(value);
  uint32_t bits;
  std::memcpy(&bits, &single, 4);
  if (single != value && std::isfinite(single)) {
    bool away = std::fabs(static_cast<double>(single)) > std::fabs(value);
    bits = (away ? bits - 1 : bits) | 1;
  }
  if ((bits & 0x7FFFFFFF) >= 0x7F800000)
    return bits >> 16;
  return (bits + 0x7FFF + (bits >> 16 & 1)) >> 16;
}

inline uint32_t toF16(double value) {
  uint32_t sign = std::signbit(value) ? 0x8000 : 0;
  double magnitude = std::fabs(value);
  if (std::isnan(value))
    return 0x7FFF;
  if (magnitude >= 65520)
    return sign | 0x7C00;
  if (magnitude == 0)
    return sign;
  int power = std::max(std::ilogb(magnitude), -14);
  // In units of the last place; nearbyint rounds to even.
  double units = std::nearbyint(std::ldexp(magnitude, 10 - power));
  uint32_t steps = static_cast<uint32_t>(units);
  return sign | (static_cast<uint32_t>(power + 14) * 1024 + steps);
}

} // namespace ptx

#endif // SPARSE_QUANT_TEST_PTX_FLOATS_H
