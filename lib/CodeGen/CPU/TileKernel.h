//===- TileKernel.h - Integer products on tiles -----------------*- C++ -*-===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// out[m, n] += sum over k of x[m, k] * w[n, k] for weights in the layout
// `tiles` (Numerics/TileLayout.h) and activations in signed bytes, with the dot
// products of bytes that the target has (ByteISA.h). Where they multiply
// unsigned bytes with signed ones:
//
//   w + 128 is unsigned, x is signed:
//   sum x * w = sum x * (w + 128) - 128 * sum x
//
// and the second sum is the same for all rows of weights: sums start with it.
// Where not all activations of a scale group meet a weight (positions), it is
// the activations that become unsigned,
//
//   sum x * w = sum (x + 128) * w - sum 128 * w
//
// and the second sum is one more dot product with a constant, shared by all
// rows of activations. Everything is exact in i32; one f32 multiply-add a scale
// group follows.
//
// A row of 2:4 weights and the like isn't expanded: the weights' positions
// select activations from a register (vpermb, pshufb), so the work is that of
// the kept weights only.
//
//===----------------------------------------------------------------------===//
#ifndef SPARSE_QUANT_LIB_CODEGEN_CPU_TILEKERNEL_H
#define SPARSE_QUANT_LIB_CODEGEN_CPU_TILEKERNEL_H

#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "sparse-quant/Dialect/SQ/IR/SQ.h"
#include "sparse-quant/Numerics/TileLayout.h"

namespace mlir::sq::cpu {

class ByteISA;
struct SumGroups;

/// "" if `emitTileProduct` can compute products with weights of such sizes,
/// otherwise why not.
std::string checkTileProductSizes(const numerics::TileLayout &layout,
                                  const SumGroups &groups);

/// Emits the product of `op`, which is on memrefs; does not erase it.
void emitTileProduct(ImplicitLocOpBuilder &builder, MatmulOp op,
                     const numerics::TileLayout &layout, const ByteISA &isa);

} // namespace mlir::sq::cpu

#endif // SPARSE_QUANT_LIB_CODEGEN_CPU_TILEKERNEL_H
