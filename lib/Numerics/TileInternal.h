//===- TileInternal.h - What the packers of tiles share ---------*- C++ -*-===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef SPARSE_QUANT_LIB_NUMERICS_TILEINTERNAL_H
#define SPARSE_QUANT_LIB_NUMERICS_TILEINTERNAL_H

#include "sparse-quant/Numerics/TileLayout.h"

#include <cstring>

namespace mlir::sq::numerics {

/// Code byte to the bits of it that are stored, and back.
struct CodeMap {
  uint8_t stored[256], code[256];

  CodeMap(const Format &format, unsigned storedBits);
};

/// A bit for each of `m` bytes that are 0 or 1.
template <int64_t m>
inline uint64_t gatherBits(const uint8_t *bytes) {
  if constexpr (m == 4) {
    uint32_t word;
    std::memcpy(&word, bytes, 4);
    return word * 0x01020408u >> 24 & 15;
  } else {
    uint64_t word;
    std::memcpy(&word, bytes, 8);
    return word * 0x0102040810204080u >> 56;
  }
}

/// Little-endian integers.
template <typename Int>
inline void writeLittle(uint8_t *to, Int value) {
  for (size_t i = 0; i < sizeof(Int); ++i)
    to[i] = static_cast<uint8_t>(value >> (8 * i));
}

template <typename Int>
inline Int readLittle(const uint8_t *from) {
  Int value = 0;
  for (size_t i = 0; i < sizeof(Int); ++i)
    value |= static_cast<Int>(from[i]) << (8 * i);
  return value;
}

/// Scale bytes [rows, groups], [rows, 1] or [1, 1] to [tile][group][row].
void packTileScales(const Format &format, int64_t rows, int64_t cols,
                    std::span<const uint8_t> scales, std::vector<uint8_t> &out);

/// TileStorage::Bitmap (NUM-L9), payload and positions alone.
void packBitmap(const TileLayout &layout, std::span<const uint8_t> codes,
                std::span<const uint8_t> mask, int64_t firstByte,
                PackedTiles &out);
/// `codes` are zeros.
Error unpackBitmap(const TileLayout &layout, const PackedTiles &packed,
                   std::span<uint8_t> codes);

/// TileStorage::Blocks (NUM-L10), payload and positions alone.
void packBlocks(const TileLayout &layout, std::span<const uint8_t> codes,
                std::span<const uint8_t> mask, PackedTiles &out);
/// `codes` are zeros.
Error unpackBlocks(const TileLayout &layout, const PackedTiles &packed,
                   std::span<uint8_t> codes);

/// Where the code of `row` in vector `vector`, lane byte `byte` is stored, of 6
/// bits the upper four; without bitmaps.
struct Slot {
  int64_t index;
  unsigned shift;
};
Slot findCode(const TileLayout &layout, int64_t row, int64_t vector,
              int64_t byte);

} // namespace mlir::sq::numerics

#endif // SPARSE_QUANT_LIB_NUMERICS_TILEINTERNAL_H
