//===- ErrorTest.cpp - measureOrder against the definitions ---------------===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "sparse-quant/Numerics/Error.h"

#include "TestSupport.h"

using namespace mlir::sq::numerics;
using namespace mlir::sq::numerics::test;

namespace {

// int4, scale 1, 1:2. 2.51 and 3.49 both become 3, so the quantized mask keeps
// the first: F3's swap, and nearly the whole bin.
TEST(MeasureOrder, ByHand) {
  Pattern pattern = Pattern::nm(1, 2);
  Format format = formatOf("int4.row");
  std::vector<float> weights = {7.0f, 0.0f, 2.5625f, 3.4375f};
  OrderErrors errors;
  ASSERT_EQ(measureOrder(&pattern, format, weights, {}, 1, 4, errors),
            std::nullopt);
  EXPECT_EQ(errors.sparsity.l1, 2.5625);
  EXPECT_EQ(errors.quantization.l1, 0.875);
  EXPECT_EQ(errors.quantization.l2, std::sqrt(2 * 0.4375 * 0.4375));
  EXPECT_EQ(errors.sparsityFirst.l1, 2.5625 + 0.4375);
  EXPECT_EQ(errors.quantizationFirst.l1, 3.4375 + 0.4375);
  EXPECT_EQ(errors.threshold.l1, 2.5625 + 0.875);
  EXPECT_EQ(errors.swapped, 1);
  EXPECT_EQ(errors.swapBound, 1.0);
}

TEST(MeasureOrder, NoPattern) {
  Generator generator(11);
  std::vector<float> weights = generator.gaussian(64);
  OrderErrors errors;
  ASSERT_EQ(
      measureOrder(nullptr, formatOf("hbfp3.g64"), weights, {}, 1, 64, errors),
      std::nullopt);
  EXPECT_EQ(errors.sparsity.l1, 0.0);
  EXPECT_EQ(errors.sparsityFirst.l1, errors.quantization.l1);
  EXPECT_EQ(errors.quantizationFirst.l1, errors.quantization.l1);
  EXPECT_EQ(errors.swapped, 0);
  EXPECT_EQ(errors.swapBound, 0.0);
}

TEST(MeasureOrder, BoundsThatDoNotHoldAreNegative) {
  Generator generator(12);
  std::vector<float> weights = generator.gaussian(64), norms(64, 2.0f);
  OrderErrors errors;
  Pattern nm = Pattern::nm(2, 4), block = Pattern::block(1, 4, 0.5);
  Pattern straddling = Pattern::nm(3, 5);
  auto bound = [&](const Pattern &pattern, const char *format,
                   std::span<const float> norms) {
    EXPECT_EQ(
        measureOrder(&pattern, formatOf(format), weights, norms, 1, 64, errors),
        std::nullopt);
    return errors.swapBound;
  };
  EXPECT_GE(bound(nm, "int4.row", {}), 0.0);
  EXPECT_GE(bound(nm, "mx.int8", {}), 0.0);
  EXPECT_EQ(bound(nm, "mx.e2m1fn", {}), -1.0);
  EXPECT_EQ(bound(nm, "int4.row", norms), -1.0);
  EXPECT_EQ(bound(block, "int4.row", {}), -1.0);
  EXPECT_EQ(bound(straddling, "mx.int8", {}), -1.0);
  EXPECT_EQ(bound(nm, "uint4.row", {}), -1.0);
}

// Equal norms change no order, so Wanda's mask is the magnitude mask.
TEST(MeasureOrder, WandaWithEqualNorms) {
  Generator generator(13);
  std::vector<float> weights = generator.gaussian(4 * 64), norms(64, 2.0f);
  Pattern pattern = Pattern::nm(2, 4);
  OrderErrors magnitude, wanda;
  Format format = formatOf("int4.g32");
  ASSERT_EQ(measureOrder(&pattern, format, weights, {}, 4, 64, magnitude),
            std::nullopt);
  ASSERT_EQ(measureOrder(&pattern, format, weights, norms, 4, 64, wanda),
            std::nullopt);
  EXPECT_EQ(magnitude.sparsityFirst.l1, wanda.sparsityFirst.l1);
  EXPECT_EQ(magnitude.quantizationFirst.l2, wanda.quantizationFirst.l2);
  EXPECT_EQ(magnitude.swapped, wanda.swapped);
}

TEST(MeasureOrder, PassesErrorsOn) {
  std::vector<float> weights = {1.0f, std::nanf("")}, norms(3);
  OrderErrors errors;
  Pattern pattern = Pattern::nm(1, 2);
  EXPECT_EQ(
      measureOrder(&pattern, formatOf("int8.row"), weights, {}, 1, 2, errors),
      "value at [0, 1] is NaN");
  EXPECT_EQ(measureOrder(&pattern, formatOf("int8.row"), weights, norms, 1, 2,
                         errors),
            "expected 2 norms, got 3");
}

} // namespace
