//===- TileBlocks.cpp - Tiles that drop vectors of all their rows ---------===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "TileInternal.h"

namespace mlir::sq::numerics {

using Layout = TileLayout;

/// For each index of the matrix, whether a tile keeps anything of its columns.
static std::vector<uint8_t>
findKept(const Layout &layout, std::span<const uint8_t> mask, int64_t tile) {
  std::vector<uint8_t> kept(layout.paddedCols() / layout.indexCols(), 0);
  int64_t last = std::min(layout.rows, (tile + 1) * Layout::kRows);
  for (int64_t row = tile * Layout::kRows; row < last; ++row)
    for (int64_t col = 0; col < layout.cols; ++col)
      kept[col / layout.indexCols()] |= mask[row * layout.cols + col];
  return kept;
}

/// Calls visit(at, code) for each code of the `i`-th index of a tile that lies
/// in the matrix: where it is stored, and where in the matrix it belongs.
template <typename Visit>
static void forEachCode(const Layout &layout, int64_t tile, int64_t i,
                        int64_t index, Visit visit) {
  int64_t cols = layout.indexCols(), first = index * cols;
  int64_t last = std::min(layout.rows, (tile + 1) * Layout::kRows);
  for (int64_t row = tile * Layout::kRows; row < last; ++row)
    for (int64_t c = 0; c < cols && first + c < layout.cols; ++c) {
      int64_t stored = i * cols + c;
      visit(findCode(layout, row, stored / Layout::kDepth,
                     stored % Layout::kDepth),
            row * layout.cols + first + c);
    }
}

void packBlocks(const Layout &layout, std::span<const uint8_t> codes,
                std::span<const uint8_t> mask, PackedTiles &out) {
  CodeMap map(layout.format, layout.storedBits());
  out.payload.assign(layout.numTiles() * layout.payloadBytes(), 0);
  out.positions.assign(layout.numTiles() * layout.positionBytes(), 0);
  for (int64_t tile = 0; tile < layout.numTiles(); ++tile) {
    std::vector<uint8_t> kept = findKept(layout, mask, tile);
    // As many dropped ones as it takes to store as much as every tile.
    int64_t spare = layout.numIndices();
    for (uint8_t isKept : kept)
      spare -= isKept;
    uint8_t *positions = out.positions.data() + tile * layout.positionBytes();
    int64_t i = 0;
    for (int64_t index = 0; index < static_cast<int64_t>(kept.size());
         ++index) {
      if (!kept[index] && spare-- <= 0)
        continue;
      positions[layout.indexAt(i)] = static_cast<uint8_t>(index);
      positions[layout.indexAt(i) + 1] = static_cast<uint8_t>(index >> 8);
      forEachCode(layout, tile, i, index, [&](Slot slot, int64_t at) {
        if (mask[at])
          out.payload[slot.index] |= map.stored[codes[at]] << slot.shift;
      });
      ++i;
    }
  }
}

Error unpackBlocks(const Layout &layout, const PackedTiles &packed,
                   std::span<uint8_t> codes) {
  auto checkSize = [&](const char *what, size_t size,
                       int64_t tileBytes) -> Error {
    auto expected = static_cast<size_t>(layout.numTiles() * tileBytes);
    if (size == expected)
      return std::nullopt;
    return "expected " + std::to_string(expected) + " bytes of " + what +
           ", got " + std::to_string(size);
  };
  if (Error error =
          checkSize("codes", packed.payload.size(), layout.payloadBytes()))
    return error;
  if (Error error =
          checkSize("indices", packed.positions.size(), layout.positionBytes()))
    return error;
  CodeMap map(layout.format, layout.storedBits());
  uint8_t field = layout.storedBits() == 4 ? 15 : 255;
  int64_t limit = layout.paddedCols() / layout.indexCols();
  for (int64_t tile = 0; tile < layout.numTiles(); ++tile) {
    const uint8_t *positions =
        packed.positions.data() + tile * layout.positionBytes();
    int64_t last = -1;
    for (int64_t i = 0; i < layout.numIndices(); ++i) {
      int64_t index =
          positions[layout.indexAt(i)] | positions[layout.indexAt(i) + 1] << 8;
      if (index <= last || index >= limit)
        return "index " + std::to_string(i) + " of tile " +
               std::to_string(tile) + " is " + std::to_string(index) +
               (index >= limit ? ", which lies beyond the matrix"
                               : ", and indices ascend");
      last = index;
      forEachCode(layout, tile, i, index, [&](Slot slot, int64_t at) {
        codes[at] = map.code[packed.payload[slot.index] >> slot.shift & field];
      });
    }
  }
  return std::nullopt;
}

} // namespace mlir::sq::numerics
