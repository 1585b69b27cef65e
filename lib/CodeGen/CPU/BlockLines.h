//===- BlockLines.h - Activations for weights in blocks ---------*- C++ -*-===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The activations of many rows as TileBlocks.h multiplies them: of a block of
// rows, *line* i is the words of its rows that belong to columns 4i..4i+3, one
// after the other. A product with a vector of weights reads one line.
//
//===----------------------------------------------------------------------===//
#ifndef SPARSE_QUANT_LIB_CODEGEN_CPU_BLOCKLINES_H
#define SPARSE_QUANT_LIB_CODEGEN_CPU_BLOCKLINES_H

#include "TileOperands.h"

namespace mlir::sq::cpu {

/// Index `i` of a tile in the layout `blocks`.
Value readBlockIndex(ImplicitLocOpBuilder &b, MatmulOp op,
                     const numerics::TileLayout &layout, Value tile, Value i);

class BlockLines : KernelBuilder {
public:
  BlockLines(ImplicitLocOpBuilder &builder, MatmulOp op,
             const numerics::TileLayout &layout, const ByteISA &isa,
             TileOperands &operands, int64_t rowBlock);

  /// A new memref<BLOCKSxLINESx?xi8> of all activations, which the caller
  /// deallocates. Rows beyond the last repeat it. For blocks of weights that
  /// are not whole vectors wide, a line is its four columns one after the
  /// other.
  Value make();
  /// Bytes of the lines of a block of rows.
  int64_t getBlockBytes() const {
    return numLines * rowBlock * numerics::TileLayout::kDepth;
  }
  /// To `gathered`, a memref<VECTORSx?xi8>: of the columns of each vector of
  /// `tile`, wherever they lie, lines of block `block` of `lines`.
  void gather(Value tile, Value block, Value lines, Value gathered);

private:
  void rearrange(Value block, Value line, int64_t cols);

  MatmulOp op;
  const numerics::TileLayout &layout;
  const ByteISA &isa;
  TileOperands &operands;
  int64_t rowBlock, numLines;
  Value lines;
};

} // namespace mlir::sq::cpu

#endif // SPARSE_QUANT_LIB_CODEGEN_CPU_BLOCKLINES_H
