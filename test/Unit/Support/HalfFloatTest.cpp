//===- HalfFloatTest.cpp --------------------------------------------------===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "sparse-quant/Support/HalfFloat.h"
#include "llvm/ADT/APFloat.h"
#include <gtest/gtest.h>

using namespace mlir::sq;

static uint32_t bitsOf(float value) { return llvm::bit_cast<uint32_t>(value); }

/// The bits of the f32 of equal value, by LLVM's software floats.
static uint32_t reference(const llvm::fltSemantics &semantics, uint16_t bits) {
  llvm::APFloat value(semantics, llvm::APInt(16, bits));
  bool lost = false;
  value.convert(llvm::APFloat::IEEEsingle(), llvm::APFloat::rmNearestTiesToEven,
                &lost);
  EXPECT_FALSE(lost);
  return value.bitcastToAPInt().getZExtValue();
}

static bool isNaN(uint32_t bits) { return (bits & 0x7fffffff) > 0x7f800000; }

TEST(HalfFloat, AllHalves) {
  for (uint32_t bits = 0; bits <= 0xffff; ++bits) {
    uint32_t expected = reference(llvm::APFloat::IEEEhalf(), bits);
    uint32_t actual = bitsOf(widenF16(bits));
    // APFloat makes signaling NaNs quiet.
    if (isNaN(expected))
      EXPECT_TRUE(isNaN(actual)) << bits;
    else
      EXPECT_EQ(actual, expected) << bits;
  }
}

TEST(HalfFloat, AllBF16) {
  for (uint32_t bits = 0; bits <= 0xffff; ++bits) {
    uint32_t expected = reference(llvm::APFloat::BFloat(), bits);
    uint32_t actual = bitsOf(widenBF16(bits));
    if (isNaN(expected))
      EXPECT_TRUE(isNaN(actual)) << bits;
    else
      EXPECT_EQ(actual, expected) << bits;
  }
}

// Around every bf16 and every middle of two of them.
TEST(HalfFloat, NarrowToBF16) {
  for (uint32_t high = 0; high <= 0xffff; ++high)
    for (uint32_t low :
         {0x0000u, 0x0001u, 0x7fffu, 0x8000u, 0x8001u, 0xffffu}) {
      auto value = llvm::bit_cast<float>(high << 16 | low);
      llvm::APFloat expected(value);
      bool lost = false;
      expected.convert(llvm::APFloat::BFloat(),
                       llvm::APFloat::rmNearestTiesToEven, &lost);
      uint16_t actual = narrowBF16(value);
      if (expected.isNaN())
        EXPECT_TRUE(isNaN(bitsOf(widenBF16(actual)))) << high << " " << low;
      else
        EXPECT_EQ(actual, expected.bitcastToAPInt().getZExtValue())
            << high << " " << low;
    }
}

TEST(HalfFloat, UnalignedArrays) {
  const uint8_t bytes[] = {0xff, 0x00, 0x3c, 0x00, 0xc0};
  float out[2];
  widenF16(llvm::ArrayRef(bytes).drop_front(), out);
  EXPECT_EQ(out[0], 1.0f);
  EXPECT_EQ(out[1], -2.0f);
  const uint8_t brain[] = {0xff, 0x80, 0x3f, 0x00, 0xc0};
  widenBF16(llvm::ArrayRef(brain).drop_front(), out);
  EXPECT_EQ(out[0], 1.0f);
  EXPECT_EQ(out[1], -2.0f);
}
