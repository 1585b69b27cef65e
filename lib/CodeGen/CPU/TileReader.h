//===- TileReader.h - Vectors of weights of a tile --------------*- C++ -*-===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef SPARSE_QUANT_LIB_CODEGEN_CPU_TILEREADER_H
#define SPARSE_QUANT_LIB_CODEGEN_CPU_TILEREADER_H

#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "sparse-quant/Dialect/SQ/IR/SQ.h"
#include "sparse-quant/Numerics/TileLayout.h"

namespace mlir::sq::cpu {

class ByteISA;

/// Emits the loads of one tile. Vectors are read in ascending order, each once,
/// from a first one that starts a unit of columns; what neighbors share (a byte
/// of two nibbles, a byte of positions, where the codes of a bitmap start) is
/// loaded or counted once.
///
/// A run reads either what is stored (`readWeights`, `readIndices`) or, with
/// dropped weights as zeros, dense vectors of four columns (`readDense`).
class TileReader {
public:
  TileReader(ImplicitLocOpBuilder &builder, MatmulOp op,
             const numerics::TileLayout &layout, const ByteISA &isa,
             Value tile);

  /// What `readWeights` returns is this many times element * integerFactor.
  static int getWeightFactor(const numerics::TileLayout &layout);

  /// Starts a run of vectors at vector number `first`.
  void start(Value first);
  /// Bitmap: goes on at column `col`, whose vector's codes start at `cursor`,
  /// as `getCursor` told after the vector before it.
  void seek(Value col, Value cursor);
  Value getCursor() { return cursor; }
  /// Signed weights of vector first + i: vector<64xi8>. With a bitmap they are
  /// those of all columns, dropped ones being zeros. Of elements that aren't
  /// integers in disguise they are codes: of four bits, what lies above them is
  /// arbitrary; those of six are the upper bits of bytes.
  Value readWeights(int64_t i);
  /// Those of stored vector `vector`, without a run. Not of bitmaps.
  Value readWeightsAt(Value vector);
  /// Where the weights of vector first + i find their activations, counted from
  /// the start of the `span` columns they belong to: vector<64xi8>. `span` is a
  /// multiple of vectorCols, and a power of two. Positions only.
  Value readIndices(int64_t i, int64_t span);
  /// Starts a run of dense vectors at column 4 * first.
  void startDense(Value first);
  /// Signed weights of columns 4 * (first + i) and the next three:
  /// vector<64xi8>.
  Value readDense(int64_t i);
  /// The scales of a group of columns: vector<16xf32>.
  Value readScales(Value group);
  /// Asks for what a stream of `bits` a code has some codes after `at`.
  void prefetchBytes(Value memref, Value row, Value at, unsigned bits);

private:
  /// Whether nibbles are looked up.
  bool isCodebook() const;
  /// 64 bytes of a stream of `bits` a code.
  Value loadBytes(Value memref, Value offset, int64_t extra, unsigned bits);
  /// Little-endian integer of the positions, at `offset` + `extra`.
  Value loadInteger(unsigned bits, Value offset, int64_t extra);
  /// For each of 64 indices the element of the code `getCode` gives, as an
  /// integer.
  Value makeTable(function_ref<int64_t(int64_t)> getCode);
  /// A codebook's elements, four times over: indices of six bits find them by
  /// their lowest four.
  Value makeNibbleTable();
  /// The next codes of a bitmap's payload, a byte each, in order.
  Value readKept();
  /// The same for 16 lanes at a time, for targets without `expandBytes`.
  Value readKeptParts(Value bits);
  Value readSixes(int64_t i);
  Value lookUpSixes(Value indices);
  Value readNibbles(Value first, function_ref<Value(Value, int64_t)> load);
  Value expandParts(Value kept, Value bits);
  Value expandWeights(int64_t i);
  Value expand(Value weights, Value indices, int64_t part);
  Value expandByColumn(Value weights, Value indices, int64_t part);
  /// Each word of 16 bits shifted: what crosses from the other byte of it is to
  /// be masked away.
  Value shiftBytes(Value bytes, int left);
  Value maskBytes(Value bytes, unsigned bits);
  /// The byte-wise bits [shift, shift + bits) of `bytes`.
  Value extractField(Value bytes, unsigned shift, unsigned bits);

  ImplicitLocOpBuilder &b;
  MatmulOp op;
  const numerics::TileLayout &layout;
  const ByteISA &isa;
  Value tile, payloadStart, positionStart;
  Value nibbles, lowBits, positions;
  /// Bitmap: where the tile's codes start, and where the next vector's do.
  Value tileStart, cursor;
  /// N:M: the stored vectors that the dense ones at hand come from, with their
  /// indices.
  SmallVector<std::pair<Value, Value>> stored;
};

} // namespace mlir::sq::cpu

#endif // SPARSE_QUANT_LIB_CODEGEN_CPU_TILEREADER_H
