//===- BlockWalk.cpp - The kept vectors of a tile -------------------------===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "BlockWalk.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace mlir::sq;
using namespace mlir::sq::cpu;
using numerics::TileLayout;

Value BlockWalk::splatWord(Value word) {
  return vector::BitCastOp::create(b, bytes,
                                   vector::BroadcastOp::create(b, i32s, word));
}

Value BlockWalk::splatWord(Value memref, ValueRange indices) {
  auto four = VectorType::get({TileLayout::kDepth}, b.getI8Type());
  Value loaded = vector::LoadOp::create(b, four, memref, indices);
  return splatWord(vector::ExtractOp::create(
      b,
      vector::BitCastOp::create(b, VectorType::get({1}, b.getI32Type()),
                                loaded),
      int64_t(0)));
}

SmallVector<Value> BlockWalk::forEachVector(
    int64_t unroll, ArrayRef<Value> initial,
    function_ref<SmallVector<Value>(Value, int64_t, ArrayRef<Value>)> body) {
  int64_t count = layout.vectorsPerTile(), whole = count / unroll * unroll;
  SmallVector<Value> carried(initial);
  if (whole) {
    carried = emitLoop(b, index(0), index(whole), unroll, carried,
                       [&](Value first, ArrayRef<Value> values) {
                         return body(first, unroll, values);
                       });
    if (!carried.empty())
      keepRolled(carried);
  }
  if (count > whole)
    carried = body(index(whole), count - whole, carried);
  return carried;
}

void BlockWalk::forEachGroup(
    Value tile, SmallVector<Value> &totals,
    function_ref<SmallVector<Value>(Value)> start,
    function_ref<void(Value, Value, SmallVector<Value> &)> add,
    function_ref<void(Value, ArrayRef<Value>, SmallVector<Value> &)> finish) {
  int64_t perGroup = layout.format.groupSize / TileLayout::kDepth;
  Value count = index(layout.vectorsPerTile());
  Value last = index(layout.vectorsPerTile() - 1);
  auto withVector = [](Value vector, ArrayRef<Value> values) {
    SmallVector<Value> all = {vector};
    llvm::append_range(all, values);
    return all;
  };
  SmallVector<Value> values = emitWhile(
      b, withVector(index(0), totals),
      [&](ArrayRef<Value> carried) { return isLess(carried[0], count); },
      [&](ArrayRef<Value> carried) {
        Value group = arith::DivUIOp::create(b, readIndex(tile, carried[0]),
                                             index(perGroup));
        // Indices ascend, so a group's vectors end where one lies beyond it.
        Value end = mul(this->add(group, 1), perGroup);
        SmallVector<Value> sums = emitWhile(
            b, withVector(carried[0], start(group)),
            [&](ArrayRef<Value> inner) -> Value {
              // What is read behind the last one is not looked at.
              Value line =
                  readIndex(tile, arith::MinUIOp::create(b, inner[0], last));
              return arith::AndIOp::create(b, isLess(inner[0], count),
                                           isLess(line, end));
            },
            [&](ArrayRef<Value> inner) {
              SmallVector<Value> next(inner.drop_front());
              add(inner[0], readIndex(tile, inner[0]), next);
              return withVector(this->add(inner[0], 1), next);
            });
        SmallVector<Value> next(carried.drop_front());
        finish(group, ArrayRef(sums).drop_front(), next);
        return withVector(sums[0], next);
      });
  totals.assign(values.begin() + 1, values.end());
}
