//===- TilePanel.cpp - Integer products of many rows on tiles -------------===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "TilePanel.h"
#include "ByteISA.h"
#include "KernelBuilder.h"
#include "PanelDecoder.h"
#include "PanelPrefetch.h"
#include "PanelSums.h"
#include "TileKernel.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace mlir::sq;
using namespace mlir::sq::cpu;
using numerics::TileLayout;

/// Rows of activations that a decoded panel serves: they stream by, so more of
/// them only save decoding, and cost memory where there are several panels.
static constexpr int64_t kChunkRows = 512;
/// Straight-line code is no longer than this.
static constexpr int64_t kMaxUnroll = 64;

std::string mlir::sq::cpu::checkTilePanelSizes(const TileLayout &layout,
                                               const SumGroups &groups,
                                               const ByteISA &isa) {
  PanelPlan plan = PanelPlan::get(layout, groups, isa);
  if (plan.run > kMaxUnroll)
    return "scale groups of " + std::to_string(groups.size) + " and units of " +
           std::to_string(layout.unitCols()) + " columns only meet after " +
           std::to_string(plan.run * TileLayout::kDepth);
  if (groups.exist() && plan.group % PanelPlan::kProductUnroll)
    return "a scale group of " + std::to_string(groups.size) +
           " is not a multiple of " +
           std::to_string(PanelPlan::kProductUnroll * TileLayout::kDepth) +
           " columns";
  return "";
}

namespace {

class TilePanel : KernelBuilder {
public:
  TilePanel(ImplicitLocOpBuilder &b, MatmulOp op, const TileLayout &layout,
            const ByteISA &isa)
      : KernelBuilder(b), op(op), layout(layout), isa(isa),
        groups(SumGroups::get(layout, op)), operands(b, op, layout, isa),
        plan(PanelPlan::get(layout, groups, isa)), rowBlock(plan.form.rows) {}

  void emit();

private:
  Value allocate(ArrayRef<int64_t> shape, Type element) {
    return memref::AllocaOp::create(b, MemRefType::get(shape, element),
                                    b.getI64IntegerAttr(TileLayout::kVector));
  }

  /// What the rows of a chunk are a multiple of: whole blocks.
  int64_t getChunkUnit() { return llvm::alignTo(8, rowBlock); }
  int64_t getMostChunkRows() {
    return llvm::alignTo(kChunkRows, getChunkUnit());
  }
  void emitPanels();
  void emitBlock(PanelPlace place);
  void emitPanel(PanelPlace place);
  Value areAnchorsFinite(const PanelPlace &place);
  void emitRowBlocks(const PanelPlace &place);

  MatmulOp op;
  const TileLayout &layout;
  const ByteISA &isa;
  SumGroups groups;
  TileOperands operands;
  PanelPlan plan;
  /// Rows of activations whose sums are in registers at once.
  int64_t rowBlock;
  /// In blocks, and the scales of their groups, null if they have none.
  Value activations, activationScales;
  PanelBuffers buffers;
};

} // namespace

void TilePanel::emitRowBlocks(const PanelPlace &place) {
  PanelPrefetch prefetch(b, op, layout, plan, place);
  PanelSums sums(b, isa, operands, plan, groups, activations, activationScales,
                 buffers);
  Value count = arith::SubIOp::create(b, place.endRow, place.firstRow);
  Value whole =
      mul(arith::DivUIOp::create(b, count, index(rowBlock)), rowBlock);
  Value wholeEnd = add(place.firstRow, whole);
  Value busyEnd = arith::MinUIOp::create(
      b, add(place.firstRow, prefetch.getRows()), wholeEnd);
  emitLoop(b, place.firstRow, busyEnd, rowBlock, [&](Value row) {
    sums.emit(place, row, rowBlock, false, &prefetch);
  });
  emitLoop(b, busyEnd, wholeEnd, rowBlock,
           [&](Value row) { sums.emit(place, row, rowBlock, false); });
  // Chunks are whole blocks; only the last one of all ends within a block.
  if (std::optional<int64_t> known = operands.getStaticNumInputs()) {
    if (int64_t rest = *known % rowBlock)
      emitIf(isLess(wholeEnd, place.endRow),
             [&] { sums.emit(place, wholeEnd, rest, false); });
    return;
  }
  emitIf(isLess(wholeEnd, place.endRow), [&] {
    if (rowBlock <= 4)
      return sums.emit(place, wholeEnd, rowBlock, true);
    emitIf(
        isLess(add(wholeEnd, 4), place.endRow),
        [&] { sums.emit(place, wholeEnd, rowBlock, true); },
        [&] { sums.emit(place, wholeEnd, 4, true); });
  });
}

//===----------------------------------------------------------------------===//
// Blocks
//===----------------------------------------------------------------------===//

/// The panel at `place` of the columns, for a chunk of rows.
void TilePanel::emitPanel(PanelPlace place) {
  int64_t lastSize = plan.lastPanel();
  int64_t lastGroups = llvm::divideCeil(lastSize, plan.group);
  auto choose = [&](int64_t size, int64_t lastSize) -> Value {
    if (!place.panel || size == lastSize)
      return index(lastSize);
    return arith::SelectOp::create(b, isEqual(place.panel, plan.numPanels - 1),
                                   index(lastSize), index(size));
  };
  place.numGroups = choose(plan.numGroups(), lastGroups);
  place.endVector =
      choose(plan.panel, llvm::alignTo(lastSize, PanelPlan::kProductUnroll));
  for (int64_t t = 0; t < place.numTiles; ++t)
    PanelDecoder(b, op, layout, groups, isa, plan, buffers).emit(place, t);
  if (buffers.anchors)
    place.isAnchored = areAnchorsFinite(place);
  emitRowBlocks(place);
}

/// Of scales beyond 2^104 they aren't, nor of NaN. Anchors are positive, so
/// their bits are in the same order.
Value TilePanel::areAnchorsFinite(const PanelPlace &place) {
  auto i32s = VectorType::get({TileLayout::kRows}, b.getI32Type());
  auto f32s = VectorType::get({TileLayout::kRows}, b.getF32Type());
  Value largest =
      emitLoop(b, index(0), place.numGroups, 1, {zeros(i32s)},
               [&](Value group, ArrayRef<Value> carried) {
                 Value most = carried.front();
                 for (int64_t t = 0; t < place.numTiles; ++t) {
                   Value anchors = vector::LoadOp::create(
                       b, f32s, buffers.anchors,
                       ValueRange{group, index(t), index(0)});
                   most = arith::MaxSIOp::create(
                       b, most, vector::BitCastOp::create(b, i32s, anchors));
                 }
                 return SmallVector<Value>{most};
               })
          .front();
  Value infinity =
      arith::ConstantOp::create(b, b.getI32IntegerAttr(0x7f800000));
  return arith::CmpIOp::create(
      b, arith::CmpIPredicate::slt,
      vector::ReductionOp::create(b, vector::CombiningKind::MAXSI, largest),
      infinity);
}

void TilePanel::emitBlock(PanelPlace place) {
  // The buffers are on the stack of the thread, for this block only.
  auto scope = memref::AllocaScopeOp::create(b, TypeRange());
  OpBuilder::InsertionGuard guard(b);
  b.createBlock(&scope.getBodyRegion());
  buffers.weights = allocate(
      {plan.panel * plan.form.words, place.numTiles * TileLayout::kVector},
      b.getI8Type());
  SmallVector<int64_t> shape = {plan.numGroups(), place.numTiles,
                                TileLayout::kRows};
  if (plan.form.isBiased)
    buffers.corrections = allocate(shape, b.getI32Type());
  buffers.scales = allocate(shape, b.getF32Type());
  if (PanelPlan::hasAnchors(layout, groups))
    buffers.anchors = allocate(shape, b.getF32Type());
  if (plan.numPanels == 1) {
    emitPanel(place);
  } else {
    buffers.partial =
        allocate({getMostChunkRows(), place.numTiles * TileLayout::kRows},
                 groups.exist() ? Type(b.getF32Type()) : b.getI32Type());
    emitLoop(b, index(0), index(plan.numPanels), 1, [&](Value panel) {
      PanelPlace part = place;
      part.panel = panel;
      emitPanel(part);
    });
  }
  memref::AllocaScopeReturnOp::create(b, ValueRange());
}

void TilePanel::emitPanels() {
  activations = operands.makeBlockedActivations(plan.form);
  activationScales = operands.makeActivationScales();
  // As few chunks as there must be, of about the same size.
  Value count = operands.getNumInputs();
  auto divideUp = [&](Value value, Value by) -> Value {
    return arith::CeilDivUIOp::create(b, value, by);
  };
  Value numChunks = divideUp(count, index(kChunkRows));
  int64_t unit = getChunkUnit(), tiles = plan.form.tiles;
  Value chunkRows =
      mul(divideUp(divideUp(count, numChunks), index(unit)), unit);

  int64_t whole = layout.numTiles() / tiles, rest = layout.numTiles() % tiles;
  auto loop =
      scf::ParallelOp::create(b, ValueRange{index(0), index(0)},
                              ValueRange{numChunks, index(whole + (rest != 0))},
                              ValueRange{index(1), index(1)});
  {
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(loop.getBody());
    Value chunk = loop.getInductionVars()[0],
          block = loop.getInductionVars()[1];
    PanelPlace place;
    place.firstRow = arith::MulIOp::create(b, chunk, chunkRows);
    place.endRow =
        arith::MinUIOp::create(b, count, add(place.firstRow, chunkRows));
    place.firstTile = mul(block, tiles);
    auto emitTiles = [&](int64_t numTiles) {
      place.numTiles = numTiles;
      emitBlock(place);
    };
    if (whole == 0)
      emitTiles(rest);
    else if (rest == 0)
      emitTiles(tiles);
    else
      emitIf(
          isLess(block, index(whole)), [&] { emitTiles(tiles); },
          [&] { emitTiles(rest); });
  }
  memref::DeallocOp::create(b, activations);
  if (activationScales)
    memref::DeallocOp::create(b, activationScales);
}

void TilePanel::emit() {
  int64_t manyInputs = op.getManyInputs().value_or(1);
  if (operands.getStaticNumInputs() || manyInputs == 1)
    return emitPanels();
  emitIf(
      isLess(operands.getNumInputs(), index(manyInputs)),
      [&] { emitTileProduct(b, op, layout, isa); }, [&] { emitPanels(); });
}

void mlir::sq::cpu::emitTilePanel(ImplicitLocOpBuilder &builder, MatmulOp op,
                                  const TileLayout &layout,
                                  const ByteISA &isa) {
  TilePanel(builder, op, layout, isa).emit();
}
