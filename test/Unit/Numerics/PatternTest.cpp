//===- PatternTest.cpp - NUM-S1, NUM-S3: pattern descriptions -------------===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "sparse-quant/Numerics/Pattern.h"

#include "gtest/gtest.h"

using namespace mlir::sq::numerics;

namespace {

TEST(Pattern, NamesReadBack) {
  for (const char *name :
       {"nm2:4", "nm1:4", "nm4:8", "nm16:32", "nm3:5", "nm1:64", "nm64:64",
        "unstructured0.5.row", "unstructured0.95.tensor", "unstructured0.row",
        "unstructured1.tensor", "block16x4.0.75", "block64x64.0.5",
        "block1x4.0", "block4x1.1"}) {
    std::optional<Pattern> pattern = parsePattern(name);
    ASSERT_TRUE(pattern.has_value()) << name;
    EXPECT_EQ(pattern->str(), name);
    EXPECT_EQ(parsePattern(pattern->str()), pattern);
  }
  EXPECT_EQ(parsePattern("nm2:4"), Pattern::nm(2, 4));
  EXPECT_EQ(parsePattern("unstructured0.5.tensor"),
            Pattern::unstructured(0.5, SparsityScope::Tensor));
  EXPECT_EQ(parsePattern("block16x4.0.75"), Pattern::block(16, 4, 0.75));
}

TEST(Pattern, RejectsOtherNames) {
  for (const char *name : {"",
                           "nm",
                           "nm2",
                           "nm2:",
                           "nm:4",
                           "nm0:4",
                           "nm5:4",
                           "nm2:65",
                           "nm2:4 ",
                           "2:4",
                           "unstructured0.5",
                           "unstructured.row",
                           "unstructured1.5.row",
                           "unstructured-0.5.row",
                           "unstructurednan.row",
                           "unstructured0.5.col",
                           "block16x4",
                           "block16x4.",
                           "block16.0.5",
                           "block0x4.0.5",
                           "block16x4.2",
                           "block16x4.0.5.row"})
    EXPECT_FALSE(parsePattern(name).has_value()) << name;
}

TEST(Pattern, VerifyNamesWhatIsWrong) {
  EXPECT_EQ(Pattern::nm(5, 4).verify(), "expected 1 <= n <= m <= 64, got 5:4");
  EXPECT_EQ(Pattern::unstructured(1.5, SparsityScope::Row).verify(),
            "expected a sparsity in [0, 1], got 1.5");
  EXPECT_EQ(Pattern::block(0, 4, 0.5).verify(),
            "expected positive block extents, got 0x4");
}

// NUM-S3: the decimal that was meant, not the double below it.
TEST(Pattern, CountsAreThoseOfTheDecimal) {
  for (int64_t count : {1, 7, 20, 50, 100, 768, 4096, 100000, 16777216})
    for (int64_t percent = 0; percent <= 100; ++percent) {
      double sparsity = static_cast<double>(percent) / 100;
      Pattern pattern = Pattern::unstructured(sparsity, SparsityScope::Row);
      EXPECT_EQ(pattern.numDropped(count), count * percent / 100)
          << percent << "% of " << count;
    }
}

TEST(Pattern, Density) {
  EXPECT_EQ(Pattern::nm(2, 4).density(), 0.5);
  EXPECT_EQ(Pattern::unstructured(0.75, SparsityScope::Row).density(), 0.25);
  EXPECT_EQ(Pattern::block(4, 4, 0.5).density(), 0.5);
}

// NUM-S7.
TEST(Pattern, PreservesGroupMax) {
  Format g32 = Format::mx(Element::Int), g64 = Format::hbfp(7);
  Format row = Format::integer(8, GroupScope::Row);
  EXPECT_TRUE(Pattern::nm(2, 4).preservesGroupMax(g32));
  EXPECT_TRUE(Pattern::nm(1, 64).preservesGroupMax(g32));
  EXPECT_TRUE(Pattern::nm(3, 5).preservesGroupMax(row));
  EXPECT_FALSE(Pattern::nm(3, 5).preservesGroupMax(g32));
  EXPECT_FALSE(Pattern::nm(2, 48).preservesGroupMax(g64));
  EXPECT_TRUE(
      Pattern::unstructured(0.5, SparsityScope::Row).preservesGroupMax(g32));
  EXPECT_FALSE(Pattern::block(1, 4, 0.5).preservesGroupMax(row));
  EXPECT_FALSE(Pattern::block(1, 4, 0.5).preservesGroupMax());
}

} // namespace
