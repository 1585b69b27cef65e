//===- TileKernel.cpp - Integer products on tiles -------------------------===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "TileKernel.h"
#include "ByteISA.h"
#include "KernelBuilder.h"
#include "TileOperands.h"
#include "TileReader.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace mlir::sq;
using namespace mlir::sq::cpu;
using numerics::TileLayout;

/// Vectors that straight-line code may take: what the instruction cache likes.
static constexpr int64_t kMaxUnroll = 64;

/// Columns that straight-line code covers: whole units and whole scale groups.
static int64_t getBlockCols(const TileLayout &layout) {
  if (layout.hasGroups())
    return layout.groupUnitCols();
  int64_t vectors = layout.unitCols() / layout.vectorCols();
  return layout.unitCols() * std::max<int64_t>(1, 8 / vectors);
}

std::string mlir::sq::cpu::checkTileProductSizes(const TileLayout &layout) {
  if (layout.hasGroups() && layout.format.groupSize % layout.vectorCols())
    return "a scale group of " + std::to_string(layout.format.groupSize) +
           " is not a multiple of the " + std::to_string(layout.vectorCols()) +
           " columns of a vector";
  if (getBlockCols(layout) / layout.vectorCols() > kMaxUnroll)
    return "a scale group of " + std::to_string(layout.format.groupSize) +
           " is too long to unroll";
  return "";
}

namespace {

class TileProduct : KernelBuilder {
public:
  TileProduct(ImplicitLocOpBuilder &b, MatmulOp op, const TileLayout &layout,
              const ByteISA &isa)
      : KernelBuilder(b), op(op), layout(layout), isa(isa),
        operands(b, op, layout, isa) {}

  void emit();

private:
  /// Running sums: of each row of activations, and of 128 * w, which is zero
  /// where activations aren't biased.
  struct Sums {
    SmallVector<Value> products;
    Value correction;
  };

  Value zeroSums() { return splat(i32s, b.getI32IntegerAttr(0)); }
  SmallVector<Value>
  repeat(int64_t count, ArrayRef<Value> initial,
         function_ref<SmallVector<Value>(Value, ArrayRef<Value>)> body);

  void emitTile(Value tile);
  void emitRows(Value tile, Value first, int64_t count);
  SmallVector<Value> emitUngrouped(TileReader &reader, ArrayRef<Value> rows);
  SmallVector<Value> emitGrouped(TileReader &reader, ArrayRef<Value> rows);
  /// Adds the products of vectors [from, to) of the run that `reader` is at,
  /// which starts at column `col`, to `sums` in turn.
  void accumulate(TileReader &reader, ArrayRef<Value> rows, Value col,
                  int64_t from, int64_t to, MutableArrayRef<Sums> sums);
  /// Makes the columns [col, col + span) of each row the tables.
  void loadTables(ArrayRef<Value> rows, Value col, int64_t span);
  Value readActivations(Value row, Value col, int64_t offset);
  /// The exact sum of a row of activations, as f32.
  Value finish(const Sums &sums, size_t row);

  MatmulOp op;
  const TileLayout &layout;
  const ByteISA &isa;
  TileOperands operands;
  VectorType bytes = VectorType::get({TileLayout::kVector}, b.getI8Type());
  VectorType i32s = VectorType::get({TileLayout::kRows}, b.getI32Type());
  VectorType f32s = VectorType::get({TileLayout::kRows}, b.getF32Type());
  /// As dot products take them, each row padded to whole windows.
  Value activations;
  /// For each row of activations, the tables that a vector looks up in.
  SmallVector<SmallVector<Value>> tables;
};

} // namespace

/// `count` times; straight on if never.
SmallVector<Value> TileProduct::repeat(
    int64_t count, ArrayRef<Value> initial,
    function_ref<SmallVector<Value>(Value, ArrayRef<Value>)> body) {
  if (count == 0)
    return SmallVector<Value>(initial);
  return emitLoop(b, index(0), index(count), 1, initial, body);
}

Value TileProduct::readActivations(Value row, Value col, int64_t offset) {
  auto four = VectorType::get({TileLayout::kDepth}, b.getI8Type());
  Value loaded = vector::LoadOp::create(b, four, activations,
                                        ValueRange{row, add(col, offset)});
  Value word = vector::ExtractOp::create(
      b,
      vector::BitCastOp::create(b, VectorType::get({1}, b.getI32Type()),
                                loaded),
      int64_t(0));
  return vector::BitCastOp::create(b, bytes,
                                   vector::BroadcastOp::create(b, i32s, word));
}

void TileProduct::loadTables(ArrayRef<Value> rows, Value col, int64_t span) {
  tables.clear();
  for (Value row : rows) {
    SmallVector<Value> &parts = tables.emplace_back();
    for (int64_t from = 0; from < span; from += isa.tableBytes())
      parts.push_back(isa.loadTable(b, activations, row, add(col, from)));
  }
}

void TileProduct::accumulate(TileReader &reader, ArrayRef<Value> rows,
                             Value col, int64_t from, int64_t to,
                             MutableArrayRef<Sums> sums) {
  int64_t span = std::max(isa.tableBytes(), layout.vectorCols());
  for (int64_t i = from; i < to; ++i) {
    auto &[products, correction] = sums[i % sums.size()];
    Value weights = reader.readWeights(i);
    if (isa.biasesActivations())
      correction = isa.dotBytes(b, correction, splatBytes(b, -128), weights);
    int64_t offset = i * layout.vectorCols();
    Value indices;
    if (layout.hasPositions()) {
      indices = reader.readIndices(i, span);
      if (offset % span == 0)
        loadTables(rows, add(col, offset), span);
    }
    for (auto [r, row] : llvm::enumerate(rows)) {
      Value x = layout.hasPositions() ? isa.lookUp(b, tables[r], indices)
                                      : readActivations(row, col, offset);
      products[r] = isa.dotBytes(b, products[r], x, weights);
    }
  }
}

Value TileProduct::finish(const Sums &sums, size_t row) {
  Value exact = sums.products[row];
  if (isa.biasesActivations())
    exact = arith::SubIOp::create(b, exact, sums.correction);
  return arith::SIToFPOp::create(b, f32s, exact);
}

/// One scale a row: sums in i32 over all of it.
SmallVector<Value> TileProduct::emitUngrouped(TileReader &reader,
                                              ArrayRef<Value> rows) {
  int64_t blockCols = getBlockCols(layout);
  int64_t blockVectors = blockCols / layout.vectorCols();
  // A sum waits for the one before it, four cycles or five; of few rows there
  // are not enough others to do meanwhile, so every other vector has its own.
  size_t ways = rows.size() <= 4 ? 2 : 1, size = rows.size() + 1;
  auto unpack = [&](ArrayRef<Value> carried) {
    SmallVector<Sums> sums;
    for (; !carried.empty(); carried = carried.drop_front(size))
      sums.push_back({SmallVector<Value>(carried.take_front(size - 1)),
                      carried[size - 1]});
    return sums;
  };
  auto run = [&](Value block, int64_t vectors, ArrayRef<Value> carried) {
    SmallVector<Sums> sums = unpack(carried);
    reader.start(arith::MulIOp::create(b, block, index(blockVectors)));
    Value col = arith::MulIOp::create(b, block, index(blockCols));
    accumulate(reader, rows, col, 0, vectors, sums);
    SmallVector<Value> next;
    for (const Sums &part : sums) {
      llvm::append_range(next, part.products);
      next.push_back(part.correction);
    }
    return next;
  };
  int64_t blocks = layout.paddedCols() / blockCols;
  SmallVector<Value> carried(ways * size, zeroSums());
  carried = repeat(blocks, carried, [&](Value block, ArrayRef<Value> sums) {
    return run(block, blockVectors, sums);
  });
  if (int64_t rest = layout.vectorsPerTile() - blocks * blockVectors)
    carried = run(index(blocks), rest, carried);
  for (; carried.size() > size; carried.pop_back_n(size))
    for (size_t i = 0; i < size; ++i) {
      Value &sum = carried[carried.size() - 2 * size + i];
      sum = arith::AddIOp::create(b, sum, carried[carried.size() - size + i]);
    }
  Sums sums = unpack(carried).front();
  Value scales = reader.readScales(index(0));
  SmallVector<Value> totals;
  for (size_t r = 0; r < rows.size(); ++r)
    totals.push_back(arith::MulFOp::create(b, finish(sums, r), scales));
  return totals;
}

/// A scale every few vectors: sums in i32 within a group, in f32 across.
SmallVector<Value> TileProduct::emitGrouped(TileReader &reader,
                                            ArrayRef<Value> rows) {
  int64_t blockCols = getBlockCols(layout);
  int64_t blockVectors = blockCols / layout.vectorCols();
  int64_t groupVectors = layout.format.groupSize / layout.vectorCols();
  int64_t blockGroups = blockVectors / groupVectors;
  auto run = [&](Value block, int64_t vectors, ArrayRef<Value> carried) {
    SmallVector<Value> totals(carried);
    reader.start(arith::MulIOp::create(b, block, index(blockVectors)));
    Value col = arith::MulIOp::create(b, block, index(blockCols));
    Value group = arith::MulIOp::create(b, block, index(blockGroups));
    for (int64_t g = 0; g * groupVectors < vectors; ++g) {
      Sums sums{SmallVector<Value>(rows.size(), zeroSums()), zeroSums()};
      accumulate(reader, rows, col, g * groupVectors,
                 std::min(vectors, (g + 1) * groupVectors), sums);
      Value scales = reader.readScales(add(group, g));
      for (size_t r = 0; r < rows.size(); ++r)
        totals[r] =
            vector::FMAOp::create(b, finish(sums, r), scales, totals[r]);
    }
    return totals;
  };
  int64_t blocks = layout.cols / blockCols;
  Value zero = splat(f32s, b.getF32FloatAttr(0.0f));
  SmallVector<Value> totals(rows.size(), zero);
  totals = repeat(blocks, totals, [&](Value block, ArrayRef<Value> carried) {
    return run(block, blockVectors, carried);
  });
  // Padding beyond the last group has no scale.
  if (int64_t rest = layout.cols - blocks * blockCols)
    totals =
        run(index(blocks), llvm::divideCeil(rest, layout.vectorCols()), totals);
  return totals;
}

void TileProduct::emitRows(Value tile, Value first, int64_t count) {
  SmallVector<Value> rows;
  for (int64_t i = 0; i < count; ++i)
    rows.push_back(add(first, i));
  TileReader reader(b, op, layout, isa, tile);
  SmallVector<Value> totals = layout.hasGroups() ? emitGrouped(reader, rows)
                                                 : emitUngrouped(reader, rows);
  for (auto [row, total] : llvm::zip_equal(rows, totals))
    operands.update(tile, row, total);
}

/// Rows of activations in blocks, large ones first: each block reads all
/// weights of the tile once.
void TileProduct::emitTile(Value tile) {
  // Each row of activations takes a vector for its sums, and with scale groups
  // or tables another one.
  int64_t most = isa.numVectors() / 4;
  if (layout.hasGroups() && layout.hasPositions())
    most = most * 3 / 4;
  std::optional<int64_t> rows = operands.getStaticNumInputs();
  if (rows && *rows <= most)
    return emitRows(tile, index(0), *rows);
  Value count = operands.getNumInputs();
  Value start = index(0), first = start;
  for (int64_t size : {most, int64_t(4), int64_t(2), int64_t(1)}) {
    if (size > most || (size == most && first != start))
      continue;
    Value blocks = arith::DivUIOp::create(
        b, arith::SubIOp::create(b, count, first), index(size));
    Value end = arith::AddIOp::create(
        b, first, arith::MulIOp::create(b, blocks, index(size)));
    emitLoop(b, first, end, size,
             [&](Value row) { emitRows(tile, row, size); });
    first = end;
  }
}

void TileProduct::emit() {
  activations = operands.makeActivations();
  auto loop = scf::ParallelOp::create(b, ValueRange{index(0)},
                                      ValueRange{index(layout.numTiles())},
                                      ValueRange{index(1)});
  {
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(loop.getBody());
    emitTile(loop.getInductionVars().front());
  }
  memref::DeallocOp::create(b, activations);
}

void mlir::sq::cpu::emitTileProduct(ImplicitLocOpBuilder &builder, MatmulOp op,
                                    const TileLayout &layout,
                                    const ByteISA &isa) {
  TileProduct(builder, op, layout, isa).emit();
}
