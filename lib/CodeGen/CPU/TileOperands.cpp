//===- TileOperands.cpp - Around the products on tiles --------------------===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "TileOperands.h"
#include "ByteISA.h"
#include "TileFloats.h"
#include "TileReader.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace mlir::sq;
using namespace mlir::sq::cpu;
using numerics::TileLayout;

Value TileOperands::getNumInputs() {
  return memref::DimOp::create(b, op.getInput(), index(0));
}

std::optional<int64_t> TileOperands::getStaticNumInputs() {
  int64_t count = cast<MemRefType>(op.getInput().getType()).getDimSize(0);
  return ShapedType::isDynamic(count) ? std::nullopt : std::optional(count);
}

int64_t TileOperands::getPaddedCols() {
  int64_t cols = layout.paddedCols();
  if (groups.exist())
    cols = std::max<int64_t>(cols, llvm::alignTo(layout.cols, groups.size));
  return llvm::alignTo(cols, TileLayout::kWindow);
}

void TileOperands::readRows(ArrayRef<Value> rows,
                            function_ref<void(ArrayRef<Value>, Value)> body) {
  int64_t whole = layout.cols / TileLayout::kVector * TileLayout::kVector;
  emitLoop(b, index(0), index(whole), TileLayout::kVector, [&](Value col) {
    SmallVector<Value> vectors;
    for (Value row : rows)
      vectors.push_back(vector::LoadOp::create(b, bytes, op.getInput(),
                                               ValueRange{row, col}));
    body(vectors, col);
  });
  if (whole == layout.cols)
    return;
  Value col = index(whole);
  Value mask = vector::ConstantMaskOp::create(
      b, VectorType::get({TileLayout::kVector}, b.getI1Type()),
      ArrayRef<int64_t>{layout.cols - whole});
  SmallVector<Value> vectors;
  for (Value row : rows)
    vectors.push_back(vector::MaskedLoadOp::create(
        b, bytes, op.getInput(), ValueRange{row, col}, mask, zeros(bytes)));
  body(vectors, col);
}

void TileOperands::convertRow(Value row, Value into) {
  readRows(row, [&](ArrayRef<Value> x, Value col) {
    vector::StoreOp::create(b, isa.prepareActivations(b, x.front()), into,
                            ValueRange{row, col});
  });
}

Value TileOperands::allocateRows() {
  std::optional<int64_t> known = getStaticNumInputs();
  int64_t stride = getPaddedCols();
  // Rows at an odd number of cache lines from each other don't compete for a
  // few sets of the cache.
  if (known != 1 && stride / TileLayout::kWindow % 2 == 0)
    stride += TileLayout::kWindow;
  SmallVector<Value> dynamic;
  if (!known)
    dynamic.push_back(getNumInputs());
  return memref::AllocOp::create(
      b,
      MemRefType::get({known.value_or(ShapedType::kDynamic), stride},
                      b.getI8Type()),
      dynamic, b.getI64IntegerAttr(TileLayout::kVector));
}

void TileOperands::forEachInput(function_ref<void(Value)> body) {
  if (getStaticNumInputs() == 1)
    body(index(0));
  else
    emitLoop(b, index(0), getNumInputs(), 1, body);
}

Value TileOperands::makeActivations() {
  Value result = allocateRows();
  forEachInput([&](Value row) { convertRow(row, result); });
  return result;
}

Value TileOperands::sumGroup(Value values, Value row, Value group) {
  Type i32 = b.getI32Type();
  int64_t size = groups.exist()
                     ? groups.size
                     : llvm::alignTo(layout.cols, TileLayout::kVector);
  auto i32s = VectorType::get({TileLayout::kRows}, i32);
  Value first = mul(group, size);
  if (size % TileLayout::kVector == 0) {
    Value sums =
        emitLoop(b, index(0), index(size), TileLayout::kVector, {zeros(i32s)},
                 [&](Value col, ArrayRef<Value> carried) {
                   Value x = vector::LoadOp::create(
                       b, bytes, values, ValueRange{row, add(first, col)});
                   return SmallVector<Value>{isa.dotBytes(
                       b, carried.front(), splatBytes(b, -128), x)};
                 })
            .front();
    Value sum =
        vector::ReductionOp::create(b, vector::CombiningKind::ADD, sums);
    return arith::SubIOp::create(
        b, arith::ConstantOp::create(b, b.getI32IntegerAttr(0)), sum);
  }
  Value x = vector::LoadOp::create(b, VectorType::get({size}, b.getI8Type()),
                                   values, ValueRange{row, first});
  Value wide = arith::ExtSIOp::create(b, VectorType::get({size}, i32), x);
  Value sum = vector::ReductionOp::create(b, vector::CombiningKind::ADD, wide);
  return arith::MulIOp::create(
      b, sum, arith::ConstantOp::create(b, b.getI32IntegerAttr(-128)));
}

std::pair<Value, Value> TileOperands::makeSignedActivations() {
  Value values = allocateRows();
  std::optional<int64_t> known = getStaticNumInputs();
  SmallVector<Value> dynamic;
  if (!known)
    dynamic.push_back(getNumInputs());
  int64_t numGroups = groups.count(layout.cols);
  Value sums = memref::AllocOp::create(
      b,
      MemRefType::get({known.value_or(ShapedType::kDynamic), numGroups},
                      b.getI32Type()),
      dynamic, b.getI64IntegerAttr(TileLayout::kVector));
  int64_t filled = llvm::alignTo(layout.cols, TileLayout::kVector);
  forEachInput([&](Value row) {
    readRows(row, [&](ArrayRef<Value> x, Value col) {
      vector::StoreOp::create(b, x.front(), values, ValueRange{row, col});
    });
    for (int64_t col = filled; col < getPaddedCols();
         col += TileLayout::kVector)
      vector::StoreOp::create(b, zeros(bytes), values,
                              ValueRange{row, index(col)});
    emitLoop(b, index(0), index(numGroups), 1, [&](Value group) {
      memref::StoreOp::create(b, sumGroup(values, row, group), sums,
                              ValueRange{row, group});
    });
  });
  return {values, sums};
}

/// Element w of vector r of `vectors`, a power of two of them, becomes element
/// w * vectors.size() + r of the result.
static void interleaveWords(ImplicitLocOpBuilder &b,
                            SmallVector<Value> &vectors) {
  int64_t words = cast<VectorType>(vectors.front().getType()).getDimSize(0);
  SmallVector<int64_t> low, high;
  for (int64_t word = 0; word < words; ++word)
    for (int64_t source : {int64_t(0), words})
      (word < words / 2 ? low : high).push_back(source + word);
  // The numbers of words, in bits, turn by one at each step.
  for (size_t step = 1; step < vectors.size(); step *= 2) {
    SmallVector<Value> next;
    for (size_t i = 0, half = vectors.size() / 2; i < half; ++i)
      for (ArrayRef<int64_t> order : {low, high})
        next.push_back(
            vector::ShuffleOp::create(b, vectors[i], vectors[i + half], order));
    vectors = next;
  }
}

Value TileOperands::makeBlockedActivations(const PanelForm &form) {
  int64_t rowBlock = form.rows;
  // Words that lie side by side, and how many are stored at once: the next
  // ones replace what is too much.
  int64_t numWords = rowBlock * form.words,
          stored = int64_t(llvm::PowerOf2Ceil(uint64_t(numWords)));
  std::optional<int64_t> known = getStaticNumInputs();
  Value count = getNumInputs();
  Value numBlocks = arith::CeilDivUIOp::create(b, count, index(rowBlock));
  SmallVector<Value> dynamic;
  if (!known)
    dynamic.push_back(numBlocks);
  auto type = MemRefType::get(
      {known ? int64_t(llvm::divideCeil(*known, rowBlock))
             : ShapedType::kDynamic,
       getPaddedCols() * numWords + (stored - numWords) * TileLayout::kDepth},
      b.getI8Type());
  Value result = memref::AllocOp::create(
      b, type, dynamic, b.getI64IntegerAttr(TileLayout::kVector));
  auto loop = scf::ParallelOp::create(
      b, ValueRange{index(0)}, ValueRange{numBlocks}, ValueRange{index(1)});
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(loop.getBody());
  Value block = loop.getInductionVars().front();
  Value first = mul(block, rowBlock);
  Value last = arith::SubIOp::create(b, count, index(1));
  SmallVector<Value> rows;
  for (int64_t r = 0; r < rowBlock; ++r)
    rows.push_back(arith::MinUIOp::create(b, add(first, r), last));
  auto words = VectorType::get({TileLayout::kRows}, b.getI32Type());
  if (form.kind == PanelForm::Kind::Matrix)
    words = VectorType::get({TileLayout::kRows / 2}, b.getI64Type());
  readRows(rows, [&](ArrayRef<Value> x, Value col) {
    SmallVector<Value> vectors(numWords);
    for (auto [r, row] : llvm::enumerate(x))
      for (auto [w, part] :
           llvm::enumerate(isa.makePanelActivations(b, form, row)))
        vectors[int64_t(w) * rowBlock + int64_t(r)] =
            vector::BitCastOp::create(b, words, part);
    vectors.resize(stored, vectors.back());
    interleaveWords(b, vectors);
    Value at = mul(col, numWords);
    if (stored == numWords) {
      for (auto [i, vector] : llvm::enumerate(vectors))
        vector::StoreOp::create(
            b, vector::BitCastOp::create(b, bytes, vector), result,
            ValueRange{block, add(at, int64_t(i) * TileLayout::kVector)});
      return;
    }
    int64_t offset = 0;
    for (Value vector : vectors)
      for (int64_t from = 0; from < TileLayout::kRows; from += stored) {
        vector::StoreOp::create(
            b,
            vector::ShuffleOp::create(
                b, vector::BitCastOp::create(b, bytes, vector),
                vector::BitCastOp::create(b, bytes, vector),
                llvm::to_vector(
                    llvm::seq(from * TileLayout::kDepth,
                              (from + stored) * TileLayout::kDepth))),
            result, ValueRange{block, add(at, offset)});
        offset += numWords * TileLayout::kDepth;
      }
  });
  return result;
}

Value TileOperands::makeActivationScales() {
  if (groups.perActivationScale == 0)
    return nullptr;
  Value scales = op.getInputScales().front();
  auto type = cast<MemRefType>(scales.getType());
  SmallVector<Value> dynamic;
  if (type.isDynamicDim(0))
    dynamic.push_back(getNumInputs());
  Value result = memref::AllocOp::create(
      b, MemRefType::get(type.getShape(), b.getF32Type()), dynamic,
      b.getI64IntegerAttr(TileLayout::kVector));
  forEachInput([&](Value row) {
    emitLoop(b, index(0), index(type.getDimSize(1)), 1, [&](Value group) {
      Value scale = memref::LoadOp::create(b, scales, ValueRange{row, group});
      memref::StoreOp::create(b, decodeE8M0(b, scale), result,
                              ValueRange{row, group});
    });
  });
  return result;
}

Value TileOperands::readActivationScale(Value scales, Value row, Value group) {
  Value at = arith::DivUIOp::create(b, group, index(groups.perActivationScale));
  return vector::BroadcastOp::create(
      b, f32s, memref::LoadOp::create(b, scales, ValueRange{row, at}));
}

void TileOperands::update(Value tile, Value row, Value total) {
  Value zero = index(0);
  int factor = TileReader::getWeightFactor(layout) *
               *layout.format.integerFactor() *
               *op.getActivationFormatAttr().getFormat().integerFactor();
  // A power of two: exact.
  Value scale = arith::ConstantOp::create(b, b.getF32FloatAttr(1.0f / factor));
  // Those of groups are in the total.
  if (groups.perActivationScale == 0) {
    Value scales = op.getInputScales().front();
    auto type = cast<MemRefType>(scales.getType());
    Value loaded = memref::LoadOp::create(
        b, scales, ValueRange{type.getDimSize(0) == 1 ? zero : row, zero});
    if (type.getElementType().isF16())
      loaded = arith::ExtFOp::create(b, b.getF32Type(), loaded);
    scale = arith::MulFOp::create(b, loaded, scale);
  }
  if (layout.format.hasTensorScale())
    scale =
        arith::MulFOp::create(b, scale,
                              memref::LoadOp::create(b, op.getScales().back(),
                                                     ValueRange{zero, zero}));

  Value first = arith::MulIOp::create(b, tile, index(TileLayout::kRows));
  SmallVector<Value> at = {row, first};
  Value factors = vector::BroadcastOp::create(b, f32s, scale);
  auto update = [&](function_ref<Value()> load) {
    // The sum with a zero is never a negative one.
    Value old = op.getOverwrites() ? splat(f32s, 0.0f) : load();
    return vector::FMAOp::create(b, total, factors, old);
  };
  if (layout.rows % TileLayout::kRows == 0) {
    Value updated = update([&]() -> Value {
      return vector::LoadOp::create(b, f32s, op.getInit(), at);
    });
    vector::StoreOp::create(b, updated, op.getInit(), at);
    return;
  }
  Value left = arith::SubIOp::create(b, index(layout.rows), first);
  Value mask = vector::CreateMaskOp::create(
      b, VectorType::get({TileLayout::kRows}, b.getI1Type()), ValueRange{left});
  Value updated = update([&]() -> Value {
    return vector::MaskedLoadOp::create(b, f32s, op.getInit(), at, mask,
                                        splat(f32s, 0.0f));
  });
  vector::MaskedStoreOp::create(b, op.getInit(), at, mask, updated);
}
