//===- IdempotenceTest.cpp - NUM-C3: quantizing twice is quantizing once --===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "TestSupport.h"

#include <algorithm>

using namespace mlir::sq::numerics;
using namespace mlir::sq::numerics::test;

namespace {

/// Codes, scale bytes, zero points and the tensor scale of the second
/// quantization equal the first's.
bool isStable(const Format &format, std::span<const float> values, int64_t rows,
              int64_t cols) {
  Encoded once = encoded(format, values, rows, cols);
  std::vector<float> back = decoded(format, once, rows, cols);
  return sameBytes(once, encoded(format, back, rows, cols));
}

TEST(Idempotence, HostileMatrices) {
  Generator generator(5);
  for (const std::string &name : allNames()) {
    Format format = formatOf(name);
    if (!format.isIdempotent())
      continue;
    for (int i = 0; i < 3000; ++i) {
      std::vector<float> values = generator.hostile(3 * 70);
      if (!format.symmetric) // Keep the range within f32.
        for (float &value : values)
          value /= 4;
      ASSERT_TRUE(isStable(format, values, 3, 70)) << name << " at " << i;
    }
  }
}

/// One group of every pair (largest, other) of codes, under scales of many
/// mantissas and over the whole exponent range.
TEST(Idempotence, EveryCodeEveryMagnitude) {
  Generator generator(6);
  for (const std::string &name : allNames()) {
    Format format = formatOf(name);
    std::vector<unsigned> codes = orderedCodes(format);
    for (int exponent = -149; exponent < 100; exponent += 3) {
      float scale =
          std::ldexp(1.0f + generator.below(4096) / 4096.0f, exponent);
      std::vector<float> values;
      for (unsigned code : codes)
        values.push_back(static_cast<float>(oracleDecode(format, code)) *
                         scale);
      auto cols = static_cast<int64_t>(values.size());
      if (format.isIdempotent()) {
        ASSERT_TRUE(isStable(format, values, 1, cols)) << name << " " << scale;
        for (float value : values)
          ASSERT_TRUE(
              isStable(format, std::vector<float>{value, -value / 2}, 1, 2))
              << name << " " << value;
        continue;
      }
      // Every hbfp code is stable after one pass through the format.
      for (unsigned code : codes) {
        auto step = std::ldexp(1.0f, exponent);
        auto value = static_cast<float>(oracleDecode(format, code)) * step;
        ASSERT_TRUE(isStable(format, std::vector<float>{value}, 1, 1))
            << name << " " << value;
      }
    }
  }
}

// The halves of f16 subnormals and of E4M3FN subnormals, where rounding a
// scale moves it most (NUM-F5).
TEST(Idempotence, SmallScales) {
  for (const char *name :
       {"int2.g16.f16", "int3.tensor.f16", "int4.g64.f16", "int8.row.f16"}) {
    Format format = formatOf(name);
    auto maxElement = static_cast<float>(format.maxElement());
    for (int i = 1; i < 40000; ++i) {
      float max = maxElement * static_cast<float>(i) * 0x1p-29f;
      ASSERT_TRUE(isStable(format, std::vector<float>{max, -max / 3}, 1, 2))
          << name << " " << max;
    }
  }
  Format format = Format::nvfp4();
  for (int i = 1; i < 40000; ++i) {
    std::vector<float> values(32, 0.0f);
    values[0] = 2688.0f;
    values[16] = static_cast<float>(i) * 0x1p-16f;
    values[17] = -values[16] * 0.6f;
    ASSERT_TRUE(isStable(format, values, 1, 32)) << values[16];
  }
}

TEST(Idempotence, LargestFloats) {
  float huge = std::numeric_limits<float>::max();
  for (const std::string &name : allNames()) {
    Format format = formatOf(name);
    if (!format.isIdempotent())
      continue;
    for (int i = 0; i < 200; ++i, huge = std::nextafter(huge, 0.0f)) {
      std::vector<float> values = {huge, huge / 3, 0.0f};
      for (float value : roundTrip(format, values, 1, 3))
        EXPECT_TRUE(std::isfinite(value)) << name;
      ASSERT_TRUE(isStable(format, values, 1, 3)) << name << " " << huge;
    }
  }
}

// NUM-F11 says exactly when hbfp is not idempotent: the largest code is half
// the range, a power of two, which the next binade saturates.
TEST(Idempotence, HbfpException) {
  Generator generator(7);
  for (unsigned m = 2; m <= 7; ++m) {
    Format format = Format::hbfp(m, 16);
    EXPECT_FALSE(format.isIdempotent());
    int unstable = 0;
    for (int i = 0; i < 4000; ++i) {
      std::vector<float> values = generator.gaussian(16);
      Encoded once = encoded(format, values, 1, 16);
      int largest = 0;
      for (uint8_t code : once.codes)
        largest = std::max(largest, std::abs(static_cast<int8_t>(code)));
      bool stable = isStable(format, values, 1, 16);
      EXPECT_EQ(stable, largest != 1 << (m - 1)) << format.str();
      unstable += !stable;
      // The second pass is always the last that changes anything.
      std::vector<float> twice =
          roundTrip(format, decoded(format, once, 1, 16), 1, 16);
      EXPECT_TRUE(isStable(format, twice, 1, 16));
    }
    EXPECT_GT(unstable, 0);
  }
  EXPECT_EQ(roundTrip(Format::hbfp(7), std::vector<float>{1.001f}, 1, 1)[0],
            1.0f);
}

} // namespace
