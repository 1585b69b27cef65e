//===- Error.cpp - What masking and quantizing cost -----------------------===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "sparse-quant/Numerics/Error.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace mlir::sq::numerics {

static Norms normsOf(std::span<const float> exact,
                     std::span<const float> approximate) {
  // An addition waits for the one before it, so there are several sums.
  constexpr size_t ways = 8;
  double l1[ways] = {}, l2[ways] = {};
  auto add = [&](size_t i, size_t way) {
    double error = static_cast<double>(exact[i]) - approximate[i];
    l1[way] += std::fabs(error);
    l2[way] += error * error;
  };
  size_t whole = exact.size() / ways * ways;
  for (size_t i = 0; i < whole; i += ways)
    for (size_t way = 0; way < ways; ++way)
      add(i + way, way);
  for (size_t i = whole; i < exact.size(); ++i)
    add(i, i - whole);
  Norms norms;
  norms.l1 = std::accumulate(l1, l1 + ways, 0.0);
  norms.l2 = std::sqrt(std::accumulate(l2, l2 + ways, 0.0));
  return norms;
}

/// The distance of neighboring codes, in element units; nullopt when it isn't
/// the same everywhere.
static std::optional<double> uniformBin(const Format &format) {
  if (format.element != Element::Int)
    return std::nullopt;
  return 1.0 / *format.integerFactor();
}

static double largestScale(const Format &format, const Encoded &encoded) {
  double largest = 0.0;
  int64_t width = scaleBytes(format.scaleType);
  for (size_t at = 0; at < encoded.scales.size(); at += width)
    largest = std::max<double>(
        largest, decodeScale(format.scaleType, encoded.scales.data() + at));
  return largest;
}

namespace {
/// The two steps that an order is made of, on one matrix.
struct Steps {
  const Pattern *pattern;
  const Format &format;
  std::span<const float> norms;
  int64_t rows, cols;

  Error mask(std::span<const float> values, std::vector<uint8_t> &out) const {
    out.assign(values.size(), 1);
    if (!pattern)
      return std::nullopt;
    std::vector<float> scores(values.size());
    if (norms.empty())
      magnitudeScores(values, scores);
    else
      wandaScores(values, norms, rows, cols, scores);
    return computeMask(*pattern, scores, rows, cols, out);
  }

  Error quantize(std::span<const float> values, Encoded &encoded,
                 std::vector<float> &out) const {
    if (Error error = encode(format, values, rows, cols, encoded))
      return error;
    out.resize(values.size());
    decode(format, encoded, rows, cols, out);
    return std::nullopt;
  }
};
} // namespace

double swapBin(const Pattern *pattern, const Format &format, bool magnitude,
               const Encoded &encoded) {
  // NUM-T6 needs q(s(x)) = M * q(x), which NUM-T4 gives for these.
  bool commutes = !pattern || (magnitude && format.symmetric &&
                               pattern->preservesGroupMax(format));
  std::optional<double> bin = uniformBin(format);
  return bin && commutes ? *bin * largestScale(format, encoded) : -1.0;
}

Error measureOrder(const Pattern *pattern, const Format &format,
                   std::span<const float> weights, std::span<const float> norms,
                   int64_t rows, int64_t cols, OrderErrors &out) {
  if (!norms.empty() && static_cast<int64_t>(norms.size()) != cols)
    return "expected " + std::to_string(cols) + " norms, got " +
           std::to_string(norms.size());
  Steps steps{pattern, format, norms, rows, cols};
  Encoded encoded, encodedSparse;
  std::vector<uint8_t> mask, quantizedMask;
  std::vector<float> quantized, sparse(weights.size()), sparseFirst,
      quantizedFirst(weights.size());
  if (Error error = steps.quantize(weights, encoded, quantized))
    return error;
  if (Error error = steps.mask(weights, mask))
    return error;
  applyMask(weights, mask, sparse);
  if (Error error = steps.quantize(sparse, encodedSparse, sparseFirst))
    return error;
  if (Error error = steps.mask(quantized, quantizedMask))
    return error;
  applyMask(quantized, quantizedMask, quantizedFirst);

  out = OrderErrors();
  out.sparsity = normsOf(weights, sparse);
  out.quantization = normsOf(weights, quantized);
  out.sparsityFirst = normsOf(weights, sparseFirst);
  out.quantizationFirst = normsOf(weights, quantizedFirst);
  out.threshold = {out.sparsity.l1 + out.quantization.l1,
                   out.sparsity.l2 + out.quantization.l2};
  int64_t dropped = 0, added = 0;
  for (size_t i = 0; i < mask.size(); ++i) {
    dropped += mask[i] > quantizedMask[i];
    added += mask[i] < quantizedMask[i];
  }
  // They differ only where blocks of two sizes swap, at an edge.
  out.swapped = std::max(dropped, added);
  double bin = swapBin(pattern, format, norms.empty(), encoded);
  out.swapBound = bin < 0.0 ? bin : static_cast<double>(out.swapped) * bin;
  return std::nullopt;
}

} // namespace mlir::sq::numerics
