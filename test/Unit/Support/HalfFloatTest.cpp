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
