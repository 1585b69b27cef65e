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

/// The four activations of `row`, in all lanes; those of the block are at
/// `offset`.
Value PanelSums::readActivations(Value block, Value offset, int64_t row) {
  int64_t words = plan.form.takesLanes ? rowBlock : 1;
  int64_t first = plan.form.takesLanes ? 0 : row;
  auto type = VectorType::get({words * TileLayout::kDepth}, b.getI8Type());
  Value loaded = vector::LoadOp::create(
      b, type, activations,
      ValueRange{block, add(offset, first * TileLayout::kDepth)});
  Value word = vector::ExtractOp::create(
      b,
      vector::BitCastOp::create(b, VectorType::get({words}, b.getI32Type()),
                                loaded),
      row - first);
  return vector::BitCastOp::create(b, bytes,
                                   vector::BroadcastOp::create(b, i32s, word));
}

/// Where each lane of `sums` is among those of two rows of activations, half of
/// a tile and then the other: two lanes of a row, the same two of the next.
static SmallVector<int64_t> getMatrixOrder(int64_t half) {
  constexpr int64_t lanes = TileLayout::kRows;
  SmallVector<int64_t> order;
  for (int64_t lane = 0; lane < lanes; ++lane)
    order.push_back(half * lanes / 2 + lane / 4 * 2 + lane % 2 +
                    (lane / 2 % 2 ? lanes : 0));
  return order;
}

/// The inverse: those of the first or the second row.
static SmallVector<int64_t> getRowOrder(int64_t row) {
  SmallVector<int64_t> order;
  for (int64_t lane = 0; lane < TileLayout::kRows; ++lane)
    order.push_back(lane / 2 * 4 + row * 2 + lane % 2);
  return order;
}

/// The same as `accumulate` by products of matrices.
SmallVector<Value> PanelSums::accumulateMatrix(const PanelPlace &place,
                                               Value block, int64_t count,
                                               Value from, Value to,
                                               ArrayRef<Value> sums,
                                               PanelPrefetch *prefetch) {
  constexpr int64_t bytesOfRow = 2 * TileLayout::kDepth;
  const PanelForm &form = plan.form;
  int64_t numTiles = place.numTiles, numPairs = llvm::divideCeil(count, 2);
  Value first = place.panel ? mul(place.panel, plan.panel) : Value();
  Value localBlock = arith::SubIOp::create(
      b, block, arith::DivUIOp::create(b, place.firstRow, index(rowBlock)));
  // Of each pair of rows and tile both halves.
  SmallVector<Value> initial;
  for (int64_t pair = 0; pair < numPairs; ++pair)
    for (int64_t t = 0; t < numTiles; ++t) {
      auto get = [&](int64_t row) {
        return row < count ? sums[row * numTiles + t] : zeros(i32s);
      };
      for (int64_t half : {0, 1})
        initial.push_back(vector::ShuffleOp::create(
            b, get(2 * pair), get(2 * pair + 1), getMatrixOrder(half)));
    }
  SmallVector<int64_t> repeated;
  for (int64_t lane = 0; lane < TileLayout::kVector; ++lane)
    repeated.push_back(lane % (2 * bytesOfRow));
  auto pairType = VectorType::get({2 * bytesOfRow}, b.getI8Type());
  SmallVector<Value> results = emitLoop(
      b, from, to, PanelPlan::kProductUnroll, initial,
      [&](Value v, ArrayRef<Value> carried) {
        SmallVector<Value> next(carried);
        if (prefetch)
          prefetch->emit(localBlock, v);
        Value x = mul(first ? add(first, v) : v, rowBlock * TileLayout::kDepth);
        for (int64_t u = 0; u < PanelPlan::kProductUnroll; u += form.steps) {
          SmallVector<Value> weights;
          for (int64_t t = 0; t < numTiles; ++t)
            for (int64_t half : {0, 1})
              weights.push_back(vector::LoadOp::create(
                  b, bytes, buffers.weights,
                  ValueRange{add(v, u + half),
                             index(t * TileLayout::kVector)}));
          for (int64_t pair = 0; pair < numPairs; ++pair) {
            Value offset = add(x, u * rowBlock * TileLayout::kDepth +
                                      pair * 2 * bytesOfRow);
            Value two = vector::LoadOp::create(b, pairType, activations,
                                               ValueRange{block, offset});
            Value all = vector::ShuffleOp::create(b, two, two, repeated);
            for (auto [i, vector] : llvm::enumerate(weights)) {
              Value &sum = next[pair * 2 * numTiles + int64_t(i)];
              sum = isa.dotPanel(b, form, sum, all, vector);
            }
          }
        }
        return next;
      });
  keepRolled(results);
  SmallVector<Value> rows;
  for (int64_t row = 0; row < count; ++row)
    for (int64_t t = 0; t < numTiles; ++t) {
      int64_t at = (row / 2 * numTiles + t) * 2;
      rows.push_back(vector::ShuffleOp::create(b, results[at], results[at + 1],
                                               getRowOrder(row % 2)));
    }
  return rows;
}

/// Adds the products of vectors [from, to) of the panel, for the first `count`
/// rows of a block, to `sums` [row, tile].
SmallVector<Value> PanelSums::accumulate(const PanelPlace &place, Value block,
                                         int64_t count, Value from, Value to,
                                         ArrayRef<Value> sums,
                                         PanelPrefetch *prefetch) {
  const PanelForm &form = plan.form;
  if (form.kind == PanelForm::Kind::Matrix)
    return accumulateMatrix(place, block, count, from, to, sums, prefetch);
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
                  block, add(x, (u + s) * rowBlock * TileLayout::kDepth), r));
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
  VectorType type = groups.exist() ? f32s : i32s;
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
                                        ArrayRef<Value> rows,
                                        ArrayRef<Value> totals, bool isAnchored,
                                        PanelPrefetch *prefetch) {
  int64_t numTiles = place.numTiles, count = int64_t(rows.size());
  auto addGroup = [&](Value group, ArrayRef<Value> carried) {
    SmallVector<Value> start(carried.size(), zeros(i32s));
    for (size_t i = 0; isAnchored && i < start.size(); ++i)
      start[i] = vector::BitCastOp::create(
          b, i32s, loadFloats(buffers.anchors, group, i % numTiles));
    Value from = mul(group, plan.group);
    SmallVector<Value> exact =
        accumulate(place, block, count, from, add(from, plan.group),
                   correct(place, group, start), prefetch);
    SmallVector<Value> rowScales;
    if (activationScales) {
      Value ofAll =
          place.panel ? add(mul(place.panel, plan.numGroups()), group) : group;
      for (Value row : rows)
        rowScales.push_back(
            operands.readActivationScale(activationScales, row, ofAll));
    }
    SmallVector<Value> next;
    for (auto [i, total] : llvm::enumerate(carried)) {
      Value factor = loadFloats(isAnchored ? buffers.anchors : buffers.scales,
                                group, i % numTiles);
      if (activationScales)
        factor =
            arith::MulFOp::create(b, factor, rowScales[i / size_t(numTiles)]);
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
  // Rows behind the last one have no scales.
  SmallVector<Value> rows, scaled;
  Value last = arith::SubIOp::create(b, place.endRow, index(1));
  for (int64_t r = 0; r < count; ++r) {
    rows.push_back(add(firstRow, r));
    scaled.push_back(isGuarded ? arith::MinUIOp::create(b, rows.back(), last)
                               : rows.back());
  }
  Value localRow = arith::SubIOp::create(b, firstRow, place.firstRow);
  Value block = arith::DivUIOp::create(b, firstRow, index(rowBlock));
  int64_t numTiles = place.numTiles;

  SmallVector<Value> sums = loadPartial(place, localRow, count);
  if (!groups.exist()) {
    sums = accumulate(place, block, count, index(0), place.endVector,
                      correct(place, index(0), sums), prefetch);
  } else if (!place.isAnchored) {
    sums = addGroups(place, block, scaled, sums, false, prefetch);
  } else {
    auto branch = [&](bool isAnchored) {
      return [&, isAnchored](OpBuilder &inner, Location) {
        OpBuilder::InsertionGuard guard(b);
        b.setInsertionPoint(inner.getInsertionBlock(),
                            inner.getInsertionPoint());
        scf::YieldOp::create(
            b, addGroups(place, block, scaled, sums, isAnchored, prefetch));
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
          if (!groups.exist())
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
