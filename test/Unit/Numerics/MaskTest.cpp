//===- MaskTest.cpp - NUM-S2 to NUM-S6: masks and their ties --------------===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "TestSupport.h"

#include <bit>
#include <numeric>

using namespace mlir::sq::numerics;
using namespace mlir::sq::numerics::test;

namespace {

using Mask = std::vector<uint8_t>;

Mask maskOf(const std::string &name, std::span<const float> scores,
            int64_t rows, int64_t cols) {
  std::optional<Pattern> pattern = parsePattern(name);
  EXPECT_TRUE(pattern.has_value()) << name;
  Mask mask(rows * cols, 7);
  Error error = computeMask(*pattern, scores, rows, cols, mask);
  EXPECT_FALSE(error.has_value()) << name << ": " << *error;
  return mask;
}

/// Indices of the `kept` largest, lower index first: by sorting.
std::vector<bool> oracleKeep(const std::vector<double> &scores, int64_t kept) {
  std::vector<int64_t> order(scores.size());
  std::iota(order.begin(), order.end(), 0);
  std::sort(order.begin(), order.end(), [&](int64_t a, int64_t b) {
    return scores[a] > scores[b] || (scores[a] == scores[b] && a < b);
  });
  std::vector<bool> keep(scores.size(), false);
  for (int64_t i = 0; i < kept; ++i)
    keep[order[i]] = true;
  return keep;
}

Mask oracleMask(const Pattern &pattern, const std::vector<float> &scores,
                int64_t rows, int64_t cols) {
  Mask mask(rows * cols);
  auto spread = [&](int64_t begin, int64_t count, const std::vector<bool> &k) {
    for (int64_t i = 0; i < count; ++i)
      mask[begin + i] = k[i];
  };
  auto slice = [&](int64_t begin, int64_t count) {
    return std::vector<double>(scores.begin() + begin,
                               scores.begin() + begin + count);
  };
  switch (pattern.kind) {
  case PatternKind::NM:
    for (int64_t row = 0; row < rows; ++row)
      for (int64_t k = 0; k < cols; k += pattern.m) {
        int64_t count = std::min(pattern.m, cols - k);
        std::vector<double> group = slice(row * cols + k, count);
        group.resize(pattern.m, 0.0);
        spread(row * cols + k, count, oracleKeep(group, pattern.n));
      }
    break;
  case PatternKind::Unstructured: {
    bool whole = pattern.scope == SparsityScope::Tensor;
    int64_t length = whole ? rows * cols : cols;
    for (int64_t begin = 0; begin < rows * cols; begin += length)
      spread(begin, length,
             oracleKeep(slice(begin, length),
                        length - pattern.numDropped(length)));
    break;
  }
  case PatternKind::Block: {
    int64_t r = pattern.blockRows, c = pattern.blockCols;
    int64_t blocks = (cols + c - 1) / c;
    for (int64_t top = 0; top < rows; top += r) {
      std::vector<double> sums(blocks);
      for (int64_t row = top; row < std::min(top + r, rows); ++row)
        for (int64_t k = 0; k < cols; ++k)
          sums[k / c] += scores[row * cols + k];
      std::vector<bool> keep =
          oracleKeep(sums, blocks - pattern.numDropped(blocks));
      for (int64_t row = top; row < std::min(top + r, rows); ++row)
        for (int64_t k = 0; k < cols; ++k)
          mask[row * cols + k] = keep[k / c];
    }
  }
  }
  return mask;
}

std::vector<std::string> patternNames() {
  std::vector<std::string> names;
  for (const char *nm :
       {"1:1", "2:4", "1:4", "3:4", "4:4", "1:2", "4:8", "2:8", "16:32", "3:5",
        "7:11", "5:12", "6:13", "1:64", "32:64", "63:64", "64:64"})
    names.push_back(std::string("nm") + nm);
  for (const char *sparsity : {"0", "0.5", "0.9", "0.95", "1", "0.33"})
    for (const char *scope : {".row", ".tensor"})
      names.push_back(std::string("unstructured") + sparsity + scope);
  for (const char *block :
       {"16x4", "4x1", "16x1", "1x4", "64x64", "1x1", "3x5"})
    for (const char *sparsity : {".0", ".0.5", ".0.75", ".1"})
      names.push_back(std::string("block") + block + sparsity);
  return names;
}

// NUM-S2..S5: random scores with ties, zeros of both signs, negative scores,
// infinities, and edges.
TEST(Mask, MatchesTheOracle) {
  Generator generator(8);
  for (const std::string &name : patternNames()) {
    Pattern pattern = *parsePattern(name);
    for (int i = 0; i < 40; ++i) {
      int64_t rows = 1 + generator.below(40), cols = 1 + generator.below(140);
      std::vector<float> scores = generator.gaussian(rows * cols);
      for (float &score : scores) {
        if (i % 4 != 0)
          score = std::fabs(score);
        if (i % 2 == 0)
          score = std::nearbyint(score * 2) / 2; // Many ties.
        if (i == 3 && generator.below(50) == 0)
          score = HUGE_VALF;
        if (generator.below(20) == 0)
          score = generator.below(2) ? 0.0f : -0.0f;
      }
      Mask mask = maskOf(name, scores, rows, cols);
      ASSERT_EQ(mask, oracleMask(pattern, scores, rows, cols))
          << name << " " << rows << "x" << cols;
      EXPECT_EQ(checkMask(pattern, mask, rows, cols), std::nullopt);
    }
  }
}

// Runs on both sides of the switch between the two selection methods.
TEST(Mask, LongRunsMatchTheOracle) {
  Generator generator(9);
  for (int64_t cols : {511, 512, 513, 5000, 40000})
    for (const char *name : {"unstructured0.5.row", "unstructured0.9.tensor",
                             "unstructured0.001.row"})
      for (int kind = 0; kind < 4; ++kind) {
        std::vector<float> scores = generator.gaussian(2 * cols);
        for (float &score : scores)
          score = kind == 0   ? std::fabs(score)
                  : kind == 1 ? std::nearbyint(score * 3)
                  : kind == 2 ? 1.0f
                              : score * 1e-40f;
        ASSERT_EQ(maskOf(name, scores, 2, cols),
                  oracleMask(*parsePattern(name), scores, 2, cols))
            << name << " " << cols << " " << kind;
      }
}

// NUM-S1.
TEST(Mask, TiesKeepTheLowerIndex) {
  std::vector<float> ones(16, 1.0f);
  EXPECT_EQ(maskOf("nm2:4", ones, 2, 8),
            Mask({1, 1, 0, 0, 1, 1, 0, 0, 1, 1, 0, 0, 1, 1, 0, 0}));
  EXPECT_EQ(maskOf("nm3:5", ones, 1, 16),
            Mask({1, 1, 1, 0, 0, 1, 1, 1, 0, 0, 1, 1, 1, 0, 0, 1}));
  EXPECT_EQ(maskOf("unstructured0.5.row", ones, 2, 8),
            Mask({1, 1, 1, 1, 0, 0, 0, 0, 1, 1, 1, 1, 0, 0, 0, 0}));
  EXPECT_EQ(maskOf("unstructured0.75.tensor", ones, 2, 8),
            Mask({1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}));
  EXPECT_EQ(maskOf("block2x2.0.5", ones, 2, 8),
            Mask({1, 1, 1, 1, 0, 0, 0, 0, 1, 1, 1, 1, 0, 0, 0, 0}));
}

TEST(Mask, NegativeZeroIsZero) {
  EXPECT_EQ(maskOf("nm1:2", std::vector<float>{-0.0f, 0.0f, 0.0f, -0.0f}, 1, 4),
            Mask({1, 0, 1, 0}));
  std::vector<float> scores(2);
  magnitudeScores(std::vector<float>{-0.0f, -2.0f}, scores);
  EXPECT_EQ(std::bit_cast<uint32_t>(scores[0]), 0u);
  EXPECT_EQ(scores[1], 2.0f);
}

// NUM-S2: the padding is zeros, which win over negative scores and lose ties.
TEST(Mask, ShortTailIsPaddedWithZeros) {
  EXPECT_EQ(maskOf("nm2:4", std::vector<float>{-1, -2}, 1, 2), Mask({0, 0}));
  EXPECT_EQ(maskOf("nm2:4", std::vector<float>{-1, -2, -3}, 1, 3),
            Mask({1, 0, 0}));
  EXPECT_EQ(maskOf("nm2:4", std::vector<float>{0, 0, 0}, 1, 3),
            Mask({1, 1, 0}));
  EXPECT_EQ(maskOf("nm2:4", std::vector<float>{1, 2, 3, 4, 5, 6}, 1, 6),
            Mask({0, 0, 1, 1, 1, 1}));
}

// NUM-C2.
TEST(Mask, NaNScoresAreNamed) {
  std::vector<float> scores(12, 1.0f);
  scores[9] = std::nanf("");
  Mask mask(12);
  for (const char *name : {"nm2:4", "unstructured0.5.row", "block2x2.0.5"})
    EXPECT_EQ(computeMask(*parsePattern(name), scores, 3, 4, mask),
              "score at [2, 1] is NaN");
  scores[9] = HUGE_VALF;
  scores[8] = -HUGE_VALF;
  EXPECT_EQ(computeMask(Pattern::block(2, 2, 0.5), scores, 3, 4, mask),
            "score of the block at [2, 0] is NaN (infinities of both signs)");
  EXPECT_EQ(computeMask(Pattern::nm(2, 4), scores, 3, 5, mask),
            "expected 15 mask elements for a 3x5 matrix, got 12");
}

TEST(Mask, WandaScores) {
  std::vector<float> scores(4);
  wandaScores(std::vector<float>{-1, 2, -3, 4}, std::vector<float>{10, 0.5f}, 2,
              2, scores);
  EXPECT_EQ(scores, std::vector<float>({10, 1, 30, 2}));
}

// NUM-S6.
TEST(Mask, ApplyGivesPositiveZero) {
  std::vector<float> values = {-0.0f, std::nanf(""), -HUGE_VALF, -3.0f, -0.0f};
  std::vector<float> out(5);
  applyMask(values, Mask({0, 0, 0, 0, 1}), out);
  for (int i = 0; i < 4; ++i)
    EXPECT_EQ(std::bit_cast<uint32_t>(out[i]), 0u);
  EXPECT_EQ(std::bit_cast<uint32_t>(out[4]), 0x80000000u);
}

TEST(Mask, CheckNamesTheCulprit) {
  EXPECT_EQ(checkMask(Pattern::nm(2, 4), Mask({0, 1, 1, 0, 1, 1, 0, 1}), 1, 8),
            "expected at most 2 of 4 kept from [0, 4] on, got 3");
  EXPECT_EQ(checkMask(Pattern::nm(2, 4), Mask({1, 1, 0, 0, 1, 1}), 1, 6),
            std::nullopt);
  EXPECT_EQ(checkMask(Pattern::nm(2, 4), Mask({1, 2, 0, 0}), 1, 4),
            "expected 0 or 1 in the mask at [0, 1], got 2");
  EXPECT_EQ(checkMask(Pattern::unstructured(0.5, SparsityScope::Row),
                      Mask({1, 0, 1, 1}), 2, 2),
            "expected at most 1 of 2 kept from [1, 0] on, got 2");
  EXPECT_EQ(checkMask(Pattern::unstructured(0.5, SparsityScope::Tensor),
                      Mask({0, 0, 1, 1}), 2, 2),
            std::nullopt);
  EXPECT_EQ(checkMask(Pattern::block(2, 2, 0.5), Mask({1, 1, 0, 0, 1, 0, 0, 0}),
                      2, 4),
            "expected the block at [0, 0] to be whole, but [1, 1] differs");
  EXPECT_EQ(checkMask(Pattern::block(1, 2, 0.5), Mask({1, 1, 1, 1}), 1, 4),
            "expected at most 1 of 2 blocks kept from [0, 0] on, got 2");
}

} // namespace
