//===- TileLayout.cpp - Weights for dot-product instructions --------------===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "TileInternal.h"
#include "sparse-quant/Numerics/Quantize.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <numeric>

namespace mlir::sq::numerics {

//===----------------------------------------------------------------------===//
// Sizes
//===----------------------------------------------------------------------===//

static int64_t roundUp(int64_t value, int64_t multiple) {
  return (value + multiple - 1) / multiple * multiple;
}

unsigned TileLayout::storedBits() const {
  if (format.bits <= 4)
    return 4;
  // Codes of a bitmap start anywhere, blocks are single vectors, and scale
  // groups that four vectors don't fill would meet them late.
  constexpr int64_t together = 4 * kDepth;
  bool meet = !hasGroups() || format.groupSize % together == 0;
  return format.bits <= 6 && meet && !hasBitmap() && !hasBlocks() ? 6 : 8;
}

int64_t TileLayout::sharingVectors() const {
  switch (storedBits()) {
  case 4:
    return 2;
  case 6:
    return 4;
  default:
    return 1;
  }
}

int64_t TileLayout::unitCols() const {
  if (hasBitmap())
    return kUnitVectors * vectorCols();
  int64_t vectors = sharingVectors();
  if (hasBlocks())
    return vectors * kDepth;
  if (!hasPositions())
    return vectors * vectorCols();
  vectors = std::max<int64_t>(vectors, 8 / positionBits());
  return std::max(kWindow, vectors * vectorCols());
}

int64_t TileLayout::groupUnitCols() const {
  return std::lcm(unitCols(), format.groupSize);
}

int64_t TileLayout::paddedCols() const {
  int64_t unit = unitCols();
  int64_t whole = hasBlocks() ? roundUp(cols, blockCols) : cols;
  return roundUp(whole, unit);
}

int64_t TileLayout::payloadBytes() const {
  return vectorsPerTile() * kVector * storedBits() / 8;
}

unsigned TileLayout::positionBits() const {
  if (!hasPositions())
    return 0;
  return m <= 4 ? 2 : 4;
}

int64_t TileLayout::positionBytes() const {
  if (hasBitmap())
    return offsetAt(vectorsPerTile() / kUnitVectors);
  if (hasBlocks())
    return indexAt(numIndices());
  return vectorsPerTile() * kVector * positionBits() / 8;
}

/// Whether positions can say which columns `pattern` keeps.
static bool fitsPositions(const Pattern &pattern) {
  auto isPowerOf2 = [](int64_t value) {
    return std::has_single_bit(static_cast<uint64_t>(value));
  };
  return pattern.kind == PatternKind::NM && isPowerOf2(pattern.n) &&
         isPowerOf2(pattern.m) && pattern.n < pattern.m && pattern.m >= 4 &&
         pattern.m <= 16;
}

Error TileLayout::check(const Format &format) {
  if (!format.symmetric)
    return "weights with a zero point have no tiles";
  return std::nullopt;
}

TileLayout TileLayout::get(const Format &format, const Pattern *pattern,
                           int64_t rows, int64_t cols) {
  TileLayout layout;
  layout.format = format;
  layout.rows = rows;
  layout.cols = cols;
  if (!pattern)
    return layout;
  if (!fitsPositions(*pattern)) {
    layout.storage = TileStorage::Bitmap;
    return layout;
  }
  layout.storage = TileStorage::Positions;
  layout.n = pattern->n;
  layout.m = pattern->m;
  return layout;
}

Error TileLayout::checkBlocks(const Format &format, const Pattern *pattern,
                              int64_t cols) {
  if (Error error = check(format))
    return error;
  if (!pattern || pattern->kind != PatternKind::Block)
    return "the pattern is not one of blocks";
  if (pattern->blockRows % kRows)
    return "blocks of " + std::to_string(pattern->blockRows) +
           " rows are not whole tiles of " + std::to_string(kRows);
  TileLayout layout = getBlocks(format, *pattern, kRows, cols);
  constexpr int64_t limit = 1 << 16;
  if (layout.paddedCols() / layout.indexCols() > limit)
    return "indices of 16 bits count no more than " +
           std::to_string(limit * layout.indexCols()) + " columns";
  return std::nullopt;
}

TileLayout TileLayout::getBlocks(const Format &format, const Pattern &pattern,
                                 int64_t rows, int64_t cols) {
  TileLayout layout;
  layout.format = format;
  layout.rows = rows;
  layout.cols = cols;
  layout.storage = TileStorage::Blocks;
  layout.blockCols = pattern.blockCols;
  int64_t blocks = (cols + pattern.blockCols - 1) / pattern.blockCols;
  int64_t kept = blocks - pattern.numDropped(blocks);
  // Something is stored even where nothing is kept: no buffer is empty.
  int64_t keptCols = roundUp(std::max<int64_t>(kept * pattern.blockCols, 1),
                             layout.unitCols());
  layout.keptVectors = keptCols / kDepth;
  return layout;
}

//===----------------------------------------------------------------------===//
// Pack and unpack
//===----------------------------------------------------------------------===//

Slot findCode(const TileLayout &layout, int64_t row, int64_t vector,
              int64_t byte) {
  int64_t tile = row / TileLayout::kRows;
  int64_t lane = row % TileLayout::kRows * TileLayout::kDepth + byte;
  int64_t shared = layout.sharingVectors(), within = vector % shared;
  int64_t index = tile * layout.payloadBytes() +
                  vector / shared * layout.sharedBytes() + lane;
  if (shared == 1)
    return {index, 0};
  return {index + within / 2 * TileLayout::kVector, within % 2 ? 4u : 0u};
}

namespace {

/// Where the lower two bits of a code of six are.
Slot findLowBits(const TileLayout &layout, int64_t row, int64_t vector,
                 int64_t byte) {
  int64_t within = vector % layout.sharingVectors();
  Slot first = findCode(layout, row, vector - within, byte);
  return {first.index + layout.sharedBytes() - TileLayout::kVector,
          static_cast<unsigned>(2 * within)};
}

Slot findPosition(const TileLayout &layout, int64_t row, int64_t vector,
                  int64_t byte) {
  int64_t fields = 8 / layout.positionBits();
  int64_t tile = row / TileLayout::kRows;
  int64_t lane = row % TileLayout::kRows * TileLayout::kDepth + byte;
  return {tile * layout.positionBytes() +
              vector / fields * TileLayout::kVector + lane,
          static_cast<unsigned>(vector % fields * layout.positionBits())};
}

} // namespace

void packTileScales(const Format &format, int64_t rows, int64_t cols,
                    std::span<const uint8_t> scales,
                    std::vector<uint8_t> &out) {
  int64_t bytes = scaleBytes(format.scaleType);
  int64_t groups = format.numGroups(cols);
  int64_t tiles = (rows + TileLayout::kRows - 1) / TileLayout::kRows;
  out.assign(tiles * groups * TileLayout::kRows * bytes, 0);
  bool perTensor = format.scope == GroupScope::Tensor;
  for (int64_t row = 0; row < rows; ++row)
    for (int64_t group = 0; group < groups; ++group) {
      int64_t from = perTensor ? 0 : row * groups + group;
      int64_t to =
          (row / TileLayout::kRows * groups + group) * TileLayout::kRows +
          row % TileLayout::kRows;
      std::memcpy(out.data() + to * bytes, scales.data() + from * bytes, bytes);
    }
}

CodeMap::CodeMap(const Format &format, unsigned bits) {
  bool isInt = format.element == Element::Int;
  for (unsigned byte = 0; byte < 256; ++byte)
    stored[byte] = code[byte] = static_cast<uint8_t>(byte);
  if (bits < 8) {
    unsigned size = 1u << bits;
    for (unsigned byte = 0; byte < 256; ++byte)
      stored[byte] = byte & (size - 1);
    for (unsigned byte = size / 2; isInt && byte < size; ++byte)
      code[byte] = static_cast<uint8_t>(byte - size);
  } else if (!isInt && format.integerFactor()) {
    // From the top down, so that of +0 and -0 the code 0 wins.
    for (int byte = (1 << format.bits) - 1; byte >= 0; --byte) {
      auto integer = static_cast<uint8_t>(
          std::lround(decodeElement(format, static_cast<uint8_t>(byte)) *
                      *format.integerFactor()));
      stored[byte] = integer;
      code[integer] = static_cast<uint8_t>(byte);
    }
  }
}

namespace {

/// What a row of the matrix keeps, in order, a byte each.
class KeptRow {
public:
  explicit KeptRow(const TileLayout &layout)
      : layout(layout), map(layout.format, layout.storedBits()),
        size(layout.paddedCols() / layout.m * layout.n),
        values(size + layout.m), positions(size + layout.m) {
    if (layout.m == 4 || layout.m == 8)
      makeTable();
  }

  /// `codes` and `keeps` are the row's; of a row beyond the last, null.
  void fill(const uint8_t *codes, const uint8_t *keeps);
  /// Stores them as row `lane` of a tile.
  void store(int64_t lane, uint8_t *payload, uint8_t *position) const;

private:
  /// Of a group with such a mask, a bit a column: which columns are stored, and
  /// 255 for those that stay, 0 for those that fill up.
  struct Stored {
    uint8_t position[8], isKept[8];
  };

  void makeTable();
  template <int64_t m>
  void fillGroups(const uint8_t *codes, const uint8_t *keeps);
  template <int64_t m>
  void fillGroup(int64_t group, const uint8_t *codes, const uint8_t *keeps);

  const TileLayout &layout;
  CodeMap map;
  int64_t size;
  /// For every mask of groups of up to eight columns.
  std::vector<Stored> table;
  /// With room for what a group writes and the next one overwrites.
  std::vector<uint8_t> values, positions;
};

} // namespace

/// What is kept, and as many of the lowest dropped columns as it takes to make
/// N.
void KeptRow::makeTable() {
  table.resize(size_t(1) << layout.m);
  for (size_t mask = 0; mask < table.size(); ++mask) {
    int64_t spare = layout.n - std::popcount(mask), next = 0;
    for (int64_t i = 0; i < layout.m && next < layout.n; ++i) {
      bool kept = mask >> i & 1;
      if (!kept && spare-- <= 0)
        continue;
      table[mask].position[next] = static_cast<uint8_t>(i);
      table[mask].isKept[next++] = kept ? 255 : 0;
    }
  }
}

/// Group `group` of M columns, of whose codes `keeps` says which stay. Groups
/// of up to eight look up what is stored. Which columns stay is random, so that
/// in larger ones each column is written, and the next one over it unless it
/// stays.
template <int64_t m>
void KeptRow::fillGroup(int64_t group, const uint8_t *codes,
                        const uint8_t *keeps) {
  if constexpr (m <= 8) {
    const Stored &stored = table[gatherBits<m>(keeps)];
    int64_t first = group * layout.n;
    for (int64_t i = 0; i < layout.n; ++i) {
      uint8_t position = stored.position[i];
      values[first + i] = map.stored[codes[position]] & stored.isKept[i];
      positions[first + i] = position;
    }
    return;
  }
  int64_t spare = layout.n, next = group * layout.n;
  for (int64_t i = 0; i < m; ++i)
    spare -= keeps[i] != 0;
  for (int64_t i = 0; i < m; ++i) {
    bool kept = keeps[i];
    values[next] = kept ? map.stored[codes[i]] : 0;
    positions[next] = static_cast<uint8_t>(i);
    next += int64_t(kept) | int64_t(spare > 0);
    spare -= !kept;
  }
}

template <int64_t m>
void KeptRow::fillGroups(const uint8_t *codes, const uint8_t *keeps) {
  int64_t cols = codes ? layout.cols : 0, whole = cols / m;
  for (int64_t group = 0; group < whole; ++group)
    fillGroup<m>(group, codes + group * m, keeps + group * m);
  // Columns behind the last are dropped.
  uint8_t lastCodes[m] = {}, lastKeeps[m] = {};
  for (int64_t i = 0; i < cols % m; ++i) {
    lastCodes[i] = codes[whole * m + i];
    lastKeeps[i] = keeps[whole * m + i];
  }
  for (int64_t group = whole; group * layout.n < size; ++group) {
    fillGroup<m>(group, lastCodes, lastKeeps);
    std::fill_n(lastKeeps, m, 0);
  }
}

void KeptRow::fill(const uint8_t *codes, const uint8_t *keeps) {
  switch (layout.m) {
  case 1: {
    int64_t cols = codes ? layout.cols : 0;
    for (int64_t col = 0; col < cols; ++col)
      values[col] = keeps[col] ? map.stored[codes[col]] : 0;
    std::fill(values.begin() + cols, values.end(), 0);
    return;
  }
  case 4:
    return fillGroups<4>(codes, keeps);
  case 8:
    return fillGroups<8>(codes, keeps);
  default:
    return fillGroups<16>(codes, keeps);
  }
}

/// Joins `fields` fields of 8 / `fields` bits in each of four bytes.
template <int64_t fields, int64_t skippedBits = 0>
static void joinFields(const uint8_t *from, uint8_t *to) {
  constexpr int64_t depth = TileLayout::kDepth;
  constexpr unsigned size = 8 / fields, mask = (1u << size) - 1;
  for (int64_t byte = 0; byte < depth; ++byte) {
    unsigned bits = 0;
    for (int64_t field = 0; field < fields; ++field)
      bits |= (from[field * depth + byte] >> skippedBits & mask)
              << (field * size);
    to[byte] = static_cast<uint8_t>(bits);
  }
}

/// Spreads fields of 8 / `fields` bits over four bytes of each vector, which
/// start at `to`.
template <int64_t fields>
static void spread(const uint8_t *from, int64_t size, uint8_t *to) {
  constexpr int64_t step = fields * TileLayout::kDepth;
  for (int64_t i = 0; i < size; i += step, to += TileLayout::kVector)
    joinFields<fields>(from + i, to);
}

/// The same of six bits: nibbles of vectors 0 and 1, of 2 and 3, and the lower
/// two bits of all four.
static void spreadSixes(const uint8_t *from, int64_t size, uint8_t *to) {
  constexpr int64_t depth = TileLayout::kDepth, vector = TileLayout::kVector;
  for (int64_t i = 0; i < size; i += 4 * depth, to += 3 * vector) {
    joinFields<2, 2>(from + i, to);
    joinFields<2, 2>(from + i + 2 * depth, to + vector);
    joinFields<4>(from + i, to + 2 * vector);
  }
}

void KeptRow::store(int64_t lane, uint8_t *payload, uint8_t *position) const {
  int64_t offset = lane * TileLayout::kDepth;
  if (layout.storedBits() == 4)
    spread<2>(values.data(), size, payload + offset);
  else if (layout.storedBits() == 6)
    spreadSixes(values.data(), size, payload + offset);
  else
    spread<1>(values.data(), size, payload + offset);
  if (layout.positionBits() == 2)
    spread<4>(positions.data(), size, position + offset);
  else if (layout.hasPositions())
    spread<2>(positions.data(), size, position + offset);
}

/// Dense and with positions: N of each M columns.
static void packColumns(const TileLayout &layout,
                        std::span<const uint8_t> codes,
                        std::span<const uint8_t> mask, PackedTiles &out) {
  out.payload.resize(layout.numTiles() * layout.payloadBytes());
  out.positions.resize(layout.numTiles() * layout.positionBytes());
  std::vector<uint8_t> all(mask.empty() ? layout.cols : 0, 1);
  KeptRow kept(layout);
  for (int64_t row = 0; row < layout.tiledRows(); ++row) {
    if (row < layout.rows)
      kept.fill(codes.data() + row * layout.cols,
                mask.empty() ? all.data() : mask.data() + row * layout.cols);
    else
      kept.fill(nullptr, nullptr);
    int64_t tile = row / TileLayout::kRows;
    kept.store(row % TileLayout::kRows,
               out.payload.data() + tile * layout.payloadBytes(),
               out.positions.data() + tile * layout.positionBytes());
  }
}

static Error unpackColumns(const TileLayout &layout, const PackedTiles &packed,
                           std::span<uint8_t> codes) {
  CodeMap map(layout.format, layout.storedBits());
  auto load = [](const std::vector<uint8_t> &from, Slot slot, unsigned bits) {
    return static_cast<uint8_t>(from[slot.index] >> slot.shift &
                                ((1u << bits) - 1));
  };
  auto loadCode = [&](int64_t row, int64_t vector, int64_t byte) -> uint8_t {
    Slot slot = findCode(layout, row, vector, byte);
    if (layout.storedBits() != 6)
      return load(packed.payload, slot, layout.storedBits());
    Slot low = findLowBits(layout, row, vector, byte);
    return static_cast<uint8_t>(load(packed.payload, slot, 4) << 2 |
                                load(packed.payload, low, 2));
  };
  constexpr int64_t depth = TileLayout::kDepth;
  int64_t numGroups = layout.paddedCols() / layout.m;
  for (int64_t row = 0; row < layout.rows; ++row)
    for (int64_t group = 0; group < numGroups; ++group) {
      int64_t last = -1;
      for (int64_t i = 0; i < layout.n; ++i) {
        int64_t index = group * layout.n + i;
        int64_t vector = index / depth, byte = index % depth;
        int64_t position = 0;
        if (layout.hasPositions()) {
          position =
              load(packed.positions, findPosition(layout, row, vector, byte),
                   layout.positionBits());
          if (position <= last || position >= layout.m)
            return "row " + std::to_string(row) + ", columns from " +
                   std::to_string(group * layout.m) +
                   ": positions don't ascend within the group";
          last = position;
        }
        int64_t col = group * layout.m + position;
        if (col < layout.cols)
          codes[row * layout.cols + col] =
              map.code[loadCode(row, vector, byte)];
      }
    }
  return std::nullopt;
}

void packTiles(const TileLayout &layout, std::span<const uint8_t> codes,
               std::span<const uint8_t> mask, std::span<const uint8_t> scales,
               PackedTiles &out, int64_t firstByte) {
  packTileScales(layout.format, layout.rows, layout.cols, scales, out.scales);
  if (layout.hasBitmap())
    packBitmap(layout, codes, mask, firstByte, out);
  else if (layout.hasBlocks())
    packBlocks(layout, codes, mask, out);
  else
    packColumns(layout, codes, mask, out);
}

Error unpackTiles(const TileLayout &layout, const PackedTiles &packed,
                  std::span<uint8_t> codes, std::span<uint8_t> scales) {
  std::fill(codes.begin(), codes.end(), 0);
  auto unpack = layout.hasBitmap()   ? unpackBitmap
                : layout.hasBlocks() ? unpackBlocks
                                     : unpackColumns;
  if (Error error = unpack(layout, packed, codes))
    return error;
  int64_t bytes = scaleBytes(layout.format.scaleType);
  int64_t groups = layout.format.numGroups(layout.cols);
  for (int64_t row = 0; row < layout.rows; ++row)
    for (int64_t group = 0; group < groups; ++group) {
      int64_t from =
          (row / TileLayout::kRows * groups + group) * TileLayout::kRows +
          row % TileLayout::kRows;
      std::memcpy(scales.data() + (row * groups + group) * bytes,
                  packed.scales.data() + from * bytes, bytes);
    }
  return std::nullopt;
}

} // namespace mlir::sq::numerics
