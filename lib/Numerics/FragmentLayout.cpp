//===- FragmentLayout.cpp - Weights for tensor cores ----------------------===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "sparse-quant/Numerics/FragmentLayout.h"
#include "FragmentInternal.h"
#include "TileInternal.h"
#include "sparse-quant/Numerics/Quantize.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>

namespace mlir::sq::numerics {

//===----------------------------------------------------------------------===//
// Sizes and places
//===----------------------------------------------------------------------===//

int64_t FragmentLayout::blockCols() const {
  return std::max(
      {unitCols(), 128 / multiplierBytes, hasGroups() ? format.groupSize : 0});
}

FragmentLayout FragmentLayout::getExpanded() const {
  FragmentLayout layout = *this;
  layout.storage = FragmentStorage::Dense;
  layout.isExpanded = true;
  return layout;
}

int64_t FragmentLayout::metadataBytes() const {
  if (!hasBitmap())
    return numUnits() / unitsPerMetadata() * kLanes * metadataWords() * 4;
  int64_t end = offsetAt(numUnits() + 1);
  return (end + kBlockAlignment - 1) / kBlockAlignment * kBlockAlignment;
}

FragmentLayout::Place FragmentLayout::findCode(int64_t step, int64_t reg,
                                               int64_t element) const {
  if (storedBits() >= 8)
    return {orderOf(step, reg, element) * storedBits() / 8, 0};
  if (multiplierBytes == 1 && hasTableCodes())
    return {(2 * step + reg / 2) * 4 + reg % 2 * 2 + element / 2,
            element % 2 ? 4u : 0u};
  if (multiplierBytes == 1)
    return {(2 * step + reg / 2) * 4 + element, reg % 2 ? 4u : 0u};
  int64_t nibble = reg + kRegisters * element;
  return {step * 4 + nibble / 2, nibble % 2 ? 4u : 0u};
}

FragmentLayout::MetadataPlace
FragmentLayout::findPositions(int64_t step, int64_t row, int64_t group) const {
  int64_t quad = row % 8 * 4;
  bool low = row < 8;
  if (multiplierBytes == 1) {
    // Lanes 0 and 2 of a quad have the upper row, 32 columns each.
    int64_t lane = quad + group / 8 * 2 + (low ? 0 : 1);
    return {lane, step, static_cast<unsigned>(group % 8 * 4)};
  }
  // Two lanes of a quad, which the selector names, have 16 columns each: the
  // upper row's in their low half.
  int64_t lane = quad + selectorOf(step) * 2 + group / 4;
  return {lane, step / 2,
          static_cast<unsigned>((low ? 0 : 16) + group % 4 * 4)};
}

Error FragmentLayout::check(const Format &format, const Pattern *pattern,
                            int64_t multiplierBytes) {
  if (!format.symmetric)
    return "weights with a zero point have no fragments";
  if (format.hasTensorScale())
    return format.str() + " has scales of scales, which no fragment has";
  if (format.isHalf()) {
    if (multiplierBytes != 2)
      return "weights of " + format.str() + " aren't multiplied by codes";
    if (pattern && !isSkipped(*pattern))
      return "weights of " + format.str() + " are stored dense or 2:4";
    return std::nullopt;
  }
  bool isFP8 =
      format.element == Element::E4M3FN || format.element == Element::E5M2;
  // bf16 has their exponents, and more of them.
  bool isFloat =
      isFP8 || (multiplierBytes == 2 && format.element == Element::E3M2FN);
  if (!format.integerFactor() && !isFloat)
    return "tensor cores don't multiply codes of " + format.str() +
           (multiplierBytes == 1 ? "" : " with f32");
  if (format.scope == GroupScope::Group) {
    FragmentLayout layout = get(format, pattern, multiplierBytes, kRows, 1);
    if (!std::has_single_bit(static_cast<uint64_t>(format.groupSize)) ||
        format.groupSize * 2 < layout.stepCols() ||
        format.groupSize > kMaxGroup)
      return "scale groups of " + std::to_string(format.groupSize) +
             " columns, where a kernel has " +
             std::to_string(layout.stepCols() / 2) + " to " +
             std::to_string(kMaxGroup) + " in powers of two";
  }
  return std::nullopt;
}

FragmentLayout FragmentLayout::get(const Format &format, const Pattern *pattern,
                                   int64_t multiplierBytes, int64_t rows,
                                   int64_t cols) {
  FragmentLayout layout;
  layout.format = format;
  layout.rows = rows;
  layout.cols = cols;
  layout.multiplierBytes = multiplierBytes;
  if (pattern)
    layout.storage = isSkipped(*pattern) ? FragmentStorage::Positions
                                         : FragmentStorage::Bitmap;
  return layout;
}

//===----------------------------------------------------------------------===//
// Pack
//===----------------------------------------------------------------------===//

namespace {

/// What a row of the matrix stores: its codes, and where 2:4 the position of
/// each in its four columns.
class StoredRow {
public:
  explicit StoredRow(const FragmentLayout &layout)
      : layout(layout), map(layout.format, layout.storedBits()),
        codes(layout.paddedCols()), positions(layout.paddedCols()) {}

  static int64_t bytesOf(const FragmentLayout &layout) {
    return layout.cols * (layout.format.isHalf() ? 2 : 1);
  }

  /// `from` and `keeps` are the row's; null where there is no row or mask.
  void fill(const uint8_t *from, const uint8_t *keeps) {
    int64_t cols = from ? layout.cols : 0;
    if (!layout.isSparse()) {
      for (int64_t col = 0; col < cols; ++col)
        codes[col] = !keeps || keeps[col] ? read(from, col) : 0;
      std::fill(codes.begin() + cols, codes.end(), 0);
      return;
    }
    for (int64_t start = 0; start < layout.paddedCols(); start += 4)
      fillGroup(start, cols, from, keeps);
  }

  uint16_t code(int64_t stored) const { return codes[stored]; }
  /// Four bits: two positions.
  uint8_t position(int64_t group) const {
    return static_cast<uint8_t>(positions[2 * group] | positions[2 * group + 1]
                                                           << 2);
  }

private:
  uint16_t read(const uint8_t *from, int64_t col) const {
    return layout.format.isHalf() ? readLittle<uint16_t>(from + 2 * col)
                                  : map.stored[from[col]];
  }
  /// What is kept, and as many dropped columns as it takes to make two.
  void fillGroup(int64_t start, int64_t cols, const uint8_t *from,
                 const uint8_t *keeps) {
    auto isKept = [&](int64_t i) {
      return start + i < cols && (!keeps || keeps[start + i]);
    };
    int64_t spare = 2, next = start / 2, end = next + 2;
    for (int64_t i = 0; i < 4; ++i)
      spare -= isKept(i);
    for (int64_t i = 0; i < 4 && next < end; ++i) {
      if (!isKept(i) && spare-- <= 0)
        continue;
      codes[next] = isKept(i) ? read(from, start + i) : 0;
      positions[next++] = static_cast<uint8_t>(i);
    }
  }

  const FragmentLayout &layout;
  CodeMap map;
  std::vector<uint16_t> codes;
  std::vector<uint8_t> positions;
};

class FragmentPacker {
public:
  FragmentPacker(const FragmentLayout &layout, PackedFragments &out)
      : layout(layout), out(out) {}

  /// Unit `unit` of the tile of these rows.
  void packUnit(int64_t tile, int64_t unit,
                const std::array<StoredRow, FragmentLayout::kRows> &rows) {
    int64_t at = tile * layout.numUnits() + unit;
    for (int64_t step = 0; step < layout.stepsPerUnit(); ++step) {
      int64_t firstCol = unit * layout.unitCols() + step * layout.stepCols();
      packStep(out.payload.data() + at * FragmentLayout::kUnitBytes, step,
               firstCol, rows);
      if (layout.isSparse())
        packPositions(out.metadata.data() + at / layout.unitsPerMetadata() *
                                                FragmentLayout::kLanes *
                                                layout.metadataWords() * 4,
                      layout.inMetadata(unit * layout.stepsPerUnit() + step),
                      firstCol, rows);
    }
  }

private:
  void packStep(uint8_t *payload, int64_t step, int64_t firstCol,
                const std::array<StoredRow, FragmentLayout::kRows> &rows) {
    int64_t firstStored = layout.isSparse() ? firstCol / 2 : firstCol;
    uint16_t mask = layout.storedBits() == 4 ? 15 : 0xFFFF;
    for (int64_t lane = 0; lane < FragmentLayout::kLanes; ++lane)
      for (int64_t reg = 0; reg < FragmentLayout::kRegisters; ++reg)
        for (int64_t i = 0; i < layout.perRegister(); ++i) {
          uint16_t code = rows[FragmentLayout::rowOf(lane, reg)].code(
              firstStored + layout.columnOf(lane, reg, i));
          FragmentLayout::Place place = layout.findCode(step, reg, i);
          uint8_t *to =
              payload + lane * FragmentLayout::kLoadBytes + place.byte;
          to[0] |= static_cast<uint8_t>((code & mask) << place.shift);
          if (layout.storedBits() == 16)
            to[1] = static_cast<uint8_t>(code >> 8);
        }
  }

  void packPositions(uint8_t *metadata, int64_t step, int64_t firstCol,
                     const std::array<StoredRow, FragmentLayout::kRows> &rows) {
    for (int64_t row = 0; row < FragmentLayout::kRows; ++row)
      for (int64_t group = 0; group < layout.stepCols() / 4; ++group) {
        FragmentLayout::MetadataPlace place =
            layout.findPositions(step, row, group);
        uint32_t bits =
            static_cast<uint32_t>(rows[row].position(firstCol / 4 + group))
            << place.shift;
        uint8_t *word =
            metadata + (place.lane * layout.metadataWords() + place.word) * 4;
        for (int64_t byte = 0; byte < 4; ++byte)
          word[byte] |= static_cast<uint8_t>(bits >> (8 * byte));
      }
  }

  const FragmentLayout &layout;
  PackedFragments &out;
};

} // namespace

void packFragments(const FragmentLayout &layout, std::span<const uint8_t> codes,
                   std::span<const uint8_t> mask,
                   std::span<const uint8_t> scales, PackedFragments &out,
                   int64_t firstByte) {
  if (!layout.format.isHalf())
    packTileScales(layout.format, layout.rows, layout.cols, scales, out.scales);
  if (layout.hasBitmap())
    return packFragmentBitmaps(layout, codes, mask, out, firstByte);
  constexpr int64_t height = FragmentLayout::kRows;
  out.payload.assign(layout.numTiles() * layout.payloadBytes(), 0);
  out.metadata.assign(layout.numTiles() * layout.metadataBytes(), 0);
  auto rows = [&]<size_t... i>(std::index_sequence<i...>) {
    return std::array<StoredRow, height>{(void(i), StoredRow(layout))...};
  }(std::make_index_sequence<height>());
  FragmentPacker packer(layout, out);
  for (int64_t tile = 0; tile < layout.numTiles(); ++tile) {
    for (int64_t r = 0; r < height; ++r) {
      int64_t row = tile * height + r;
      bool exists = row < layout.rows;
      rows[r].fill(
          exists ? codes.data() + row * StoredRow::bytesOf(layout) : nullptr,
          exists && !mask.empty() ? mask.data() + row * layout.cols : nullptr);
    }
    for (int64_t unit = 0; unit < layout.numUnits(); ++unit)
      packer.packUnit(tile, unit, rows);
  }
}

} // namespace mlir::sq::numerics
