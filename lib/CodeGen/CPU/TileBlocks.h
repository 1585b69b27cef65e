//===- TileBlocks.h - Integer products that skip blocks ---------*- C++ -*-===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The products of TileKernel.h for weights in the layout `blocks`: a tile
// stores the vectors that it keeps and where they belong, and only those are
// multiplied. So the work is in proportion to what is kept.
//
// A vector of weights is multiplied with the same four columns of all rows of
// activations. Of many rows, these must not lie in a cache line each, of which
// the vectors in between, which are skipped, leave most unused: activations are
// rearranged, once for all weights, so that the words of 16 rows that belong to
// four columns are one line:
//
//   for each chunk of rows, for each tile:                 in parallel
//     for each 16 rows of the chunk:                       sums in registers
//       for each kept vector of the tile:
//         16 products with the words of its line, from memory
//
// A chunk's activations stay in the second-level cache, a tile's weights in the
// first. Where blocks are not whole vectors wide, a vector's four columns lie
// anywhere: 16 rows' activations of a tile are gathered in front of its
// products, which then read lines in order.
//
// With scale groups, the vectors of a group are those whose indices lie in it;
// what it sums up exactly is scaled and added to a total in f32. Groups of
// which nothing is kept are skipped, whatever their scale is.
//
//===----------------------------------------------------------------------===//
#ifndef SPARSE_QUANT_LIB_CODEGEN_CPU_TILEBLOCKS_H
#define SPARSE_QUANT_LIB_CODEGEN_CPU_TILEBLOCKS_H

#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "sparse-quant/Dialect/SQ/IR/SQ.h"
#include "sparse-quant/Numerics/TileLayout.h"

namespace mlir::sq::cpu {

class ByteISA;

/// "" if `emitTileBlocks` can compute products with weights of such sizes;
/// otherwise why not.
std::string checkTileBlocksSizes(const numerics::TileLayout &layout);

/// Emits the product of `op`, which is on memrefs; does not erase it.
void emitTileBlocks(ImplicitLocOpBuilder &builder, MatmulOp op,
                    const numerics::TileLayout &layout, const ByteISA &isa);

} // namespace mlir::sq::cpu

#endif // SPARSE_QUANT_LIB_CODEGEN_CPU_TILEBLOCKS_H
