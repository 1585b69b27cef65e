//===- FragmentLayoutTest.cpp - NUM-L11: weights for tensor cores ---------===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Packed weights are read lane by lane as the PTX ISA describes fragments, and
// give the matrix that was packed. The tables here are the ISA's, element by
// element as it lists them ("Matrix fragments for mma.m16n8k16 with floating
// point type", "... m16n8k32", "Matrix fragments for sparse mma.m16n8k32 with
// .f16 and .bf16 types", "... m16n8k64 with .u8/.s8 integer type", and the
// figures of metadata there), not the layout's.
//
//===----------------------------------------------------------------------===//
#include "sparse-quant/Numerics/FragmentLayout.h"
#include "sparse-quant/Numerics/Quantize.h"

#include "gtest/gtest.h"

#include <random>

using namespace mlir::sq::numerics;

namespace {

/// Where element a[i] of a lane is in the 16 rows that an instruction takes:
/// row, and column among those that are stored.
struct Place {
  int row, column;
};

Place elementOf8Bits(int lane, int i) {
  int groupID = lane >> 2, threadInGroup = lane % 4;
  int row = (i < 4 || (i >= 8 && i < 12)) ? groupID : groupID + 8;
  int column = threadInGroup * 4 + (i & 3) + (i < 8 ? 0 : 16);
  return {row, column};
}

Place elementOf16Bits(int lane, int i) {
  int groupID = lane >> 2, threadInGroup = lane % 4;
  int row = (i < 2 || (i >= 4 && i < 6)) ? groupID : groupID + 8;
  int column = threadInGroup * 2 + (i & 1) + (i < 4 ? 0 : 8);
  return {row, column};
}

/// The two positions of the four columns from `column` on of `row`, out of the
/// metadata of 32 lanes.
unsigned positionsOf8Bits(const uint32_t *metadata, int row, int column) {
  // Lane 0 of a quad has row groupID, columns 0 to 31; lane 1 row groupID + 8;
  // lanes 2 and 3 have columns 32 to 63.
  int lane = row % 8 * 4 + (row >= 8 ? 1 : 0) + (column >= 32 ? 2 : 0);
  return metadata[lane] >> (column % 32) & 15;
}

unsigned positionsOf16Bits(const uint32_t *metadata, int selector, int row,
                           int column) {
  // The selector names lanes 0 and 1 of a quad, or 2 and 3; the first has
  // columns 0 to 15, the second 16 to 31; bits 0 to 15 are of row groupID, 16
  // to 31 of row groupID + 8.
  int lane = row % 8 * 4 + selector * 2 + (column >= 16 ? 1 : 0);
  return metadata[lane] >> ((row >= 8 ? 16 : 0) + column % 16) & 15;
}

struct Packed {
  FragmentLayout layout;
  PackedFragments parts;

  uint8_t byte(int64_t tile, int64_t unit, int lane, int64_t index) const {
    return parts
        .payload[((tile * layout.numUnits() + unit) * 32 + lane) * 16 + index];
  }
  /// Element i of step `step` of a unit: registers in order, each from its
  /// lowest bits on, as kernels take them apart.
  int code(int64_t tile, int64_t unit, int64_t step, int lane, int i) const {
    int perRegister = 4 / int(layout.multiplierBytes);
    int reg = i / perRegister, element = i % perRegister;
    if (layout.storedBits() == 8)
      return int8_t(byte(tile, unit, lane, step * layout.perFragment() + i));
    int nibble;
    if (layout.multiplierBytes == 1) {
      uint8_t pair = byte(tile, unit, lane, (2 * step + reg / 2) * 4 + element);
      nibble = reg % 2 ? pair >> 4 : pair & 15;
    } else {
      uint32_t word = 0;
      for (int b = 0; b < 4; ++b)
        word |= uint32_t(byte(tile, unit, lane, step * 4 + b)) << (8 * b);
      nibble = word >> (4 * reg + 16 * element) & 15;
    }
    return nibble < 8 ? nibble : nibble - 16;
  }
  /// Word `word` of the metadata of a unit, of all lanes.
  std::vector<uint32_t> metadata(int64_t tile, int64_t unit,
                                 int64_t word) const {
    std::vector<uint32_t> words(32);
    for (int lane = 0; lane < 32; ++lane)
      for (int b = 0; b < 4; ++b)
        words[lane] |=
            uint32_t(
                parts
                    .metadata[(((tile * layout.numUnits() + unit) * 32 + lane) *
                                   layout.metadataWords() +
                               word) *
                                  4 +
                              b])
            << (8 * b);
    return words;
  }
};

/// The matrix, padded to whole tiles and blocks, that an `mma` would multiply.
std::vector<int> readMatrix(const Packed &packed) {
  const FragmentLayout &layout = packed.layout;
  int64_t cols = layout.paddedCols(), rows = layout.numTiles() * 16;
  std::vector<int> matrix(rows * cols);
  bool is8Bits = layout.multiplierBytes == 1;
  int stepCols = (layout.isSparse() ? 64 : 32) / int(layout.multiplierBytes);
  for (int64_t tile = 0; tile < layout.numTiles(); ++tile)
    for (int64_t unit = 0; unit < layout.numUnits(); ++unit)
      for (int64_t step = 0; step < layout.stepsPerUnit(); ++step) {
        int64_t first = unit * layout.unitCols() + step * stepCols;
        // Words in the order of steps; with two bytes two steps share one.
        std::vector<uint32_t> metadata;
        if (layout.isSparse())
          metadata = packed.metadata(tile, unit, is8Bits ? step : step / 2);
        for (int lane = 0; lane < 32; ++lane)
          for (int i = 0; i < (is8Bits ? 16 : 8); ++i) {
            Place at =
                is8Bits ? elementOf8Bits(lane, i) : elementOf16Bits(lane, i);
            int column = at.column;
            if (layout.isSparse()) {
              int group = at.column / 2 * 4;
              unsigned positions =
                  is8Bits ? positionsOf8Bits(metadata.data(), at.row, group)
                          : positionsOf16Bits(metadata.data(), step % 2, at.row,
                                              group);
              unsigned low = positions & 3, high = positions >> 2;
              EXPECT_LT(low, high) << "metadata isn't ordered";
              column = group + int(at.column % 2 ? high : low);
            }
            matrix[(tile * 16 + at.row) * cols + first + column] +=
                packed.code(tile, unit, step, lane, i);
          }
      }
  return matrix;
}

uint64_t readLittle(const uint8_t *from, int64_t bytes) {
  uint64_t value = 0;
  for (int64_t i = 0; i < bytes; ++i)
    value |= uint64_t(from[i]) << (8 * i);
  return value;
}

/// The same of what is stored with bitmaps: each lane's codes are looked for
/// behind those of the lanes before it.
std::vector<int> readBitmaps(const Packed &packed) {
  const FragmentLayout &layout = packed.layout;
  int64_t cols = layout.paddedCols(), rows = layout.numTiles() * 16;
  std::vector<int> matrix(rows * cols);
  bool is8Bits = layout.multiplierBytes == 1;
  bool nibbles = layout.format.bits <= 4;
  int perStep = is8Bits ? 16 : 8, perLane = nibbles ? 32 : 16;
  int stepCols = 32 / int(layout.multiplierBytes);
  for (int64_t tile = 0; tile < layout.numTiles(); ++tile) {
    const uint8_t *metadata =
        packed.parts.metadata.data() + tile * layout.metadataBytes();
    uint64_t start = readLittle(metadata, 8);
    EXPECT_EQ(start % 16, 0u);
    const uint8_t *bitmaps = metadata + 16;
    const uint8_t *offsets = bitmaps + layout.numUnits() * 32 * perLane / 8;
    for (int64_t unit = 0; unit < layout.numUnits(); ++unit) {
      uint64_t byte = start + readLittle(offsets + 4 * unit, 4);
      if (unit % layout.unitsPerBlock() == 0)
        EXPECT_EQ(byte % 16, 0u);
      for (int lane = 0; lane < 32; ++lane) {
        uint64_t bits =
            readLittle(bitmaps + (unit * 32 + lane) * perLane / 8, perLane / 8);
        int kept = 0;
        for (int i = 0; i < perLane; ++i) {
          if (!(bits >> i & 1))
            continue;
          int code = packed.parts.payload[byte + (nibbles ? kept / 2 : kept)];
          if (nibbles)
            code = int8_t((code >> (kept % 2 * 4) & 15) << 4) >> 4;
          ++kept;
          Place at = is8Bits ? elementOf8Bits(lane, i % perStep)
                             : elementOf16Bits(lane, i % perStep);
          int64_t col = unit * perLane / perStep * stepCols +
                        i / perStep * stepCols + at.column;
          matrix[(tile * 16 + at.row) * cols + col] = int8_t(code);
        }
        byte += nibbles ? (kept + 1) / 2 : kept;
      }
    }
  }
  return matrix;
}

class Fragments : public testing::TestWithParam<
                      std::tuple<int64_t, unsigned, FragmentStorage>> {};

TEST_P(Fragments, AreThoseOfThePTXTables) {
  auto [multiplierBytes, bits, storage] = GetParam();
  bool sparse = storage != FragmentStorage::Dense;
  for (auto [rows, cols] :
       {std::pair<int64_t, int64_t>{16, 128}, {1, 1}, {37, 331}}) {
    std::mt19937 engine(static_cast<unsigned>(rows * cols));
    int most = (1 << (bits - 1)) - 1;
    std::uniform_int_distribution<int> distribution(-most, most);
    std::vector<uint8_t> codes(rows * cols), mask(sparse ? rows * cols : 0);
    std::vector<float> scores(rows * cols);
    for (int64_t i = 0; i < rows * cols; ++i) {
      codes[i] = static_cast<uint8_t>(distribution(engine));
      scores[i] = static_cast<float>(engine() % 1000);
    }
    Pattern pattern = storage == FragmentStorage::Positions
                          ? Pattern::nm(2, 4)
                          : Pattern::unstructured(0.6, SparsityScope::Row);
    if (sparse) {
      ASSERT_EQ(computeMask(pattern, scores, rows, cols, mask), std::nullopt);
    }
    Format format = Format::integer(bits, GroupScope::Row);
    Packed packed;
    packed.layout = FragmentLayout::get(format, sparse ? &pattern : nullptr,
                                        multiplierBytes, rows, cols);
    ASSERT_EQ(FragmentLayout::check(format, sparse ? &pattern : nullptr,
                                    multiplierBytes),
              std::nullopt);
    std::vector<uint8_t> scales(rows * 4);
    ASSERT_EQ(packed.layout.storage, storage);
    packFragments(packed.layout, codes, mask, scales, packed.parts);
    if (packed.layout.hasBitmap())
      ASSERT_EQ(int64_t(packed.parts.payload.size()),
                packed.layout.countPayload(mask));
    std::vector<int> matrix =
        packed.layout.hasBitmap() ? readBitmaps(packed) : readMatrix(packed);
    int64_t padded = packed.layout.paddedCols();
    for (int64_t row = 0; row < packed.layout.numTiles() * 16; ++row)
      for (int64_t col = 0; col < padded; ++col) {
        bool exists = row < rows && col < cols;
        int expected = 0;
        if (exists && (mask.empty() || mask[row * cols + col]))
          expected = int8_t(codes[row * cols + col]);
        ASSERT_EQ(matrix[row * padded + col], expected) << row << ", " << col;
      }
  }
}

INSTANTIATE_TEST_SUITE_P(
    All, Fragments,
    testing::Combine(testing::Values(1, 2), testing::Values(4u, 8u),
                     testing::Values(FragmentStorage::Dense,
                                     FragmentStorage::Positions,
                                     FragmentStorage::Bitmap)));

// Floats of 16 bits: a step is a unit, and with 2:4 two units share a word of
// metadata, of which the selector names a half of the lanes.
TEST(FragmentLayout, HalvesAreThoseOfThePTXTables) {
  Pattern pattern = Pattern::nm(2, 4);
  for (bool sparse : {false, true})
    for (auto [rows, cols] :
         {std::pair<int64_t, int64_t>{16, 128}, {1, 1}, {37, 331}}) {
      Format format = Format::half(Element::BF16);
      FragmentLayout layout =
          FragmentLayout::get(format, sparse ? &pattern : nullptr,
                              /*multiplierBytes=*/2, rows, cols);
      std::mt19937 engine(static_cast<unsigned>(rows * cols));
      std::vector<uint8_t> codes(2 * rows * cols),
          mask(sparse ? rows * cols : 0);
      std::vector<float> scores(rows * cols);
      for (uint8_t &byte : codes)
        byte = static_cast<uint8_t>(engine());
      for (float &score : scores)
        score = static_cast<float>(engine() % 1000);
      if (sparse)
        ASSERT_EQ(computeMask(pattern, scores, rows, cols, mask), std::nullopt);
      PackedFragments packed;
      packFragments(layout, codes, mask, /*scales=*/{}, packed);
      EXPECT_TRUE(packed.scales.empty());
      int64_t stepCols = sparse ? 32 : 16, padded = (cols + 63) / 64 * 64;
      int64_t tiles = (rows + 15) / 16, steps = padded / stepCols;
      ASSERT_EQ(int64_t(packed.payload.size()), tiles * steps * 512);
      ASSERT_EQ(int64_t(packed.metadata.size()),
                sparse ? tiles * steps / 2 * 128 : 0);
      std::vector<unsigned> matrix(tiles * 16 * padded);
      for (int64_t tile = 0; tile < tiles; ++tile)
        for (int64_t step = 0; step < steps; ++step) {
          std::vector<uint32_t> words(32);
          for (int lane = 0; sparse && lane < 32; ++lane)
            words[lane] = static_cast<uint32_t>(
                readLittle(packed.metadata.data() +
                               ((tile * steps + step) / 2 * 32 + lane) * 4,
                           4));
          for (int lane = 0; lane < 32; ++lane)
            for (int i = 0; i < 8; ++i) {
              Place at = elementOf16Bits(lane, i);
              int column = at.column;
              if (sparse) {
                int group = at.column / 2 * 4;
                unsigned positions = positionsOf16Bits(
                    words.data(), int(step % 2), at.row, group);
                ASSERT_LT(positions & 3, positions >> 2);
                column =
                    group + int(at.column % 2 ? positions >> 2 : positions & 3);
              }
              matrix[(tile * 16 + at.row) * padded + step * stepCols +
                     column] |=
                  static_cast<unsigned>(readLittle(
                      packed.payload.data() +
                          ((tile * steps + step) * 32 + lane) * 16 + 2 * i,
                      2));
            }
        }
      for (int64_t row = 0; row < tiles * 16; ++row)
        for (int64_t col = 0; col < padded; ++col) {
          bool exists =
              row < rows && col < cols && (!sparse || mask[row * cols + col]);
          ASSERT_EQ(matrix[row * padded + col],
                    exists ? readLittle(&codes[2 * (row * cols + col)], 2) : 0)
              << row << ", " << col;
        }
    }
}

// With bitmaps: blocks start at multiples of 16 bytes, after what others hold.
TEST(FragmentLayout, BitmapBytes) {
  Pattern pattern = Pattern::unstructured(0.5, SparsityScope::Row);
  FragmentLayout layout =
      FragmentLayout::get(Format::integer(8, GroupScope::Row), &pattern,
                          /*multiplierBytes=*/1, 1, 130);
  EXPECT_EQ(layout.numBlocks(), 2);
  EXPECT_EQ(layout.unitsPerBlock(), 4);
  // A start, 16 bits for 32 lanes of 8 units, 9 offsets.
  EXPECT_EQ(layout.metadataBytes(), 16 + 8 * 64 + 48);
  std::vector<uint8_t> codes(130), mask(130), scales(4);
  for (int col : {1, 32, 33, 129}) {
    codes[col] = static_cast<uint8_t>(col);
    mask[col] = 1;
  }
  EXPECT_EQ(layout.countPayload(mask), 32);
  PackedFragments packed;
  packFragments(layout, codes, mask, scales, packed, /*firstByte=*/160);
  std::vector<uint8_t> payload(32);
  payload[0] = 1;
  payload[1] = 32;
  payload[2] = 33;
  payload[16] = 129;
  EXPECT_EQ(packed.payload, payload);
  auto word = [&](int64_t at, int64_t bytes) {
    return readLittle(packed.metadata.data() + at, bytes);
  };
  EXPECT_EQ(word(0, 8), 160u);
  // Row 0 is lane 0's first register, columns 0 to 3 of a unit.
  EXPECT_EQ(word(layout.bitmapAt(0), 2), 0b10u);
  EXPECT_EQ(word(layout.bitmapAt(1), 2), 0b11u);
  EXPECT_EQ(word(layout.bitmapAt(4), 2), 0b10u);
  EXPECT_EQ(word(layout.offsetAt(1), 4), 1u);
  EXPECT_EQ(word(layout.offsetAt(2), 4), 3u);
  EXPECT_EQ(word(layout.offsetAt(4), 4), 16u);
  EXPECT_EQ(word(layout.offsetAt(8), 4), 32u);
}

TEST(FragmentLayout, Sizes) {
  Pattern half = Pattern::nm(2, 4);
  FragmentLayout layout =
      FragmentLayout::get(Format::integer(4, GroupScope::Group, 64), &half,
                          /*multiplierBytes=*/1, 17, 130);
  EXPECT_EQ(layout.stepCols(), 64);
  EXPECT_EQ(layout.unitCols(), 128);
  EXPECT_EQ(layout.paddedCols(), 256);
  EXPECT_EQ(layout.numTiles(), 2);
  // 16 rows of 256 columns: half of the codes, in nibbles, and two bits each.
  EXPECT_EQ(layout.payloadBytes(), 16 * 256 / 2 / 2);
  EXPECT_EQ(layout.metadataBytes(), 16 * 256 / 2 / 4);
  EXPECT_EQ(layout.numScales(), 16 * 3);
}

// Codes that a table makes integers of: those of a register are in a half word.
TEST(FragmentLayout, TableCodes) {
  FragmentLayout layout = FragmentLayout::get(
      Format::mx(Element::E2M1FN), nullptr, /*multiplierBytes=*/1, 16, 128);
  std::vector<uint8_t> codes(16 * 128), scales(16 * 4);
  for (size_t i = 0; i < codes.size(); ++i)
    codes[i] = static_cast<uint8_t>(i * 7 % 16);
  Packed packed{layout, {}};
  packFragments(layout, codes, {}, scales, packed.parts);
  for (int step = 0; step < 2; ++step)
    for (int lane = 0; lane < 32; ++lane)
      for (int i = 0; i < 16; ++i) {
        Place at = elementOf8Bits(lane, i);
        int reg = i / 4, element = i % 4;
        uint32_t word = 0;
        for (int b = 0; b < 4; ++b)
          word |=
              uint32_t(packed.byte(0, 0, lane, (2 * step + reg / 2) * 4 + b))
              << (8 * b);
        uint32_t half = reg % 2 ? word >> 16 : word & 0xFFFF;
        ASSERT_EQ(half >> (4 * element) & 15,
                  codes[at.row * 128 + step * 32 + at.column]);
      }
}

TEST(FragmentLayout, Refuses) {
  Pattern quarter = Pattern::nm(2, 8), half = Pattern::nm(2, 4);
  auto message = [](const Format &format, const Pattern *pattern,
                    int64_t bytes) {
    return FragmentLayout::check(format, pattern, bytes).value_or("");
  };
  Format int8 = Format::integer(8, GroupScope::Row);
  EXPECT_EQ(message(int8, &half, 1), "");
  EXPECT_EQ(message(int8, &quarter, 1), "");
  EXPECT_EQ(message(Format::integer(8, GroupScope::Group, 16), nullptr, 1), "");
  EXPECT_NE(message(Format::integer(8, GroupScope::Group, 48), nullptr, 1)
                .find("powers of two"),
            std::string::npos);
  EXPECT_NE(message(Format::nvfp4(), nullptr, 1).find("scales of scales"),
            std::string::npos);
  EXPECT_EQ(message(Format::mx(Element::E2M1FN), &half, 1), "");
  EXPECT_NE(message(Format::nf4(), nullptr, 2).find("nf4.g64 with f32"),
            std::string::npos);
  EXPECT_EQ(message(Format::fp8(Element::E4M3FN, GroupScope::Row), &half, 1),
            "");
  EXPECT_EQ(message(Format::mx(Element::E3M2FN), nullptr, 2), "");
  EXPECT_NE(message(Format::mx(Element::E3M2FN), nullptr, 1).find("mx.e3m2fn"),
            std::string::npos);
  EXPECT_NE(message(Format::asymmetric(8, GroupScope::Row), nullptr, 1)
                .find("zero point"),
            std::string::npos);
}

} // namespace
