//===- TilePanel.cpp - Integer products of many rows on tiles -------------===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "TilePanel.h"
#include "ByteISA.h"
#include "Loops.h"
#include "TileKernel.h"
#include "TileOperands.h"
#include "TileReader.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "llvm/Support/MathExtras.h"

#include <numeric>

using namespace mlir;
using namespace mlir::sq;
using namespace mlir::sq::cpu;
using numerics::TileLayout;

/// Tiles whose sums are in registers at once.
static constexpr int64_t kTiles = 3;
/// Bytes of decoded weights: a share of the second-level cache. Weights stream
/// from there at a fraction of its speed; a panel that fits the first level
/// takes more time for partial sums than it saves.
static constexpr int64_t kPanelBytes = 256 << 10;
/// Rows of activations that a decoded panel serves.
static constexpr int64_t kChunkRows = 256;
/// Vectors that a decoding loop's body decodes, and a product loop's consumes.
static constexpr int64_t kDecodeUnroll = 16, kProductUnroll = 4;
/// Straight-line code is no longer than this.
static constexpr int64_t kMaxUnroll = 64;

namespace {

/// How the columns are cut, in dense vectors of four columns.
struct PanelPlan {
  /// Of all columns, less what no scale group covers.
  int64_t vectors;
  /// That share a sum in i32: a scale group, or all of a panel.
  int64_t group;
  /// That are decoded by straight-line code.
  int64_t run;
  /// Of a panel, in whole groups and whole steps of the product loop.
  int64_t panel;
  int64_t numPanels;

  static PanelPlan get(const TileLayout &layout);
  int64_t numGroups() const { return panel / group; }
};

} // namespace

PanelPlan PanelPlan::get(const TileLayout &layout) {
  constexpr int64_t depth = TileLayout::kDepth;
  constexpr int64_t maxVectors = kPanelBytes / kTiles / TileLayout::kVector;
  PanelPlan plan;
  int64_t unit = layout.unitCols() / depth;
  plan.vectors = layout.paddedCols() / depth;
  if (!TileOperands::hasGroups(layout)) {
    plan.run = unit * std::max<int64_t>(1, kDecodeUnroll / unit);
    int64_t step = std::lcm(plan.run, kProductUnroll);
    plan.numPanels = llvm::divideCeil(plan.vectors, maxVectors);
    plan.panel =
        llvm::alignTo(llvm::divideCeil(plan.vectors, plan.numPanels), step);
    plan.numPanels = llvm::divideCeil(plan.vectors, plan.panel);
    plan.group = plan.panel;
    return plan;
  }
  plan.group = layout.format.groupSize / depth;
  int64_t groups = layout.format.numGroups(layout.cols);
  plan.vectors = std::min(plan.vectors, groups * plan.group);
  // A run is a part of a group or whole groups.
  plan.run = std::lcm(unit, plan.group);
  if (plan.group % unit == 0)
    for (plan.run = unit;
         plan.run * 2 <= kDecodeUnroll && plan.group % (plan.run * 2) == 0;)
      plan.run *= 2;
  int64_t step = std::lcm(plan.group, plan.run);
  int64_t steps = llvm::divideCeil(groups * plan.group, step);
  int64_t maxSteps = std::max<int64_t>(1, maxVectors / step);
  plan.numPanels = llvm::divideCeil(steps, maxSteps);
  plan.panel = llvm::divideCeil(steps, plan.numPanels) * step;
  plan.numPanels = llvm::divideCeil(groups * plan.group, plan.panel);
  return plan;
}

std::string mlir::sq::cpu::checkTilePanel(const TileLayout &layout) {
  PanelPlan plan = PanelPlan::get(layout);
  if (plan.run > kMaxUnroll)
    return "scale groups of " + std::to_string(layout.format.groupSize) +
           " and units of " + std::to_string(layout.unitCols()) +
           " columns only meet after " +
           std::to_string(plan.run * TileLayout::kDepth);
  if (TileOperands::hasGroups(layout) && plan.group % kProductUnroll)
    return "a scale group of " + std::to_string(layout.format.groupSize) +
           " is not a multiple of " +
           std::to_string(kProductUnroll * TileLayout::kDepth) + " columns";
  return "";
}

namespace {

class TilePanel {
public:
  TilePanel(ImplicitLocOpBuilder &b, MatmulOp op, const TileLayout &layout,
            const ByteISA &isa)
      : b(b), op(op), layout(layout), isa(isa), operands(b, op, layout, isa),
        plan(PanelPlan::get(layout)), grouped(operands.hasGroups(layout)),
        rowBlock(grouped ? 4 : 8) {}

  void emit();

private:
  /// A block of tiles, the part of the columns at hand, and the rows of
  /// activations that it is multiplied with.
  struct Place {
    Value firstTile;
    int64_t numTiles = 0;
    Value firstRow, endRow;
    /// Null if there is one only.
    Value panel;
    /// Of this panel.
    Value numGroups, endVector;
  };

  Value index(int64_t value) { return constantIndex(b, value); }
  Value add(Value lhs, int64_t rhs) {
    return rhs ? Value(arith::AddIOp::create(b, lhs, index(rhs))) : lhs;
  }
  Value add(Value lhs, Value rhs) { return arith::AddIOp::create(b, lhs, rhs); }
  Value mul(Value lhs, int64_t rhs) {
    return arith::MulIOp::create(b, lhs, index(rhs));
  }
  Value splat(VectorType type, Attribute value) {
    return arith::ConstantOp::create(b, DenseElementsAttr::get(type, value));
  }
  Value allocate(ArrayRef<int64_t> shape, Type element) {
    return memref::AllocaOp::create(b, MemRefType::get(shape, element),
                                    b.getI64IntegerAttr(TileLayout::kVector));
  }
  Value isLess(Value lhs, Value rhs) {
    return arith::CmpIOp::create(b, arith::CmpIPredicate::ult, lhs, rhs);
  }
  Value isEqual(Value lhs, int64_t rhs) {
    return arith::CmpIOp::create(b, arith::CmpIPredicate::eq, lhs, index(rhs));
  }
  void emitIf(Value condition, function_ref<void()> body,
              function_ref<void()> otherwise = nullptr);

  void emitPanels();
  void emitBlock(Place place);
  void emitPanel(Place place);

  void decode(const Place &place, int64_t t);
  /// Vectors [v, v + count) of the panel, `count` at most a run.
  void decodeRun(TileReader &reader, Value panelStart, Value v, int64_t count,
                 int64_t t);

  void emitRowBlocks(const Place &place);
  /// `count` rows from `firstRow` on; guarded if some may lie behind the last,
  /// where what comes out is dropped.
  void multiply(const Place &place, Value firstRow, int64_t count,
                bool isGuarded);
  SmallVector<Value> accumulate(const Place &place, ArrayRef<Value> rows,
                                Value from, Value to, ArrayRef<Value> sums);
  SmallVector<Value> loadPartial(const Place &place, Value localRow,
                                 int64_t count);
  Value readActivations(Value row, Value col);

  ImplicitLocOpBuilder &b;
  MatmulOp op;
  const TileLayout &layout;
  const ByteISA &isa;
  TileOperands operands;
  PanelPlan plan;
  bool grouped;
  /// Rows of activations whose sums are in registers at once.
  int64_t rowBlock;
  VectorType bytes = VectorType::get({TileLayout::kVector}, b.getI8Type());
  VectorType i32s = VectorType::get({TileLayout::kRows}, b.getI32Type());
  VectorType f32s = VectorType::get({TileLayout::kRows}, b.getF32Type());
  /// x + 128.
  Value activations;
  // Of a thread: decoded weights [vector, tile * 64]; per group and tile the
  // sum of 128 * w, and scales; the sums of earlier panels.
  Value weights, corrections, scales, partial;
};

} // namespace

void TilePanel::emitIf(Value condition, function_ref<void()> body,
                       function_ref<void()> otherwise) {
  auto branch = scf::IfOp::create(b, condition, bool(otherwise));
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(branch.thenBlock());
  body();
  if (!otherwise)
    return;
  b.setInsertionPointToStart(branch.elseBlock());
  otherwise();
}

//===----------------------------------------------------------------------===//
// Decoding
//===----------------------------------------------------------------------===//

void TilePanel::decodeRun(TileReader &reader, Value panelStart, Value v,
                          int64_t count, int64_t t) {
  reader.startDense(panelStart ? add(panelStart, v) : v);
  Value bias = splat(bytes, b.getI8IntegerAttr(-128));
  Value lane = index(t * TileLayout::kVector);
  for (int64_t from = 0; from < count; from += plan.group) {
    // The group of vector v + from: v is the start of one if a run has many.
    Value group = grouped ? add(arith::DivUIOp::create(b, v, index(plan.group)),
                                from / plan.group)
                          : index(0);
    SmallVector<Value> slot = {group, index(t), index(0)};
    Value sum = vector::LoadOp::create(b, i32s, corrections, slot);
    for (int64_t i = from, e = std::min(count, from + plan.group); i < e; ++i) {
      Value dense = reader.readDense(i);
      vector::StoreOp::create(b, dense, weights, ValueRange{add(v, i), lane});
      sum = isa.dotBytes(b, sum, bias, dense);
    }
    vector::StoreOp::create(b, sum, corrections, slot);
  }
}

void TilePanel::decode(const Place &place, int64_t t) {
  TileReader reader(b, op, layout, isa, add(place.firstTile, t));
  Value panelStart = place.panel ? mul(place.panel, plan.panel) : Value();
  Value zero = index(0);
  Value firstGroup = place.panel ? mul(place.panel, plan.numGroups()) : Value();
  emitLoop(b, zero, place.numGroups, 1, [&](Value g) {
    SmallVector<Value> at = {g, index(t), zero};
    vector::StoreOp::create(b, splat(i32s, b.getI32IntegerAttr(0)), corrections,
                            at);
    Value group = !grouped ? zero : firstGroup ? add(firstGroup, g) : g;
    vector::StoreOp::create(b, reader.readScales(group), scales, at);
  });

  int64_t lastSize = plan.vectors - (plan.numPanels - 1) * plan.panel;
  Value whole = index(lastSize / plan.run * plan.run);
  if (place.panel)
    whole = arith::SelectOp::create(b, isEqual(place.panel, plan.numPanels - 1),
                                    whole, index(plan.panel));
  emitLoop(b, zero, whole, plan.run,
           [&](Value v) { decodeRun(reader, panelStart, v, plan.run, t); });
  // Beyond the last column, zeros up to where products stop.
  int64_t rest = lastSize % plan.run;
  int64_t end = grouped ? llvm::alignTo(lastSize, plan.group)
                        : llvm::alignTo(lastSize, kProductUnroll);
  if (end == lastSize && rest == 0)
    return;
  auto finish = [&] {
    if (rest)
      decodeRun(reader, panelStart, index(lastSize - rest), rest, t);
    emitLoop(b, index(lastSize), index(end), 1, [&](Value v) {
      vector::StoreOp::create(b, splat(bytes, b.getI8IntegerAttr(0)), weights,
                              ValueRange{v, index(t * TileLayout::kVector)});
    });
  };
  if (place.panel)
    emitIf(isEqual(place.panel, plan.numPanels - 1), finish);
  else
    finish();
}

//===----------------------------------------------------------------------===//
// Products
//===----------------------------------------------------------------------===//

Value TilePanel::readActivations(Value row, Value col) {
  auto four = VectorType::get({TileLayout::kDepth}, b.getI8Type());
  Value loaded =
      vector::LoadOp::create(b, four, activations, ValueRange{row, col});
  Value word = vector::ExtractOp::create(
      b,
      vector::BitCastOp::create(b, VectorType::get({1}, b.getI32Type()),
                                loaded),
      int64_t(0));
  return vector::BitCastOp::create(b, bytes,
                                   vector::BroadcastOp::create(b, i32s, word));
}

/// Adds the products of vectors [from, to) of the panel to `sums` [row, tile].
SmallVector<Value> TilePanel::accumulate(const Place &place,
                                         ArrayRef<Value> rows, Value from,
                                         Value to, ArrayRef<Value> sums) {
  Value firstCol =
      place.panel ? mul(place.panel, plan.panel * TileLayout::kDepth) : Value();
  SmallVector<Value> results = emitLoop(
      b, from, to, kProductUnroll, sums, [&](Value v, ArrayRef<Value> carried) {
        SmallVector<Value> next(carried);
        Value col = mul(v, TileLayout::kDepth);
        if (firstCol)
          col = add(col, firstCol);
        for (int64_t u = 0; u < kProductUnroll; ++u) {
          SmallVector<Value> vectors;
          for (int64_t t = 0; t < place.numTiles; ++t)
            vectors.push_back(vector::LoadOp::create(
                b, bytes, weights,
                ValueRange{add(v, u), index(t * TileLayout::kVector)}));
          for (auto [r, row] : llvm::enumerate(rows)) {
            Value x = readActivations(row, add(col, u * TileLayout::kDepth));
            for (auto [t, vector] : llvm::enumerate(vectors)) {
              Value &sum = next[r * place.numTiles + t];
              sum = isa.dotBytes(b, sum, x, vector);
            }
          }
        }
        return next;
      });
  keepRolled(results);
  return results;
}

/// The sums of earlier panels for `count` rows from `localRow` of the chunk on.
SmallVector<Value> TilePanel::loadPartial(const Place &place, Value localRow,
                                          int64_t count) {
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
                b, type, partial,
                ValueRange{add(localRow, r), index(t * TileLayout::kRows)}));
        scf::YieldOp::create(b, loaded);
      });
  return SmallVector<Value>(branch.getResults());
}

void TilePanel::multiply(const Place &place, Value firstRow, int64_t count,
                         bool isGuarded) {
  SmallVector<Value> rows;
  for (int64_t r = 0; r < count; ++r)
    rows.push_back(add(firstRow, r));
  Value localRow = arith::SubIOp::create(b, firstRow, place.firstRow);
  int64_t numTiles = place.numTiles;
  auto correct = [&](Value group, ArrayRef<Value> sums) {
    SmallVector<Value> corrected;
    SmallVector<Value> perTile;
    for (int64_t t = 0; t < numTiles; ++t)
      perTile.push_back(vector::LoadOp::create(
          b, i32s, corrections, ValueRange{group, index(t), index(0)}));
    for (auto [i, sum] : llvm::enumerate(sums))
      corrected.push_back(arith::SubIOp::create(b, sum, perTile[i % numTiles]));
    return corrected;
  };
  auto loadScale = [&](Value group, int64_t t) {
    return vector::LoadOp::create(b, f32s, scales,
                                  ValueRange{group, index(t), index(0)});
  };
  auto toReal = [&](Value sum) {
    return arith::SIToFPOp::create(b, f32s, sum);
  };

  SmallVector<Value> sums = loadPartial(place, localRow, count);
  if (grouped) {
    SmallVector<Value> zeros(sums.size(), splat(i32s, b.getI32IntegerAttr(0)));
    sums = emitLoop(
        b, index(0), place.numGroups, 1, sums,
        [&](Value group, ArrayRef<Value> carried) {
          SmallVector<Value> totals(carried);
          Value from = mul(group, plan.group);
          SmallVector<Value> exact = accumulate(
              place, rows, from, add(from, plan.group), correct(group, zeros));
          for (auto [i, total] : llvm::enumerate(totals))
            total = vector::FMAOp::create(
                b, toReal(exact[i]), loadScale(group, i % numTiles), total);
          return totals;
        });
  } else {
    sums = accumulate(place, rows, index(0), place.endVector,
                      correct(index(0), sums));
  }

  auto finish = [&] {
    for (int64_t r = 0; r < count; ++r) {
      auto update = [&] {
        for (int64_t t = 0; t < numTiles; ++t) {
          Value total = sums[r * numTiles + t];
          if (!grouped)
            total =
                arith::MulFOp::create(b, toReal(total), loadScale(index(0), t));
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
          b, sum, partial,
          ValueRange{add(localRow, i / numTiles),
                     index(i % numTiles * TileLayout::kRows)});
  };
  if (place.panel)
    emitIf(isEqual(place.panel, plan.numPanels - 1), finish, postpone);
  else
    finish();
}

void TilePanel::emitRowBlocks(const Place &place) {
  Value count = arith::SubIOp::create(b, place.endRow, place.firstRow);
  Value whole =
      mul(arith::DivUIOp::create(b, count, index(rowBlock)), rowBlock);
  Value wholeEnd = add(place.firstRow, whole);
  emitLoop(b, place.firstRow, wholeEnd, rowBlock,
           [&](Value row) { multiply(place, row, rowBlock, false); });
  // Chunks are whole blocks; only the last one of all ends within a block.
  if (std::optional<int64_t> known = operands.getStaticNumInputs()) {
    if (int64_t rest = *known % rowBlock)
      emitIf(isLess(wholeEnd, place.endRow),
             [&] { multiply(place, wholeEnd, rest, false); });
    return;
  }
  emitIf(isLess(wholeEnd, place.endRow), [&] {
    if (rowBlock <= 4)
      return multiply(place, wholeEnd, rowBlock, true);
    emitIf(
        isLess(add(wholeEnd, 4), place.endRow),
        [&] { multiply(place, wholeEnd, rowBlock, true); },
        [&] { multiply(place, wholeEnd, 4, true); });
  });
}

//===----------------------------------------------------------------------===//
// Blocks
//===----------------------------------------------------------------------===//

/// The panel at `place` of the columns, for a chunk of rows.
void TilePanel::emitPanel(Place place) {
  int64_t lastSize = plan.vectors - (plan.numPanels - 1) * plan.panel;
  int64_t lastGroups = llvm::divideCeil(lastSize, plan.group);
  auto choose = [&](int64_t size, int64_t lastSize) -> Value {
    if (!place.panel || size == lastSize)
      return index(lastSize);
    return arith::SelectOp::create(b, isEqual(place.panel, plan.numPanels - 1),
                                   index(lastSize), index(size));
  };
  place.numGroups = choose(plan.numGroups(), lastGroups);
  place.endVector = choose(plan.panel, llvm::alignTo(lastSize, kProductUnroll));
  for (int64_t t = 0; t < place.numTiles; ++t)
    decode(place, t);
  emitRowBlocks(place);
}

void TilePanel::emitBlock(Place place) {
  // The buffers are on the stack of the thread, for this block only.
  auto scope = memref::AllocaScopeOp::create(b, TypeRange());
  OpBuilder::InsertionGuard guard(b);
  b.createBlock(&scope.getBodyRegion());
  weights = allocate({plan.panel, place.numTiles * TileLayout::kVector},
                     b.getI8Type());
  SmallVector<int64_t> shape = {plan.numGroups(), place.numTiles,
                                TileLayout::kRows};
  corrections = allocate(shape, b.getI32Type());
  scales = allocate(shape, b.getF32Type());
  if (plan.numPanels == 1) {
    emitPanel(place);
  } else {
    partial = allocate({kChunkRows, place.numTiles * TileLayout::kRows},
                       grouped ? Type(b.getF32Type()) : b.getI32Type());
    emitLoop(b, index(0), index(plan.numPanels), 1, [&](Value panel) {
      Place part = place;
      part.panel = panel;
      emitPanel(part);
    });
  }
  memref::AllocaScopeReturnOp::create(b, ValueRange());
}

void TilePanel::emitPanels() {
  activations = operands.makeActivations(rowBlock, /*isParallel=*/true);
  // As few chunks as there must be, of about the same size.
  Value count = operands.getNumInputs();
  auto divideUp = [&](Value value, Value by) -> Value {
    return arith::CeilDivUIOp::create(b, value, by);
  };
  Value numChunks = divideUp(count, index(kChunkRows));
  Value chunkRows = mul(divideUp(divideUp(count, numChunks), index(8)), 8);

  int64_t whole = layout.numTiles() / kTiles, rest = layout.numTiles() % kTiles;
  auto loop =
      scf::ParallelOp::create(b, ValueRange{index(0), index(0)},
                              ValueRange{numChunks, index(whole + (rest != 0))},
                              ValueRange{index(1), index(1)});
  {
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(loop.getBody());
    Value chunk = loop.getInductionVars()[0],
          block = loop.getInductionVars()[1];
    Place place;
    place.firstRow = arith::MulIOp::create(b, chunk, chunkRows);
    place.endRow =
        arith::MinUIOp::create(b, count, add(place.firstRow, chunkRows));
    place.firstTile = mul(block, kTiles);
    auto emitTiles = [&](int64_t numTiles) {
      place.numTiles = numTiles;
      emitBlock(place);
    };
    if (whole == 0)
      emitTiles(rest);
    else if (rest == 0)
      emitTiles(kTiles);
    else
      emitIf(
          isLess(block, index(whole)), [&] { emitTiles(kTiles); },
          [&] { emitTiles(rest); });
  }
  memref::DeallocOp::create(b, activations);
}

void TilePanel::emit() {
  if (operands.getStaticNumInputs())
    return emitPanels();
  emitIf(
      isLess(operands.getNumInputs(), index(kMinPanelInputs)),
      [&] { emitTileProduct(b, op, layout, isa); }, [&] { emitPanels(); });
}

void mlir::sq::cpu::emitTilePanel(ImplicitLocOpBuilder &builder, MatmulOp op,
                                  const TileLayout &layout,
                                  const ByteISA &isa) {
  TilePanel(builder, op, layout, isa).emit();
}
