//===- TheoryTest.cpp - NUM-T1 to NUM-T6 as properties --------------------===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Harma et al., arXiv 2405.20935, and what docs/numerics.md derives from it,
// on at least 10,000 scale blocks a format and pattern.
//
//===----------------------------------------------------------------------===//
#include "TestSupport.h"
#include "sparse-quant/Numerics/Error.h"

using namespace mlir::sq::numerics;
using namespace mlir::sq::numerics::test;

namespace {

constexpr int64_t cols = 128;

const std::vector<std::string> &patterns() {
  static const std::vector<std::string> names = {"nm2:4",
                                                 "nm1:4",
                                                 "nm4:8",
                                                 "nm16:32",
                                                 "unstructured0.5.row",
                                                 "unstructured0.75.tensor"};
  return names;
}

/// Rows of `cols` that hold at least `blocks` scale groups.
int64_t rowsFor(const Format &format, int64_t blocks) {
  return (blocks + format.numGroups(cols) - 1) / format.numGroups(cols);
}

struct Case {
  Format format;
  Pattern pattern;
  std::string name;
};

std::vector<Case> preservingCases() {
  std::vector<Case> cases;
  for (const std::string &format : symmetricNames())
    for (const std::string &pattern : patterns()) {
      Case c{formatOf(format), *parsePattern(pattern), format + " " + pattern};
      if (c.pattern.preservesGroupMax(c.format))
        cases.push_back(c);
    }
  return cases;
}

std::vector<uint8_t> magnitudeMask(const Pattern &pattern,
                                   std::span<const float> values,
                                   int64_t rows) {
  std::vector<float> scores(values.size());
  magnitudeScores(values, scores);
  std::vector<uint8_t> mask(values.size());
  EXPECT_EQ(computeMask(pattern, scores, rows, cols, mask), std::nullopt);
  return mask;
}

std::vector<float> masked(std::span<const float> values,
                          std::span<const uint8_t> mask) {
  std::vector<float> out(values.size());
  applyMask(values, mask, out);
  return out;
}

/// Everything the properties are about, for the magnitude mask of x.
struct Sample {
  std::vector<float> x, q, s, qs, sq;
  std::vector<uint8_t> mask;

  Sample(const Case &c, std::vector<float> values, int64_t rows)
      : x(std::move(values)), q(roundTrip(c.format, x, rows, cols)),
        mask(magnitudeMask(c.pattern, x, rows)) {
    s = masked(x, mask);
    qs = roundTrip(c.format, s, rows, cols);
    sq = masked(q, magnitudeMask(c.pattern, q, rows));
  }
};

double l1(std::span<const float> a, std::span<const float> b) {
  double sum = 0.0;
  for (size_t i = 0; i < a.size(); ++i)
    sum += std::fabs(double(a[i]) - b[i]);
  return sum;
}

double l2(std::span<const float> a, std::span<const float> b) {
  double sum = 0.0;
  for (size_t i = 0; i < a.size(); ++i)
    sum += (double(a[i]) - b[i]) * (double(a[i]) - b[i]);
  return std::sqrt(sum);
}

double dot(std::span<const double> a, std::span<const double> b) {
  double sum = 0.0;
  for (size_t i = 0; i < a.size(); ++i)
    sum += a[i] * b[i];
  return sum;
}

/// Runs `check` on matrices with at least 10,000 blocks in all; a fifth of them
/// hostile. Tensor scope needs a matrix a block, so those are one row tall.
template <typename Check>
void forSamples(const Case &c, unsigned seed, Check check) {
  Generator generator(seed);
  bool tensor = c.format.scope == GroupScope::Tensor;
  int64_t total = tensor ? 10000 : rowsFor(c.format, 10000);
  int64_t rows = tensor ? 1 : 10;
  for (int64_t done = 0; done < total; done += rows) {
    bool hostile = generator.below(5) == 0;
    std::vector<float> x = hostile ? generator.hostile(rows * cols)
                                   : generator.gaussian(rows * cols);
    check(Sample(c, std::move(x), rows), rows);
    if (testing::Test::HasFatalFailure())
      return;
  }
}

// NUM-T1: the S-first error is within the sum of the two, in L1 and L2.
// NUM-T4: q(s(x)) and M * q(x) decode to the same values.
// NUM-T5: what the S-first error is made of.
TEST(Theory, SparsityFirst) {
  for (const Case &c : preservingCases())
    forSamples(c, 20, [&](const Sample &sample, int64_t rows) {
      double slack = 1 + 1e-12;
      ASSERT_LE(l1(sample.x, sample.qs),
                (l1(sample.x, sample.q) + l1(sample.x, sample.s)) * slack)
          << c.name;
      ASSERT_LE(l2(sample.x, sample.qs),
                (l2(sample.x, sample.q) + l2(sample.x, sample.s)) * slack)
          << c.name;
      double expected = 0.0;
      for (size_t i = 0; i < sample.x.size(); ++i) {
        float commuted = sample.mask[i] ? sample.q[i] : 0.0f;
        ASSERT_EQ(sample.qs[i], commuted) << c.name << " at " << i;
        expected += sample.mask[i]
                        ? std::fabs(double(sample.x[i]) - sample.q[i])
                        : std::fabs(double(sample.x[i]));
      }
      ASSERT_EQ(l1(sample.x, sample.qs), expected) << c.name;
    });
}

// NUM-T2: for Q first the same bound fails, on random data.
TEST(Theory, QuantizationFirstBreaksTheBound) {
  for (const char *format : {"mx.e3m2fn", "mx.e2m1fn", "int4.g32"}) {
    Case c{formatOf(format), Pattern::nm(2, 4), format};
    int64_t broken = 0;
    forSamples(c, 21, [&](const Sample &sample, int64_t rows) {
      for (int64_t begin = 0; begin < rows * cols; begin += 32) {
        auto part = [&](const std::vector<float> &v) {
          return std::span(v).subspan(begin, 32);
        };
        double bound = l1(part(sample.x), part(sample.q)) +
                       l1(part(sample.x), part(sample.s));
        broken += l1(part(sample.x), part(sample.sq)) > bound;
        ASSERT_LE(l1(part(sample.x), part(sample.qs)), bound * (1 + 1e-12));
      }
    });
    EXPECT_GT(broken, 0) << format;
  }
}

// NUM-T2, a fixed counter-example: 1.75 and 2.25 share E2M1FN's 2, so the
// quantized mask keeps the first of them.
TEST(Theory, CounterExample) {
  Case c{formatOf("mx.e2m1fn"), Pattern::nm(1, 2), "by hand"};
  std::vector<float> x(cols, 0.0f);
  x[0] = 4.0f;
  x[2] = 1.75f;
  x[3] = 2.25f;
  Sample sample(c, x, 1);
  EXPECT_EQ(l1(sample.x, sample.q), 0.25 + 0.25);
  EXPECT_EQ(l1(sample.x, sample.s), 1.75);
  EXPECT_EQ(l1(sample.x, sample.qs), 0.25 + 1.75); // Below the sum, 2.25.
  EXPECT_EQ(l1(sample.x, sample.sq), 0.25 + 2.25); // Above it.
}

// NUM-T3, exactly but for the rounding of the doubles.
TEST(Theory, DotProducts) {
  for (const std::string &name : symmetricNames()) {
    Format format = formatOf(name);
    for (const std::string &patternName : patterns()) {
      Case c{format, *parsePattern(patternName), name};
      Generator generator(22);
      for (int i = 0; i < 100; ++i) {
        std::vector<float> activations = generator.gaussian(cols);
        Sample w(c, generator.gaussian(cols), 1);
        std::vector<float> qx = roundTrip(format, activations, 1, cols);
        auto wide = [](const std::vector<float> &v) {
          return std::vector<double>(v.begin(), v.end());
        };
        std::vector<double> x = wide(activations), qX = wide(qx), W = wide(w.x),
                            qW = wide(w.q), sW = wide(w.s);
        for (const std::vector<double> &composed : {wide(w.qs), wide(w.sq)}) {
          std::vector<double> epsQX(cols), epsS(cols), epsT(cols);
          for (int64_t k = 0; k < cols; ++k) {
            epsQX[k] = x[k] - qX[k];
            epsS[k] = W[k] - sW[k];
            epsT[k] = (W[k] - composed[k]) - (W[k] - qW[k]) - epsS[k];
          }
          double left = dot(x, W) - dot(qX, composed);
          double right = (dot(x, W) - dot(qX, qW)) + (dot(x, W) - dot(x, sW)) -
                         dot(epsQX, epsS) + dot(qX, epsT);
          ASSERT_NEAR(left, right, 1e-11) << name << " " << patternName;
        }
      }
    }
  }
}

// NUM-T6: 0 <= Q-first - S-first <= K * bin, block by block, for uniform bins.
TEST(Theory, SwapBound) {
  for (const char *name : {"int2.row", "int4.row", "int8.row", "int4.row.f16",
                           "hbfp7.g128", "hbfp5.g128", "hbfp3.g128"})
    for (const char *patternName :
         {"nm2:4", "nm1:4", "nm4:8", "nm16:32", "unstructured0.5.row"}) {
      Format format = formatOf(name);
      Pattern pattern = *parsePattern(patternName);
      Generator generator(23);
      int64_t swapped = 0;
      for (int i = 0; i < 10000; ++i) {
        std::vector<float> x =
            i % 5 == 0 ? generator.hostile(cols) : generator.gaussian(cols);
        OrderErrors errors;
        ASSERT_EQ(measureOrder(&pattern, format, x, {}, 1, cols, errors),
                  std::nullopt);
        double difference =
            errors.quantizationFirst.l1 - errors.sparsityFirst.l1;
        double slack = errors.sparsityFirst.l1 * 1e-12;
        ASSERT_GE(difference, -slack) << name << " " << patternName;
        ASSERT_LE(difference, errors.swapBound * (1 + 1e-6) + slack)
            << name << " " << patternName;
        swapped += errors.swapped;
      }
      EXPECT_GT(swapped, 0) << name << " " << patternName;
    }
}

// NUM-T6 is tight: the difference comes as near to the bin as one likes.
TEST(Theory, SwapBoundIsTight) {
  Pattern pattern = Pattern::nm(1, 2);
  std::vector<float> x = {7.0f, 0.0f, std::nextafter(2.5f, 3.0f),
                          std::nextafter(3.5f, 3.0f)};
  OrderErrors errors;
  ASSERT_EQ(measureOrder(&pattern, formatOf("int4.row"), x, {}, 1, 4, errors),
            std::nullopt);
  double difference = errors.quantizationFirst.l1 - errors.sparsityFirst.l1;
  EXPECT_LE(difference, errors.swapBound);
  EXPECT_GT(difference, errors.swapBound * (1 - 1e-6));
}

// NUM-S7: where N:M groups lie across scale groups, T4 does not hold.
TEST(Theory, StraddlingGroupsDoNotCommute) {
  Case c{formatOf("int4.g32"), Pattern::nm(3, 5), "straddling"};
  int64_t different = 0;
  forSamples(c, 24, [&](const Sample &sample, int64_t rows) {
    for (size_t i = 0; i < sample.x.size(); ++i)
      different += sample.qs[i] != (sample.mask[i] ? sample.q[i] : 0.0f);
  });
  EXPECT_GT(different, 0);
}

} // namespace
