//===- Layout.cpp - The reference packed layout ---------------------------===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "sparse-quant/Numerics/Layout.h"

#include <algorithm>
#include <bit>
#include <cstring>

namespace mlir::sq::numerics {

int64_t payloadRowBytes(int64_t kept, unsigned bits) {
  return (kept * static_cast<int64_t>(bits) + 7) / 8;
}

int64_t bitmapRowBytes(int64_t cols) { return (cols + 7) / 8; }

/// Appends codes to a little-endian bit string.
namespace {
class BitWriter {
public:
  BitWriter(unsigned bits, uint8_t *out)
      : out(out), bits(bits), codeMask((1u << bits) - 1) {}

  /// Appends `code` if `keep` (0 or 1) is 1, without a branch on it.
  void append(uint8_t code, uint32_t keep) {
    pending |= static_cast<uint64_t>(code & codeMask & (0u - keep)) << used;
    used += bits & (0u - keep);
    if (used >= 32)
      flush(4);
  }
  void finish() {
    while (used > 0)
      flush(1);
  }

private:
  void flush(unsigned bytes) {
    for (unsigned i = 0; i < bytes; ++i)
      out[i] = static_cast<uint8_t>(pending >> (8 * i));
    out += bytes;
    pending >>= 8 * bytes;
    used -= std::min(used, 8 * bytes);
  }

  uint64_t pending = 0;
  unsigned used = 0;
  uint8_t *out;
  uint32_t bits, codeMask;
};
} // namespace

static void packBitmapRow(const uint8_t *mask, int64_t cols, uint8_t *bitmap) {
  int64_t k = 0;
  for (; k + 8 <= cols; k += 8) {
    uint8_t byte = 0;
    for (int64_t i = 0; i < 8; ++i)
      byte |= static_cast<uint8_t>((mask[k + i] != 0) << i);
    bitmap[k / 8] = byte;
  }
  for (; k < cols; ++k)
    bitmap[k / 8] |= static_cast<uint8_t>((mask[k] != 0) << (k % 8));
}

void pack(unsigned bits, std::span<const uint8_t> codes,
          std::span<const uint8_t> mask, int64_t rows, int64_t cols,
          Packed &out) {
  bool dense = mask.empty();
  int64_t widest = dense ? cols : 0;
  if (!dense)
    for (int64_t row = 0; row < rows; ++row) {
      auto rowMask = mask.subspan(row * cols, cols);
      widest = std::max<int64_t>(
          widest, std::count_if(rowMask.begin(), rowMask.end(),
                                [](uint8_t bit) { return bit != 0; }));
    }
  int64_t bitmapStride = dense ? 0 : bitmapRowBytes(cols);
  out.payloadStride = payloadRowBytes(widest, bits);
  out.payload.assign(rows * out.payloadStride, 0);
  out.bitmap.assign(rows * bitmapStride, 0);
  if (dense && bits == 8) {
    std::copy(codes.begin(), codes.end(), out.payload.begin());
    return;
  }
  for (int64_t row = 0; row < rows; ++row) {
    const uint8_t *from = codes.data() + row * cols;
    BitWriter writer(bits, out.payload.data() + row * out.payloadStride);
    if (dense) {
      for (int64_t k = 0; k < cols; ++k)
        writer.append(from[k], 1);
    } else {
      const uint8_t *keep = mask.data() + row * cols;
      for (int64_t k = 0; k < cols; ++k)
        writer.append(from[k], keep[k] != 0);
      packBitmapRow(keep, cols, out.bitmap.data() + row * bitmapStride);
    }
    writer.finish();
  }
}

//===----------------------------------------------------------------------===//
// Unpack
//===----------------------------------------------------------------------===//

static Error checkBuffers(unsigned bits, const Packed &packed, int64_t rows,
                          int64_t cols) {
  int64_t bitmapStride = packed.bitmap.empty() ? 0 : bitmapRowBytes(cols);
  auto payloadSize = static_cast<int64_t>(packed.payload.size());
  auto bitmapSize = static_cast<int64_t>(packed.bitmap.size());
  if (payloadSize != rows * packed.payloadStride)
    return "expected " + std::to_string(rows * packed.payloadStride) +
           " payload bytes, got " + std::to_string(payloadSize);
  if (bitmapSize != rows * bitmapStride)
    return "expected " + std::to_string(rows * bitmapStride) +
           " bitmap bytes, got " + std::to_string(bitmapSize);
  for (int64_t row = 0; row < rows; ++row) {
    int64_t kept = bitmapStride ? 0 : cols;
    for (int64_t i = 0; i < bitmapStride; ++i)
      kept += std::popcount(packed.bitmap[row * bitmapStride + i]);
    if (bitmapStride && cols % 8 &&
        packed.bitmap[(row + 1) * bitmapStride - 1] >> (cols % 8))
      return "row " + std::to_string(row) +
             " of the bitmap keeps columns beyond the last";
    if (payloadRowBytes(kept, bits) > packed.payloadStride)
      return "row " + std::to_string(row) + " keeps " + std::to_string(kept) +
             " codes of " + std::to_string(bits) +
             " bits, more than its payload of " +
             std::to_string(packed.payloadStride) + " bytes holds";
  }
  return std::nullopt;
}

Error unpack(unsigned bits, bool signExtend, uint8_t zeroCode,
             const Packed &packed, int64_t rows, int64_t cols,
             std::span<uint8_t> codes, std::span<uint8_t> mask) {
  if (Error error = checkBuffers(bits, packed, rows, cols))
    return error;
  bool dense = packed.bitmap.empty();
  int64_t bitmapStride = dense ? 0 : bitmapRowBytes(cols);
  uint32_t codeMask = (1u << bits) - 1;
  uint32_t signBit = signExtend ? 1u << (bits - 1) : 0;
  // A code spans at most two bytes: one byte of slack after the row lets the
  // loop read both always.
  std::vector<uint8_t> payload(packed.payloadStride + 2, 0);
  std::vector<uint8_t> bitmap(bitmapRowBytes(cols), 0xff);
  for (int64_t row = 0; row < rows; ++row) {
    std::copy_n(packed.payload.data() + row * packed.payloadStride,
                packed.payloadStride, payload.data());
    if (!dense)
      std::copy_n(packed.bitmap.data() + row * bitmapStride, bitmapStride,
                  bitmap.data());
    uint8_t *to = codes.data() + row * cols;
    int64_t bit = 0;
    for (int64_t k = 0; k < cols; ++k) {
      uint32_t keep = (bitmap[k / 8] >> (k % 8)) & 1u;
      uint32_t pair = payload[bit / 8] | payload[bit / 8 + 1] << 8;
      uint32_t code = (pair >> (bit % 8)) & codeMask;
      code = (code ^ signBit) - signBit;
      to[k] = keep ? static_cast<uint8_t>(code) : zeroCode;
      bit += keep ? bits : 0;
    }
    if (!mask.empty())
      for (int64_t k = 0; k < cols; ++k)
        mask[row * cols + k] = (bitmap[k / 8] >> (k % 8)) & 1u;
  }
  return std::nullopt;
}

} // namespace mlir::sq::numerics
