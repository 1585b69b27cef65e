//===- PanelPrefetch.h - Ask for the next panel's weights -------*- C++ -*-===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Panels are read, then multiplied: the memory would do nothing while the
// multipliers work, and the other way around. So the products of the first rows
// of activations ask for the weights of the panel that comes next.
//
//===----------------------------------------------------------------------===//
#ifndef SPARSE_QUANT_LIB_CODEGEN_CPU_PANELPREFETCH_H
#define SPARSE_QUANT_LIB_CODEGEN_CPU_PANELPREFETCH_H

#include "KernelBuilder.h"
#include "PanelPlan.h"
#include "sparse-quant/Dialect/SQ/IR/SQ.h"

namespace mlir::sq::cpu {

class PanelPrefetch : KernelBuilder {
public:
  /// For the panel after the one at `place`; emits where that is.
  PanelPrefetch(ImplicitLocOpBuilder &builder, MatmulOp op,
                const numerics::TileLayout &layout, const PanelPlan &plan,
                const PanelPlace &place);

  /// Rows of activations whose products ask for a panel, in whole blocks: as
  /// few as the memory keeps up with. Fewer ask for a part of it.
  int64_t getRows() const { return rows; }
  /// Beside the products of so many vectors from `vector` on, of row block
  /// `block` of the chunk.
  void emit(Value block, Value vector);

private:
  /// What a tile stores of a panel, in one of the op's operands.
  struct Stream {
    Value memref, row, first;
    int64_t bytesPerVector;
  };
  void addStreams(Value tile, Value panel);

  MatmulOp op;
  const numerics::TileLayout &layout;
  const PanelPlan &plan;
  SmallVector<Stream> streams;
  int64_t rows;
};

} // namespace mlir::sq::cpu

#endif // SPARSE_QUANT_LIB_CODEGEN_CPU_PANELPREFETCH_H
