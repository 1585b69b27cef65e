//===- TileFma.cpp - Products of f32 activations with tiles ---------------===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "TileFma.h"
#include "ByteISA.h"
#include "FloatPanel.h"
#include "KernelBuilder.h"
#include "TileExpand.h"
#include "TileFloats.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace mlir::sq;
using namespace mlir::sq::cpu;
using numerics::TileLayout;

/// Vectors of straight-line code that the instruction cache likes, and the most
/// that scale groups may ask for.
static constexpr int64_t kUnroll = 16, kMaxUnroll = 64;

static constexpr int64_t kLanes = TileLayout::kRows;

std::string mlir::sq::cpu::checkTileFmaSizes(const TileLayout &layout) {
  if (groupsAreUnits(layout))
    return "";
  if (layout.format.groupSize % layout.vectorCols())
    return "a scale group of " + std::to_string(layout.format.groupSize) +
           " is not a multiple of the " + std::to_string(layout.vectorCols()) +
           " columns of a vector";
  if (layout.groupUnitCols() / layout.vectorCols() > kMaxUnroll)
    return "scale groups of " + std::to_string(layout.format.groupSize) +
           " start at a byte too rarely to unroll";
  return "";
}

namespace {

class TileFma : KernelBuilder {
public:
  TileFma(ImplicitLocOpBuilder &b, MatmulOp op, const TileLayout &layout,
          const ByteISA &isa)
      : KernelBuilder(b), op(op), input(op.getInput()), layout(layout),
        isa(isa) {}

  void emit();

private:
  int64_t numVectors(int64_t cols) {
    return llvm::divideCeil(cols, layout.vectorCols());
  }

  void emitTile(Value tile);
  void emitRows(Value tile, Value first, int64_t count);
  /// The sums of [col, col + cols), where col starts a unit.
  SmallVector<Value> sumSpan(TileFloats &weights, ArrayRef<Value> rows,
                             Value col, int64_t cols);
  /// Adds the products of vectors [from, to) of the run that `weights` is at,
  /// which starts at column `col`. From column `col + valid` on there are none.
  void accumulate(TileFloats &weights, ArrayRef<Value> rows, Value col,
                  int64_t from, int64_t to, int64_t valid,
                  SmallVector<Value> &sums);
  /// The M activations of a group, repeated.
  Value readGroup(Value row, Value col, int64_t offset, int64_t valid);
  /// totals += sums * scales.
  void addScaled(Value tile, Value group, ArrayRef<Value> sums,
                 SmallVector<Value> &totals);
  void store(Value tile, Value row, Value total);

  /// A multiply-add waits for the sum that it adds to: several sums, taken in
  /// turn, for each row of activations.
  int64_t sumsPerRow(int64_t rows) {
    if (isa.numFloatVectors() < 32)
      return std::max<int64_t>(1, 4 / rows);
    return rows > 4 ? 1 : rows > 2 ? 2 : 4;
  }
  SmallVector<Value> zeroSums(int64_t rows) {
    return SmallVector<Value>(rows * sumsPerRow(rows), zeros(f32s));
  }

  MatmulOp op;
  Value input;
  const TileLayout &layout;
  const ByteISA &isa;
  VectorType f32s = VectorType::get({kLanes}, b.getF32Type());
};

} // namespace

Value TileFma::readGroup(Value row, Value col, int64_t offset, int64_t valid) {
  auto type = VectorType::get({layout.m}, b.getF32Type());
  SmallVector<Value> at = {row, add(col, offset)};
  Value group;
  if (offset + layout.m <= valid) {
    group = vector::LoadOp::create(b, type, input, at);
  } else {
    Value mask = vector::ConstantMaskOp::create(
        b, VectorType::get({layout.m}, b.getI1Type()),
        ArrayRef<int64_t>{valid - offset});
    group = vector::MaskedLoadOp::create(
        b, type, input, at, mask,
        arith::ConstantOp::create(b, b.getZeroAttr(type)));
  }
  if (layout.m == kLanes)
    return group;
  SmallVector<int64_t> repeat;
  for (int64_t lane = 0; lane < kLanes; ++lane)
    repeat.push_back(lane % layout.m);
  return vector::ShuffleOp::create(b, group, group, repeat);
}

void TileFma::accumulate(TileFloats &weights, ArrayRef<Value> rows, Value col,
                         int64_t from, int64_t to, int64_t valid,
                         SmallVector<Value> &sums) {
  int64_t perRow = sumsPerRow(rows.size());
  SmallVector<Value> groups;
  for (int64_t i = from; i < to; ++i)
    for (int64_t d = 0; d < TileLayout::kDepth; ++d) {
      int64_t code = i * TileLayout::kDepth + d;
      // Of the group that the code belongs to, 1 of 1 when dense.
      int64_t offset = code / layout.n * layout.m;
      if (offset >= valid)
        return;
      Value elements = weights.readElements(i, d);
      Value positions;
      if (layout.hasPositions()) {
        positions = weights.readPositions(i, d);
        if (code % layout.n == 0) {
          groups.clear();
          for (Value row : rows)
            groups.push_back(readGroup(row, col, offset, valid));
        }
      }
      for (auto [r, row] : llvm::enumerate(rows)) {
        Value x;
        if (layout.hasPositions())
          // The group is repeated, so upper bits of a position don't matter.
          x = isa.lookUpFloats(b, groups[r], positions, layout.m);
        else
          x = vector::BroadcastOp::create(
              b, f32s,
              memref::LoadOp::create(b, input,
                                     ValueRange{row, add(col, offset)}));
        Value &sum = sums[r * perRow + code % perRow];
        sum = vector::FMAOp::create(b, x, elements, sum);
      }
    }
}

SmallVector<Value> TileFma::sumSpan(TileFloats &weights, ArrayRef<Value> rows,
                                    Value col, int64_t cols) {
  // As much as divides the span without a rest, if there is such a block.
  int64_t unit = layout.unitCols();
  int64_t block = std::max<int64_t>(kUnroll * layout.vectorCols() / unit, 1);
  for (int64_t fewer = block; fewer > block / 2; --fewer)
    if (cols % (fewer * unit) == 0) {
      block = fewer;
      break;
    }
  block *= unit;

  auto run = [&](Value from, int64_t valid, SmallVector<Value> sums) {
    weights.start(arith::DivUIOp::create(b, from, index(layout.vectorCols())));
    accumulate(weights, rows, from, 0, numVectors(valid), valid, sums);
    return sums;
  };
  SmallVector<Value> sums = zeroSums(rows.size());
  int64_t whole = cols / block * block;
  if (whole == block)
    sums = run(col, block, sums);
  else if (whole)
    sums = emitLoop(b, col, add(col, whole), block, sums,
                    [&](Value from, ArrayRef<Value> carried) {
                      return run(from, block, SmallVector<Value>(carried));
                    });
  if (whole < cols)
    sums = run(add(col, whole), cols - whole, sums);
  return sums;
}

void TileFma::addScaled(Value tile, Value group, ArrayRef<Value> sums,
                        SmallVector<Value> &totals) {
  Value scales = readTileScales(b, op, layout, tile, group);
  int64_t perRow = sumsPerRow(totals.size());
  for (size_t r = 0; r < totals.size(); ++r) {
    SmallVector<Value> parts(sums.slice(r * perRow, perRow));
    for (; parts.size() > 1; parts.resize(parts.size() / 2))
      for (size_t p = 0; p < parts.size() / 2; ++p)
        parts[p] =
            arith::AddFOp::create(b, parts[p], parts[p + parts.size() / 2]);
    totals[r] = vector::FMAOp::create(b, parts[0], scales, totals[r]);
  }
}

void TileFma::emitRows(Value tile, Value first, int64_t count) {
  SmallVector<Value> rows;
  for (int64_t i = 0; i < count; ++i)
    rows.push_back(add(first, i));
  TileFloats weights(b, op, layout, isa, tile);
  SmallVector<Value> totals(count, zeros(f32s));
  int64_t size = layout.format.groupSize;

  if (!layout.hasGroups()) {
    addScaled(tile, index(0), sumSpan(weights, rows, index(0), layout.cols),
              totals);
  } else if (groupsAreUnits(layout)) {
    int64_t whole = layout.cols / size;
    auto run = [&](Value group, int64_t cols, SmallVector<Value> sums) {
      addScaled(tile, group, sumSpan(weights, rows, mul(group, size), cols),
                sums);
      return sums;
    };
    if (whole)
      totals = emitLoop(b, index(0), index(whole), 1, totals,
                        [&](Value group, ArrayRef<Value> carried) {
                          return run(group, size, SmallVector<Value>(carried));
                        });
    if (int64_t rest = layout.cols - whole * size)
      totals = run(index(whole), rest, totals);
  } else {
    int64_t blockCols = layout.groupUnitCols();
    auto run = [&](Value block, int64_t cols, SmallVector<Value> sums) {
      Value col = mul(block, blockCols);
      weights.start(mul(block, blockCols / layout.vectorCols()));
      for (int64_t from = 0; from < cols; from += size) {
        SmallVector<Value> group = zeroSums(count);
        accumulate(weights, rows, col, from / layout.vectorCols(),
                   numVectors(std::min(from + size, cols)), cols, group);
        addScaled(tile, add(mul(block, blockCols / size), from / size), group,
                  sums);
      }
      return sums;
    };
    int64_t whole = layout.cols / blockCols;
    if (whole)
      totals =
          emitLoop(b, index(0), index(whole), 1, totals,
                   [&](Value block, ArrayRef<Value> carried) {
                     return run(block, blockCols, SmallVector<Value>(carried));
                   });
    if (int64_t rest = layout.cols - whole * blockCols)
      totals = run(index(whole), rest, totals);
  }
  for (auto [row, total] : llvm::zip_equal(rows, totals))
    store(tile, row, total);
}

/// out[row, rows of the tile] += total * what all of it is scaled by.
void TileFma::store(Value tile, Value row, Value total) {
  Value factor;
  if (float power = TileFloats::getFactor(layout, isa); power != 1.0f)
    factor = arith::ConstantOp::create(b, b.getF32FloatAttr(power));
  if (layout.format.hasTensorScale()) {
    Value zero = index(0);
    Value scale = memref::LoadOp::create(b, op.getScales().back(),
                                         ValueRange{zero, zero});
    factor = factor ? Value(arith::MulFOp::create(b, scale, factor)) : scale;
  }
  Value factors;
  if (factor)
    factors = vector::BroadcastOp::create(b, f32s, factor);
  auto update = [&](Value old) -> Value {
    if (factors)
      return vector::FMAOp::create(b, total, factors, old);
    return arith::AddFOp::create(b, total, old);
  };
  Value first = mul(tile, kLanes);
  SmallVector<Value> at = {row, first};
  if (layout.rows % kLanes == 0) {
    Value old = vector::LoadOp::create(b, f32s, op.getInit(), at);
    vector::StoreOp::create(b, update(old), op.getInit(), at);
    return;
  }
  Value left = arith::SubIOp::create(b, index(layout.rows), first);
  Value mask = vector::CreateMaskOp::create(
      b, VectorType::get({kLanes}, b.getI1Type()), ValueRange{left});
  Value old = vector::MaskedLoadOp::create(b, f32s, op.getInit(), at, mask,
                                           zeros(f32s));
  vector::MaskedStoreOp::create(b, op.getInit(), at, mask, update(old));
}

void TileFma::emitTile(Value tile) {
  auto type = cast<MemRefType>(input.getType());
  if (type.getDimSize(0) == 1)
    return emitRows(tile, index(0), 1);
  // Each row of activations takes a register for its sums, one for its total
  // and, of N:M weights, one for its group, of 32; half of these must do where
  // there are 8.
  Value from = index(0), count = memref::DimOp::create(b, input, from);
  for (int64_t block : {8, 4, 2, 1}) {
    if (block > isa.numFloatVectors() / 2)
      continue;
    Value rest = arith::SubIOp::create(b, count, from);
    Value whole = mul(arith::DivUIOp::create(b, rest, index(block)), block);
    Value to = arith::AddIOp::create(b, from, whole);
    emitLoop(b, from, to, block,
             [&](Value row) { emitRows(tile, row, block); });
    from = to;
  }
}

void TileFma::emit() {
  emitByRows(
      b, input, [&] { emitTilePanelProduct(b, op, layout, isa, input); },
      [&] {
        auto loop = scf::ParallelOp::create(
            b, ValueRange{index(0)}, ValueRange{index(layout.numTiles())},
            ValueRange{index(1)});
        OpBuilder::InsertionGuard guard(b);
        b.setInsertionPointToStart(loop.getBody());
        emitTile(loop.getInductionVars().front());
      });
}

void mlir::sq::cpu::emitTileFma(ImplicitLocOpBuilder &builder, MatmulOp op,
                                const TileLayout &layout, const ByteISA &isa) {
  TileFma(builder, op, layout, isa).emit();
}
