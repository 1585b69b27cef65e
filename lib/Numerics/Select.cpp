//===- Select.cpp - The k largest of a run, lower index first -------------===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Sorting would do, but branches that depend on random data cost more than all
// of a mask's other work. So short runs are counted against one candidate after
// the other, and long ones digit by digit.
//
//===----------------------------------------------------------------------===//
#include "Select.h"
#include "VectorClones.h"

#include <algorithm>
#include <array>
#include <functional>
#include <limits>

namespace mlir::sq::numerics {

SQ_VECTOR_CLONES static int32_t
countReaching(const int32_t *keys, int64_t count, int32_t threshold) {
  int32_t reaching = 0;
  for (int64_t i = 0; i < count; ++i)
    reaching += keys[i] >= threshold ? 1 : 0;
  return reaching;
}

SQ_VECTOR_CLONES static void keepReaching(const int32_t *keys, int64_t count,
                                          int32_t threshold, uint8_t *keep) {
  for (int64_t i = 0; i < count; ++i)
    keep[i] = keys[i] >= threshold ? 1 : 0;
}

/// The `rank`-th largest key, 1-based, of a run that the cache holds, or a
/// smaller one that as many keys reach, which `isExact` says. Keys are counted
/// for one candidate after the other: first about `hint`, which was the answer
/// for a run like this one and becomes that for this one, then where the counts
/// on both sides let expect it, or halfway.
static int32_t selectShort(const int32_t *keys, int64_t count, int64_t rank,
                           int32_t &hint, bool &isExact) {
  constexpr int64_t lowest = std::numeric_limits<int32_t>::min();
  constexpr int64_t beyond = int64_t(std::numeric_limits<int32_t>::max()) + 1;
  // `low` is reached by at least `rank` keys, `high` by fewer.
  int64_t low = lowest, high = beyond, lowCount = count, highCount = 0;
  int64_t candidate = hint, step = int64_t(1) << 18;
  isExact = false;
  for (int64_t turn = 1; high - low > 1; ++turn) {
    candidate = std::clamp(candidate, low + 1, high - 1);
    int64_t reaching =
        countReaching(keys, count, static_cast<int32_t>(candidate));
    hint = static_cast<int32_t>(candidate);
    isExact = reaching == rank;
    if (isExact)
      return hint;
    if (reaching > rank) {
      low = candidate;
      lowCount = reaching;
    } else {
      high = candidate;
      highCount = reaching;
    }
    if (low == lowest || high == beyond) {
      candidate += low == lowest ? -step : step;
      step *= 8;
    } else if (turn % 3 == 0) {
      candidate = low + (high - low) / 2;
    } else {
      double share = (static_cast<double>(lowCount - rank) + 0.5) /
                     static_cast<double>(lowCount - highCount);
      candidate =
          low + static_cast<int64_t>(static_cast<double>(high - low) * share);
    }
  }
  return static_cast<int32_t>(low);
}

namespace {
/// Finds the key of a rank in a long run: a histogram of the top bits finds the
/// bucket, and only the keys in that bucket are looked at again.
struct LongSelection {
  int64_t rank;
  std::vector<int32_t> &scratch;
  uint32_t found = 0;

  /// One digit of the key; leaves the keys in its bucket in `scratch`, which
  /// `keyAt` may read, and returns their number.
  template <typename KeyAt>
  int64_t narrow(KeyAt keyAt, int64_t count, unsigned shift, unsigned bits) {
    auto bucketOf = [=](int32_t key) {
      uint32_t ordered = static_cast<uint32_t>(key) ^ 0x80000000u;
      return (ordered >> shift) & ((1u << bits) - 1);
    };
    // Neighbors are often in one bucket, and a count has to be stored before
    // it is loaded again: four take turns.
    std::array<std::array<uint32_t, 2048>, 4> counts{};
    int64_t counted = 0;
    for (; counted + 4 <= count; counted += 4)
      for (int64_t j = 0; j < 4; ++j)
        ++counts[j][bucketOf(keyAt(counted + j))];
    for (; counted < count; ++counted)
      ++counts[0][bucketOf(keyAt(counted))];
    std::array<int64_t, 2048> histogram;
    for (size_t i = 0; i < histogram.size(); ++i)
      histogram[i] =
          int64_t(counts[0][i]) + counts[1][i] + counts[2][i] + counts[3][i];
    uint32_t bucket = (1u << bits) - 1;
    for (; histogram[bucket] < rank; --bucket)
      rank -= histogram[bucket];
    found |= bucket << shift;
    // Every key is written, and the next one over it if it isn't wanted.
    if (static_cast<int64_t>(scratch.size()) <= histogram[bucket])
      scratch.resize(histogram[bucket] + 1);
    int64_t inBucket = 0;
    for (int64_t i = 0; i < count; ++i) {
      int32_t key = keyAt(i);
      scratch[inBucket] = key;
      inBucket += bucketOf(key) == bucket ? 1 : 0;
    }
    return inBucket;
  }
};
} // namespace

template <typename KeyAt>
static int32_t selectLong(KeyAt keyAt, int64_t count, int64_t rank,
                          std::vector<int32_t> &scratch) {
  LongSelection selection{rank, scratch};
  count = selection.narrow(keyAt, count, 21, 11);
  auto inScratch = [&](int64_t i) { return scratch[i]; };
  count = selection.narrow(inScratch, count, 10, 11);
  selection.narrow(inScratch, count, 0, 10);
  return static_cast<int32_t>(selection.found ^ 0x80000000u);
}

/// Keeps what is above the threshold, and of what equals it the first ones.
template <typename KeyAt, typename Key>
static void keepAbove(KeyAt keyAt, int64_t count, int64_t kept, Key threshold,
                      uint8_t *keep) {
  int64_t above = 0, reaching = 0;
  for (int64_t i = 0; i < count; ++i) {
    above += keyAt(i) > threshold ? 1 : 0;
    reaching += keyAt(i) >= threshold ? 1 : 0;
  }
  if (reaching == kept) { // As good as always, and it vectorizes.
    for (int64_t i = 0; i < count; ++i)
      keep[i] = keyAt(i) >= threshold ? 1 : 0;
    return;
  }
  int64_t ties = kept - above;
  for (int64_t i = 0; i < count; ++i) {
    bool tie = keyAt(i) == threshold && ties > 0;
    keep[i] = (keyAt(i) > threshold || tie) ? 1 : 0;
    ties -= tie ? 1 : 0;
  }
}

void keepLargest(const int32_t *keys, int64_t count, int64_t kept,
                 uint8_t *keep, std::vector<int32_t> &scratch, int32_t &hint) {
  if (kept == 0 || kept == count) {
    std::fill_n(keep, count, kept != 0);
    return;
  }
  constexpr int64_t shortRun = 1 << 16;
  auto keyAt = [keys](int64_t i) { return keys[i]; };
  bool isExact = false;
  int32_t threshold = count <= shortRun
                          ? selectShort(keys, count, kept, hint, isExact)
                          : selectLong(keyAt, count, kept, scratch);
  if (isExact)
    return keepReaching(keys, count, threshold, keep);
  keepAbove(keyAt, count, kept, threshold, keep);
}

void keepLargest(const float *scores, int64_t count, int64_t kept,
                 uint8_t *keep, std::vector<int32_t> &scratch) {
  if (kept == 0 || kept == count) {
    std::fill_n(keep, count, kept != 0);
    return;
  }
  auto keyAt = [scores](int64_t i) { return orderKey(scores[i]); };
  keepAbove(keyAt, count, kept, selectLong(keyAt, count, kept, scratch), keep);
}

void keepLargest(const int64_t *keys, int64_t count, int64_t kept,
                 uint8_t *keep, std::vector<int64_t> &scratch) {
  if (kept == 0 || kept == count) {
    std::fill_n(keep, count, kept != 0);
    return;
  }
  // Block sums: few enough that a general selection will do.
  scratch.assign(keys, keys + count);
  auto nth = scratch.begin() + (kept - 1);
  std::nth_element(scratch.begin(), nth, scratch.end(), std::greater<>());
  keepAbove([keys](int64_t i) { return keys[i]; }, count, kept, *nth, keep);
}

} // namespace mlir::sq::numerics
