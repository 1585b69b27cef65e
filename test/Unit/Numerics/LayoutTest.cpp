//===- LayoutTest.cpp - NUM-L1 to NUM-L4: the reference packed layout -----===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "sparse-quant/Numerics/Layout.h"

#include "gtest/gtest.h"

#include <random>

using namespace mlir::sq::numerics;

namespace {

using Bytes = std::vector<uint8_t>;

// NUM-L2, byte for byte: 3-bit codes 5 2 7 1 are the bits 101 010 111 001 from
// the low end, 0b001'111'010'101.
TEST(Layout, PayloadBytes) {
  Packed packed;
  pack(3, Bytes({5, 2, 7, 1}), {}, 1, 4, packed);
  EXPECT_EQ(packed.payloadStride, 2);
  EXPECT_EQ(packed.payload, Bytes({0xd5, 0x03}));
  EXPECT_TRUE(packed.bitmap.empty());
  pack(4, Bytes({0xff, 0x3}), {}, 2, 1, packed); // High bits don't matter.
  EXPECT_EQ(packed.payload, Bytes({0x0f, 0x03}));
}

// NUM-L1, NUM-L3: the widest row sets the stride; dropped codes vanish.
TEST(Layout, SparseBytes) {
  Packed packed;
  Bytes codes = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 1, 2, 3};
  Bytes mask = {0, 1, 0, 0, 0, 0, 0, 0, 1, 1, 1, 0, 0, 0, 0, 0, 0, 1};
  pack(4, codes, mask, 2, 9, packed);
  EXPECT_EQ(packed.payloadStride, 2);
  EXPECT_EQ(packed.payload, Bytes({0x92, 0x00, 0xba, 0x03}));
  EXPECT_EQ(packed.bitmap, Bytes({0x02, 0x01, 0x03, 0x01}));
}

TEST(Layout, RoundTrips) {
  std::mt19937 engine(10);
  for (unsigned bits = 2; bits <= 8; ++bits)
    for (int64_t cols : {1, 7, 8, 9, 31, 64, 65, 127, 300})
      for (unsigned density : {0, 1, 5, 9, 10})
        for (bool isSigned : {false, true}) {
          int64_t rows = 3;
          Bytes codes(rows * cols), mask(rows * cols), dense;
          uint8_t zero = isSigned ? 0 : 1;
          for (uint8_t &code : codes) {
            unsigned low = engine() % (1u << bits);
            bool negative = isSigned && low >> (bits - 1);
            code = static_cast<uint8_t>(negative ? low - (1u << bits) : low);
          }
          for (uint8_t &keep : mask)
            keep = engine() % 10 < density;
          Packed packed;
          pack(bits, codes, mask, rows, cols, packed);
          Bytes back(rows * cols, 0xaa), backMask(rows * cols, 0xaa);
          ASSERT_EQ(
              unpack(bits, isSigned, zero, packed, rows, cols, back, backMask),
              std::nullopt);
          EXPECT_EQ(backMask, mask);
          for (int64_t i = 0; i < rows * cols; ++i)
            ASSERT_EQ(back[i], mask[i] ? codes[i] : zero)
                << bits << " bits, " << cols << " columns";

          pack(bits, codes, {}, rows, cols, packed);
          EXPECT_EQ(packed.payloadStride, payloadRowBytes(cols, bits));
          ASSERT_EQ(unpack(bits, isSigned, zero, packed, rows, cols, back, {}),
                    std::nullopt);
          EXPECT_EQ(back, codes);
        }
}

TEST(Layout, DenseMasksOfAnOpenBitmap) {
  Packed packed;
  pack(8, Bytes({1, 2, 3}), Bytes({1, 1, 1}), 1, 3, packed);
  EXPECT_EQ(packed.bitmap, Bytes({0x07}));
  pack(8, Bytes({1, 2, 3}), Bytes({0, 0, 0}), 1, 3, packed);
  EXPECT_EQ(packed.payloadStride, 0);
  Bytes codes(3);
  EXPECT_EQ(unpack(8, false, 9, packed, 1, 3, codes, {}), std::nullopt);
  EXPECT_EQ(codes, Bytes({9, 9, 9}));
}

// NUM-L4.
TEST(Layout, UnpackRejectsBrokenBuffers) {
  Packed packed;
  Bytes codes(20), mask(20);
  pack(4, Bytes(20, 3), Bytes(20, 1), 2, 10, packed);
  Packed broken = packed;
  broken.payload.pop_back();
  EXPECT_EQ(unpack(4, false, 0, broken, 2, 10, codes, mask),
            "expected 10 payload bytes, got 9");
  broken = packed;
  broken.bitmap.pop_back();
  EXPECT_EQ(unpack(4, false, 0, broken, 2, 10, codes, mask),
            "expected 4 bitmap bytes, got 3");
  broken = packed;
  broken.bitmap[3] = 0x07;
  EXPECT_EQ(unpack(4, false, 0, broken, 2, 10, codes, mask),
            "row 1 of the bitmap keeps columns beyond the last");
  broken = packed;
  broken.payloadStride = 4;
  broken.payload.resize(8);
  EXPECT_EQ(unpack(4, false, 0, broken, 2, 10, codes, mask),
            "row 0 keeps 10 codes of 4 bits, more than its payload of 4 bytes "
            "holds");
}

} // namespace
