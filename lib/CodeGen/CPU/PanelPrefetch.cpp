//===- PanelPrefetch.cpp - Ask for the next panel's weights ---------------===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "PanelPrefetch.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace mlir::sq;
using namespace mlir::sq::cpu;
using numerics::TileLayout;

static constexpr int64_t kLine = 64;
/// Products of a vector of weights for which a line is asked for. Measured with
/// 8 to 128 rows on Zen 5: asked for later, weights come late where there are
/// few rows; sooner, requests are in each other's way.
static constexpr int64_t kProductsPerLine = 16;

PanelPrefetch::PanelPrefetch(ImplicitLocOpBuilder &builder, MatmulOp op,
                             const TileLayout &layout, const PanelPlan &plan,
                             const PanelPlace &place)
    : KernelBuilder(builder), op(op), layout(layout), plan(plan) {
  // The next panel of these tiles, or the first of the tiles behind them, which
  // the same thread takes, most of the time.
  Value tile = add(place.firstTile, place.numTiles), panel = index(0);
  if (place.panel) {
    Value isLast = isEqual(place.panel, plan.numPanels - 1);
    tile = arith::SelectOp::create(b, isLast, tile, place.firstTile);
    panel = arith::SelectOp::create(b, isLast, panel, add(place.panel, 1));
  }
  Value last = index(layout.numTiles() - 1);
  for (int64_t t = 0; t < place.numTiles; ++t)
    addStreams(arith::MinUIOp::create(b, add(tile, t), last), panel);
  int64_t bytes = 0;
  for (const Stream &stream : streams)
    bytes += stream.bytesPerVector;
  rows = llvm::alignTo(bytes * kProductsPerLine / (kLine * place.numTiles),
                       plan.form.rows);
}

void PanelPrefetch::addStreams(Value tile, Value panel) {
  Value vectors = mul(panel, plan.panel);
  int64_t dense = layout.paddedCols() / TileLayout::kDepth;
  auto addStream = [&](Value memref, Value row, Value start, int64_t bytes) {
    streams.push_back({memref, row, add(start, mul(vectors, bytes)), bytes});
  };
  if (!layout.hasBitmap()) {
    addStream(op.getPayload(), tile, index(0),
              std::max<int64_t>(1, layout.payloadBytes() / dense));
    if (layout.hasPositions())
      addStream(op.getBitmap(), tile, index(0),
                std::max<int64_t>(1, layout.positionBytes() / dense));
    return;
  }
  // Where a tile's second panel starts is found by counting, which pays for
  // reading it only.
  if (plan.numPanels > 1)
    return;
  // Masks, and codes of as many as the pattern keeps on average.
  addStream(op.getBitmap(), tile, index(layout.maskAt(0)), 8);
  Value start =
      vector::LoadOp::create(b, VectorType::get({8}, b.getI8Type()),
                             op.getBitmap(), ValueRange{tile, index(0)});
  start =
      vector::BitCastOp::create(b, VectorType::get({1}, b.getI64Type()), start);
  start = arith::IndexCastUIOp::create(
      b, b.getIndexType(), vector::ExtractOp::create(b, start, int64_t(0)));
  SparsityPatternAttrInterface pattern = op.getPatternAttr();
  addStream(op.getPayload(), index(0), start,
            std::max<int64_t>(1, int64_t(pattern.getPattern().density() * 8 *
                                         layout.storedBits())));
}

void PanelPrefetch::emit(Value block, Value vector) {
  int64_t rowBlock = plan.form.rows;
  Value done = add(mul(block, plan.panel), vector);
  for (const Stream &stream : streams) {
    int64_t step =
        PanelPlan::kProductUnroll * stream.bytesPerVector * rowBlock / rows;
    Value at = arith::DivUIOp::create(
        b, mul(done, stream.bytesPerVector * rowBlock), index(rows));
    at = arith::MinUIOp::create(b, at,
                                index(plan.panel * stream.bytesPerVector));
    at = add(stream.first, at);
    for (int64_t line = 0; line < std::max(step, kLine); line += kLine)
      memref::PrefetchOp::create(b, stream.memref,
                                 ValueRange{stream.row, add(at, line)},
                                 /*isWrite=*/false, /*localityHint=*/2,
                                 /*isDataCache=*/true);
  }
}
