//===- FloatPanel.h - f32 products by panels of the weights -----*- C++ -*-===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Products of many rows of activations, where arithmetic is the limit. A
// *block* is as many rows of the weights as a vector has lanes; a *panel* is
// some columns of two blocks as f32 in scratch memory, [column][row], which the
// cache holds while all rows of activations are multiplied with it:
//
//   for each pair of blocks, in parallel
//     for each panel of columns
//       fill the panel: transpose or decode, once
//       for 12 rows of activations at a time
//         24 vectors of sums; for each column two vectors of weights are
//         loaded, and twelve activations, each in all lanes
//
// Twelve rows of activations at one column must not compete for the same place
// in the cache, which they do where a row is a multiple of some power of two;
// then they are copied to rows that are a cache line longer.
//
//===----------------------------------------------------------------------===//
#ifndef SPARSE_QUANT_LIB_CODEGEN_CPU_FLOATPANEL_H
#define SPARSE_QUANT_LIB_CODEGEN_CPU_FLOATPANEL_H

#include "mlir/IR/ImplicitLocOpBuilder.h"

namespace mlir::sq::cpu {

/// Rows of activations from which on filling a panel pays.
inline constexpr int64_t kMinPanelRows = 16;

struct PanelProduct {
  /// memref<MxKxf32> and memref<MxNxf32>, M dynamic or not.
  Value input, out;
  int64_t outputs, cols;
  /// f32 lanes of a vector: weights of a block.
  int64_t lanes;
  /// Columns of a panel but the last one's.
  int64_t panelCols = 256;
  /// Blocks that share an activation, and rows of activations whose sums are in
  /// registers with theirs: 24 of 32 vectors, or 12 of 16.
  int64_t blocks = 2, rows = lanes >= 16 ? 12 : 6;
};

/// Emits stores of `extent` (at most panelCols) columns, from `col` on, of a
/// block of weights to panel[half, 0.., 0..lanes).
using PanelFill = function_ref<void(Value block, Value col, Value extent,
                                    Value panel, Value half)>;

/// out += input * transpose(weights).
void emitPanelProduct(ImplicitLocOpBuilder &builder,
                      const PanelProduct &product, PanelFill fill);

/// The same with dense weights, memref<NxKxf32>, f16 or bf16.
void emitDensePanelProduct(ImplicitLocOpBuilder &builder, Value input,
                           Value weights, Value out, int64_t lanes);

/// Emits `body`, which fills `valid` columns from k on, for all of a panel:
/// `step` columns at a time, and the `rest` that the matrix, not each panel,
/// ends with. Panels have whole steps.
void emitPanelColumns(ImplicitLocOpBuilder &builder, Value extent, int64_t step,
                      int64_t rest,
                      function_ref<void(Value k, int64_t valid)> body);

/// Emits `many` if there are rows enough for panels, `few` if not; both under a
/// condition where the number is dynamic.
void emitByRows(ImplicitLocOpBuilder &builder, Value input,
                function_ref<void()> many, function_ref<void()> few);

} // namespace mlir::sq::cpu

#endif // SPARSE_QUANT_LIB_CODEGEN_CPU_FLOATPANEL_H
