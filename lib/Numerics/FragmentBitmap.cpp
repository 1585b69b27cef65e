//===- FragmentBitmap.cpp - Fragments of which a varying number is kept ---===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "FragmentInternal.h"
#include "TileInternal.h"

#include <bit>

namespace mlir::sq::numerics {

using Layout = FragmentLayout;

namespace {
/// The codes of a lane in a unit, in order: row in its tile, and column counted
/// from the unit's first.
struct LaneCode {
  int64_t row, col;
};
} // namespace

static std::vector<LaneCode> listCodes(const Layout &layout, int64_t lane) {
  std::vector<LaneCode> list(layout.codesPerLane());
  for (int64_t step = 0; step < layout.stepsPerUnit(); ++step)
    for (int64_t reg = 0; reg < Layout::kRegisters; ++reg)
      for (int64_t i = 0; i < layout.perRegister(); ++i)
        list[layout.orderOf(step, reg, i)] = {
            Layout::rowOf(lane, reg),
            step * layout.stepCols() + layout.columnOf(lane, reg, i)};
  return list;
}

/// Calls visit(lane, keeps) for each lane of a unit; bit i of `keeps` says that
/// its code i is kept.
template <typename Visit>
static void forEachLane(const Layout &layout,
                        const std::vector<std::vector<LaneCode>> &lists,
                        std::span<const uint8_t> mask, int64_t tile,
                        int64_t unit, Visit visit) {
  int64_t firstRow = tile * Layout::kRows, firstCol = unit * layout.unitCols();
  for (int64_t lane = 0; lane < Layout::kLanes; ++lane) {
    uint32_t keeps = 0;
    for (size_t i = 0; i < lists[lane].size(); ++i) {
      int64_t row = firstRow + lists[lane][i].row,
              col = firstCol + lists[lane][i].col;
      bool isKept = row < layout.rows && col < layout.cols &&
                    mask[row * layout.cols + col];
      keeps |= uint32_t(isKept) << i;
    }
    visit(lane, keeps);
  }
}

static std::vector<std::vector<LaneCode>> listLanes(const Layout &layout) {
  std::vector<std::vector<LaneCode>> lists;
  for (int64_t lane = 0; lane < Layout::kLanes; ++lane)
    lists.push_back(listCodes(layout, lane));
  return lists;
}

static int64_t alignBlock(int64_t bytes) {
  return (bytes + Layout::kBlockAlignment - 1) / Layout::kBlockAlignment *
         Layout::kBlockAlignment;
}

int64_t Layout::countPayload(std::span<const uint8_t> mask) const {
  Layout layout = *this;
  layout.rows = static_cast<int64_t>(mask.size()) / cols;
  std::vector<std::vector<LaneCode>> lists = listLanes(layout);
  int64_t bytes = 0;
  for (int64_t tile = 0; tile < layout.numTiles(); ++tile)
    for (int64_t unit = 0; unit < numUnits(); ++unit) {
      forEachLane(layout, lists, mask, tile, unit,
                  [&](int64_t, uint32_t keeps) {
                    bytes += keptBytes(std::popcount(keeps));
                  });
      if ((unit + 1) % unitsPerBlock() == 0)
        bytes = alignBlock(bytes);
    }
  return bytes;
}

void packFragmentBitmaps(const Layout &layout, std::span<const uint8_t> codes,
                         std::span<const uint8_t> mask, PackedFragments &out,
                         int64_t firstByte) {
  CodeMap map(layout.format, layout.storedBits());
  std::vector<std::vector<LaneCode>> lists = listLanes(layout);
  bool nibbles = layout.storedBits() == 4;
  out.payload.clear();
  out.metadata.assign(layout.numTiles() * layout.metadataBytes(), 0);
  for (int64_t tile = 0; tile < layout.numTiles(); ++tile) {
    uint8_t *metadata = out.metadata.data() + tile * layout.metadataBytes();
    auto start = static_cast<int64_t>(out.payload.size());
    writeLittle<uint64_t>(metadata, firstByte + start);
    for (int64_t unit = 0; unit < layout.numUnits(); ++unit) {
      writeLittle<uint32_t>(metadata + layout.offsetAt(unit),
                            out.payload.size() - start);
      int64_t first =
          tile * Layout::kRows * layout.cols + unit * layout.unitCols();
      auto pack = [&](int64_t lane, uint32_t keeps) {
        uint8_t *bitmap =
            metadata + layout.bitmapAt(unit) + lane * layout.codesPerLane() / 8;
        if (nibbles)
          writeLittle<uint32_t>(bitmap, keeps);
        else
          writeLittle<uint16_t>(bitmap, static_cast<uint16_t>(keeps));
        bool isSecond = false;
        for (; keeps; keeps &= keeps - 1) {
          LaneCode at = lists[lane][std::countr_zero(keeps)];
          uint8_t code =
              map.stored[codes[first + at.row * layout.cols + at.col]];
          if (isSecond)
            out.payload.back() |= static_cast<uint8_t>(code << 4);
          else
            out.payload.push_back(code);
          isSecond = nibbles && !isSecond;
        }
      };
      forEachLane(layout, lists, mask, tile, unit, pack);
      if ((unit + 1) % layout.unitsPerBlock() == 0)
        out.payload.resize(alignBlock(out.payload.size()));
    }
    writeLittle<uint32_t>(metadata + layout.offsetAt(layout.numUnits()),
                          out.payload.size() - start);
  }
}

} // namespace mlir::sq::numerics
