//===- TileLayoutTest.cpp - NUM-L5 to NUM-L9: tiles -----------------------===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "sparse-quant/Numerics/TileLayout.h"
#include "sparse-quant/Numerics/Quantize.h"

#include "gtest/gtest.h"

#include <random>

using namespace mlir::sq::numerics;

namespace {

using Bytes = std::vector<uint8_t>;

struct Matrix {
  Bytes codes, mask, scales;
};

/// A random weight matrix, masked and encoded as the compiler does it.
Matrix makeMatrix(const Format &format, const Pattern *pattern, int64_t rows,
                  int64_t cols, unsigned seed) {
  std::mt19937 engine(seed);
  std::normal_distribution<float> normal;
  std::vector<float> values(rows * cols);
  for (float &value : values)
    value = normal(engine);
  Matrix matrix;
  if (pattern) {
    std::vector<float> scores(values.size());
    magnitudeScores(values, scores);
    matrix.mask.resize(values.size());
    EXPECT_EQ(computeMask(*pattern, scores, rows, cols, matrix.mask),
              std::nullopt);
    applyMask(values, matrix.mask, values);
  }
  Encoded encoded;
  EXPECT_EQ(encode(format, values, rows, cols, encoded), std::nullopt);
  matrix.codes = encoded.codes;
  matrix.scales = encoded.scales;
  return matrix;
}

Format int8() { return Format::integer(8, GroupScope::Row); }

// NUM-L5: lane r of vector v holds the codes of row r, columns 4v to 4v+3.
TEST(TileLayout, DenseBytes) {
  TileLayout layout = TileLayout::get(int8(), nullptr, 17, 6);
  EXPECT_EQ(layout.numTiles(), 2);
  EXPECT_EQ(layout.paddedCols(), 8);
  EXPECT_EQ(layout.payloadBytes(), 128);
  EXPECT_EQ(layout.positionBytes(), 0);
  Bytes codes(17 * 6), scales(17 * 4);
  for (int64_t i = 0; i < 17 * 6; ++i)
    codes[i] = static_cast<uint8_t>(i);
  PackedTiles packed;
  packTiles(layout, codes, {}, scales, packed);
  ASSERT_EQ(packed.payload.size(), 256u);
  for (int64_t row = 0; row < 32; ++row)
    for (int64_t col = 0; col < 8; ++col) {
      int64_t at = row / 16 * 128 + col / 4 * 64 + row % 16 * 4 + col % 4;
      bool inside = row < 17 && col < 6;
      EXPECT_EQ(packed.payload[at],
                static_cast<uint8_t>(inside ? row * 6 + col : 0));
    }
}

// NUM-L6: low nibbles are one vector, high nibbles the next.
TEST(TileLayout, NibbleBytes) {
  Format format = Format::integer(4, GroupScope::Row);
  TileLayout layout = TileLayout::get(format, nullptr, 1, 8);
  EXPECT_EQ(layout.payloadBytes(), 64);
  PackedTiles packed;
  packTiles(layout, Bytes({1, 2, 3, 4, 5, 6, 7, 0xff}), {}, Bytes(4), packed);
  EXPECT_EQ(Bytes(packed.payload.begin(), packed.payload.begin() + 5),
            Bytes({0x51, 0x62, 0x73, 0xf4, 0x00}));
}

// NUM-L6: of six bits the upper four are nibbles, and the lower two of four
// vectors share the third 64 bytes.
TEST(TileLayout, SixBits) {
  Format format = Format::integer(6, GroupScope::Row);
  TileLayout layout = TileLayout::get(format, nullptr, 1, 18);
  EXPECT_EQ(layout.paddedCols(), 32);
  EXPECT_EQ(layout.payloadBytes(), 2 * 3 * 64);
  Bytes codes(18, 0);
  codes[0] = 0b011011;                 // Vector 0.
  codes[4] = static_cast<uint8_t>(-1); // Vector 1: 0b111111.
  codes[8] = 0b000101;                 // Vector 2.
  codes[13] = 0b010010;                // Vector 3, byte 1.
  codes[17] = 0b001110;                // Vector 4, byte 1.
  PackedTiles packed;
  packTiles(layout, codes, {}, Bytes(4), packed);
  Bytes expected(2 * 3 * 64, 0);
  expected[0] = 0b1111'0110;
  expected[64] = 0b0000'0001;
  expected[64 + 1] = 0b0100'0000;
  expected[128] = 0b00'01'11'11;
  expected[128 + 1] = 0b10'00'00'00;
  expected[192 + 1] = 0b0000'0011;
  expected[192 + 128 + 1] = 0b10;
  EXPECT_EQ(packed.payload, expected);
}

// Where codes start anywhere, are skipped by vectors, or have scale groups that
// don't fill four vectors, they take a byte.
TEST(TileLayout, SixBitsTakeBytes) {
  Format format = *parseFormat("mx.e2m3fn");
  Pattern half = Pattern::unstructured(0.5, SparsityScope::Row);
  EXPECT_EQ(TileLayout::get(format, &half, 16, 64).storedBits(), 8u);
  Pattern blocks = Pattern::block(16, 4, 0.5);
  EXPECT_EQ(TileLayout::getBlocks(format, blocks, 16, 64).storedBits(), 8u);
  Pattern nm = Pattern::nm(2, 4);
  EXPECT_EQ(TileLayout::get(format, &nm, 16, 64).storedBits(), 6u);
  auto withGroups = [](int64_t size) {
    Format groups = Format::integer(6, GroupScope::Group, size);
    return TileLayout::get(groups, nullptr, 16, 64).storedBits();
  };
  EXPECT_EQ(withGroups(48), 6u);
  EXPECT_EQ(withGroups(20), 8u);
}

// NUM-L7: 2:4. Vector 0 holds columns 0 to 7; positions are two bits, vector v
// in bits 2v and up of its byte.
TEST(TileLayout, PositionBytes) {
  Pattern pattern = Pattern::nm(2, 4);
  TileLayout layout = TileLayout::get(int8(), &pattern, 1, 16);
  EXPECT_EQ(layout.vectorCols(), 8);
  EXPECT_EQ(layout.paddedCols(), 64);
  EXPECT_EQ(layout.payloadBytes(), 8 * 64);
  EXPECT_EQ(layout.positionBytes(), 2 * 64);
  Bytes codes = {0, 7, 0, 9, 1, 2, 0, 0, 0, 0, 3, 4, 0, 0, 0, 5};
  Bytes mask = {0, 1, 0, 1, 1, 1, 0, 0, 0, 0, 1, 1, 0, 0, 0, 1};
  PackedTiles packed;
  packTiles(layout, codes, mask, Bytes(4), packed);
  EXPECT_EQ(Bytes(packed.payload.begin(), packed.payload.begin() + 5),
            Bytes({7, 9, 1, 2, 0}));
  EXPECT_EQ(Bytes(packed.payload.begin() + 64, packed.payload.begin() + 69),
            Bytes({3, 4, 0, 5, 0}));
  // Positions 1 3 0 1 of vector 0; 2 3 0 3 of vector 1 (0 fills up the group).
  // Vectors 2 and 3 lie beyond the matrix and keep columns 0 and 1 of each.
  EXPECT_EQ(
      Bytes(packed.positions.begin(), packed.positions.begin() + 4),
      Bytes({1 | 2 << 2 | 0 << 4 | 0 << 6, 3 | 3 << 2 | 1 << 4 | 1 << 6,
             0 | 0 << 2 | 0 << 4 | 0 << 6, 1 | 3 << 2 | 1 << 4 | 1 << 6}));
}

// NUM-L9: of the 64 codes of a vector those of columns that are kept, one after
// the other; masks and offsets say where they belong.
TEST(TileLayout, BitmapBytes) {
  Pattern pattern = Pattern::unstructured(0.5, SparsityScope::Row);
  TileLayout layout = TileLayout::get(int8(), &pattern, 18, 65);
  EXPECT_TRUE(layout.hasBitmap());
  EXPECT_EQ(layout.paddedCols(), 128);
  EXPECT_EQ(layout.vectorsPerTile(), 32);
  EXPECT_EQ(layout.positionBytes(), 8 + 32 * 8 + 2 * 4);
  Bytes codes(18 * 65, 0), mask(18 * 65, 0);
  auto keep = [&](int64_t row, int64_t col, uint8_t code) {
    mask[row * 65 + col] = 1;
    codes[row * 65 + col] = code;
  };
  keep(0, 1, 10);
  keep(0, 3, 11);
  keep(1, 0, 12);
  keep(15, 3, 13);
  keep(0, 4, 14);
  keep(3, 64, 15);
  keep(17, 63, 16);
  EXPECT_EQ(layout.countPayload(mask), 7);
  PackedTiles packed;
  packTiles(layout, codes, mask, Bytes(18 * 4), packed, /*firstByte=*/300);
  EXPECT_EQ(packed.payload, Bytes({10, 11, 12, 13, 14, 15, 16}));
  Bytes expected(2 * layout.positionBytes(), 0);
  uint8_t *first = expected.data(), *second = first + layout.positionBytes();
  // Tile 0 starts at byte 300.
  first[0] = 300 & 255;
  first[1] = 1;
  // Row 0, columns 1 and 3; row 1, column 0; row 15, column 3; row 0, column 4.
  first[8 + 0] = 1 << 1 | 1 << 3 | 1 << 4;
  first[8 + 7] = 1 << 7;
  first[16] = 1;
  // Row 3, column 64: bit 12 of vector 16, in unit 1, five codes on.
  first[8 + 16 * 8 + 1] = 1 << 4;
  first[8 + 32 * 8 + 4] = 5;
  // Tile 1 starts six codes later; row 17, column 63; then unit 1 is empty.
  second[0] = 306 & 255;
  second[1] = 1;
  second[8 + 15 * 8] = 1 << 7;
  second[8 + 32 * 8 + 4] = 1;
  EXPECT_EQ(packed.positions, expected);
}

// NUM-L9: nibbles of each vector start a byte.
TEST(TileLayout, BitmapNibbles) {
  Pattern pattern = Pattern::unstructured(0.5, SparsityScope::Row);
  Format format = Format::integer(4, GroupScope::Row);
  TileLayout layout = TileLayout::get(format, &pattern, 1, 8);
  PackedTiles packed;
  Bytes mask = {1, 1, 0, 1, 0, 0, 1, 1};
  packTiles(layout, Bytes({1, 2, 0, 3, 0, 0, 4, 0xff}), mask, Bytes(4), packed);
  EXPECT_EQ(packed.payload, Bytes({0x21, 0x03, 0xf4}));
  EXPECT_EQ(layout.countPayload(mask), 3);
}

// NUM-L10: of the vectors of a tile those that are kept, and their numbers.
TEST(TileLayout, BlockBytes) {
  Pattern pattern = Pattern::block(16, 4, 0.5);
  TileLayout layout = TileLayout::getBlocks(int8(), pattern, 17, 14);
  EXPECT_TRUE(layout.hasBlocks());
  EXPECT_EQ(layout.vectorsPerTile(), 2);
  EXPECT_EQ(layout.positionBytes(), 4);
  Bytes codes(17 * 14, 0), mask(17 * 14, 0);
  auto keep = [&](int64_t row, int64_t col, uint8_t code) {
    mask[row * 14 + col] = 1;
    codes[row * 14 + col] = code;
  };
  // Tile 0 keeps vectors 1 and 3, tile 1 only vector 2: 0 fills up.
  keep(0, 4, 10);
  keep(15, 7, 11);
  keep(2, 13, 12);
  keep(16, 9, 13);
  PackedTiles packed;
  packTiles(layout, codes, mask, Bytes(17 * 4), packed);
  EXPECT_EQ(packed.positions, Bytes({1, 0, 3, 0, 0, 0, 2, 0}));
  Bytes expected(4 * 64, 0);
  expected[0] = 10;
  expected[15 * 4 + 3] = 11;
  expected[64 + 2 * 4 + 1] = 12;
  expected[3 * 64 + 1] = 13;
  EXPECT_EQ(packed.payload, expected);
}

// NUM-L10: kept columns, four to a vector and two vectors to 64 bytes.
TEST(TileLayout, BlocksOfColumns) {
  Pattern pattern = Pattern::block(16, 1, 0.75);
  Format format = Format::integer(4, GroupScope::Row);
  TileLayout layout = TileLayout::getBlocks(format, pattern, 1, 20);
  EXPECT_EQ(layout.vectorsPerTile(), 2);
  EXPECT_EQ(layout.payloadBytes(), 64);
  Bytes codes(20, 0), mask(20, 0);
  for (int64_t col : {3, 8, 9, 17, 19}) {
    mask[col] = 1;
    codes[col] = static_cast<uint8_t>(col % 7);
  }
  PackedTiles packed;
  packTiles(layout, codes, mask, Bytes(4), packed);
  // Columns 0, 1 and 2 fill up to eight.
  EXPECT_EQ(packed.positions,
            Bytes({0, 0, 1, 0, 2, 0, 3, 0, 8, 0, 9, 0, 17, 0, 19, 0}));
  EXPECT_EQ(Bytes(packed.payload.begin(), packed.payload.begin() + 4),
            Bytes({1 << 4, 2 << 4, 3 << 4, 3 | 5 << 4}));
}

// NUM-L8: the 16 scales of a group lie beside each other.
TEST(TileLayout, ScaleOrder) {
  Format format = Format::integer(8, GroupScope::Group, 4, ScaleType::F16);
  TileLayout layout = TileLayout::get(format, nullptr, 2, 8);
  PackedTiles packed;
  packTiles(layout, Bytes(16), {}, Bytes({1, 2, 3, 4, 5, 6, 7, 8}), packed);
  ASSERT_EQ(packed.scales.size(), 2u * 16 * 2);
  EXPECT_EQ(Bytes(packed.scales.begin(), packed.scales.begin() + 5),
            Bytes({1, 2, 5, 6, 0}));
  EXPECT_EQ(Bytes(packed.scales.begin() + 32, packed.scales.begin() + 37),
            Bytes({3, 4, 7, 8, 0}));
}

TEST(TileLayout, RoundTrips) {
  std::vector<Pattern> patterns = {
      Pattern::nm(1, 4),
      Pattern::nm(2, 4),
      Pattern::nm(4, 8),
      Pattern::nm(2, 8),
      Pattern::nm(1, 16),
      Pattern::nm(8, 16),
      Pattern::nm(3, 5),
      Pattern::unstructured(0.6, SparsityScope::Row),
      Pattern::unstructured(1.0, SparsityScope::Row),
      Pattern::block(16, 4, 0.5)};
  unsigned seed = 0;
  for (const char *name :
       {"int8.row", "int4.g64", "int4.g32.f16", "int3.row", "int8.tensor",
        "mx.e2m1fn", "mx.e2m3fn", "mx.int8", "mx.e4m3fn", "hbfp7.g64",
        "hbfp3.g64", "nvfp4", "fp8.e5m2.row", "nf4.g64", "int6.row", "int5.g32",
        "hbfp5.g64", "mx.e3m2fn"})
    for (int64_t rows : {1, 16, 37})
      for (int64_t cols : {1, 63, 64, 172}) {
        Format format = *parseFormat(name);
        for (size_t p = 0; p <= patterns.size(); ++p) {
          const Pattern *pattern = p < patterns.size() ? &patterns[p] : nullptr;
          ASSERT_EQ(TileLayout::check(format), std::nullopt);
          TileLayout layout = TileLayout::get(format, pattern, rows, cols);
          Matrix matrix = makeMatrix(format, pattern, rows, cols, ++seed);
          PackedTiles packed;
          packTiles(layout, matrix.codes, matrix.mask, matrix.scales, packed);
          EXPECT_EQ(static_cast<int64_t>(packed.payload.size()),
                    layout.hasBitmap()
                        ? layout.countPayload(matrix.mask)
                        : layout.numTiles() * layout.payloadBytes());
          int64_t groups = format.numGroups(cols);
          Bytes codes(rows * cols, 0xaa),
              scales(rows * groups * scaleBytes(format.scaleType));
          ASSERT_EQ(unpackTiles(layout, packed, codes, scales), std::nullopt);
          ASSERT_EQ(codes, matrix.codes) << name << " " << rows << "x" << cols;
          if (format.scope == GroupScope::Tensor)
            continue;
          ASSERT_EQ(scales, matrix.scales) << name;
        }
      }
}

// What is stored is element * integerFactor: what integer kernels take it for.
TEST(TileLayout, BytesAreIntegersInDisguise) {
  for (const char *name : {"int8.row", "mx.int8", "hbfp7.g64", "hbfp6.g64"}) {
    Format format = *parseFormat(name);
    TileLayout layout = TileLayout::get(format, nullptr, 4, 64);
    Matrix matrix = makeMatrix(format, nullptr, 4, 64, 5);
    PackedTiles packed;
    packTiles(layout, matrix.codes, {}, matrix.scales, packed);
    for (int64_t row = 0; row < 4; ++row)
      for (int64_t col = 0; col < 64; ++col)
        EXPECT_EQ(static_cast<int8_t>(
                      packed.payload[col / 4 * 64 + row * 4 + col % 4]),
                  decodeElement(format, matrix.codes[row * 64 + col]) *
                      *format.integerFactor())
            << name;
  }
}

TEST(TileLayout, EveryPatternHasAStorage) {
  auto storage = [](Pattern pattern) {
    return TileLayout::get(int8(), &pattern, 16, 64).storage;
  };
  EXPECT_EQ(TileLayout::get(int8(), nullptr, 16, 64).storage,
            TileStorage::Dense);
  EXPECT_EQ(storage(Pattern::nm(2, 4)), TileStorage::Positions);
  EXPECT_EQ(storage(Pattern::nm(8, 16)), TileStorage::Positions);
  for (Pattern pattern :
       {Pattern::nm(3, 4), Pattern::nm(16, 32), Pattern::nm(1, 2),
        Pattern::nm(4, 4), Pattern::unstructured(0.5, SparsityScope::Tensor),
        Pattern::block(16, 4, 0.5)})
    EXPECT_EQ(storage(pattern), TileStorage::Bitmap) << pattern.str();
}

TEST(TileLayout, RefusesZeroPoints) {
  EXPECT_EQ(TileLayout::check(Format::asymmetric(8, GroupScope::Row)),
            "weights with a zero point have no tiles");
}

TEST(TileLayout, UnpackRejectsBrokenPositions) {
  Pattern pattern = Pattern::nm(2, 4);
  TileLayout layout = TileLayout::get(int8(), &pattern, 1, 64);
  Matrix matrix = makeMatrix(int8(), &pattern, 1, 64, 3);
  PackedTiles packed;
  packTiles(layout, matrix.codes, matrix.mask, matrix.scales, packed);
  packed.positions[0] = packed.positions[1] = 0;
  Bytes codes(64), scales(4);
  EXPECT_EQ(unpackTiles(layout, packed, codes, scales),
            "row 0, columns from 0: positions don't ascend within the group");
}

TEST(TileLayout, UnpackRejectsBrokenBitmaps) {
  Pattern pattern = Pattern::unstructured(0.5, SparsityScope::Row);
  TileLayout layout = TileLayout::get(int8(), &pattern, 17, 66);
  Matrix matrix = makeMatrix(int8(), &pattern, 17, 66, 3);
  PackedTiles good;
  packTiles(layout, matrix.codes, matrix.mask, matrix.scales, good);
  ASSERT_EQ(good.payload.size(), 17u * 33);
  auto unpack = [&](auto damage) {
    PackedTiles packed = good;
    damage(packed);
    Bytes codes(17 * 66), scales(17 * 4);
    return unpackTiles(layout, packed, codes, scales).value_or("");
  };
  EXPECT_EQ(unpack([](PackedTiles &) {}), "");
  int64_t second = layout.positionBytes();
  EXPECT_EQ(
      unpack([&](PackedTiles &p) { p.positions[second] ^= 1; }),
      "the codes of tile 1, columns from 0, start at byte 529 and not 528");
  EXPECT_EQ(unpack([&](PackedTiles &p) {
              p.positions[second + layout.offsetAt(1)] += 2;
            }).substr(0, 52),
            "the codes of tile 1, columns from 64, start at byte ");
  EXPECT_EQ(
      unpack([&](PackedTiles &p) {
        p.positions[layout.maskAt(16)] |= 1 << 2; // Column 66.
      }),
      "the mask of tile 0, columns from 64, keeps codes beyond the matrix");
  EXPECT_EQ(unpack([&](PackedTiles &p) { p.payload.pop_back(); }).substr(0, 19),
            "the codes of tile 1");
  EXPECT_EQ(unpack([&](PackedTiles &p) { p.payload.push_back(0); }),
            "expected a payload of 561 bytes, got 562");
  EXPECT_EQ(unpack([&](PackedTiles &p) { p.positions.pop_back(); }),
            "expected " + std::to_string(2 * second) +
                " bytes of masks and offsets, got " +
                std::to_string(2 * second - 1));
}

TEST(TileLayout, BlocksRoundTrip) {
  unsigned seed = 100;
  for (Pattern pattern :
       {Pattern::block(16, 4, 0.75), Pattern::block(32, 8, 0.5),
        Pattern::block(16, 1, 0.6), Pattern::block(16, 6, 0.5),
        Pattern::block(64, 64, 0.0), Pattern::block(16, 4, 1.0)})
    for (const char *name : {"int8.row", "int4.row", "mx.e2m3fn", "hbfp3.g64"})
      for (int64_t rows : {1, 16, 37})
        for (int64_t cols : {1, 63, 172}) {
          Format format = *parseFormat(name);
          ASSERT_EQ(TileLayout::checkBlocks(format, &pattern, cols),
                    std::nullopt);
          auto layout = TileLayout::getBlocks(format, pattern, rows, cols);
          Matrix matrix = makeMatrix(format, &pattern, rows, cols, ++seed);
          PackedTiles packed;
          packTiles(layout, matrix.codes, matrix.mask, matrix.scales, packed);
          Bytes codes(rows * cols, 0xaa), scales(matrix.scales.size());
          ASSERT_EQ(unpackTiles(layout, packed, codes, scales), std::nullopt);
          ASSERT_EQ(codes, matrix.codes)
              << pattern.str() << " " << name << " " << rows << "x" << cols;
          ASSERT_EQ(scales, matrix.scales);
        }
}

TEST(TileLayout, RefusesBlocksOfPartsOfTiles) {
  Pattern low = Pattern::block(4, 4, 0.5), pairs = Pattern::nm(2, 4),
          columns = Pattern::block(16, 1, 0.5);
  EXPECT_EQ(TileLayout::checkBlocks(int8(), &low, 64),
            "blocks of 4 rows are not whole tiles of 16");
  EXPECT_EQ(TileLayout::checkBlocks(int8(), &pairs, 64),
            "the pattern is not one of blocks");
  EXPECT_EQ(TileLayout::checkBlocks(int8(), &columns, 65540),
            "indices of 16 bits count no more than 65536 columns");
}

TEST(TileLayout, UnpackRejectsBrokenBlocks) {
  Pattern pattern = Pattern::block(16, 4, 0.5);
  TileLayout layout = TileLayout::getBlocks(int8(), pattern, 17, 66);
  Matrix matrix = makeMatrix(int8(), &pattern, 17, 66, 3);
  PackedTiles good;
  packTiles(layout, matrix.codes, matrix.mask, matrix.scales, good);
  auto unpack = [&](auto damage) {
    PackedTiles packed = good;
    damage(packed);
    Bytes codes(17 * 66), scales(17 * 4);
    return unpackTiles(layout, packed, codes, scales).value_or("");
  };
  EXPECT_EQ(unpack([](PackedTiles &) {}), "");
  int64_t second = layout.positionBytes();
  EXPECT_EQ(unpack([&](PackedTiles &p) {
              p.positions[second + 2] = p.positions[second];
            }),
            "index 1 of tile 1 is " + std::to_string(good.positions[second]) +
                ", and indices ascend");
  EXPECT_EQ(unpack([&](PackedTiles &p) {
              p.positions[second - 1] = 1;
            }).substr(0, 18),
            "index 8 of tile 0 ");
  EXPECT_EQ(unpack([&](PackedTiles &p) { p.positions.pop_back(); }),
            "expected 36 bytes of indices, got 35");
  EXPECT_EQ(unpack([&](PackedTiles &p) { p.payload.push_back(0); }),
            "expected 1152 bytes of codes, got 1153");
}

} // namespace
