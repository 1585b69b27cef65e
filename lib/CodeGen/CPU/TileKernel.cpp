//===- TileKernel.cpp - Integer products on tiles -------------------------===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "TileKernel.h"
#include "ByteISA.h"
#include "KernelBuilder.h"
#include "SumGroups.h"
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

/// Vectors that straight-line code may take: what the instruction cache likes.
static constexpr int64_t kMaxUnroll = 64;

/// Vectors of a bitmap that straight-line code expands for several rows of
/// activations. Of more, LLVM expands all in front of the products and spills
/// masks and positions.
static constexpr int64_t kExpandUnroll = 4;

/// Columns that straight-line code covers: whole units and whole groups.
static int64_t getBlockCols(const TileLayout &layout, const SumGroups &groups) {
  if (groups.exist())
    return std::lcm(layout.unitCols(), groups.size);
  int64_t vectors = layout.unitCols() / layout.vectorCols();
  return layout.unitCols() * std::max<int64_t>(1, 8 / vectors);
}

std::string mlir::sq::cpu::checkTileProductSizes(const TileLayout &layout,
                                                 const SumGroups &groups) {
  if (groups.size % layout.vectorCols())
    return "a scale group of " + std::to_string(groups.size) +
           " is not a multiple of the " + std::to_string(layout.vectorCols()) +
           " columns of a vector";
  if (getBlockCols(layout, groups) / layout.vectorCols() > kMaxUnroll)
    return "a scale group of " + std::to_string(groups.size) +
           " is too long to unroll";
  return "";
}

namespace {

class TileProduct : KernelBuilder {
public:
  TileProduct(ImplicitLocOpBuilder &b, MatmulOp op, const TileLayout &layout,
              const ByteISA &isa)
      : KernelBuilder(b), op(op), layout(layout), isa(isa),
        groups(SumGroups::get(layout, op)), operands(b, op, layout, isa),
        preparesWeights(isa.biasesActivations() && !layout.hasPositions()) {}

  void emit();

private:
  /// Running sums: of each row of activations, and where those are biased, of
  /// 128 * w.
  struct Sums {
    SmallVector<Value> products;
    Value correction;
  };

  /// Sums of a scale group before anything is added, in `ways` parts that are
  /// added up in the end.
  SmallVector<Sums> startSums(ArrayRef<Value> rows, Value group);
  Sums addUp(ArrayRef<Sums> ways);
  /// All of them as a loop carries them, and back.
  SmallVector<Value> pack(ArrayRef<Sums> ways);
  void unpack(ArrayRef<Value> values, MutableArrayRef<Sums> ways);
  SmallVector<Value>
  repeat(int64_t count, ArrayRef<Value> initial,
         function_ref<SmallVector<Value>(Value, ArrayRef<Value>)> body);

  void emitTile(Value tile);
  /// `count` rows of activations from `first` on. Some may lie behind the
  /// `last` if it is given: its activations are read for them, and what comes
  /// out is dropped.
  void emitRows(Value tile, Value first, int64_t count, Value last = nullptr);
  SmallVector<Value> emitUngrouped(TileReader &reader, ArrayRef<Value> rows);
  SmallVector<Value> emitGrouped(TileReader &reader, ArrayRef<Value> rows);
  /// Adds the products of vectors [from, to) of the run that `reader` is at,
  /// which starts at column `col`, to `sums` in turn.
  void accumulate(TileReader &reader, ArrayRef<Value> rows, Value col,
                  int64_t from, int64_t to, MutableArrayRef<Sums> sums);
  void addProducts(TileReader &reader, ArrayRef<Value> rows, Value col,
                   int64_t from, int64_t to, MutableArrayRef<Sums> sums);
  /// Makes the columns [col, col + span) of each row the tables.
  void loadTables(ArrayRef<Value> rows, Value col, int64_t span);
  Value readActivations(Value row, Value col, int64_t offset);
  /// The weights' scales of a group, and times that of a row of activations.
  Value readScales(TileReader &reader, Value group);
  Value scaleBy(Value scales, Value row, Value group);
  /// The exact sum of a row of activations, as f32.
  Value finish(const Sums &sums, size_t row);

  MatmulOp op;
  const TileLayout &layout;
  const ByteISA &isa;
  SumGroups groups;
  TileOperands operands;
  /// Whether it is the weights that become unsigned.
  bool preparesWeights;
  VectorType bytes = VectorType::get({TileLayout::kVector}, b.getI8Type());
  VectorType i32s = VectorType::get({TileLayout::kRows}, b.getI32Type());
  VectorType f32s = VectorType::get({TileLayout::kRows}, b.getF32Type());
  /// As dot products take them, each row padded to whole windows; and
  /// -128 * sum x of each row and scale group if weights are prepared.
  Value activations, activationSums;
  /// Of each row and group of activations, null if they have no groups.
  Value activationScales;
  /// For each row of activations, the tables that a vector looks up in.
  SmallVector<SmallVector<Value>> tables;
};

} // namespace

/// Parts of each sum. A sum waits for the one before it, four cycles or five;
/// of few rows there are not enough others to do meanwhile, so neighboring
/// vectors go to sums of their own.
static size_t getNumWays(size_t rows, int64_t vectors) {
  size_t ways = rows == 1 ? 4 : rows <= 4 ? 2 : 1;
  return std::min<size_t>(ways, std::max<int64_t>(vectors / 2, 1));
}

SmallVector<TileProduct::Sums> TileProduct::startSums(ArrayRef<Value> rows,
                                                      Value group) {
  int64_t vectors = groups.exist() ? groups.size / layout.vectorCols()
                                   : layout.vectorsPerTile();
  SmallVector<Sums> ways(getNumWays(rows.size(), vectors));
  for (auto [i, sums] : llvm::enumerate(ways)) {
    for (Value row : rows) {
      if (i == 0 && preparesWeights)
        sums.products.push_back(vector::BroadcastOp::create(
            b, i32s,
            memref::LoadOp::create(b, activationSums, ValueRange{row, group})));
      else
        sums.products.push_back(zeros(i32s));
    }
    if (isa.biasesActivations() && !preparesWeights)
      sums.correction = zeros(i32s);
  }
  return ways;
}

SmallVector<Value> TileProduct::pack(ArrayRef<Sums> ways) {
  SmallVector<Value> values;
  for (const Sums &sums : ways) {
    llvm::append_range(values, sums.products);
    if (sums.correction)
      values.push_back(sums.correction);
  }
  return values;
}

void TileProduct::unpack(ArrayRef<Value> values, MutableArrayRef<Sums> ways) {
  auto take = [&](Value &into) {
    into = values.front();
    values = values.drop_front();
  };
  for (Sums &sums : ways) {
    llvm::for_each(sums.products, take);
    if (sums.correction)
      take(sums.correction);
  }
}

TileProduct::Sums TileProduct::addUp(ArrayRef<Sums> ways) {
  Sums total = ways.front();
  for (const Sums &way : ways.drop_front()) {
    for (auto [sum, part] : llvm::zip_equal(total.products, way.products))
      sum = arith::AddIOp::create(b, sum, part);
    if (total.correction)
      total.correction =
          arith::AddIOp::create(b, total.correction, way.correction);
  }
  return total;
}

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
  if (!layout.hasBitmap() || rows.size() == 1)
    return addProducts(reader, rows, col, from, to, sums);
  int64_t whole = from + (to - from) / kExpandUnroll * kExpandUnroll;
  if (whole > from) {
    SmallVector<Value> carried = pack(sums);
    carried.push_back(reader.getCursor());
    SmallVector<Value> results =
        emitLoop(b, index(from), index(whole), kExpandUnroll, carried,
                 [&](Value vector, ArrayRef<Value> carried) {
                   Value at = add(col, mul(vector, layout.vectorCols()));
                   reader.seek(at, carried.back());
                   unpack(carried.drop_back(), sums);
                   addProducts(reader, rows, at, 0, kExpandUnroll, sums);
                   SmallVector<Value> next = pack(sums);
                   next.push_back(reader.getCursor());
                   return next;
                 });
    keepRolled(results);
    unpack(ArrayRef(results).drop_back(), sums);
    // Vectors are counted from where they were before.
    reader.seek(col, results.back());
  }
  addProducts(reader, rows, col, whole, to, sums);
}

void TileProduct::addProducts(TileReader &reader, ArrayRef<Value> rows,
                              Value col, int64_t from, int64_t to,
                              MutableArrayRef<Sums> sums) {
  int64_t span = std::max(isa.tableBytes(), layout.vectorCols());
  for (int64_t i = from; i < to; ++i) {
    auto &[products, correction] = sums[i % sums.size()];
    Value weights = reader.readWeights(i);
    if (preparesWeights)
      weights = isa.prepareActivations(b, weights);
    if (correction)
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
      if (preparesWeights)
        products[r] = isa.dotBytes(b, products[r], weights, x);
      else
        products[r] = isa.dotBytes(b, products[r], x, weights);
    }
  }
}

Value TileProduct::finish(const Sums &sums, size_t row) {
  Value exact = sums.products[row];
  if (sums.correction)
    exact = arith::SubIOp::create(b, exact, sums.correction);
  return arith::SIToFPOp::create(b, f32s, exact);
}

/// One scale a row: sums in i32 over all of it.
SmallVector<Value> TileProduct::emitUngrouped(TileReader &reader,
                                              ArrayRef<Value> rows) {
  int64_t blockCols = getBlockCols(layout, groups);
  int64_t blockVectors = blockCols / layout.vectorCols();
  SmallVector<Sums> initial = startSums(rows, index(0));
  auto run = [&](Value block, int64_t vectors, ArrayRef<Value> carried) {
    SmallVector<Sums> sums = initial;
    unpack(carried, sums);
    reader.start(arith::MulIOp::create(b, block, index(blockVectors)));
    Value col = arith::MulIOp::create(b, block, index(blockCols));
    accumulate(reader, rows, col, 0, vectors, sums);
    return pack(sums);
  };
  int64_t blocks = layout.paddedCols() / blockCols;
  SmallVector<Value> carried =
      repeat(blocks, pack(initial), [&](Value block, ArrayRef<Value> sums) {
        return run(block, blockVectors, sums);
      });
  if (int64_t rest = layout.vectorsPerTile() - blocks * blockVectors)
    carried = run(index(blocks), rest, carried);
  unpack(carried, initial);
  Sums sums = addUp(initial);
  Value scales = reader.readScales(index(0));
  SmallVector<Value> totals;
  for (size_t r = 0; r < rows.size(); ++r)
    totals.push_back(arith::MulFOp::create(b, finish(sums, r), scales));
  return totals;
}

Value TileProduct::readScales(TileReader &reader, Value group) {
  if (groups.perWeightScale == 0)
    return reader.readScales(index(0));
  return reader.readScales(
      arith::DivUIOp::create(b, group, index(groups.perWeightScale)));
}

Value TileProduct::scaleBy(Value scales, Value row, Value group) {
  if (!activationScales)
    return scales;
  return arith::MulFOp::create(
      b, scales, operands.readActivationScale(activationScales, row, group));
}

/// A scale every few vectors: sums in i32 within a group, in f32 across.
SmallVector<Value> TileProduct::emitGrouped(TileReader &reader,
                                            ArrayRef<Value> rows) {
  int64_t blockCols = getBlockCols(layout, groups);
  int64_t blockVectors = blockCols / layout.vectorCols();
  int64_t groupVectors = groups.size / layout.vectorCols();
  int64_t blockGroups = blockVectors / groupVectors;
  auto run = [&](Value block, int64_t vectors, ArrayRef<Value> carried) {
    SmallVector<Value> totals(carried);
    reader.start(arith::MulIOp::create(b, block, index(blockVectors)));
    Value col = arith::MulIOp::create(b, block, index(blockCols));
    Value group = arith::MulIOp::create(b, block, index(blockGroups));
    for (int64_t g = 0; g * groupVectors < vectors; ++g) {
      SmallVector<Sums> ways = startSums(rows, add(group, g));
      accumulate(reader, rows, col, g * groupVectors,
                 std::min(vectors, (g + 1) * groupVectors), ways);
      Sums sums = addUp(ways);
      Value scales = readScales(reader, add(group, g));
      for (auto [r, row] : llvm::enumerate(rows))
        totals[r] = vector::FMAOp::create(
            b, finish(sums, r), scaleBy(scales, row, add(group, g)), totals[r]);
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

void TileProduct::emitRows(Value tile, Value first, int64_t count, Value last) {
  SmallVector<Value> rows;
  for (int64_t i = 0; i < count; ++i) {
    Value row = add(first, i);
    rows.push_back(last ? arith::MinUIOp::create(b, row, last) : row);
  }
  TileReader reader(b, op, layout, isa, tile);
  SmallVector<Value> totals =
      groups.exist() ? emitGrouped(reader, rows) : emitUngrouped(reader, rows);
  for (auto [i, total] : llvm::enumerate(totals)) {
    auto update = [&] { operands.update(tile, rows[i], total); };
    if (last)
      emitIf(arith::CmpIOp::create(b, arith::CmpIPredicate::ule, add(first, i),
                                   last),
             update);
    else
      update();
  }
}

/// Rows of activations in blocks, large ones first: each block reads all
/// weights of the tile once.
void TileProduct::emitTile(Value tile) {
  // Each row of activations takes a vector for its sums, and with scale groups
  // or tables another one.
  int64_t most = isa.numVectors() / 4;
  std::optional<int64_t> known = operands.getStaticNumInputs();
  if (known && *known <= most)
    return emitRows(tile, index(0), *known);
  SmallVector<int64_t> sizes = {most};
  for (int64_t size : {4, 2, 1})
    if (size < most)
      sizes.push_back(size);
  Value count = operands.getNumInputs();
  Value last = arith::SubIOp::create(b, count, index(1));
  Value first = index(0);
  for (auto [i, size] : llvm::enumerate(sizes)) {
    // To read the weights again costs more than products that are dropped: the
    // last block isn't full if the next smaller one wouldn't hold its rows.
    int64_t next = i + 1 < sizes.size() ? sizes[i + 1] : 0;
    int64_t dropped = next ? size - next - 1 : 0;
    Value blocks = arith::DivUIOp::create(
        b, add(arith::SubIOp::create(b, count, first), dropped), index(size));
    Value end = add(first, mul(blocks, size));
    emitLoop(b, first, end, size, [&](Value row) {
      emitRows(tile, row, size, dropped ? last : Value());
    });
    first = next ? arith::MinUIOp::create(b, end, count) : end;
  }
}

void TileProduct::emit() {
  if (preparesWeights)
    std::tie(activations, activationSums) = operands.makeSignedActivations();
  else
    activations = operands.makeActivations();
  activationScales = operands.makeActivationScales();
  auto loop = scf::ParallelOp::create(b, ValueRange{index(0)},
                                      ValueRange{index(layout.numTiles())},
                                      ValueRange{index(1)});
  {
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(loop.getBody());
    emitTile(loop.getInductionVars().front());
  }
  memref::DeallocOp::create(b, activations);
  for (Value buffer : {activationSums, activationScales})
    if (buffer)
      memref::DeallocOp::create(b, buffer);
}

void mlir::sq::cpu::emitTileProduct(ImplicitLocOpBuilder &builder, MatmulOp op,
                                    const TileLayout &layout,
                                    const ByteISA &isa) {
  TileProduct(builder, op, layout, isa).emit();
}
