//===- TilePanel.h - Integer products of many rows on tiles -----*- C++ -*-===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The products of TileKernel.h for many rows of activations, where arithmetic
// decides and not bytes:
//
//   for each block of tiles, for each chunk of rows:       in parallel
//     for each panel of columns:
//       decode the panel's weights to dense signed bytes   once a chunk
//       for each block of rows in the chunk:
//         sums of rows x tiles, all in registers
//
// A register of weights is used for all rows of a block, a broadcast word of
// activations for all tiles: with vpdpbusd on AVX-512 8 x 3 sums take 11 loads
// for 24 products, from two streams, since activations are interleaved by
// blocks of rows. With scale groups a sum needs a second register, in f32, so
// it is 4 x 3. PanelForm.h has what other instruction sets do. Partial sums of
// a panel wait in a buffer; with one panel there is none.
//
// Whatever can be decoded to a dense vector runs at the speed of dense weights
// here, less what decoding takes; dropped weights are multiplied as zeros.
// Results equal those of TileKernel.h bit for bit.
//
//===----------------------------------------------------------------------===//
#ifndef SPARSE_QUANT_LIB_CODEGEN_CPU_TILEPANEL_H
#define SPARSE_QUANT_LIB_CODEGEN_CPU_TILEPANEL_H

#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "sparse-quant/Dialect/SQ/IR/SQ.h"
#include "sparse-quant/Numerics/TileLayout.h"

namespace mlir::sq::cpu {

class ByteISA;
struct SumGroups;

/// "" if `emitTilePanel` can compute products with weights of such sizes, which
/// `checkTileProductSizes` takes; otherwise why not.
std::string checkTilePanelSizes(const numerics::TileLayout &layout,
                                const SumGroups &groups, const ByteISA &isa);

/// Emits the product of `op`, which is on memrefs; does not erase it. Where the
/// number of rows is only known when the code runs, those below the op's
/// `manyInputs` go to TileKernel.h.
void emitTilePanel(ImplicitLocOpBuilder &builder, MatmulOp op,
                   const numerics::TileLayout &layout, const ByteISA &isa);

} // namespace mlir::sq::cpu

#endif // SPARSE_QUANT_LIB_CODEGEN_CPU_TILEPANEL_H
