//===- BlockWalk.h - The kept vectors of a tile -----------------*- C++ -*-===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Loops over the vectors that a tile in the layout `blocks` stores: all of
// them, or group by group where scales vary along the columns.
//
//===----------------------------------------------------------------------===//
#ifndef SPARSE_QUANT_LIB_CODEGEN_CPU_BLOCKWALK_H
#define SPARSE_QUANT_LIB_CODEGEN_CPU_BLOCKWALK_H

#include "BlockLines.h"
#include "KernelBuilder.h"

namespace mlir::sq::cpu {

/// The base of a kernel on blocks.
class BlockWalk : protected KernelBuilder {
protected:
  BlockWalk(ImplicitLocOpBuilder &builder, MatmulOp op,
            const numerics::TileLayout &layout)
      : KernelBuilder(builder), op(op), layout(layout) {}

  /// Calls body(first, count, sums) for vectors [first, first + count) of a
  /// tile, in steps of `unroll`.
  SmallVector<Value> forEachVector(
      int64_t unroll, ArrayRef<Value> initial,
      function_ref<SmallVector<Value>(Value, int64_t, ArrayRef<Value>)> body);

  /// For each scale group that keeps anything: its sums begin as start(group),
  /// add(vector, line, sums) is called for each of its vectors, and then
  /// finish(group, sums, totals).
  void forEachGroup(
      Value tile, SmallVector<Value> &totals,
      function_ref<SmallVector<Value>(Value)> start,
      function_ref<void(Value, Value, SmallVector<Value> &)> add,
      function_ref<void(Value, ArrayRef<Value>, SmallVector<Value> &)> finish);

  Value readIndex(Value tile, Value i) {
    return readBlockIndex(b, op, layout, tile, i);
  }
  /// The word of four bytes at memref[indices], in all lanes.
  Value splatWord(Value memref, ValueRange indices);
  Value splatWord(Value word);

  Value zeroSums() { return zeros(i32s); }

  MatmulOp op;
  const numerics::TileLayout &layout;
  VectorType bytes =
      VectorType::get({numerics::TileLayout::kVector}, b.getI8Type());
  VectorType i32s =
      VectorType::get({numerics::TileLayout::kRows}, b.getI32Type());
};

} // namespace mlir::sq::cpu

#endif // SPARSE_QUANT_LIB_CODEGEN_CPU_BLOCKWALK_H
