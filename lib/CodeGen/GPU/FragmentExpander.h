//===- FragmentExpander.h - Zeros between what is kept ----------*- C++ -*-===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Weights with bitmaps (NUM-L12) are read as they are stored and multiplied
// dense. A warp makes a dense unit of bytes in its registers: lanes count what
// the lanes before them keep, and each puts zeros between its own codes, four
// at a time. Few tokens do it where they need it (StreamMma.cpp); for many it
// is done once, into memory, for all of them.
//
//===----------------------------------------------------------------------===//
#ifndef SPARSE_QUANT_LIB_CODEGEN_GPU_FRAGMENTEXPANDER_H
#define SPARSE_QUANT_LIB_CODEGEN_GPU_FRAGMENTEXPANDER_H

#include "Multiplier.h"

namespace mlir::sq::cuda {

class FragmentExpander : MultiplierBuilder {
public:
  /// `layout` has bitmaps; weights and metadata are addresses of 64 bits.
  FragmentExpander(ImplicitLocOpBuilder &builder,
                   const numerics::FragmentLayout &layout,
                   const Multiplier &multiplier, Value weights, Value metadata)
      : MultiplierBuilder(builder, layout, multiplier), weights(weights),
        metadata(metadata) {}

  /// The lane's words of unit `unit` (32 bits) of a tile, four codes each in
  /// the order step, register, element, as `layout.getExpanded()` has them.
  SmallVector<Value> emitUnit(Value tile, Value unit, Value lane);

private:
  Value countBefore(Value own, Value lane);
  SmallVector<Value> makeSelectors(Value bitmap, int64_t eight);
  Value loadBits(Value pointer, Value bit);
  Value toBytes(Value codes);

  Value weights, metadata;
};

/// Launches the expansion of all units of a matrix to `to`, an address.
void emitExpansion(ImplicitLocOpBuilder &b,
                   const numerics::FragmentLayout &layout,
                   const Multiplier &multiplier, Value weights, Value metadata,
                   Value to);

} // namespace mlir::sq::cuda

#endif // SPARSE_QUANT_LIB_CODEGEN_GPU_FRAGMENTEXPANDER_H
