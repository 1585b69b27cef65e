//===- TileFloats.h - Weights of a tile as f32 ------------------*- C++ -*-===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A vector of a tile, seen as 16 words, has the codes of one row in each word.
// Depth d of it is one code a row, and becomes a vector of 16 floats:
//
//   4 bits          any format: the word is shifted until the code is lowest,
//                   and looks its value up in a register of 16 floats, which
//                   ignores what is above the code
//   8 bits, int     moved to the top of a word that is zero below, for the
//   sign,
//                   then converted: 2^24 of the value
//   6, 8 bits, float  a byte permutation makes the codes of two depths the
//   upper
//                   halves of 32 halfwords; shifts move exponent and mantissa
//                   to where an f16 has them. The bias of the exponent is
//                   another one, so all values, denormals included, are off by
//                   the same power of two. f16 has room for it, and its
//                   conversion takes no longer for denormals, as
//                   multiplications of f32 do.
//
// Where a bitmap says what is kept, bytes are expanded first, and codes of six
// bits are put together, as integers do (TileReader.h).
//
// Encoders never emit E4M3's NaN (NUM-F3); here it would be a number.
//
//===----------------------------------------------------------------------===//
#ifndef SPARSE_QUANT_LIB_CODEGEN_CPU_TILEFLOATS_H
#define SPARSE_QUANT_LIB_CODEGEN_CPU_TILEFLOATS_H

#include "TileReader.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "sparse-quant/Dialect/SQ/IR/SQ.h"
#include "sparse-quant/Numerics/TileLayout.h"

namespace mlir::sq::cpu {

/// Emits the loads of one tile. Codes are read in ascending order from a first
/// vector that starts a unit of columns.
class TileFloats {
public:
  TileFloats(ImplicitLocOpBuilder &builder, MatmulOp op,
             const numerics::TileLayout &layout, const ByteISA &isa, Value tile)
      : b(builder), op(op), layout(layout), tile(tile), isa(isa),
        reader(builder, op, layout, isa, tile) {}

  /// Elements are this many times what `readElements` returns: a power of two.
  static float getFactor(const numerics::TileLayout &layout,
                         const ByteISA &isa);

  /// Starts a run of vectors at vector number `first`.
  void start(Value first);
  /// Code d of each row in vector first + i: vector<16xf32>.
  Value readElements(int64_t i, int64_t d);
  /// Where these codes stand in their groups of M columns: vector<16xi32>,
  /// whose upper bits hold something else. Positions only.
  Value readPositions(int64_t i, int64_t d);

private:
  Value loadWords(Value memref, Value start, int64_t vector, unsigned bits);
  /// Words shifted down until bit `bit` is the lowest.
  Value shiftDown(Value words, int64_t bit);
  Value isolateByte(int64_t d);
  Value decodeHalves(int64_t d);

  ImplicitLocOpBuilder &b;
  MatmulOp op;
  const numerics::TileLayout &layout;
  Value tile, payloadStart, positionStart;
  /// Of bitmaps and six bits; and asks ahead for the others, too.
  const ByteISA &isa;
  TileReader reader;
  /// The vectors at hand, vector<16xi32>, and of float codes two depths.
  Value codes, positions, halves;
};

/// Whether a loop over whole units of columns can run within a scale group.
inline bool groupsAreUnits(const numerics::TileLayout &layout) {
  return !layout.hasGroups() ||
         layout.format.groupSize % layout.unitCols() == 0;
}

/// E8M0 scales, one or a vector of them, as f32: 2^(code - 127).
Value decodeE8M0(ImplicitLocOpBuilder &b, Value scales);

/// The 16 scales of a group of columns, in f32.
Value readTileScales(ImplicitLocOpBuilder &builder, MatmulOp op,
                     const numerics::TileLayout &layout, Value tile,
                     Value group);

} // namespace mlir::sq::cpu

#endif // SPARSE_QUANT_LIB_CODEGEN_CPU_TILEFLOATS_H
