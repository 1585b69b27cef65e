//===- TileLayout.h - Weights for dot-product instructions ------*- C++ -*-===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// NUM-L5 to NUM-L8. Instructions such as vpdpbusd and sdot multiply four bytes
// of a 32-bit lane with four bytes of another and add the products to the lane.
// A *tile* is 16 rows of the matrix; a *vector* of a tile is 64 bytes: lane r
// holds four consecutive codes of row r. So each lane sums up one row, all rows
// of a vector are multiplied with the same four activations, and no sum ever
// crosses lanes. The layout fits registers of 64, 32 and 16 bytes alike.
//
//   dense    the four codes are those of columns 4v .. 4v+3
//   N:M      dropped columns are not stored; the four codes are four kept ones,
//            N of each group of M columns, and two or four bits each say where
//            in its group a code stood. 4*M/N columns make a vector, and the
//            vectors of 64 columns share one 64-byte vector of positions: the
//            kernel looks activations up in a register by them.
//
// Codes of 4 bits and less lie two in a byte: the low nibbles are one vector,
// the high nibbles are the next. Everything else takes a byte: the signed
// integer element * integerFactor (NUM-F14), or the code itself where the
// element is not an integer in disguise. Padding has code 0.
//
//===----------------------------------------------------------------------===//
#ifndef SPARSE_QUANT_NUMERICS_TILELAYOUT_H
#define SPARSE_QUANT_NUMERICS_TILELAYOUT_H

#include "sparse-quant/Numerics/Format.h"
#include "sparse-quant/Numerics/Pattern.h"

#include <span>
#include <vector>

namespace mlir::sq::numerics {

/// The layout of one matrix: what the packer writes, what kernels read.
struct TileLayout {
  static constexpr int64_t kRows = 16, kDepth = 4, kVector = kRows * kDepth;
  /// Columns that one vector of positions covers.
  static constexpr int64_t kWindow = 64;

  Format format;
  int64_t rows = 0, cols = 0;
  /// N of each M columns are stored; 1 of 1 when dense.
  int64_t n = 1, m = 1;

  bool isSparse() const { return m > 1; }
  /// 4 or 8.
  unsigned storedBits() const { return format.bits <= 4 ? 4 : 8; }
  int64_t numTiles() const { return (rows + kRows - 1) / kRows; }
  int64_t tiledRows() const { return numTiles() * kRows; }
  /// Columns whose codes one vector holds.
  int64_t vectorCols() const { return kDepth * m / n; }
  /// Columns of the smallest part that starts at a byte of its own in payload
  /// and positions, and whose activations are whole windows where there are
  /// positions.
  int64_t unitCols() const;
  /// `cols` in whole units. Codes of columns and rows beyond the matrix decode
  /// to zero.
  int64_t paddedCols() const;
  int64_t vectorsPerTile() const { return paddedCols() / vectorCols(); }
  /// Bytes of a tile in each of the three parts.
  int64_t payloadBytes() const;
  int64_t positionBytes() const;
  /// Bits of a stored position: 2 or 4; 0 when dense.
  unsigned positionBits() const;
  /// Scales of a tile: for each group 16, a row's beside the next row's.
  int64_t numScales() const { return format.numGroups(cols) * kRows; }

  /// Why a matrix can't be laid out so; nullopt if it can.
  static Error check(const Format &format, const Pattern *pattern);
  /// A `pattern` that is not null must pass `check`.
  static TileLayout get(const Format &format, const Pattern *pattern,
                        int64_t rows, int64_t cols);
};

struct PackedTiles {
  std::vector<uint8_t> payload, positions, scales;
};

/// Rows [0, rows) of `codes` and `mask` (empty when dense), as
/// numerics::encode and computeMask give them, with scale bytes [rows, groups],
/// [rows, 1] or [1, 1]. A mask keeps at most N of M.
void packTiles(const TileLayout &layout, std::span<const uint8_t> codes,
               std::span<const uint8_t> mask, std::span<const uint8_t> scales,
               PackedTiles &out);

/// The inverse: codes (0 where dropped, sign-extended where integer), and scale
/// bytes [rows, groups]. An error names a position that repeats or that lies
/// outside of its group.
Error unpackTiles(const TileLayout &layout, const PackedTiles &packed,
                  std::span<uint8_t> codes, std::span<uint8_t> scales);

} // namespace mlir::sq::numerics

#endif // SPARSE_QUANT_NUMERICS_TILELAYOUT_H
