//===- BlockLines.cpp - Activations for weights in blocks -----------------===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "BlockLines.h"
#include "ByteISA.h"
#include "Transpose.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace mlir::sq;
using namespace mlir::sq::cpu;
using numerics::TileLayout;

Value mlir::sq::cpu::readBlockIndex(ImplicitLocOpBuilder &b, MatmulOp op,
                                    const TileLayout &layout, Value tile,
                                    Value i) {
  auto two = VectorType::get({2}, b.getI8Type());
  Value size = constantIndex(b, layout.indexAt(1) - layout.indexAt(0));
  Value stored = vector::LoadOp::create(
      b, two, op.getBitmap(),
      ValueRange{tile, arith::MulIOp::create(b, i, size)});
  Value number = vector::ExtractOp::create(
      b,
      vector::BitCastOp::create(b, VectorType::get({1}, b.getI16Type()),
                                stored),
      int64_t(0));
  return arith::IndexCastUIOp::create(b, b.getIndexType(), number);
}

BlockLines::BlockLines(ImplicitLocOpBuilder &builder, MatmulOp op,
                       const TileLayout &layout, const ByteISA &isa,
                       TileOperands &operands, int64_t rowBlock)
    : KernelBuilder(builder), op(op), layout(layout), isa(isa),
      operands(operands), rowBlock(rowBlock),
      numLines(llvm::alignTo(
          llvm::divideCeil(layout.paddedCols(), TileLayout::kDepth),
          rowBlock)) {}

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
void BlockLines::rearrange(Value block, Value line, int64_t cols) {
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
    vector::StoreOp::create(b, stored, lines,
                            ValueRange{block, add(line, i), index(0)});
  }
}

Value BlockLines::make() {
  int64_t lineBytes = rowBlock * TileLayout::kDepth;
  Value count = operands.getNumInputs();
  Value blocks = arith::CeilDivUIOp::create(b, count, index(rowBlock));
  std::optional<int64_t> known = operands.getStaticNumInputs();
  SmallVector<Value> dynamic;
  if (!known)
    dynamic.push_back(blocks);
  lines = memref::AllocOp::create(
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
  return lines;
}

void BlockLines::gather(Value tile, Value block, Value lines, Value gathered) {
  auto column = VectorType::get({rowBlock}, b.getI8Type());
  SmallVector<int64_t> words;
  for (int64_t i = 0; i < rowBlock * TileLayout::kDepth; ++i)
    words.push_back(i % TileLayout::kDepth * rowBlock + i / TileLayout::kDepth);
  emitLoop(b, index(0), index(layout.vectorsPerTile()), 1, [&](Value vector) {
    SmallVector<Value> parts;
    for (int64_t i = 0; i < TileLayout::kDepth; ++i) {
      Value col = readBlockIndex(b, op, layout, tile,
                                 add(mul(vector, TileLayout::kDepth), i));
      Value line = arith::DivUIOp::create(b, col, index(TileLayout::kDepth));
      Value within = arith::RemUIOp::create(b, col, index(TileLayout::kDepth));
      parts.push_back(vector::LoadOp::create(
          b, column, lines, ValueRange{block, line, mul(within, rowBlock)}));
    }
    Value all = join(b, parts);
    vector::StoreOp::create(b, vector::ShuffleOp::create(b, all, all, words),
                            gathered, ValueRange{vector, index(0)});
  });
}
