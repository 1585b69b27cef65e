//===- Select.h - The k largest of a run, lower index first -----*- C++ -*-===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef SPARSE_QUANT_LIB_NUMERICS_SELECT_H
#define SPARSE_QUANT_LIB_NUMERICS_SELECT_H

#include <bit>
#include <cstdint>
#include <vector>

namespace mlir::sq::numerics {

/// An integer that is ordered as the floats are; both zeros have key 0. The
/// float is not NaN.
inline int32_t orderKey(float score) {
  int32_t bits = std::bit_cast<int32_t>(score);
  int32_t magnitude = bits & 0x7fffffff;
  return bits < 0 ? -magnitude : magnitude;
}
inline int64_t orderKey(double score) {
  int64_t bits = std::bit_cast<int64_t>(score);
  int64_t magnitude = bits & 0x7fffffffffffffff;
  return bits < 0 ? -magnitude : magnitude;
}

/// Sets keep[i] to 1 for the `kept` largest of keys[0, count), to 0 for the
/// others; among equal keys the lower index is kept. `scratch` is reused
/// between calls, and so is `hint`, the least key kept or one near it: of rows
/// of one matrix these are alike, and finding it takes less time.
void keepLargest(const int32_t *keys, int64_t count, int64_t kept,
                 uint8_t *keep, std::vector<int32_t> &scratch, int32_t &hint);
/// The same by orderKey of scores, for so many that a copy would hurt: scratch
/// is a small part of them.
void keepLargest(const float *scores, int64_t count, int64_t kept,
                 uint8_t *keep, std::vector<int32_t> &scratch);
void keepLargest(const int64_t *keys, int64_t count, int64_t kept,
                 uint8_t *keep, std::vector<int64_t> &scratch);

} // namespace mlir::sq::numerics

#endif // SPARSE_QUANT_LIB_NUMERICS_SELECT_H
