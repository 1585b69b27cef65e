//===- TileBlocks.cpp - Integer products that skip blocks -----------------===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "TileBlocks.h"
#include "BlockLines.h"
#include "BlockWalk.h"
#include "ByteISA.h"
#include "KernelBuilder.h"
#include "TileOperands.h"
#include "TileReader.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace mlir::sq;
using namespace mlir::sq::cpu;
using numerics::TileLayout;

/// Bytes of rearranged activations that all tiles go by at once: half of a
/// second-level cache of 1 MB.
static constexpr int64_t kChunkBytes = 512 << 10;
/// Bytes of gathered activations, on the stack of each thread.
static constexpr int64_t kMaxGathered = 256 << 10;
/// Bytes of the sums of weights of scale groups, on the stack of each thread.
static constexpr int64_t kMaxCorrections = 256 << 10;
/// Vectors that a loop's body multiplies: with few rows, and with many.
static constexpr int64_t kFewUnroll = 8, kGroupUnroll = 4, kManyUnroll = 2;

/// Of a tile's scale groups, a sum of weights for each of 16 rows.
static int64_t getCorrectionBytes(const TileLayout &layout) {
  return layout.format.numGroups(layout.cols) * TileLayout::kRows * 4;
}

std::string mlir::sq::cpu::checkTileBlocksSizes(const TileLayout &layout) {
  if (layout.hasGroups() && layout.indexCols() == 1)
    return "a vector's columns, of blocks of " +
           std::to_string(layout.blockCols) +
           ", would belong to several scale groups";
  if (layout.hasGroups() && layout.format.groupSize % TileLayout::kDepth)
    return "scale groups of " + std::to_string(layout.format.groupSize) +
           " columns are not whole vectors of " +
           std::to_string(TileLayout::kDepth);
  if (layout.hasGroups() && getCorrectionBytes(layout) > kMaxCorrections)
    return "the sums of weights of " +
           std::to_string(layout.format.numGroups(layout.cols)) +
           " scale groups don't fit their buffer";
  if (layout.indexCols() == 1 &&
      layout.vectorsPerTile() * TileLayout::kVector > kMaxGathered)
    return "16 rows of activations of " +
           std::to_string(layout.vectorsPerTile() * TileLayout::kDepth) +
           " kept columns don't fit the buffer that they are gathered in";
  return "";
}

namespace {

class TileBlocks : BlockWalk {
public:
  TileBlocks(ImplicitLocOpBuilder &b, MatmulOp op, const TileLayout &layout,
             const ByteISA &isa)
      : BlockWalk(b, op, layout), isa(isa), operands(b, op, layout, isa),
        rowBlock(isa.numVectors() / 2), minRows(rowBlock * 3 / 4),
        lines(b, op, layout, isa, operands, rowBlock) {}

  void emit();

private:
  void emitTiles(function_ref<void(Value tile)> body);
  Value allocate(ArrayRef<int64_t> shape, Type element) {
    return memref::AllocaOp::create(b, MemRefType::get(shape, element),
                                    b.getI64IntegerAttr(TileLayout::kVector));
  }
  Value scale(Value sum, Value scales);

  // Few rows: activations as they come, the words of a vector row by row.
  void emitFew();
  void emitFewRows(Value tile, Value first, int64_t count);
  void emitFewRowsOfGroups(Value tile, ArrayRef<Value> rows);
  Value readFew(Value tile, Value row, Value vector);

  // Many rows.
  void emitMany();
  void emitTileOfChunk(Value tile, Value firstBlock, Value endBlock);
  Value sumWeights(Value tile);
  void sumWeightsOfGroups(Value tile);
  SmallVector<Value> multiplyRows(Value tile, Value block, int64_t count,
                                  Value correction, Value scales);
  SmallVector<Value> multiplyGroups(Value tile, Value block, int64_t count);
  void multiply(Value tile, Value block, int64_t count, bool isGuarded,
                Value correction, Value scales);

  const ByteISA &isa;
  TileOperands operands;
  /// Rows whose sums are in registers at once; from how many on their
  /// activations are rearranged.
  int64_t rowBlock, minRows;
  BlockLines lines;
  VectorType f32s = VectorType::get({TileLayout::kRows}, b.getF32Type());
  /// Few: [row, column]. Many: [block of rows, line, byte].
  Value activations;
  /// Of a thread: gathered lines, [vector, byte].
  Value gathered;
  /// Of a thread, with scale groups: -128 * w, [group, lane].
  Value corrections;
};

} // namespace

Value TileBlocks::scale(Value sum, Value scales) {
  return arith::MulFOp::create(b, arith::SIToFPOp::create(b, f32s, sum),
                               scales);
}

//===----------------------------------------------------------------------===//
// Few rows
//===----------------------------------------------------------------------===//

Value TileBlocks::readFew(Value tile, Value row, Value vector) {
  if (layout.indexCols() == TileLayout::kDepth)
    return splatWord(activations, ValueRange{row, mul(readIndex(tile, vector),
                                                      TileLayout::kDepth)});
  auto four = VectorType::get({TileLayout::kDepth}, b.getI8Type());
  SmallVector<Value> columns;
  for (int64_t i = 0; i < TileLayout::kDepth; ++i)
    columns.push_back(memref::LoadOp::create(
        b, activations,
        ValueRange{row,
                   readIndex(tile, add(mul(vector, TileLayout::kDepth), i))}));
  Value word = vector::FromElementsOp::create(b, four, columns);
  return splatWord(vector::ExtractOp::create(
      b,
      vector::BitCastOp::create(b, VectorType::get({1}, b.getI32Type()), word),
      int64_t(0)));
}

void TileBlocks::emitFewRows(Value tile, Value first, int64_t count) {
  SmallVector<Value> rows;
  for (int64_t i = 0; i < count; ++i)
    rows.push_back(add(first, i));
  if (layout.hasGroups())
    return emitFewRowsOfGroups(tile, rows);
  TileReader reader(b, op, layout, isa, tile);
  // As in TileKernel.cpp: few sums wait for each other, so there are two of
  // each; and 128 * w is the last one.
  size_t ways = count <= 4 ? 2 : 1, size = count + 1;
  SmallVector<Value> sums = forEachVector(
      kFewUnroll, SmallVector<Value>(ways * size, zeroSums()),
      [&](Value vector, int64_t vectors, ArrayRef<Value> carried) {
        SmallVector<Value> next(carried);
        reader.start(vector);
        for (int64_t i = 0; i < vectors; ++i) {
          Value weights = reader.readWeights(i);
          Value *sums = &next[i % ways * size];
          if (isa.biasesActivations())
            sums[count] =
                isa.dotBytes(b, sums[count], splatBytes(b, -128), weights);
          for (int64_t r = 0; r < count; ++r)
            sums[r] = isa.dotBytes(
                b, sums[r], readFew(tile, rows[r], add(vector, i)), weights);
        }
        return next;
      });
  for (; sums.size() > size; sums.pop_back_n(size))
    for (size_t i = 0; i < size; ++i) {
      Value &sum = sums[sums.size() - 2 * size + i];
      sum = arith::AddIOp::create(b, sum, sums[sums.size() - size + i]);
    }
  Value scales = reader.readScales(index(0));
  for (int64_t r = 0; r < count; ++r) {
    Value exact = sums[r];
    if (isa.biasesActivations())
      exact = arith::SubIOp::create(b, exact, sums[count]);
    operands.update(tile, rows[r], scale(exact, scales));
  }
}

/// A loop for each group would run two or four times, and nothing predicts how
/// often: that costs more than the products of few rows. So one loop goes over
/// all vectors, and where a group begins, a mask adds the sums of the one
/// before it to the totals and clears them. What the next vector waits for is
/// an addition, no product.
void TileBlocks::emitFewRowsOfGroups(Value tile, ArrayRef<Value> rows) {
  TileReader reader(b, op, layout, isa, tile);
  Value perGroup = index(layout.format.groupSize / TileLayout::kDepth);
  size_t count = rows.size();
  auto getGroup = [&](Value vector) -> Value {
    return arith::DivUIOp::create(b, readIndex(tile, vector), perGroup);
  };
  auto addTotal = [&](Value sum, Value scales, Value total) -> Value {
    return vector::FMAOp::create(b, arith::SIToFPOp::create(b, f32s, sum),
                                 scales, total);
  };
  // Sums, totals, and the group that the sums belong to.
  SmallVector<Value> values(count, zeroSums());
  values.append(count, zeros(f32s));
  values.push_back(getGroup(index(0)));
  values = forEachVector(
      kGroupUnroll, values,
      [&](Value first, int64_t vectors, ArrayRef<Value> carried) {
        SmallVector<Value> next(carried);
        reader.start(first);
        for (int64_t i = 0; i < vectors; ++i) {
          Value vector = add(first, i), group = getGroup(vector);
          Value begins = vector::BroadcastOp::create(
              b, VectorType::get({TileLayout::kRows}, b.getI1Type()),
              arith::CmpIOp::create(b, arith::CmpIPredicate::ne, group,
                                    next.back()));
          Value scales = arith::SelectOp::create(
              b, begins, reader.readScales(next.back()), zeros(f32s));
          Value weights = reader.readWeights(i), start = zeroSums();
          if (isa.biasesActivations())
            start = arith::SubIOp::create(
                b, start, isa.dotBytes(b, start, splatBytes(b, -128), weights));
          for (size_t r = 0; r < count; ++r) {
            next[count + r] = addTotal(next[r], scales, next[count + r]);
            Value kept =
                arith::SelectOp::create(b, begins, zeroSums(), next[r]);
            Value product =
                isa.dotBytes(b, start, readFew(tile, rows[r], vector), weights);
            next[r] = arith::AddIOp::create(b, kept, product);
          }
          next.back() = group;
        }
        return next;
      });
  Value scales = reader.readScales(values.back());
  for (size_t r = 0; r < count; ++r)
    operands.update(tile, rows[r],
                    addTotal(values[r], scales, values[count + r]));
}

void TileBlocks::emitTiles(function_ref<void(Value tile)> body) {
  auto loop = scf::ParallelOp::create(b, ValueRange{index(0)},
                                      ValueRange{index(layout.numTiles())},
                                      ValueRange{index(1)});
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(loop.getBody());
  body(loop.getInductionVars().front());
}

void TileBlocks::emitFew() {
  activations = operands.makeActivations();
  int64_t most = rowBlock / 2;
  std::optional<int64_t> known = operands.getStaticNumInputs();
  emitTiles([&](Value tile) {
    if (known && *known <= most)
      return emitFewRows(tile, index(0), *known);
    Value count = operands.getNumInputs(), first = index(0);
    for (int64_t size = most; size; size /= 2) {
      Value left = arith::SubIOp::create(b, count, first);
      Value end =
          add(first, mul(arith::DivUIOp::create(b, left, index(size)), size));
      emitLoop(b, first, end, size,
               [&](Value row) { emitFewRows(tile, row, size); });
      first = end;
    }
  });
  memref::DeallocOp::create(b, activations);
}

//===----------------------------------------------------------------------===//
// Many rows
//===----------------------------------------------------------------------===//

/// 128 * w, summed over the tile's vectors.
Value TileBlocks::sumWeights(Value tile) {
  TileReader reader(b, op, layout, isa, tile);
  if (!isa.biasesActivations())
    return zeroSums();
  SmallVector<Value> sums = forEachVector(
      kFewUnroll, {zeroSums(), zeroSums()},
      [&](Value vector, int64_t vectors, ArrayRef<Value> carried) {
        SmallVector<Value> next(carried);
        reader.start(vector);
        for (int64_t i = 0; i < vectors; ++i)
          next[i % 2] = isa.dotBytes(b, next[i % 2], splatBytes(b, -128),
                                     reader.readWeights(i));
        return next;
      });
  return arith::AddIOp::create(b, sums[0], sums[1]);
}

SmallVector<Value> TileBlocks::multiplyRows(Value tile, Value block,
                                            int64_t count, Value correction,
                                            Value scales) {
  TileReader reader(b, op, layout, isa, tile);
  Value negative = arith::SubIOp::create(b, zeroSums(), correction);
  SmallVector<Value> sums = forEachVector(
      kManyUnroll, SmallVector<Value>(count, negative),
      [&](Value vector, int64_t vectors, ArrayRef<Value> carried) {
        SmallVector<Value> next(carried);
        reader.start(vector);
        for (int64_t i = 0; i < vectors; ++i) {
          Value weights = reader.readWeights(i), at = add(vector, i);
          Value line = gathered ? Value() : readIndex(tile, at);
          for (int64_t r = 0; r < count; ++r) {
            Value byte = index(r * TileLayout::kDepth);
            Value x = gathered ? splatWord(gathered, ValueRange{at, byte})
                               : splatWord(activations,
                                           ValueRange{block, line, byte});
            next[r] = isa.dotBytes(b, next[r], x, weights);
          }
        }
        return next;
      });
  for (Value &sum : sums)
    sum = scale(sum, scales);
  return sums;
}

SmallVector<Value> TileBlocks::multiplyGroups(Value tile, Value block,
                                              int64_t count) {
  TileReader reader(b, op, layout, isa, tile);
  SmallVector<Value> totals(count, zeros(f32s));
  forEachGroup(
      tile, totals,
      [&](Value group) {
        Value start = zeroSums();
        if (corrections)
          start = vector::LoadOp::create(b, i32s, corrections,
                                         ValueRange{group, index(0)});
        return SmallVector<Value>(count, start);
      },
      [&](Value vector, Value line, SmallVector<Value> &sums) {
        Value weights = reader.readWeightsAt(vector);
        for (auto [r, sum] : llvm::enumerate(sums)) {
          Value byte = index(int64_t(r) * TileLayout::kDepth);
          Value x = splatWord(activations, ValueRange{block, line, byte});
          sum = isa.dotBytes(b, sum, x, weights);
        }
      },
      [&](Value group, ArrayRef<Value> sums, SmallVector<Value> &totals) {
        Value scales = reader.readScales(group);
        for (auto [sum, total] : llvm::zip_equal(sums, totals))
          total = vector::FMAOp::create(
              b, arith::SIToFPOp::create(b, f32s, sum), scales, total);
      });
  return totals;
}

/// `count` rows from the first of `block` on; guarded if some may lie behind
/// the last, where what comes out is dropped.
void TileBlocks::multiply(Value tile, Value block, int64_t count,
                          bool isGuarded, Value correction, Value scales) {
  SmallVector<Value> totals =
      layout.hasGroups() ? multiplyGroups(tile, block, count)
                         : multiplyRows(tile, block, count, correction, scales);
  Value end = operands.getNumInputs();
  for (int64_t r = 0; r < count; ++r) {
    Value row = add(mul(block, rowBlock), r);
    auto update = [&] { operands.update(tile, row, totals[r]); };
    if (isGuarded)
      emitIf(isLess(row, end), update);
    else
      update();
  }
}

void TileBlocks::sumWeightsOfGroups(Value tile) {
  TileReader reader(b, op, layout, isa, tile);
  SmallVector<Value> none;
  forEachGroup(
      tile, none, [&](Value) { return SmallVector<Value>{zeroSums()}; },
      [&](Value vector, Value, SmallVector<Value> &sums) {
        sums[0] = isa.dotBytes(b, sums[0], splatBytes(b, -128),
                               reader.readWeightsAt(vector));
      },
      [&](Value group, ArrayRef<Value> sums, SmallVector<Value> &) {
        vector::StoreOp::create(b,
                                arith::SubIOp::create(b, zeroSums(), sums[0]),
                                corrections, ValueRange{group, index(0)});
      });
}

void TileBlocks::emitTileOfChunk(Value tile, Value firstBlock, Value endBlock) {
  Value correction, scales;
  if (layout.hasGroups()) {
    if (corrections)
      sumWeightsOfGroups(tile);
  } else {
    correction = sumWeights(tile);
    scales = TileReader(b, op, layout, isa, tile).readScales(index(0));
  }
  auto run = [&](Value block, int64_t count, bool isGuarded) {
    if (gathered)
      lines.gather(tile, block, activations, gathered);
    multiply(tile, block, count, isGuarded, correction, scales);
  };
  // Only the last block of all is not whole.
  Value count = operands.getNumInputs();
  Value wholeBlocks = arith::DivUIOp::create(b, count, index(rowBlock));
  Value wholeEnd = arith::MinUIOp::create(b, endBlock, wholeBlocks);
  emitLoop(b, firstBlock, wholeEnd, 1,
           [&](Value block) { run(block, rowBlock, false); });
  if (std::optional<int64_t> known = operands.getStaticNumInputs()) {
    if (int64_t rest = *known % rowBlock)
      emitIf(isLess(wholeEnd, endBlock), [&] { run(wholeEnd, rest, false); });
    return;
  }
  emitIf(isLess(wholeEnd, endBlock), [&] {
    Value rest = arith::RemUIOp::create(b, count, index(rowBlock));
    emitIf(
        isLess(rest, index(rowBlock / 2 + 1)),
        [&] { run(wholeEnd, rowBlock / 2, true); },
        [&] { run(wholeEnd, rowBlock, true); });
  });
}

void TileBlocks::emitMany() {
  activations = lines.make();
  // As few chunks as there must be, of about the same size.
  int64_t most = std::max<int64_t>(1, kChunkBytes / lines.getBlockBytes());
  Value blocks =
      arith::CeilDivUIOp::create(b, operands.getNumInputs(), index(rowBlock));
  Value chunks = arith::CeilDivUIOp::create(b, blocks, index(most));
  Value size = arith::CeilDivUIOp::create(b, blocks, chunks);
  auto loop =
      scf::ParallelOp::create(b, ValueRange{index(0), index(0)},
                              ValueRange{chunks, index(layout.numTiles())},
                              ValueRange{index(1), index(1)});
  {
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(loop.getBody());
    Value first = arith::MulIOp::create(b, loop.getInductionVars()[0], size);
    Value end = arith::MinUIOp::create(b, blocks, add(first, size));
    Value tile = loop.getInductionVars()[1];
    // The buffers are on the stack of the thread, for this tile only.
    auto scope = memref::AllocaScopeOp::create(b, TypeRange());
    b.createBlock(&scope.getBodyRegion());
    if (layout.indexCols() == 1)
      gathered =
          allocate({layout.vectorsPerTile(), rowBlock * TileLayout::kDepth},
                   b.getI8Type());
    if (layout.hasGroups() && isa.biasesActivations())
      corrections =
          allocate({layout.format.numGroups(layout.cols), TileLayout::kRows},
                   b.getI32Type());
    emitTileOfChunk(tile, first, end);
    memref::AllocaScopeReturnOp::create(b, ValueRange());
    gathered = corrections = Value();
  }
  memref::DeallocOp::create(b, activations);
}

void TileBlocks::emit() {
  if (std::optional<int64_t> known = operands.getStaticNumInputs())
    return *known < minRows ? emitFew() : emitMany();
  emitIf(
      isLess(operands.getNumInputs(), index(minRows)), [&] { emitFew(); },
      [&] { emitMany(); });
}

void mlir::sq::cpu::emitTileBlocks(ImplicitLocOpBuilder &builder, MatmulOp op,
                                   const TileLayout &layout,
                                   const ByteISA &isa) {
  TileBlocks(builder, op, layout, isa).emit();
}
