//===- TestSupport.h - Data and oracles for the numerics tests --*- C++ -*-===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The oracles follow docs/numerics.md, not lib/Numerics: they search all codes
// for the nearest one and take logarithms with frexp, slowly and plainly.
//
//===----------------------------------------------------------------------===//
#ifndef SPARSE_QUANT_UNITTEST_NUMERICS_TESTSUPPORT_H
#define SPARSE_QUANT_UNITTEST_NUMERICS_TESTSUPPORT_H

#include "sparse-quant/Numerics/Pattern.h"
#include "sparse-quant/Numerics/Quantize.h"

#include "gtest/gtest.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>

namespace mlir::sq::numerics::test {

/// Every family, element, scope and scale type; group sizes with short tails.
inline const std::vector<std::string> &symmetricNames() {
  static const std::vector<std::string> names = {
      "int2.row",       "int3.tensor",     "int4.g32",     "int5.g7",
      "int6.row",       "int7.row",        "int8.row",     "int8.tensor",
      "int2.g16.f16",   "int4.g64.f16",    "int8.row.f16", "int3.tensor.f16",
      "fp8.e4m3fn.row", "fp8.e5m2.tensor", "fp8.e5m2.row", "mx.e4m3fn",
      "mx.e5m2",        "mx.e2m3fn",       "mx.e3m2fn",    "mx.e2m1fn",
      "mx.int8",        "nvfp4",           "hbfp7.g64",    "hbfp5.g64",
      "hbfp3.g64",      "hbfp3.g5",        "hbfp2.g16",    "nf4.g64",
      "nf4.g16.f16",    "nf4.row",         "nf4.tensor"};
  return names;
}

inline std::vector<std::string> allNames() {
  std::vector<std::string> names = symmetricNames();
  for (unsigned bits = 2; bits <= 8; ++bits) {
    names.push_back("uint" + std::to_string(bits) + ".row");
    names.push_back("uint" + std::to_string(bits) + ".tensor");
  }
  return names;
}

inline Format formatOf(const std::string &name) {
  std::optional<Format> format = parseFormat(name);
  EXPECT_TRUE(format.has_value()) << name;
  return format.value_or(Format());
}

inline Encoded encoded(const Format &format, std::span<const float> values,
                       int64_t rows, int64_t cols) {
  Encoded out;
  Error error = encode(format, values, rows, cols, out);
  EXPECT_FALSE(error.has_value()) << format.str() << ": " << *error;
  return out;
}

inline std::vector<float> decoded(const Format &format, const Encoded &codes,
                                  int64_t rows, int64_t cols) {
  std::vector<float> out(rows * cols);
  decode(format, codes, rows, cols, out);
  return out;
}

/// decode(encode(values)).
inline std::vector<float> roundTrip(const Format &format,
                                    std::span<const float> values, int64_t rows,
                                    int64_t cols) {
  return decoded(format, encoded(format, values, rows, cols), rows, cols);
}

inline bool sameBytes(const Encoded &a, const Encoded &b) {
  return a.codes == b.codes && a.scales == b.scales &&
         a.zeroPoints == b.zeroPoints && a.tensorScale == b.tensorScale;
}

//===----------------------------------------------------------------------===//
// Data
//===----------------------------------------------------------------------===//

/// Matrices that are kind on average and hostile in places: any magnitude,
/// zeros of both signs, ties, powers of two, nearly empty groups.
class Generator {
public:
  explicit Generator(unsigned seed) : engine(seed) {}

  std::vector<float> gaussian(int64_t count, float scale = 1.0f) {
    std::vector<float> values(count);
    for (float &value : values)
      value = normal(engine) * scale;
    return values;
  }

  std::vector<float> hostile(int64_t count) {
    float scale = std::ldexp(1.0f, static_cast<int>(below(250)) - 126);
    unsigned kind = below(6);
    std::vector<float> values(count);
    for (float &value : values) {
      float x = normal(engine);
      switch (kind) {
      case 0: // Ties among codes and among scores.
        x = std::nearbyint(x * 4) / 4;
        break;
      case 1: // Powers of two.
        x = std::copysign(std::exp2(std::nearbyint(x * 3)), x);
        break;
      case 2: // Groups of very different magnitudes.
        if (below(8) == 0)
          drop = std::exp2(-static_cast<float>(below(24)));
        x *= drop;
        break;
      case 3: // Mostly zeros.
        if (below(4) != 0)
          x = x < 0 ? -0.0f : 0.0f;
        break;
      default:
        break;
      }
      value = x * scale;
      if (!std::isfinite(value))
        value = std::numeric_limits<float>::max();
    }
    return values;
  }

  unsigned below(unsigned bound) { return engine() % bound; }

private:
  std::mt19937 engine;
  std::normal_distribution<float> normal;
  float drop = 1.0f;
};

//===----------------------------------------------------------------------===//
// Oracles
//===----------------------------------------------------------------------===//

/// NUM-F2 by the book: sign, exponent, mantissa. NaN where the type has one.
inline double oracleDecode(const Format &format, unsigned code) {
  if (format.element == Element::NF4) {
    // NUM-F15; codes 9 to 15 are those below zero.
    static const float values[] = {0.0f,
                                   0.07958029955625534f,
                                   0.16093020141124725f,
                                   0.24611230194568634f,
                                   0.33791524171829224f,
                                   0.44070982933044434f,
                                   0.5626170039176941f,
                                   0.7229568362236023f,
                                   1.0f,
                                   -1.0f,
                                   -0.6961928009986877f,
                                   -0.5250730514526367f,
                                   -0.39491748809814453f,
                                   -0.28444138169288635f,
                                   -0.18477343022823334f,
                                   -0.09105003625154495f};
    return values[code];
  }
  if (format.element == Element::Int) {
    int value = static_cast<int>(code);
    if (format.symmetric && value >= 1 << (format.bits - 1))
      value -= 1 << format.bits;
    return format.family == Family::Mx ? value / 64.0 : value;
  }
  struct {
    int exponentBits, mantissaBits, bias;
  } e;
  switch (format.element) {
  case Element::E4M3FN:
    e = {4, 3, 7};
    break;
  case Element::E5M2:
    e = {5, 2, 15};
    break;
  case Element::E2M3FN:
    e = {2, 3, 1};
    break;
  case Element::E3M2FN:
    e = {3, 2, 3};
    break;
  default:
    e = {2, 1, 1};
  }
  int mantissa = code % (1 << e.mantissaBits);
  int exponent = (code >> e.mantissaBits) % (1 << e.exponentBits);
  bool negative = code >> (e.mantissaBits + e.exponentBits);
  double value = exponent == 0
                     ? std::ldexp(mantissa, 1 - e.bias - e.mantissaBits)
                     : std::ldexp(mantissa + (1 << e.mantissaBits),
                                  exponent - e.bias - e.mantissaBits);
  if (format.element == Element::E4M3FN && exponent == 15 && mantissa == 7)
    value = std::nan("");
  if (format.element == Element::E5M2 && exponent == 31)
    value = mantissa == 0 ? HUGE_VAL : std::nan("");
  return negative ? -value : value;
}

/// Codes that an encoder may emit, in the order of their values.
inline std::vector<unsigned> orderedCodes(const Format &format) {
  std::vector<unsigned> codes;
  bool integer = format.element == Element::Int;
  for (unsigned code = 0; code < 1u << format.bits; ++code) {
    double value = oracleDecode(format, code);
    bool mostNegative =
        integer && format.symmetric && code == 1u << (format.bits - 1);
    if (std::isfinite(value) && !mostNegative &&
        !(value == 0.0 && std::signbit(value)))
      codes.push_back(code);
  }
  std::sort(codes.begin(), codes.end(), [&](unsigned a, unsigned b) {
    return oracleDecode(format, a) < oracleDecode(format, b);
  });
  return codes;
}

/// The code as Encoded stores it.
inline uint8_t storedCode(const Format &format, unsigned code) {
  bool negative = format.element == Element::Int && format.symmetric &&
                  code >= 1u << (format.bits - 1);
  return static_cast<uint8_t>(negative ? code - (1u << format.bits) : code);
}

/// NUM-F3 by search: the nearest of all codes, the even one of two.
inline uint8_t oracleEncode(const Format &format,
                            const std::vector<unsigned> &codes, double value) {
  value = std::clamp(value, oracleDecode(format, codes.front()),
                     oracleDecode(format, codes.back()));
  unsigned best = codes.front();
  double bestDistance = HUGE_VAL;
  for (unsigned code : codes) {
    double distance = std::fabs(oracleDecode(format, code) - value);
    bool better =
        distance < bestDistance || (distance == bestDistance && code % 2 == 0);
    if (!better)
      continue;
    best = code;
    bestDistance = distance;
  }
  return storedCode(format, best);
}

} // namespace mlir::sq::numerics::test

#endif // SPARSE_QUANT_UNITTEST_NUMERICS_TESTSUPPORT_H
