//===- Quantize.cpp - Encode and decode matrices --------------------------===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "ElementTraits.h"
#include "Internal.h"

#include <cmath>

namespace mlir::sq::numerics {

std::string position(int64_t index, int64_t cols) {
  return "[" + std::to_string(index / cols) + ", " +
         std::to_string(index % cols) + "]";
}

Error checkSize(const char *what, size_t size, int64_t rows, int64_t cols) {
  if (static_cast<int64_t>(size) == rows * cols)
    return std::nullopt;
  return "expected " + std::to_string(rows * cols) + " " + what + " for a " +
         std::to_string(rows) + "x" + std::to_string(cols) + " matrix, got " +
         std::to_string(size);
}

namespace {

/// A run of values that share a scale; groups never cross a row's end, except
/// that one group is the whole tensor.
struct Group {
  int64_t index, begin, count;
};

/// Where groups lie, in the order of their scales.
struct Grouping {
  int64_t scaleRows, scaleCols, rowLength, groupLength;

  Grouping(const Format &format, int64_t rows, int64_t cols)
      : scaleRows(format.scope == GroupScope::Tensor ? 1 : rows),
        scaleCols(format.numGroups(cols)),
        rowLength(format.scope == GroupScope::Tensor ? rows * cols : cols),
        groupLength(format.scope == GroupScope::Group ? format.groupSize
                                                      : rowLength) {}

  int64_t size() const { return scaleRows * scaleCols; }

  /// Calls `body` with each group, until it returns an error.
  template <typename Body>
  Error forEach(Body body) const {
    for (int64_t row = 0, index = 0; row < scaleRows; ++row)
      for (int64_t begin = 0, g = 0; g < scaleCols;
           ++g, ++index, begin += groupLength) {
        int64_t count = std::min(groupLength, rowLength - begin);
        if (Error error = body(Group{index, row * rowLength + begin, count}))
          return error;
      }
    return std::nullopt;
  }
};

} // namespace

static Error nonFiniteError(std::span<const float> values, Group group,
                            int64_t cols) {
  for (int64_t i = group.begin; i < group.begin + group.count; ++i)
    if (!std::isfinite(values[i]))
      return "value at " + position(i, cols) + " is " +
             (std::isnan(values[i]) ? "NaN" : "infinite");
  return std::nullopt;
}

/// Encodes a group under its scale. A scale of zero or NaN has no codes but
/// zero's (NUM-F4, NUM-F9).
static void encodeGroup(const Format &format, std::span<const float> values,
                        Group group, float scale, int32_t zeroPoint,
                        uint8_t *codes) {
  const float *from = values.data() + group.begin;
  uint8_t *to = codes + group.begin;
  if (!(scale > 0.0f))
    std::fill_n(to, group.count, static_cast<uint8_t>(zeroPoint));
  else if (format.symmetric)
    encodeElements(format, from, group.count, scale, to);
  else
    encodeAsymmetric(format, from, group.count, scale, zeroPoint, to);
}

static Error checkArguments(const Format &format, std::span<const float> values,
                            int64_t rows, int64_t cols) {
  if (Error error = format.verify())
    return error;
  if (rows < 0 || cols < 0)
    return "expected a matrix of non-negative extents, got " +
           std::to_string(rows) + "x" + std::to_string(cols);
  return checkSize("values", values.size(), rows, cols);
}

Error encode(const Format &format, std::span<const float> values, int64_t rows,
             int64_t cols, Encoded &out) {
  if (Error error = checkArguments(format, values, rows, cols))
    return error;
  Grouping grouping(format, rows, cols);
  int64_t width = scaleBytes(format.scaleType);
  out.codes.resize(values.size());
  out.scales.resize(grouping.size() * width);
  out.zeroPoints.resize(format.hasZeroPoint() ? grouping.size() : 0);
  out.tensorScale = 1.0f;
  if (format.hasTensorScale()) {
    Group whole{0, 0, rows * cols};
    uint32_t maxBits = maxMagnitudeBits(values.data(), whole.count);
    if (maxBits >= infinityBits)
      return nonFiniteError(values, whole, cols);
    out.tensorScale = nvfp4TensorScale(std::bit_cast<float>(maxBits));
  }

  bool allZero = true;
  Error error = grouping.forEach([&](Group group) -> Error {
    const float *from = values.data() + group.begin;
    uint32_t maxBits = maxMagnitudeBits(from, group.count);
    GroupScale scale;
    if (maxBits < infinityBits) {
      if (format.symmetric)
        scale = symmetricScale(format, std::bit_cast<float>(maxBits),
                               out.tensorScale);
      else if (Error error = asymmetricScale(format, from, group.count, scale))
        return *error + ", in row " + std::to_string(group.index);
    } else if (format.family == Family::Mx) {
      scale = {0xff, decodeE8M0(0xff)};
    } else {
      return nonFiniteError(values, group, cols);
    }
    storeScale(format.scaleType, scale.stored,
               out.scales.data() + group.index * width);
    if (format.hasZeroPoint())
      out.zeroPoints[group.index] = scale.zeroPoint;
    allZero &= scale.stored == 0;
    encodeGroup(format, values, group, scale.value, scale.zeroPoint,
                out.codes.data());
    return std::nullopt;
  });
  // NUM-F4, for the tensor scale.
  if (format.hasTensorScale() && allZero)
    out.tensorScale = 0.0f;
  return error;
}

/// The scale of group `index` as stored in `encoded`.
static float groupScale(const Format &format, const Encoded &encoded,
                        int64_t index) {
  return decodeScale(format.scaleType,
                     encoded.scales.data() +
                         index * scaleBytes(format.scaleType));
}

static Error checkScales(const Format &format, const Grouping &grouping,
                         const Encoded &encoded) {
  int64_t width = scaleBytes(format.scaleType);
  if (static_cast<int64_t>(encoded.scales.size()) != grouping.size() * width)
    return "expected " + std::to_string(grouping.size() * width) +
           " scale bytes, got " + std::to_string(encoded.scales.size());
  int64_t zeroPoints = format.hasZeroPoint() ? grouping.size() : 0;
  if (static_cast<int64_t>(encoded.zeroPoints.size()) != zeroPoints)
    return "expected " + std::to_string(zeroPoints) + " zero points, got " +
           std::to_string(encoded.zeroPoints.size());
  for (size_t i = 0; i < encoded.zeroPoints.size(); ++i)
    if (encoded.zeroPoints[i] < 0 || encoded.zeroPoints[i] >> format.bits)
      return "expected zero point " + std::to_string(i) + " to fit " +
             std::to_string(format.bits) + " bits, got " +
             std::to_string(encoded.zeroPoints[i]);
  if (format.hasTensorScale() &&
      !(encoded.tensorScale >= 0.0f && std::isfinite(encoded.tensorScale)))
    return "expected a finite, non-negative tensor scale";
  for (int64_t i = 0; i < grouping.size(); ++i) {
    float scale = groupScale(format, encoded, i);
    bool nanBlock = format.family == Family::Mx && std::isnan(scale);
    if (!nanBlock && !(scale >= 0.0f && std::isfinite(scale)))
      return "expected scale " + std::to_string(i) +
             " to be finite and not negative";
  }
  return std::nullopt;
}

Error encodeWithScales(const Format &format, std::span<const float> values,
                       int64_t rows, int64_t cols, Encoded &inout) {
  if (Error error = checkArguments(format, values, rows, cols))
    return error;
  Grouping grouping(format, rows, cols);
  if (Error error = checkScales(format, grouping, inout))
    return error;
  inout.codes.resize(values.size());
  return grouping.forEach([&](Group group) -> Error {
    float scale = groupScale(format, inout, group.index);
    if (format.hasTensorScale())
      scale *= inout.tensorScale;
    uint32_t maxBits =
        maxMagnitudeBits(values.data() + group.begin, group.count);
    if (maxBits >= infinityBits && !std::isnan(scale))
      return nonFiniteError(values, group, cols);
    int32_t zeroPoint =
        format.hasZeroPoint() ? inout.zeroPoints[group.index] : 0;
    encodeGroup(format, values, group, scale, zeroPoint, inout.codes.data());
    return std::nullopt;
  });
}

void decode(const Format &format, const Encoded &encoded, int64_t rows,
            int64_t cols, std::span<float> out) {
  Grouping grouping(format, rows, cols);
  std::array<float, 256> table = decodeTable(format);
  float tensorScale = format.hasTensorScale() ? encoded.tensorScale : 1.0f;
  (void)grouping.forEach([&](Group group) -> Error {
    float scale = groupScale(format, encoded, group.index);
    const uint8_t *from = encoded.codes.data() + group.begin;
    float *to = out.data() + group.begin;
    if (format.hasZeroPoint()) {
      int32_t zeroPoint = encoded.zeroPoints[group.index];
      int32_t codeMask = (1 << format.bits) - 1;
      for (int64_t i = 0; i < group.count; ++i)
        to[i] = static_cast<float>((from[i] & codeMask) - zeroPoint) * scale;
    } else if (format.hasTensorScale()) {
      for (int64_t i = 0; i < group.count; ++i)
        to[i] = table[from[i]] * scale * tensorScale;
    } else {
      for (int64_t i = 0; i < group.count; ++i)
        to[i] = table[from[i]] * scale;
    }
    return std::nullopt;
  });
}

} // namespace mlir::sq::numerics
