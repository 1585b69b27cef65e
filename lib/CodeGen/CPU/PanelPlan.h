//===- PanelPlan.h - How panels of weights are cut --------------*- C++ -*-===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef SPARSE_QUANT_LIB_CODEGEN_CPU_PANELPLAN_H
#define SPARSE_QUANT_LIB_CODEGEN_CPU_PANELPLAN_H

#include "PanelForm.h"
#include "SumGroups.h"
#include "mlir/IR/Value.h"
#include "sparse-quant/Numerics/TileLayout.h"

namespace mlir::sq::cpu {

class ByteISA;

/// How the columns are cut, in dense vectors of four columns.
struct PanelPlan {
  /// Vectors that a step of the product loop consumes.
  static constexpr int64_t kProductUnroll = 4;

  /// Of all columns, less what no scale group covers.
  int64_t vectors;
  /// That share a sum in i32: one of SumGroups, or all of a panel.
  int64_t group;
  /// That are decoded by straight-line code.
  int64_t run;
  /// Of a panel, in whole groups and whole steps of the product loop.
  int64_t panel;
  int64_t numPanels;
  /// How the target multiplies, and how many rows and tiles at once.
  PanelForm form;

  /// Of groups that are whole vectors.
  static PanelPlan get(const numerics::TileLayout &layout,
                       const SumGroups &groups, const ByteISA &isa);
  static PanelForm getForm(const numerics::TileLayout &layout,
                           const SumGroups &groups, const ByteISA &isa);
  int64_t numGroups() const { return panel / group; }
  /// Whether the weights' scales are all there is and powers of two, and no sum
  /// of a group reaches 2^22.
  static bool hasAnchors(const numerics::TileLayout &layout,
                         const SumGroups &groups);
  /// Vectors of the last panel.
  int64_t lastPanel() const { return vectors - (numPanels - 1) * panel; }
};

/// A block of tiles, the part of the columns at hand, and the rows of
/// activations that it is multiplied with.
struct PanelPlace {
  Value firstTile;
  int64_t numTiles = 0;
  Value firstRow, endRow;
  /// Null if there is one only.
  Value panel;
  /// Of this panel.
  Value numGroups, endVector;
  /// Whether all anchors of this panel are finite; null if there are none.
  Value isAnchored;
};

/// Memory of a thread.
struct PanelBuffers {
  /// Decoded weights [vector * word, tile * 64].
  Value weights;
  /// Of each group and tile the sum of 128 * w, null if activations aren't
  /// biased, and scales.
  Value corrections, scales;
  /// Powers of two only: for each scale 3 * 2^22 * scale, null if there are
  /// none. Sums in i32 that start at its bits are, read as a float,
  /// anchor + sum * scale, as long as 2^22 is larger than any of them.
  Value anchors;
  /// The sums of earlier panels [row of the chunk, tile * 16].
  Value partial;
};

} // namespace mlir::sq::cpu

#endif // SPARSE_QUANT_LIB_CODEGEN_CPU_PANELPLAN_H
