//===- EncodeTest.cpp - NUM-F4 to NUM-F12: scales and codes of matrices ---===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "TestSupport.h"

#include <algorithm>
#include <bit>
#include <cstring>

using namespace mlir::sq::numerics;
using namespace mlir::sq::numerics::test;

namespace {

/// A group's scale as the rules write it; all quotients in f32 (NUM-C1).
struct OracleScale {
  float value = 0.0f; // What elements are divided by; 0: all codes are zero.
  std::vector<uint8_t> bytes;
};

template <typename T>
std::vector<uint8_t> bytesOf(T value) {
  std::vector<uint8_t> bytes(sizeof(T));
  std::memcpy(bytes.data(), &value, sizeof(T));
  return bytes;
}

/// The nearest half or E4M3FN magnitude, by search.
template <typename Decode>
unsigned nearestCode(double value, unsigned lastCode, Decode decode) {
  unsigned best = 0;
  for (unsigned code = 1; code <= lastCode; ++code) {
    double gain =
        std::fabs(decode(best) - value) - std::fabs(decode(code) - value);
    if (gain > 0 || (gain == 0 && code % 2 == 0))
      best = code;
  }
  return best;
}

unsigned nearestHalf(float value) {
  // Magnitudes are ordered as their codes are.
  unsigned low = 0, high = 0x7bff;
  while (low < high) {
    unsigned middle = (low + high + 1) / 2;
    if (decodeF16(static_cast<uint16_t>(middle)) <= value)
      low = middle;
    else
      high = middle - 1;
  }
  if (low == 0x7bff)
    return low;
  double under = value - decodeF16(static_cast<uint16_t>(low));
  double over = decodeF16(static_cast<uint16_t>(low + 1)) - double(value);
  return over < under || (over == under && low % 2 == 1) ? low + 1 : low;
}

OracleScale zeroScale(const Format &format) {
  return {0.0f, std::vector<uint8_t>(scaleBytes(format.scaleType), 0)};
}

OracleScale oracleScale(const Format &format, float maxAbs, float tensorScale) {
  if (maxAbs == 0.0f)
    return zeroScale(format);
  int log2Floor = std::ilogb(maxAbs);
  bool power = std::ldexp(1.0, log2Floor) == maxAbs;
  if (format.scaleType == ScaleType::E8M0) {
    int emax = std::ilogb(format.maxElement());
    int exponent = format.family == Family::Hbfp
                       ? log2Floor + !power - static_cast<int>(format.bits - 1)
                       : log2Floor - emax;
    exponent = std::clamp(exponent, -127, 127);
    return {static_cast<float>(std::ldexp(1.0, exponent)),
            {static_cast<uint8_t>(exponent + 127)}};
  }
  auto maxElement = static_cast<float>(format.maxElement());
  OracleScale scale;
  if (format.family == Family::NvFp4) {
    float quotient = maxAbs / 6.0f / tensorScale;
    Format e4m3 = Format::fp8(Element::E4M3FN, GroupScope::Row);
    unsigned code =
        nearestCode(std::max(quotient, 0x1p-7f), 0x7e,
                    [&](unsigned c) { return oracleDecode(e4m3, c); });
    scale = {static_cast<float>(oracleDecode(e4m3, code)) * tensorScale,
             {static_cast<uint8_t>(code)}};
  } else if (format.scaleType == ScaleType::F16) {
    float floor = std::ldexp(1.0f, static_cast<int>(format.bits) - 25);
    auto half = static_cast<uint16_t>(
        nearestHalf(std::max(maxAbs / maxElement, floor)));
    scale = {decodeF16(half), bytesOf(half)};
  } else {
    float value = std::max(maxAbs / maxElement, 0x1p-126f);
    while (std::isinf(value * maxElement))
      value = std::nextafter(value, 0.0f);
    scale = {value, bytesOf(value)};
  }
  std::vector<unsigned> codes = orderedCodes(format);
  if (oracleEncode(format, codes, -maxAbs / scale.value) == 0)
    return zeroScale(format);
  return scale;
}

/// Compares codes and scale bytes of a symmetric format with the oracle.
void expectOracle(const Format &format, const std::vector<float> &values,
                  int64_t rows, int64_t cols) {
  Encoded actual = encoded(format, values, rows, cols);
  float tensorMax = 0.0f;
  for (float value : values)
    tensorMax = std::max(tensorMax, std::fabs(value));
  float tensorScale = 1.0f;
  if (format.hasTensorScale())
    tensorScale =
        tensorMax == 0 ? 0.0f : std::max(tensorMax / 2688.0f, 0x1p-126f);
  std::vector<unsigned> codes = orderedCodes(format);
  bool tensor = format.scope == GroupScope::Tensor;
  int64_t rowLength = tensor ? rows * cols : cols;
  int64_t group =
      format.scope == GroupScope::Group ? format.groupSize : rowLength;
  std::vector<uint8_t> scales;
  for (int64_t row = 0; row < (tensor ? 1 : rows); ++row)
    for (int64_t begin = 0; begin < rowLength; begin += group) {
      int64_t count = std::min(group, rowLength - begin);
      const float *x = values.data() + row * rowLength + begin;
      float maxAbs = 0.0f;
      for (int64_t i = 0; i < count; ++i)
        maxAbs = std::max(maxAbs, std::fabs(x[i]));
      OracleScale scale = oracleScale(format, maxAbs, tensorScale);
      scales.insert(scales.end(), scale.bytes.begin(), scale.bytes.end());
      for (int64_t i = 0; i < count; ++i) {
        uint8_t expected =
            scale.value == 0.0f
                ? 0
                : oracleEncode(format, codes, x[i] / scale.value);
        ASSERT_EQ(actual.codes[row * rowLength + begin + i], expected)
            << format.str() << " " << x[i] << " / " << scale.value;
      }
    }
  EXPECT_EQ(actual.scales, scales) << format.str();
  if (std::all_of(scales.begin(), scales.end(), [](uint8_t b) { return !b; }) &&
      format.hasTensorScale())
    tensorScale = 0.0f;
  EXPECT_EQ(actual.tensorScale, tensorScale) << format.str();
}

TEST(Encode, MatchesTheOracle) {
  Generator generator(2);
  for (const std::string &name : symmetricNames()) {
    Format format = formatOf(name);
    for (int i = 0; i < 60; ++i) {
      int64_t rows = 1 + generator.below(3), cols = 1 + generator.below(150);
      expectOracle(format, generator.hostile(rows * cols), rows, cols);
    }
  }
}

// Each code in turn is the largest of its group, under several scales.
TEST(Encode, EveryCodeUnderItsOwnScale) {
  for (const std::string &name : symmetricNames()) {
    Format format = formatOf(name);
    for (unsigned code : orderedCodes(format))
      for (float scale : {1.0f, 0.37f, 0x1p-120f, 0x1p-149f, 0x1p90f}) {
        auto value = static_cast<float>(oracleDecode(format, code));
        expectOracle(format, {value * scale, -0.0f, value * scale / 3}, 1, 3);
      }
  }
}

// NUM-F4.
TEST(Encode, AllZeroGroups) {
  for (const std::string &name : allNames()) {
    Format format = formatOf(name);
    std::vector<float> zeros(2 * 70, 0.0f);
    for (size_t i = 0; i < zeros.size(); i += 3)
      zeros[i] = -0.0f;
    Encoded actual = encoded(format, zeros, 2, 70);
    for (uint8_t byte : actual.codes)
      EXPECT_EQ(byte, 0) << name;
    for (uint8_t byte : actual.scales)
      EXPECT_EQ(byte, 0) << name;
    for (float value : decoded(format, actual, 2, 70))
      EXPECT_EQ(std::bit_cast<uint32_t>(value), 0u) << name;
    EXPECT_EQ(actual.tensorScale, format.hasTensorScale() ? 0.0f : 1.0f);
  }
}

TEST(Encode, EmptyMatrices) {
  for (const std::string &name : allNames()) {
    Format format = formatOf(name);
    for (auto [rows, cols] :
         {std::pair<int64_t, int64_t>{0, 5}, {3, 0}, {0, 0}}) {
      Encoded actual = encoded(format, {}, rows, cols);
      EXPECT_TRUE(actual.codes.empty());
      EXPECT_TRUE(decoded(format, actual, rows, cols).empty());
    }
  }
}

// NUM-C2.
TEST(Encode, NonFiniteValuesAreNamed) {
  for (const std::string &name : allNames()) {
    Format format = formatOf(name);
    for (float bad : {std::nanf(""), -std::nanf(""), HUGE_VALF, -HUGE_VALF}) {
      std::vector<float> values(3 * 70, 1.0f);
      values[2 * 70 + 11] = bad;
      Encoded out;
      Error error = encode(format, values, 3, 70, out);
      if (format.family == Family::Mx) {
        EXPECT_FALSE(error.has_value());
        continue;
      }
      EXPECT_EQ(error, std::string("value at [2, 11] is ") +
                           (std::isnan(bad) ? "NaN" : "infinite"))
          << name;
    }
  }
}

// NUM-F9: the block's scale is NaN, and nothing else is touched.
TEST(Encode, MxTurnsABlockIntoNaN) {
  for (const char *name : {"mx.e4m3fn", "mx.e2m1fn", "mx.int8"}) {
    Format format = formatOf(name);
    std::vector<float> values(96, 1.0f);
    values[40] = HUGE_VALF;
    Encoded actual = encoded(format, values, 1, 96);
    EXPECT_EQ(actual.scales[1], 0xff);
    EXPECT_NE(actual.scales[0], 0xff);
    std::vector<float> back = decoded(format, actual, 1, 96);
    for (int64_t i = 0; i < 96; ++i)
      EXPECT_EQ(std::isnan(back[i]), i >= 32 && i < 64) << i;
    EXPECT_TRUE(sameBytes(actual, encoded(format, back, 1, 96)));
  }
}

// NUM-F11.
TEST(Encode, HbfpPowerOfTwoSaturates) {
  Format format = Format::hbfp(7);
  std::vector<float> values = {1.0f, -1.0f, 0.5f, std::nextafter(1.0f, 0.0f)};
  Encoded actual = encoded(format, values, 1, 4);
  EXPECT_EQ(actual.scales, std::vector<uint8_t>({127 - 7}));
  EXPECT_EQ(actual.codes, std::vector<uint8_t>({127, 0x81, 64, 127}));
  EXPECT_EQ(decoded(format, actual, 1, 4)[0], 0.9921875f);
  for (unsigned m = 2; m <= 7; ++m)
    for (int e = -110; e < 128; e += 7) {
      float power = std::ldexp(1.0f, e);
      Format hbfp = Format::hbfp(m);
      Encoded one = encoded(hbfp, std::vector<float>{power}, 1, 1);
      EXPECT_EQ(one.scales[0], e - static_cast<int>(m) + 127);
      EXPECT_EQ(one.codes[0], (1 << m) - 1);
      // One step more and the next binade holds it.
      float more = std::nextafter(power, HUGE_VALF);
      one = encoded(hbfp, std::vector<float>{more}, 1, 1);
      EXPECT_EQ(one.scales[0], e + 1 - static_cast<int>(m) + 127);
      EXPECT_EQ(one.codes[0], 1 << (m - 1));
    }
}

// NUM-F8.
TEST(Encode, AsymmetricHoldsZeroAndTheRange) {
  Generator generator(3);
  for (unsigned bits = 2; bits <= 8; ++bits) {
    Format format = Format::asymmetric(bits, GroupScope::Row);
    int32_t last = (1 << bits) - 1;
    for (int i = 0; i < 2000; ++i) {
      std::vector<float> values = generator.hostile(24);
      for (float &value : values)
        value = value / 4 + (i % 3 - 1) * std::fabs(values[0] / 4);
      values[5] = 0.0f;
      Encoded actual = encoded(format, values, 1, 24);
      std::vector<float> back = decoded(format, actual, 1, 24);
      EXPECT_EQ(std::bit_cast<uint32_t>(back[5]), 0u);
      EXPECT_GE(actual.zeroPoints[0], 0);
      EXPECT_LE(actual.zeroPoints[0], last);
      float scale = decodeScale(ScaleType::F32, actual.scales.data());
      for (int64_t k = 0; k < 24; ++k)
        EXPECT_LE(std::fabs(double(back[k]) - values[k]),
                  std::max(double(scale) * 0.51, 0x1p-127))
            << format.str() << " " << values[k] << " " << scale;
    }
  }
  // Symmetric ranges put both ends on a tie; neither end may be lost.
  Format format = Format::asymmetric(8, GroupScope::Row);
  Encoded actual = encoded(format, std::vector<float>{-1, 1, 0}, 1, 3);
  EXPECT_EQ(actual.codes, std::vector<uint8_t>({0, 255, 128}));
  float huge = std::numeric_limits<float>::max();
  EXPECT_EQ(encode(format, std::vector<float>{0, 0, -huge, huge}, 2, 2, actual),
            "the range of an asymmetric group is beyond f32, in row 1");
}

// NUM-F12: static scales.
TEST(Encode, WithScales) {
  Generator generator(4);
  for (const std::string &name : allNames()) {
    Format format = formatOf(name);
    std::vector<float> values = generator.gaussian(2 * 70);
    Encoded dynamic = encoded(format, values, 2, 70), fixed = dynamic;
    fixed.codes.clear();
    EXPECT_EQ(encodeWithScales(format, values, 2, 70, fixed), std::nullopt);
    EXPECT_TRUE(sameBytes(dynamic, fixed)) << name;
    for (float &value : values)
      value *= 100;
    EXPECT_EQ(encodeWithScales(format, values, 2, 70, fixed), std::nullopt);
    for (int64_t i = 0; format.symmetric && i < 140; ++i)
      EXPECT_GE(std::fabs(decodeElement(format, fixed.codes[i])),
                std::fabs(decodeElement(format, dynamic.codes[i])));
    values[75] = std::nanf("");
    EXPECT_EQ(encodeWithScales(format, values, 2, 70, fixed),
              "value at [1, 5] is NaN");
    fixed.scales.push_back(0);
    EXPECT_TRUE(encodeWithScales(format, values, 2, 70, fixed).has_value());
  }
}

TEST(Encode, WithBadScales) {
  std::vector<float> values(4, 1.0f);
  Format format = formatOf("int8.row");
  for (float bad : {-1.0f, HUGE_VALF, std::nanf("")}) {
    Encoded out;
    out.scales = bytesOf(bad);
    EXPECT_EQ(encodeWithScales(format, values, 1, 4, out),
              "expected scale 0 to be finite and not negative");
  }
  format = formatOf("uint4.row");
  Encoded out;
  out.scales = bytesOf(1.0f);
  out.zeroPoints = {16};
  EXPECT_EQ(encodeWithScales(format, values, 1, 4, out),
            "expected zero point 0 to fit 4 bits, got 16");
  out.zeroPoints = {};
  EXPECT_EQ(encodeWithScales(format, values, 1, 4, out),
            "expected 1 zero points, got 0");
}

TEST(Encode, ChecksItsArguments) {
  Encoded out;
  std::vector<float> values(5);
  EXPECT_EQ(encode(formatOf("int8.row"), values, 2, 3, out),
            "expected 6 values for a 2x3 matrix, got 5");
  Format broken = Format::integer(12, GroupScope::Row);
  EXPECT_EQ(encode(broken, values, 1, 5, out), "expected 2 to 8 bits, got 12");
}

} // namespace
