//===- TileLayout.h - Weights for dot-product instructions ------*- C++ -*-===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// NUM-L5 to NUM-L10. Instructions such as vpdpbusd and sdot multiply four bytes
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
//   bitmap   for patterns that keep a varying number: of the 64 codes of a
//            vector the kept ones are stored, one after the other, and 64 bits
//            say where they belong: the kernel expands them in a register. The
//            codes of a vector start where those of the one before end, so
//            every 16 vectors have an offset, and a kernel may start at any of
//            them.
//   blocks   for patterns that keep or drop all 16 rows of a tile together: of
//            the dense vectors of a tile only those that are kept are stored,
//            and 16 bits each say which they are: the kernel skips the others.
//            Where blocks are not whole vectors wide, kept columns are stored,
//            four to a vector, and each has its index. All tiles keep as many.
//
// Codes of 4 bits and less lie two in a byte: the low nibbles are one vector,
// the high nibbles are the next. Codes of 5 and 6 bits are cut in two: their
// upper four bits are such nibbles, and the lower two of four vectors share the
// 64 bytes behind these; not in bitmaps and blocks, nor where scale groups are
// no multiples of 16 columns. Everything else takes a byte: the signed integer
// element * integerFactor (NUM-F14), or the code itself where the element is
// not an integer in disguise. Padding has code 0.
//
//===----------------------------------------------------------------------===//
#ifndef SPARSE_QUANT_NUMERICS_TILELAYOUT_H
#define SPARSE_QUANT_NUMERICS_TILELAYOUT_H

#include "sparse-quant/Numerics/Format.h"
#include "sparse-quant/Numerics/Pattern.h"

#include <span>
#include <vector>

namespace mlir::sq::numerics {

/// What is stored of a vector of a tile.
enum class TileStorage : uint8_t { Dense, Positions, Bitmap, Blocks };

/// The layout of one matrix: what the packer writes, what kernels read.
struct TileLayout {
  static constexpr int64_t kRows = 16, kDepth = 4, kVector = kRows * kDepth;
  /// Columns that one vector of positions covers.
  static constexpr int64_t kWindow = 64;
  /// Bitmap: vectors of a unit; bytes that follow the last code, so that a
  /// register may be loaded from wherever a code is.
  static constexpr int64_t kUnitVectors = 16, kSlack = kVector;

  Format format;
  int64_t rows = 0, cols = 0;
  TileStorage storage = TileStorage::Dense;
  /// Positions: N of each M columns are stored. Otherwise 1 of 1.
  int64_t n = 1, m = 1;
  /// Blocks: what the columns of a block's start are a multiple of, and the
  /// vectors that each tile stores.
  int64_t blockCols = 1, keptVectors = 0;

  bool hasPositions() const { return storage == TileStorage::Positions; }
  bool hasBitmap() const { return storage == TileStorage::Bitmap; }
  bool hasBlocks() const { return storage == TileStorage::Blocks; }
  bool hasGroups() const { return format.scope == GroupScope::Group; }
  /// 4, 6 or 8.
  unsigned storedBits() const;
  /// Vectors that share bytes of the payload; and these bytes.
  int64_t sharingVectors() const;
  int64_t sharedBytes() const {
    return sharingVectors() * kVector * storedBits() / 8;
  }
  int64_t numTiles() const { return (rows + kRows - 1) / kRows; }
  int64_t tiledRows() const { return numTiles() * kRows; }
  /// Columns whose codes one vector holds.
  int64_t vectorCols() const { return kDepth * m / n; }
  /// Columns of the smallest part that starts at a byte of its own in payload
  /// and positions, and whose activations are whole windows where there are
  /// positions; with bitmaps, of the parts that have an offset.
  int64_t unitCols() const;
  /// Columns of the smallest part that is both whole units and whole scale
  /// groups. Groups only.
  int64_t groupUnitCols() const;
  /// `cols` in whole units. Codes of columns and rows beyond the matrix decode
  /// to zero.
  int64_t paddedCols() const;
  int64_t vectorsPerTile() const {
    return hasBlocks() ? keptVectors : paddedCols() / vectorCols();
  }
  /// Bytes of a tile in each of the three parts. With bitmaps the payload has
  /// at most so many; the positions are then the tile's start, masks and
  /// offsets.
  int64_t payloadBytes() const;
  int64_t positionBytes() const;
  /// Bitmap: where among a tile's positions the mask of a vector (64 bits) and
  /// the offset of a unit (32 bits, counted from the tile's start) are. The
  /// start (64 bits, counted from the start of the payload) is at 0.
  int64_t maskAt(int64_t vector) const { return 8 * (1 + vector); }
  int64_t offsetAt(int64_t unit) const {
    return maskAt(vectorsPerTile()) + 4 * unit;
  }
  /// Bitmap: bytes of a vector that keeps so many codes; and of whole tiles.
  int64_t keptBytes(int64_t kept) const {
    return (kept * storedBits() + 7) / 8;
  }
  int64_t countPayload(std::span<const uint8_t> mask) const;
  /// Blocks: columns that an index stands for, a vector's or one; indices of a
  /// tile; and where among its positions an index (16 bits) is.
  int64_t indexCols() const { return blockCols % kDepth ? 1 : kDepth; }
  int64_t numIndices() const { return keptVectors * kDepth / indexCols(); }
  int64_t indexAt(int64_t index) const { return 2 * index; }
  /// Bits of a stored position: 2 or 4; 0 when dense.
  unsigned positionBits() const;
  /// Scales of a tile: for each group 16, a row's beside the next row's.
  int64_t numScales() const { return format.numGroups(cols) * kRows; }

  /// Why matrices of a format can't be laid out so; nullopt if they can. There
  /// is a storage for every pattern.
  static Error check(const Format &format);
  static TileLayout get(const Format &format, const Pattern *pattern,
                        int64_t rows, int64_t cols);

  /// The same of blocks, which not all patterns can be stored as.
  static Error checkBlocks(const Format &format, const Pattern *pattern,
                           int64_t cols);
  static TileLayout getBlocks(const Format &format, const Pattern &pattern,
                              int64_t rows, int64_t cols);
};

struct PackedTiles {
  std::vector<uint8_t> payload, positions, scales;
};

/// Rows [0, rows) of `codes` and `mask` (bytes 0 or 1; empty when dense), as
/// numerics::encode and computeMask give them, with scale bytes [rows, groups],
/// [rows, 1] or [1, 1]. With positions a mask keeps at most N of M, and with
/// blocks what the pattern keeps. With bitmaps tiles that others precede start
/// at `firstByte` of the whole payload, and the slack behind the last of them
/// is the caller's to add.
void packTiles(const TileLayout &layout, std::span<const uint8_t> codes,
               std::span<const uint8_t> mask, std::span<const uint8_t> scales,
               PackedTiles &out, int64_t firstByte = 0);

/// The inverse: codes (0 where dropped, sign-extended where integer), and scale
/// bytes [rows, groups]. An error names a position that repeats or that lies
/// outside of its group, with blocks an index that doesn't ascend or lies
/// outside of the matrix, and with bitmaps an offset that isn't where the codes
/// in front of it end, a bit beyond the matrix, and a payload of another size.
Error unpackTiles(const TileLayout &layout, const PackedTiles &packed,
                  std::span<uint8_t> codes, std::span<uint8_t> scales);

} // namespace mlir::sq::numerics

#endif // SPARSE_QUANT_NUMERICS_TILELAYOUT_H
