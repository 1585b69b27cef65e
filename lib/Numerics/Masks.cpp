//===- Masks.cpp - Masks from scores, and their checks --------------------===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "Internal.h"
#include "Select.h"
#include "VectorClones.h"
#include "sparse-quant/Numerics/Pattern.h"

#include <algorithm>
#include <cmath>

namespace mlir::sq::numerics {

static int64_t ceilDiv(int64_t a, int64_t b) { return (a + b - 1) / b; }

SQ_VECTOR_CLONES static void orderKeys(const float *scores, int64_t count,
                                       int32_t *keys) {
  for (int64_t i = 0; i < count; ++i)
    keys[i] = orderKey(scores[i]);
}

//===----------------------------------------------------------------------===//
// N:M
//===----------------------------------------------------------------------===//

/// keep[i] = fewer than n of the m keys go before key i.
static inline void keepRanked(const int32_t *keys, int64_t n, int64_t m,
                              uint8_t *keep) {
  for (int64_t i = 0; i < m; ++i) {
    int32_t before = 0;
    for (int64_t j = 0; j < i; ++j)
      before += keys[j] >= keys[i] ? 1 : 0;
    for (int64_t j = i + 1; j < m; ++j)
      before += keys[j] > keys[i] ? 1 : 0;
    keep[i] = before < n ? 1 : 0;
  }
}

/// The same for m = 4. Each pair is compared once: of two, key j goes before
/// key i < j if it is larger, otherwise key i goes before key j. Without
/// branches or loops, so that several groups are vectorized together.
SQ_VECTOR_CLONES static void keepOfFour(const int32_t *keys, int32_t n,
                                        int64_t groups, uint8_t *keep) {
  for (int64_t g = 0; g < groups; ++g, keys += 4, keep += 4) {
    int32_t a = keys[0], b = keys[1], c = keys[2], d = keys[3];
    int32_t ba = b > a, ca = c > a, da = d > a, cb = c > b, db = d > b,
            dc = d > c;
    keep[0] = ba + ca + da < n;
    keep[1] = 1 - ba + cb + db < n;
    keep[2] = 2 - ca - cb + dc < n;
    keep[3] = 3 - da - db - dc < n;
  }
}

/// The same for m up to `width`, with the loops the other way round: key j is
/// compared with all keys at once, which vectorizes. That is m^2 comparisons,
/// yet faster than finding the threshold of so few keys.
template <int64_t width>
static void keepWideGroups(const int32_t *keys, int64_t n, int64_t m,
                           int64_t groups, uint8_t *keep) {
  int32_t limit[width], before[width];
  for (int64_t g = 0; g < groups; ++g, keys += m, keep += m) {
    // Key j goes before key i if it is above limit[i]: at least as large when j
    // is the lower index, larger when it isn't.
    for (int64_t i = 0; i < width; ++i) {
      limit[i] = i < m ? keys[i] - 1 : 0;
      before[i] = 0;
    }
    for (int64_t j = 0; j < m; ++j) {
      int32_t key = keys[j];
      limit[j] = key;
      for (int64_t i = 0; i < width; ++i)
        before[i] += key > limit[i] ? 1 : 0;
    }
    for (int64_t i = 0; i < m; ++i)
      keep[i] = before[i] < n ? 1 : 0;
  }
}

static void keepGroups(const Pattern &pattern, const int32_t *keys,
                       int64_t groups, uint8_t *keep) {
  int64_t n = pattern.n, m = pattern.m;
  if (m == 4)
    return keepOfFour(keys, static_cast<int32_t>(n), groups, keep);
  if (m > 32)
    return keepWideGroups<64>(keys, n, m, groups, keep);
  if (m > 16)
    return keepWideGroups<32>(keys, n, m, groups, keep);
  if (m > 8)
    return keepWideGroups<16>(keys, n, m, groups, keep);
  if (m == 8)
    return keepWideGroups<8>(keys, n, m, groups, keep);
  for (int64_t g = 0; g < groups; ++g)
    keepRanked(keys + g * m, n, m, keep + g * m);
}

static void maskNM(const Pattern &pattern, std::span<const float> scores,
                   int64_t rows, int64_t cols, std::span<uint8_t> mask) {
  int64_t padded = ceilDiv(cols, pattern.m) * pattern.m;
  // The padding keeps key 0 from here on (NUM-S2).
  std::vector<int32_t> keys(padded);
  std::vector<uint8_t> keep(padded);
  for (int64_t row = 0; row < rows; ++row) {
    orderKeys(scores.data() + row * cols, cols, keys.data());
    keepGroups(pattern, keys.data(), padded / pattern.m, keep.data());
    std::copy_n(keep.data(), cols, mask.data() + row * cols);
  }
}

//===----------------------------------------------------------------------===//
// Unstructured and block
//===----------------------------------------------------------------------===//

static void maskUnstructured(const Pattern &pattern,
                             std::span<const float> scores, int64_t rows,
                             int64_t cols, std::span<uint8_t> mask) {
  std::vector<int32_t> keys, scratch;
  if (pattern.scope == SparsityScope::Tensor) {
    int64_t count = rows * cols;
    return keepLargest(scores.data(), count, count - pattern.numDropped(count),
                       mask.data(), scratch);
  }
  keys.resize(cols);
  int64_t kept = cols - pattern.numDropped(cols);
  int32_t hint = orderKey(1.0f);
  for (int64_t row = 0; row < rows; ++row) {
    orderKeys(scores.data() + row * cols, cols, keys.data());
    keepLargest(keys.data(), cols, kept, mask.data() + row * cols, scratch,
                hint);
  }
}

static Error maskBlock(const Pattern &pattern, std::span<const float> scores,
                       int64_t rows, int64_t cols, std::span<uint8_t> mask) {
  int64_t blockRows = pattern.blockRows, blockCols = pattern.blockCols;
  int64_t blocks = ceilDiv(cols, blockCols);
  int64_t kept = blocks - pattern.numDropped(blocks);
  std::vector<double> sums(blocks);
  std::vector<int64_t> keys(blocks), scratch;
  std::vector<uint8_t> keep(blocks), rowMask(cols);
  for (int64_t top = 0; top < rows; top += blockRows) {
    int64_t bottom = std::min(top + blockRows, rows);
    std::fill(sums.begin(), sums.end(), 0.0);
    for (int64_t row = top; row < bottom; ++row) {
      const float *from = scores.data() + row * cols;
      for (int64_t block = 0; block < blocks; ++block) {
        // In order, one after the other: a sum depends on its order.
        double sum = sums[block];
        int64_t end = std::min((block + 1) * blockCols, cols);
        for (int64_t k = block * blockCols; k < end; ++k)
          sum += from[k];
        sums[block] = sum;
      }
    }
    for (int64_t block = 0; block < blocks; ++block) {
      if (std::isnan(sums[block]))
        return "score of the block at " +
               position(top * cols + block * blockCols, cols) +
               " is NaN (infinities of both signs)";
      keys[block] = orderKey(sums[block]);
    }
    keepLargest(keys.data(), blocks, kept, keep.data(), scratch);
    for (int64_t block = 0; block < blocks; ++block) {
      int64_t begin = block * blockCols;
      std::fill_n(rowMask.data() + begin, std::min(blockCols, cols - begin),
                  keep[block]);
    }
    for (int64_t row = top; row < bottom; ++row)
      std::copy(rowMask.begin(), rowMask.end(), mask.data() + row * cols);
  }
  return std::nullopt;
}

//===----------------------------------------------------------------------===//
// Entry points
//===----------------------------------------------------------------------===//

static Error checkArguments(const Pattern &pattern, int64_t rows, int64_t cols,
                            size_t maskSize) {
  if (Error error = pattern.verify())
    return error;
  if (rows < 0 || cols < 0)
    return "expected a matrix of non-negative extents, got " +
           std::to_string(rows) + "x" + std::to_string(cols);
  return checkSize("mask elements", maskSize, rows, cols);
}

Error computeMask(const Pattern &pattern, std::span<const float> scores,
                  int64_t rows, int64_t cols, std::span<uint8_t> mask) {
  if (Error error = checkArguments(pattern, rows, cols, mask.size()))
    return error;
  if (Error error = checkSize("scores", scores.size(), rows, cols))
    return error;
  if (maxMagnitudeBits(scores.data(), rows * cols) > infinityBits)
    for (int64_t i = 0; i < rows * cols; ++i)
      if (std::isnan(scores[i]))
        return "score at " + position(i, cols) + " is NaN";
  switch (pattern.kind) {
  case PatternKind::NM:
    maskNM(pattern, scores, rows, cols, mask);
    return std::nullopt;
  case PatternKind::Unstructured:
    maskUnstructured(pattern, scores, rows, cols, mask);
    return std::nullopt;
  case PatternKind::Block:
    return maskBlock(pattern, scores, rows, cols, mask);
  }
  return std::nullopt;
}

/// At most `limit` kept in mask[begin, begin + count).
static Error checkRun(std::span<const uint8_t> mask, int64_t begin,
                      int64_t count, int64_t limit, int64_t cols) {
  int64_t kept = 0;
  for (uint8_t bit : mask.subspan(begin, count))
    kept += bit;
  if (kept <= limit)
    return std::nullopt;
  return "expected at most " + std::to_string(limit) + " of " +
         std::to_string(count) + " kept from " + position(begin, cols) +
         " on, got " + std::to_string(kept);
}

static Error checkBlocks(const Pattern &pattern, std::span<const uint8_t> mask,
                         int64_t rows, int64_t cols) {
  int64_t blocks = ceilDiv(cols, pattern.blockCols);
  int64_t limit = blocks - pattern.numDropped(blocks);
  for (int64_t row = 0; row < rows; ++row) {
    int64_t top = row - row % pattern.blockRows, kept = 0;
    for (int64_t k = 0; k < cols; ++k) {
      int64_t left = k - k % pattern.blockCols;
      uint8_t corner = mask[top * cols + left];
      if (mask[row * cols + k] != corner)
        return "expected the block at " + position(top * cols + left, cols) +
               " to be whole, but " + position(row * cols + k, cols) +
               " differs";
      kept += k == left ? corner : 0;
    }
    if (kept > limit)
      return "expected at most " + std::to_string(limit) + " of " +
             std::to_string(blocks) + " blocks kept from " +
             position(top * cols, cols) + " on, got " + std::to_string(kept);
  }
  return std::nullopt;
}

Error checkMask(const Pattern &pattern, std::span<const uint8_t> mask,
                int64_t rows, int64_t cols) {
  if (Error error = checkArguments(pattern, rows, cols, mask.size()))
    return error;
  for (int64_t i = 0; i < rows * cols; ++i)
    if (mask[i] > 1)
      return "expected 0 or 1 in the mask at " + position(i, cols) + ", got " +
             std::to_string(mask[i]);
  if (pattern.kind == PatternKind::Block)
    return checkBlocks(pattern, mask, rows, cols);
  if (pattern.kind == PatternKind::Unstructured) {
    bool whole = pattern.scope == SparsityScope::Tensor;
    int64_t runs = whole ? 1 : rows, length = whole ? rows * cols : cols;
    int64_t limit = length - pattern.numDropped(length);
    for (int64_t run = 0; run < runs; ++run)
      if (Error error = checkRun(mask, run * length, length, limit, cols))
        return error;
    return std::nullopt;
  }
  for (int64_t row = 0; row < rows; ++row)
    for (int64_t begin = 0; begin < cols; begin += pattern.m)
      if (Error error =
              checkRun(mask, row * cols + begin,
                       std::min(pattern.m, cols - begin), pattern.n, cols))
        return error;
  return std::nullopt;
}

} // namespace mlir::sq::numerics
