//===- ElementsTest.cpp - NUM-F2, NUM-F3: every code, both ways -----------===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "TestSupport.h"

#include <bit>

using namespace mlir::sq::numerics;
using namespace mlir::sq::numerics::test;

namespace {

std::vector<Format> elementFormats() {
  std::vector<Format> formats;
  for (unsigned bits = 2; bits <= 8; ++bits) {
    formats.push_back(Format::integer(bits, GroupScope::Row));
    formats.push_back(Format::asymmetric(bits, GroupScope::Row));
    if (bits > 2)
      formats.push_back(Format::hbfp(bits - 1));
  }
  for (Element element : {Element::E4M3FN, Element::E5M2, Element::E2M3FN,
                          Element::E3M2FN, Element::E2M1FN, Element::Int})
    formats.push_back(Format::mx(element));
  formats.push_back(Format::nvfp4());
  formats.push_back(Format::nf4());
  return formats;
}

// NUM-F2.
TEST(Elements, EveryCodeDecodes) {
  for (const Format &format : elementFormats())
    for (unsigned code = 0; code < 1u << format.bits; ++code) {
      float value = decodeElement(format, static_cast<uint8_t>(code));
      double expected = oracleDecode(format, code);
      if (std::isnan(expected))
        EXPECT_TRUE(std::isnan(value)) << format.str() << " " << code;
      else
        EXPECT_EQ(value, expected) << format.str() << " " << code;
      EXPECT_EQ(std::signbit(value), std::signbit(expected))
          << format.str() << " " << code;
    }
}

TEST(Elements, HighBitsAreIgnored) {
  for (const Format &format : elementFormats())
    for (unsigned code = 0; code < 256; ++code) {
      float value = decodeElement(format, static_cast<uint8_t>(code));
      unsigned low = code & ((1u << format.bits) - 1);
      float expected = decodeElement(format, static_cast<uint8_t>(low));
      EXPECT_TRUE(std::bit_cast<uint32_t>(value) ==
                  std::bit_cast<uint32_t>(expected));
    }
}

// NUM-F3: each code, both neighbors of each midpoint, each midpoint.
TEST(Elements, EveryBoundaryEncodes) {
  for (const Format &format : elementFormats()) {
    std::vector<unsigned> codes = orderedCodes(format);
    for (size_t i = 0; i < codes.size(); ++i) {
      float value = static_cast<float>(oracleDecode(format, codes[i]));
      EXPECT_EQ(encodeElement(format, value), storedCode(format, codes[i]))
          << format.str() << " " << value;
      if (i + 1 == codes.size())
        break;
      float next = static_cast<float>(oracleDecode(format, codes[i + 1]));
      float middle = (value + next) / 2; // Exact, but for codebooks.
      bool isTie = middle == (double(value) + next) / 2;
      float below = std::nextafter(middle, value);
      float above = std::nextafter(middle, next);
      EXPECT_EQ(encodeElement(format, below), storedCode(format, codes[i]))
          << format.str() << " below " << middle;
      EXPECT_EQ(encodeElement(format, above), storedCode(format, codes[i + 1]))
          << format.str() << " above " << middle;
      uint8_t even =
          storedCode(format, codes[i] % 2 == 0 ? codes[i] : codes[i + 1]);
      if (!isTie)
        even = oracleEncode(format, codes, middle);
      EXPECT_EQ(encodeElement(format, middle), even)
          << format.str() << " at " << middle;
    }
  }
}

TEST(Elements, SaturatesAndHasNoNegativeZero) {
  float huge = std::numeric_limits<float>::max();
  float tiny = std::numeric_limits<float>::denorm_min();
  for (const Format &format : elementFormats()) {
    std::vector<unsigned> codes = orderedCodes(format);
    uint8_t first = storedCode(format, codes.front());
    uint8_t last = storedCode(format, codes.back());
    EXPECT_EQ(encodeElement(format, huge), last) << format.str();
    EXPECT_EQ(encodeElement(format, HUGE_VALF), last) << format.str();
    EXPECT_EQ(encodeElement(format, -huge), first) << format.str();
    EXPECT_EQ(encodeElement(format, -HUGE_VALF), first) << format.str();
    EXPECT_EQ(decodeElement(format, last), format.maxElement());
    for (float zero : {0.0f, -0.0f, tiny, -tiny})
      EXPECT_EQ(encodeElement(format, zero), 0) << format.str();
  }
}

TEST(Elements, RandomValuesMatchTheSearch) {
  Generator generator(1);
  for (const Format &format : elementFormats()) {
    std::vector<unsigned> codes = orderedCodes(format);
    for (int i = 0; i < 4000; ++i) {
      float scale = static_cast<float>(format.maxElement()) *
                    std::exp2(-static_cast<float>(generator.below(20)));
      float value = generator.gaussian(1, scale)[0];
      EXPECT_EQ(encodeElement(format, value),
                oracleEncode(format, codes, value))
          << format.str() << " " << value;
    }
  }
}

// NUM-F14.
TEST(Elements, IntegersInDisguise) {
  for (const Format &format : elementFormats()) {
    std::optional<int> factor = format.integerFactor();
    bool wide =
        format.element == Element::E4M3FN || format.element == Element::E5M2 ||
        format.element == Element::E3M2FN || format.element == Element::NF4;
    EXPECT_EQ(factor.has_value(), !wide) << format.str();
    for (unsigned code : orderedCodes(format)) {
      double scaled = oracleDecode(format, code) * factor.value_or(1);
      if (!factor)
        continue;
      EXPECT_EQ(scaled, std::nearbyint(scaled)) << format.str() << " " << code;
      EXPECT_LE(std::fabs(scaled), format.symmetric ? 127 : 255);
    }
  }
}

TEST(ScaleTypes, E8M0) {
  for (unsigned code = 0; code < 255; ++code)
    EXPECT_EQ(decodeE8M0(static_cast<uint8_t>(code)),
              std::ldexp(1.0, static_cast<int>(code) - 127));
  EXPECT_TRUE(std::isnan(decodeE8M0(255)));
}

double halfValue(unsigned bits) {
  int exponent = (bits >> 10) & 31, fraction = bits & 1023;
  double value = exponent ? std::ldexp(1024 + fraction, exponent - 25)
                          : std::ldexp(fraction, -24);
  return bits >> 15 ? -value : value;
}

TEST(ScaleTypes, EveryHalf) {
  for (unsigned bits = 0; bits < 0x10000; ++bits) {
    auto half = static_cast<uint16_t>(bits);
    float value = decodeF16(half);
    if ((bits & 0x7fff) > 0x7c00) {
      EXPECT_TRUE(std::isnan(value));
      EXPECT_TRUE(std::isnan(decodeF16(encodeF16(value))));
      continue;
    }
    if ((bits & 0x7fff) == 0x7c00) {
      EXPECT_TRUE(std::isinf(value));
    } else {
      EXPECT_EQ(value, halfValue(bits));
    }
    EXPECT_EQ(encodeF16(value), half);
    if ((bits & 0x7fff) >= 0x7bff)
      continue;
    // Midpoints to the next larger magnitude, exact in f32, and around them.
    float next = static_cast<float>(halfValue(bits + 1));
    float middle = (value + next) / 2;
    EXPECT_EQ(encodeF16(middle), bits % 2 == 0 ? bits : bits + 1);
    EXPECT_EQ(encodeF16(std::nextafter(middle, value)), bits);
    EXPECT_EQ(encodeF16(std::nextafter(middle, next)), bits + 1);
  }
  EXPECT_EQ(encodeF16(65519.996f), 0x7bff);
  EXPECT_EQ(encodeF16(65520.0f), 0x7c00);
  EXPECT_EQ(encodeF16(-1e30f), 0xfc00);
  EXPECT_EQ(encodeF16(1e-30f), 0);
}

} // namespace
