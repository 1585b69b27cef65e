//===- TileBlocks.cpp - Integer products that skip blocks -----------------===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "TileBlocks.h"
#include "ByteISA.h"
#include "KernelBuilder.h"
#include "TileOperands.h"
#include "TileReader.h"
#include "Transpose.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace mlir::sq;
using namespace mlir::sq::cpu;
using numerics::TileLayout;

/// Bytes of rearranged activations that all tiles go by at once: half of a
/// second-level cache of 1 MB.
static constexpr int64_t kChunkBytes = 512 << 10;
/// Bytes of gathered activations, on the stack of each thread.
static constexpr int64_t kMaxGathered = 256 << 10;
/// Vectors that a loop's body multiplies: with few rows, and with many.
static constexpr int64_t kFewUnroll = 8, kManyUnroll = 2;

std::string mlir::sq::cpu::checkTileBlocksSizes(const TileLayout &layout) {
  if (layout.hasGroups())
    return "scales of groups along the columns don't go with skipped ones";
  if (layout.indexCols() == 1 &&
      layout.vectorsPerTile() * TileLayout::kVector > kMaxGathered)
    return "16 rows of activations of " +
           std::to_string(layout.vectorsPerTile() * TileLayout::kDepth) +
           " kept columns don't fit the buffer that they are gathered in";
  return "";
}

namespace {

class TileBlocks : KernelBuilder {
public:
  TileBlocks(ImplicitLocOpBuilder &b, MatmulOp op, const TileLayout &layout,
             const ByteISA &isa)
      : KernelBuilder(b), op(op), layout(layout), isa(isa),
        operands(b, op, layout, isa), rowBlock(isa.numVectors() / 2),
        minRows(rowBlock * 3 / 4),
        numLines(llvm::divideCeil(layout.paddedCols(), TileLayout::kDepth)) {
    numLines = llvm::alignTo(numLines, rowBlock);
  }

  void emit();

private:
  void emitTiles(function_ref<void(Value tile)> body);
  Value zeroSums() { return zeros(i32s); }
  /// Calls body(first, count, sums) for vectors [first, first + count) of a
  /// tile, in steps of `unroll`.
  SmallVector<Value> forEachVector(
      int64_t unroll, ArrayRef<Value> initial,
      function_ref<SmallVector<Value>(Value, int64_t, ArrayRef<Value>)> body);

  /// Index `i` of the tile.
  Value readIndex(Value tile, Value i);
  /// The word of four bytes at memref[indices], in all lanes.
  Value splatWord(Value memref, ValueRange indices);
  Value splatWord(Value word);
  void finish(Value tile, Value row, Value sum, Value scales);

  // Few rows: activations as they come, the words of a vector row by row.
  void emitFew();
  void emitFewRows(Value tile, Value first, int64_t count);
  Value readFew(Value tile, Value row, Value vector);

  // Many rows.
  void emitMany();
  void makeLines();
  void rearrange(Value block, Value group, int64_t cols);
  void emitTileOfChunk(Value tile, Value firstBlock, Value endBlock);
  Value sumWeights(Value tile);
  void gather(Value tile, Value block);
  void multiply(Value tile, Value block, int64_t count, bool isGuarded,
                Value correction, Value scales);

  MatmulOp op;
  const TileLayout &layout;
  const ByteISA &isa;
  TileOperands operands;
  /// Rows whose sums are in registers at once; from how many on their
  /// activations are rearranged.
  int64_t rowBlock, minRows;
  /// Of `rowBlock` words each, that the columns take.
  int64_t numLines;
  VectorType bytes = VectorType::get({TileLayout::kVector}, b.getI8Type());
  VectorType i32s = VectorType::get({TileLayout::kRows}, b.getI32Type());
  VectorType f32s = VectorType::get({TileLayout::kRows}, b.getF32Type());
  /// Few: [row, column]. Many: [block of rows, line, byte].
  Value activations;
  /// Of a thread: gathered lines, [vector, byte].
  Value gathered;
};

} // namespace

SmallVector<Value> TileBlocks::forEachVector(
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

Value TileBlocks::readIndex(Value tile, Value i) {
  auto two = VectorType::get({2}, b.getI8Type());
  Value stored = vector::LoadOp::create(
      b, two, op.getBitmap(),
      ValueRange{tile, mul(i, layout.indexAt(1) - layout.indexAt(0))});
  Value number = vector::ExtractOp::create(
      b,
      vector::BitCastOp::create(b, VectorType::get({1}, b.getI16Type()),
                                stored),
      int64_t(0));
  return arith::IndexCastUIOp::create(b, b.getIndexType(), number);
}

Value TileBlocks::splatWord(Value word) {
  return vector::BitCastOp::create(b, bytes,
                                   vector::BroadcastOp::create(b, i32s, word));
}

Value TileBlocks::splatWord(Value memref, ValueRange indices) {
  auto four = VectorType::get({TileLayout::kDepth}, b.getI8Type());
  Value loaded = vector::LoadOp::create(b, four, memref, indices);
  return splatWord(vector::ExtractOp::create(
      b,
      vector::BitCastOp::create(b, VectorType::get({1}, b.getI32Type()),
                                loaded),
      int64_t(0)));
}

void TileBlocks::finish(Value tile, Value row, Value sum, Value scales) {
  Value exact = arith::SIToFPOp::create(b, f32s, sum);
  operands.update(tile, row, arith::MulFOp::create(b, exact, scales));
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
    finish(tile, rows[r], exact, scales);
  }
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

/// `vectors`, one after the other.
static Value join(ImplicitLocOpBuilder &b, SmallVector<Value> vectors) {
  while (vectors.size() > 1) {
    SmallVector<Value> wider;
    for (size_t i = 0; i < vectors.size(); i += 2) {
      int64_t size = 2 * cast<VectorType>(vectors[i].getType()).getDimSize(0);
      wider.push_back(vector::ShuffleOp::create(
          b, vectors[i], vectors[i + 1], llvm::to_vector(llvm::seq(size))));
    }
    vectors = wider;
  }
  return vectors.front();
}

/// Lines of `cols` columns from line `line` on, a word each of `rowBlock` rows.
/// For blocks that are not whole vectors wide, a line is its four columns one
/// after the other.
void TileBlocks::rearrange(Value block, Value line, int64_t cols) {
  int64_t lineBytes = rowBlock * TileLayout::kDepth;
  auto type = VectorType::get({lineBytes}, b.getI8Type());
  auto words = VectorType::get({rowBlock}, b.getI32Type());
  Value last = arith::SubIOp::create(b, operands.getNumInputs(), index(1));
  Value col = mul(line, TileLayout::kDepth);
  SmallVector<Value> rows;
  for (int64_t r = 0; r < rowBlock; ++r) {
    // What rows beyond the last give is dropped.
    Value row = arith::MinUIOp::create(b, add(mul(block, rowBlock), r), last);
    Value loaded;
    if (cols == lineBytes) {
      loaded =
          vector::LoadOp::create(b, type, op.getInput(), ValueRange{row, col});
    } else {
      Value mask = vector::ConstantMaskOp::create(
          b, VectorType::get({lineBytes}, b.getI1Type()),
          ArrayRef<int64_t>{cols});
      loaded = vector::MaskedLoadOp::create(
          b, type, op.getInput(), ValueRange{row, col}, mask, zeros(type));
    }
    rows.push_back(loaded);
  }
  // ByteISA thinks in vectors of 64 bytes.
  int64_t perVector = TileLayout::kVector / lineBytes;
  for (int64_t r = 0; r < rowBlock; r += perVector) {
    Value prepared = isa.prepareActivations(
        b,
        join(b, SmallVector<Value>(ArrayRef<Value>(rows).slice(r, perVector))));
    for (int64_t i = 0; i < perVector; ++i)
      rows[r + i] = vector::BitCastOp::create(
          b, words,
          vector::ShuffleOp::create(
              b, prepared, prepared,
              llvm::to_vector(llvm::seq(i * lineBytes, (i + 1) * lineBytes))));
  }
  rows = transpose(b, rows);
  SmallVector<int64_t> columns;
  for (int64_t i = 0; i < lineBytes; ++i)
    columns.push_back(i % rowBlock * TileLayout::kDepth + i / rowBlock);
  for (auto [i, row] : llvm::enumerate(rows)) {
    Value stored = vector::BitCastOp::create(b, type, row);
    if (layout.indexCols() == 1)
      stored = vector::ShuffleOp::create(b, stored, stored, columns);
    vector::StoreOp::create(b, stored, activations,
                            ValueRange{block, add(line, i), index(0)});
  }
}

void TileBlocks::makeLines() {
  int64_t lineBytes = rowBlock * TileLayout::kDepth;
  Value count = operands.getNumInputs();
  Value blocks = arith::CeilDivUIOp::create(b, count, index(rowBlock));
  std::optional<int64_t> known = operands.getStaticNumInputs();
  SmallVector<Value> dynamic;
  if (!known)
    dynamic.push_back(blocks);
  activations = memref::AllocOp::create(
      b,
      MemRefType::get({known ? int64_t(llvm::divideCeil(*known, rowBlock))
                             : ShapedType::kDynamic,
                       numLines, lineBytes},
                      b.getI8Type()),
      dynamic, b.getI64IntegerAttr(TileLayout::kVector));
  auto loop = scf::ParallelOp::create(b, ValueRange{index(0)},
                                      ValueRange{blocks}, ValueRange{index(1)});
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(loop.getBody());
  Value block = loop.getInductionVars().front();
  int64_t whole = layout.cols / lineBytes;
  emitLoop(b, index(0), index(whole * rowBlock), rowBlock,
           [&](Value line) { rearrange(block, line, lineBytes); });
  if (int64_t rest = layout.cols % lineBytes)
    rearrange(block, index(whole * rowBlock), rest);
}

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

/// Of the columns of each vector, lines as products read them.
void TileBlocks::gather(Value tile, Value block) {
  auto column = VectorType::get({rowBlock}, b.getI8Type());
  SmallVector<int64_t> words;
  for (int64_t i = 0; i < rowBlock * TileLayout::kDepth; ++i)
    words.push_back(i % TileLayout::kDepth * rowBlock + i / TileLayout::kDepth);
  emitLoop(b, index(0), index(layout.vectorsPerTile()), 1, [&](Value vector) {
    SmallVector<Value> parts;
    for (int64_t i = 0; i < TileLayout::kDepth; ++i) {
      Value col = readIndex(tile, add(mul(vector, TileLayout::kDepth), i));
      Value line = arith::DivUIOp::create(b, col, index(TileLayout::kDepth));
      Value within = arith::RemUIOp::create(b, col, index(TileLayout::kDepth));
      parts.push_back(vector::LoadOp::create(
          b, column, activations,
          ValueRange{block, line, mul(within, rowBlock)}));
    }
    Value all = join(b, parts);
    vector::StoreOp::create(b, vector::ShuffleOp::create(b, all, all, words),
                            gathered, ValueRange{vector, index(0)});
  });
}

/// `count` rows from the first of `block` on; guarded if some may lie behind
/// the last, where what comes out is dropped.
void TileBlocks::multiply(Value tile, Value block, int64_t count,
                          bool isGuarded, Value correction, Value scales) {
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
  Value end = operands.getNumInputs();
  for (int64_t r = 0; r < count; ++r) {
    Value row = add(mul(block, rowBlock), r);
    auto update = [&] { finish(tile, row, sums[r], scales); };
    if (isGuarded)
      emitIf(isLess(row, end), update);
    else
      update();
  }
}

void TileBlocks::emitTileOfChunk(Value tile, Value firstBlock, Value endBlock) {
  Value correction = sumWeights(tile);
  Value scales = TileReader(b, op, layout, isa, tile).readScales(index(0));
  auto run = [&](Value block, int64_t count, bool isGuarded) {
    if (gathered)
      gather(tile, block);
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
  makeLines();
  // As few chunks as there must be, of about the same size.
  int64_t blockBytes = numLines * rowBlock * TileLayout::kDepth;
  int64_t most = std::max<int64_t>(1, kChunkBytes / blockBytes);
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
    if (layout.indexCols() == 1) {
      // The buffer is on the stack of the thread, for this tile only.
      auto scope = memref::AllocaScopeOp::create(b, TypeRange());
      b.createBlock(&scope.getBodyRegion());
      gathered = memref::AllocaOp::create(
          b,
          MemRefType::get(
              {layout.vectorsPerTile(), rowBlock * TileLayout::kDepth},
              b.getI8Type()),
          b.getI64IntegerAttr(TileLayout::kVector));
      emitTileOfChunk(tile, first, end);
      memref::AllocaScopeReturnOp::create(b, ValueRange());
      gathered = Value();
    } else {
      emitTileOfChunk(tile, first, end);
    }
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
