//===- CostModel.h - What a kernel is expected to take ----------*- C++ -*-===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A product takes as long as the longer of two things, and a part of the
// shorter: the reading of weights, if a kernel first reads and then multiplies.
//
//   memory    bytes of weights, activations and results / the bandwidth of the
//             cores
//   compute   products / (the unit's peak * the kernel's share of it)
//             + decoding of weights + selection of activations + scale groups
//
// Weights come from memory: between two uses of a layer the rest of the model
// goes through the caches. Constants are cycles of a core for a vector of 64
// weights, as measured on Zen 5 (docs/benchmarks/cost-model.md); where
// registers are narrower they count as often as such a vector has registers.
//
//===----------------------------------------------------------------------===//
#ifndef SPARSE_QUANT_LIB_CODEGEN_CPU_COSTMODEL_H
#define SPARSE_QUANT_LIB_CODEGEN_CPU_COSTMODEL_H

#include "sparse-quant/CodeGen/CPU/KernelTable.h"

namespace mlir::sq::cpu {

/// What multiplies, and so what the peak is.
enum class Unit {
  /// Dot products of bytes: CPUFacts::int8Ops.
  Bytes,
  /// f32 multiply-adds: CPUFacts::f32Ops.
  Floats,
  /// One op a cycle.
  Scalar,
};

/// A row's part of the cost model.
struct CostParameters {
  Unit unit;
  /// Share of the unit's peak that products with decoded weights reach.
  double efficiency;
  /// Share of the reading of weights that products hide, or the other way
  /// around.
  double overlap;
  /// Whether dropped N:M weights take no products.
  bool skipsDropped;
  /// Rows of activations that share one decoding of a weight.
  int64_t rowsPerDecode;
  /// To decode a vector of 64 stored codes of 8 bits; what there is to add for
  /// codes of 4 bits and of 6 (by instructions, not measured), for positions,
  /// and for the bitmap.
  double decode, nibbles, sixes, positions, bitmap;
  /// To select a row's activations by the positions of a stored vector.
  double select;
  /// For a row's sums of 16 weight rows in a scale group.
  double group;
  /// From so many rows of activations on, weights are decoded once for all, and
  /// dropped ones multiplied.
  int64_t panelFrom = INT64_MAX;
  /// Whether `rowsPerDecode` are those whose sums fit 32 vectors of 64 bytes:
  /// where registers hold fewer vectors, fewer rows share a decoding.
  bool rowsFillRegisters = false;
};

struct KernelRow;

/// What `row` is expected to take for `product` with so many rows of
/// activations, legal or not.
KernelCost predictCost(const KernelRow &row, const Product &product,
                       int64_t inputs, const KernelTarget &target);

/// From how many rows of activations on `row` is expected to be faster than its
/// kernel for few; none if for no number that is worth a kernel of its own.
std::optional<int64_t> findManyInputs(const KernelRow &row,
                                      const Product &product,
                                      const KernelTarget &target);

/// For the rows of activations of `product`; for one of decoding and one of
/// prefill where their number is only known at run time. From `manyInputs` on
/// it is `row` that computes, below that its kernel for few, if it has one.
SmallVector<KernelCost> predictCosts(const KernelRow &row,
                                     std::optional<int64_t> manyInputs,
                                     const Product &product,
                                     const KernelTarget &target);

/// How many times as long as `rhs` costs take, in the geometric mean: one row
/// of activations counts as much as many.
double compareCosts(ArrayRef<KernelCost> lhs, ArrayRef<KernelCost> rhs);

} // namespace mlir::sq::cpu

#endif // SPARSE_QUANT_LIB_CODEGEN_CPU_COSTMODEL_H
