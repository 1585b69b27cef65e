//===- TileFma.h - Products of f32 activations with tiles -------*- C++ -*-===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The kernel `cpu.tile-fma`: weights in the layout `tiles` (TileLayout.h)
// become floats in registers, 16 rows of one column at a time, and one
// multiply-add with that column's activation adds them to the sums of the 16
// rows. No sum crosses lanes, and nothing decoded goes to memory.
//
// Of N:M weights the M activations of a group are repeated in a register, and
// the weights' positions select from it, so the work is that of the kept
// weights only.
//
// Sums of a scale group are f32; one multiply-add by the scales adds them to
// the total. Each step rounds, so results are those of an f32 dot product, not
// bit for bit those of another kernel.
//
// Up to eight rows of activations at a time share what is decoded. From 16 rows
// on weights are decoded to panels in the cache, once for all rows
// (TileExpand.h).
//
//===----------------------------------------------------------------------===//
#ifndef SPARSE_QUANT_LIB_CODEGEN_CPU_TILEFMA_H
#define SPARSE_QUANT_LIB_CODEGEN_CPU_TILEFMA_H

#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "sparse-quant/Dialect/SQ/IR/SQ.h"
#include "sparse-quant/Numerics/TileLayout.h"

namespace mlir::sq::cpu {

class ByteISA;

/// "" if `emitTileFma` can compute products with weights of such sizes,
/// otherwise why not.
std::string checkTileFmaSizes(const numerics::TileLayout &layout);

/// Emits the product of `op`, which is on memrefs; does not erase it.
void emitTileFma(ImplicitLocOpBuilder &builder, MatmulOp op,
                 const numerics::TileLayout &layout, const ByteISA &isa);

} // namespace mlir::sq::cpu

#endif // SPARSE_QUANT_LIB_CODEGEN_CPU_TILEFMA_H
