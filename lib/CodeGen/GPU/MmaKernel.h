//===- MmaKernel.h - Linear layers on tensor cores --------------*- C++ -*-===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Y^T = W X^T, as the sparse operand of `mma.sp` is the first: 16 rows of
// weights, in fragments (NUM-L11), times eight rows of activations, *tokens*
// here. Two kernels share the layout, and a call takes the one for its number
// of tokens:
//
//   tiles    a block of threads computes 128 rows for up to 128 tokens. Weights
//            and activations of a few blocks of columns are on their way to
//            shared memory (`cp.async`) while others are multiplied;
//            activations lie there so that `ldmatrix` meets no bank twice.
//   stream   up to 16 tokens, where reading weights takes all of the time: a
//            block of threads computes 16 rows; its warps share the columns,
//            read weights 16 bytes a lane, each once and never to shared
//            memory, and add their sums up at the end.
//
//===----------------------------------------------------------------------===//
#ifndef SPARSE_QUANT_LIB_CODEGEN_GPU_MMAKERNEL_H
#define SPARSE_QUANT_LIB_CODEGEN_GPU_MMAKERNEL_H

#include "Epilogue.h"
#include "Multiplier.h"

namespace mlir::sq::cuda {

/// A product as the host sees it: addresses are 64 bits, strides and numbers of
/// rows 32.
struct MmaProduct {
  /// What is multiplied, and of weights with bitmaps what is stored.
  numerics::FragmentLayout layout;
  std::optional<numerics::FragmentLayout> compressed;
  Multiplier multiplier;
  /// Scales are null where the format has none.
  Value weights, metadata, scales;
  /// [planes][tokens][layout.paddedCols()], in multiplicands; zeros behind the
  /// matrix.
  Value activations;
  /// A scale a token or one for all; null for f32.
  Value activationScales;
  bool hasScalePerToken = false;
  /// Or powers of two (E8M0), one for each token and scale group of the
  /// weights, of what elements are when they are multiplied with this factor.
  bool hasScalePerGroup = false;
  int activationFactor = 1;
  Value out, outStride, tokens;
  /// What `out` holds isn't added to.
  bool overwrites = false;
  /// Computed with the product; null if there is none.
  Epilogue *epilogue = nullptr;
};

/// Most tokens of the stream kernel.
inline constexpr int64_t kStreamTokens = 16;

/// Launches the tile kernel; a block of threads has no more than `sharedBytes`.
void emitTileMma(ImplicitLocOpBuilder &b, const MmaProduct &product,
                 int64_t sharedBytes);
/// Launches the stream kernel for up to 8 or 16 tokens.
void emitStreamMma(ImplicitLocOpBuilder &b, const MmaProduct &product,
                   int64_t maxTokens);

/// What both share.
class MmaBuilder : protected MultiplierBuilder {
protected:
  MmaBuilder(ImplicitLocOpBuilder &builder, const MmaProduct &product)
      : MultiplierBuilder(builder, product.layout, product.multiplier),
        product(product) {}

  int64_t stepBytes() const {
    return layout.stepCols() * layout.multiplierBytes;
  }
  int64_t blockBytes() const {
    return layout.blockCols() * layout.multiplierBytes;
  }
  int64_t groupsPerBlock() const {
    return layout.hasGroups() ? layout.blockCols() / layout.format.groupSize
                              : 1;
  }
  /// Parts of steps, of each scale group and of a block.
  int64_t partsPerBlock() const {
    return layout.stepsPerBlock() * layout.partsPerStep();
  }
  int64_t partsPerGroup() const { return partsPerBlock() / groupsPerBlock(); }
  /// The weights of a part of a step, with zeros for the others.
  Fragment takePart(const Fragment &weights, int64_t part);
  int64_t numRegistersOfActivations() const {
    return layout.isSparse() ? 4 : 2;
  }

  Value lane() { return rem(thread(), kWarp); }
  /// thread / 32, which is the same for all lanes.
  Value warp() { return div(thread(), kWarp); }
  Fragment zeros() { return Fragment(4, zero()); }
  Fragment floatZeros() { return Fragment(4, constant(0.0f)); }
  /// The scales of the lane's two rows of a tile, in group `group`.
  std::array<Value, 2> loadScales(Value tile, Value group);
  /// The same of the lane's two tokens of eight, `first` and on; none where
  /// activations have no groups.
  SmallVector<Value> loadTokenScales(Value first, Value group);
  /// `sum` + parts * their rows' scales, and their tokens' if there are any.
  Fragment addScaled(const Fragment &sum, const Fragment &parts,
                     ArrayRef<Value> scales, ArrayRef<Value> tokenScales);
  /// Puts a sum in its place in `out`, if there is one, or adds it to that; or
  /// does what the epilogue says. `acc` is in f32 and scaled where there are
  /// groups.
  void emitResult(Value acc, Value row, Value token);

  const MmaProduct &product;
};

} // namespace mlir::sq::cuda

#endif // SPARSE_QUANT_LIB_CODEGEN_GPU_MMAKERNEL_H
