//===- PanelSums.cpp - Products with a decoded panel ----------------------===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "PanelSums.h"
#include "ByteISA.h"
#include "PanelPrefetch.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace mlir::sq;
using namespace mlir::sq::cpu;
using numerics::TileLayout;

/// The four activations at `offset` of a block, in all lanes.
Value PanelSums::readActivations(Value block, Value offset) {
  auto four = VectorType::get({TileLayout::kDepth}, b.getI8Type());
  Value loaded =
      vector::LoadOp::create(b, four, activations, ValueRange{block, offset});
  Value word = vector::ExtractOp::create(
      b,
      vector::BitCastOp::create(b, VectorType::get({1}, b.getI32Type()),
                                loaded),
      int64_t(0));
  return vector::BitCastOp::create(b, bytes,
                                   vector::BroadcastOp::create(b, i32s, word));
}

/// Adds the products of vectors [from, to) of the panel, for the first `count`
/// rows of a block, to `sums` [row, tile].
SmallVector<Value> PanelSums::accumulate(const PanelPlace &place, Value block,
                                         int64_t count, Value from, Value to,
                                         ArrayRef<Value> sums,
                                         PanelPrefetch *prefetch) {
  const PanelForm &form = plan.form;
  Value first = place.panel ? mul(place.panel, plan.panel) : Value();
  Value localBlock = arith::SubIOp::create(
      b, block, arith::DivUIOp::create(b, place.firstRow, index(rowBlock)));
  SmallVector<Value> results = emitLoop(
      b, from, to, PanelPlan::kProductUnroll, sums,
      [&](Value v, ArrayRef<Value> carried) {
        SmallVector<Value> next(carried);
        if (prefetch)
          prefetch->emit(localBlock, v);
        Value x = mul(first ? add(first, v) : v,
                      rowBlock * form.words * TileLayout::kDepth);
        Value w = form.words == 1 ? v : mul(v, form.words);
        for (int64_t u = 0; u < PanelPlan::kProductUnroll * form.words;
             u += form.steps) {
          SmallVector<SmallVector<Value>> vectors(place.numTiles);
          for (int64_t s = 0; s < form.steps; ++s)
            for (auto [t, tile] : llvm::enumerate(vectors))
              tile.push_back(vector::LoadOp::create(
                  b, bytes, buffers.weights,
                  ValueRange{add(w, u + s),
                             index(int64_t(t) * TileLayout::kVector)}));
          for (int64_t r = 0; r < count; ++r) {
            SmallVector<Value> fours;
            for (int64_t s = 0; s < form.steps; ++s)
              fours.push_back(readActivations(
                  block,
                  add(x, ((u + s) * rowBlock + r) * TileLayout::kDepth)));
            for (auto [t, tile] : llvm::enumerate(vectors)) {
              Value &sum = next[r * place.numTiles + t];
              sum = isa.dotPanel(b, form, sum, fours, tile);
            }
          }
        }
        return next;
      });
  keepRolled(results);
  return results;
}

/// The sums of earlier panels for `count` rows from `localRow` of the chunk on.
SmallVector<Value> PanelSums::loadPartial(const PanelPlace &place,
                                          Value localRow, int64_t count) {
  VectorType type = grouped ? f32s : i32s;
  SmallVector<Value> zeros(count * place.numTiles,
                           splat(type, b.getZeroAttr(type.getElementType())));
  if (!place.panel)
    return zeros;
  auto branch = scf::IfOp::create(
      b, isEqual(place.panel, 0),
      [&](OpBuilder &inner, Location loc) {
        scf::YieldOp::create(inner, loc, zeros);
      },
      [&](OpBuilder &inner, Location loc) {
        OpBuilder::InsertionGuard guard(b);
        b.setInsertionPoint(inner.getInsertionBlock(),
                            inner.getInsertionPoint());
        SmallVector<Value> loaded;
        for (int64_t r = 0; r < count; ++r)
          for (int64_t t = 0; t < place.numTiles; ++t)
            loaded.push_back(vector::LoadOp::create(
                b, type, buffers.partial,
                ValueRange{add(localRow, r), index(t * TileLayout::kRows)}));
        scf::YieldOp::create(b, loaded);
      });
  return SmallVector<Value>(branch.getResults());
}

Value PanelSums::loadFloats(Value buffer, Value group, int64_t tile) {
  return vector::LoadOp::create(b, f32s, buffer,
                                ValueRange{group, index(tile), index(0)});
}

SmallVector<Value> PanelSums::correct(const PanelPlace &place, Value group,
                                      ArrayRef<Value> start) {
  if (!buffers.corrections)
    return SmallVector<Value>(start);
  SmallVector<Value> perTile;
  for (int64_t t = 0; t < place.numTiles; ++t)
    perTile.push_back(vector::LoadOp::create(
        b, i32s, buffers.corrections, ValueRange{group, index(t), index(0)}));
  SmallVector<Value> corrected;
  for (auto [i, sum] : llvm::enumerate(start))
    corrected.push_back(
        arith::SubIOp::create(b, sum, perTile[i % place.numTiles]));
  return corrected;
}

SmallVector<Value> PanelSums::addGroups(const PanelPlace &place, Value block,
                                        int64_t count, ArrayRef<Value> totals,
                                        bool isAnchored,
                                        PanelPrefetch *prefetch) {
  int64_t numTiles = place.numTiles;
  auto addGroup = [&](Value group, ArrayRef<Value> carried) {
    SmallVector<Value> start(carried.size(), zeros(i32s));
    for (size_t i = 0; isAnchored && i < start.size(); ++i)
      start[i] = vector::BitCastOp::create(
          b, i32s, loadFloats(buffers.anchors, group, i % numTiles));
    Value from = mul(group, plan.group);
    SmallVector<Value> exact =
        accumulate(place, block, count, from, add(from, plan.group),
                   correct(place, group, start), prefetch);
    SmallVector<Value> next;
    for (auto [i, total] : llvm::enumerate(carried)) {
      Value factor = loadFloats(isAnchored ? buffers.anchors : buffers.scales,
                                group, i % numTiles);
      if (!isAnchored) {
        next.push_back(vector::FMAOp::create(
            b, arith::SIToFPOp::create(b, f32s, exact[i]), factor, total));
        continue;
      }
      Value sum = arith::SubFOp::create(
          b, vector::BitCastOp::create(b, f32s, exact[i]), factor);
      next.push_back(arith::AddFOp::create(b, total, sum));
    }
    return next;
  };
  return emitLoop(b, index(0), place.numGroups, 1, totals, addGroup);
}

void PanelSums::emit(const PanelPlace &place, Value firstRow, int64_t count,
                     bool isGuarded, PanelPrefetch *prefetch) {
  SmallVector<Value> rows;
  for (int64_t r = 0; r < count; ++r)
    rows.push_back(add(firstRow, r));
  Value localRow = arith::SubIOp::create(b, firstRow, place.firstRow);
  Value block = arith::DivUIOp::create(b, firstRow, index(rowBlock));
  int64_t numTiles = place.numTiles;

  SmallVector<Value> sums = loadPartial(place, localRow, count);
  if (!grouped) {
    sums = accumulate(place, block, count, index(0), place.endVector,
                      correct(place, index(0), sums), prefetch);
  } else if (!place.isAnchored) {
    sums = addGroups(place, block, count, sums, false, prefetch);
  } else {
    auto branch = [&](bool isAnchored) {
      return [&, isAnchored](OpBuilder &inner, Location) {
        OpBuilder::InsertionGuard guard(b);
        b.setInsertionPoint(inner.getInsertionBlock(),
                            inner.getInsertionPoint());
        scf::YieldOp::create(
            b, addGroups(place, block, count, sums, isAnchored, prefetch));
      };
    };
    sums = SmallVector<Value>(
        scf::IfOp::create(b, place.isAnchored, branch(true), branch(false))
            .getResults());
  }

  auto finish = [&] {
    for (int64_t r = 0; r < count; ++r) {
      auto update = [&] {
        for (int64_t t = 0; t < numTiles; ++t) {
          Value total = sums[r * numTiles + t];
          if (!grouped)
            total = arith::MulFOp::create(
                b, arith::SIToFPOp::create(b, f32s, total),
                loadFloats(buffers.scales, index(0), t));
          operands.update(add(place.firstTile, t), rows[r], total);
        }
      };
      if (isGuarded)
        emitIf(isLess(rows[r], place.endRow), update);
      else
        update();
    }
  };
  auto postpone = [&] {
    for (auto [i, sum] : llvm::enumerate(sums))
      vector::StoreOp::create(
          b, sum, buffers.partial,
          ValueRange{add(localRow, i / numTiles),
                     index(i % numTiles * TileLayout::kRows)});
  };
  if (place.panel)
    emitIf(isEqual(place.panel, plan.numPanels - 1), finish, postpone);
  else
    finish();
}
