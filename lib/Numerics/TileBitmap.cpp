//===- TileBitmap.cpp - Tiles that keep a varying number of codes ---------===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "TileInternal.h"

#include <algorithm>
#include <bit>

namespace mlir::sq::numerics {

using Layout = TileLayout;

/// Bit 4r + i: row r of the tile keeps column 4 * vector + i.
static uint64_t getVectorMask(std::span<const uint8_t> mask, int64_t rows,
                              int64_t cols, int64_t tile, int64_t vector) {
  uint64_t bits = 0;
  int64_t lastRow = std::min(Layout::kRows, rows - tile * Layout::kRows);
  int64_t col = vector * Layout::kDepth;
  int64_t count = std::min(Layout::kDepth, cols - col);
  if (!mask.empty() && count == Layout::kDepth) {
    const uint8_t *from = mask.data() + tile * Layout::kRows * cols + col;
    for (int64_t r = 0; r < lastRow; ++r)
      bits |= gatherBits<Layout::kDepth>(from + r * cols)
              << (r * Layout::kDepth);
    return bits;
  }
  for (int64_t r = 0; r < lastRow; ++r)
    for (int64_t i = 0; i < count; ++i) {
      int64_t at = (tile * Layout::kRows + r) * cols + col + i;
      uint64_t kept = mask.empty() || mask[at];
      bits |= kept << (r * Layout::kDepth + i);
    }
  return bits;
}

int64_t TileLayout::countPayload(std::span<const uint8_t> mask) const {
  int64_t maskRows = static_cast<int64_t>(mask.size()) / cols;
  int64_t bytes = 0, numVectors = vectorsPerTile();
  for (int64_t tile = 0; tile * kRows < maskRows; ++tile)
    for (int64_t v = 0; v < numVectors; ++v)
      bytes += keptBytes(
          std::popcount(getVectorMask(mask, maskRows, cols, tile, v)));
  return bytes;
}

namespace {
/// What is kept of a vector: its place in the matrix, byte by byte.
struct KeptCode {
  int64_t row, col;
};
} // namespace

/// Calls visit(j, code) for each bit of `bits`, j counting them.
template <typename Visit>
static void forEachKept(uint64_t bits, int64_t tile, int64_t vector,
                        Visit visit) {
  for (int64_t j = 0; bits; ++j, bits &= bits - 1) {
    int64_t byte = std::countr_zero(bits);
    visit(j, KeptCode{tile * Layout::kRows + byte / Layout::kDepth,
                      vector * Layout::kDepth + byte % Layout::kDepth});
  }
}

/// The codes of a vector that `bits` keeps, the first of which is at `codes`,
/// behind each other at `to`, with nibbles from the low one up; up to seven
/// bytes behind them are overwritten. `cols` is a row's length, `count` how
/// many columns there are.
static void storeKept(uint64_t bits, const uint8_t *codes, int64_t cols,
                      int64_t count, const uint8_t *stored, unsigned codeBits,
                      uint8_t *to) {
  uint64_t pending = 0;
  unsigned used = 0;
  for (; bits; bits >>= Layout::kDepth, codes += cols) {
    if ((bits & 15) == 0)
      continue;
    // Which are kept is random, so each is written, and the next one over it
    // unless it stays.
    for (int64_t i = 0; i < count; ++i) {
      uint64_t isKept = bits >> i & 1;
      pending |= (stored[codes[i]] & -isKept) << used;
      used += isKept ? codeBits : 0;
    }
    // At most 4 codes of 8 bits, behind at most 7 bits.
    std::memcpy(to, &pending, sizeof(pending));
    to += used / 8;
    pending >>= used / 8 * 8;
    used %= 8;
  }
}

void packBitmap(const TileLayout &layout, std::span<const uint8_t> codes,
                std::span<const uint8_t> mask, int64_t firstByte,
                PackedTiles &out) {
  CodeMap map(layout.format, layout.storedBits());
  int64_t numVectors = layout.vectorsPerTile();
  out.payload.clear();
  out.positions.assign(layout.numTiles() * layout.positionBytes(), 0);
  for (int64_t tile = 0; tile < layout.numTiles(); ++tile) {
    uint8_t *positions = out.positions.data() + tile * layout.positionBytes();
    auto start = static_cast<int64_t>(out.payload.size());
    writeLittle<uint64_t>(positions, firstByte + start);
    for (int64_t v = 0; v < numVectors; ++v) {
      auto at = static_cast<int64_t>(out.payload.size());
      if (v % Layout::kUnitVectors == 0)
        writeLittle<uint32_t>(
            positions + layout.offsetAt(v / Layout::kUnitVectors), at - start);
      uint64_t bits = getVectorMask(mask, layout.rows, layout.cols, tile, v);
      writeLittle(positions + layout.maskAt(v), bits);
      int64_t row = tile * Layout::kRows, col = v * Layout::kDepth;
      uint8_t kept[Layout::kVector + sizeof(uint64_t)];
      storeKept(bits, codes.data() + row * layout.cols + col, layout.cols,
                std::min(Layout::kDepth, layout.cols - col), map.stored,
                layout.storedBits(), kept);
      out.payload.insert(out.payload.end(), kept,
                         kept + layout.keptBytes(std::popcount(bits)));
    }
  }
}

static Error makeError(const char *what, int64_t tile, int64_t vector,
                       const std::string &problem) {
  return std::string(what) + " of tile " + std::to_string(tile) + ", columns " +
         "from " + std::to_string(vector * Layout::kDepth) + ", " + problem;
}

Error unpackBitmap(const TileLayout &layout, const PackedTiles &packed,
                   std::span<uint8_t> codes) {
  CodeMap map(layout.format, layout.storedBits());
  bool nibbles = layout.storedBits() == 4;
  auto size = static_cast<int64_t>(packed.payload.size());
  int64_t at = 0;
  if (static_cast<int64_t>(packed.positions.size()) !=
      layout.numTiles() * layout.positionBytes())
    return "expected " +
           std::to_string(layout.numTiles() * layout.positionBytes()) +
           " bytes of masks and offsets, got " +
           std::to_string(packed.positions.size());
  for (int64_t tile = 0; tile < layout.numTiles(); ++tile) {
    const uint8_t *positions =
        packed.positions.data() + tile * layout.positionBytes();
    auto start = static_cast<int64_t>(readLittle<uint64_t>(positions));
    if (start != at)
      return makeError("the codes", tile, 0,
                       "start at byte " + std::to_string(start) + " and not " +
                           std::to_string(at));
    for (int64_t v = 0; v < layout.vectorsPerTile(); ++v) {
      if (v % Layout::kUnitVectors == 0) {
        int64_t unit =
            start + readLittle<uint32_t>(
                        positions + layout.offsetAt(v / Layout::kUnitVectors));
        if (unit != at)
          return makeError("the codes", tile, v,
                           "start at byte " + std::to_string(unit) +
                               " and not " + std::to_string(at));
      }
      auto bits = readLittle<uint64_t>(positions + layout.maskAt(v));
      if (bits & ~getVectorMask({}, layout.rows, layout.cols, tile, v))
        return makeError("the mask", tile, v, "keeps codes beyond the matrix");
      int64_t bytes = layout.keptBytes(std::popcount(bits));
      if (at + bytes > size)
        return makeError("the codes", tile, v, "end beyond the payload");
      forEachKept(bits, tile, v, [&](int64_t j, KeptCode kept) {
        uint8_t stored = nibbles
                             ? packed.payload[at + j / 2] >> (j % 2 * 4) & 15
                             : packed.payload[at + j];
        codes[kept.row * layout.cols + kept.col] = map.code[stored];
      });
      at += bytes;
    }
  }
  if (at != size)
    return "expected a payload of " + std::to_string(at) + " bytes, got " +
           std::to_string(size);
  return std::nullopt;
}

} // namespace mlir::sq::numerics
