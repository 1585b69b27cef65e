//===- TileOperands.cpp - Around the products on tiles --------------------===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "TileOperands.h"
#include "ByteISA.h"
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

void TileOperands::convertRow(Value row, Value into) {
  auto store = [&](Value x, Value col) {
    vector::StoreOp::create(b, isa.prepareActivations(b, x), into,
                            ValueRange{row, col});
  };
  int64_t whole = layout.cols / TileLayout::kVector * TileLayout::kVector;
  emitLoop(b, index(0), index(whole), TileLayout::kVector, [&](Value col) {
    store(vector::LoadOp::create(b, bytes, op.getInput(), ValueRange{row, col}),
          col);
  });
  if (whole == layout.cols)
    return;
  Value col = index(whole);
  Value mask = vector::ConstantMaskOp::create(
      b, VectorType::get({TileLayout::kVector}, b.getI1Type()),
      ArrayRef<int64_t>{layout.cols - whole});
  store(vector::MaskedLoadOp::create(b, bytes, op.getInput(),
                                     ValueRange{row, col}, mask,
                                     splat(bytes, b.getI8IntegerAttr(0))),
        col);
}

Value TileOperands::makeActivations(int64_t rowMultiple, bool isParallel) {
  std::optional<int64_t> known = getStaticNumInputs();
  int64_t stride = layout.paddedCols();
  if (layout.hasGroups())
    stride = std::max<int64_t>(
        stride, llvm::alignTo(layout.cols, layout.format.groupSize));
  stride = llvm::alignTo(stride, TileLayout::kWindow);
  // Rows at an odd number of cache lines from each other don't compete for a
  // few sets of the cache.
  if (known != 1 && stride / TileLayout::kWindow % 2 == 0)
    stride += TileLayout::kWindow;
  Value count = getNumInputs();
  auto type = MemRefType::get({known.value_or(ShapedType::kDynamic), stride},
                              b.getI8Type());
  SmallVector<Value> dynamic;
  if (!known) {
    Value multiple = index(rowMultiple);
    dynamic.push_back(arith::MulIOp::create(
        b, arith::CeilDivUIOp::create(b, count, multiple), multiple));
  }
  Value result = memref::AllocOp::create(
      b, type, dynamic, b.getI64IntegerAttr(TileLayout::kVector));
  if (known == 1) {
    convertRow(index(0), result);
    return result;
  }
  Value zero = index(0);
  if (!isParallel) {
    emitLoop(b, zero, count, 1, [&](Value row) { convertRow(row, result); });
    return result;
  }
  auto loop = scf::ParallelOp::create(b, ValueRange{zero}, ValueRange{count},
                                      ValueRange{index(1)});
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(loop.getBody());
  convertRow(loop.getInductionVars().front(), result);
  return result;
}

void TileOperands::update(Value tile, Value row, Value total) {
  Value zero = index(0);
  auto scaleType = cast<MemRefType>(op.getInputScales().front().getType());
  Value scale = memref::LoadOp::create(
      b, op.getInputScales().front(),
      ValueRange{scaleType.getDimSize(0) == 1 ? zero : row, zero});
  if (scaleType.getElementType().isF16())
    scale = arith::ExtFOp::create(b, b.getF32Type(), scale);
  if (layout.format.hasTensorScale())
    scale =
        arith::MulFOp::create(b, scale,
                              memref::LoadOp::create(b, op.getScales().back(),
                                                     ValueRange{zero, zero}));
  int factor =
      TileReader::getWeightFactor(layout) * *layout.format.integerFactor();
  // A power of two: exact.
  scale = arith::MulFOp::create(
      b, scale, arith::ConstantOp::create(b, b.getF32FloatAttr(1.0f / factor)));

  Value first = arith::MulIOp::create(b, tile, index(TileLayout::kRows));
  SmallVector<Value> at = {row, first};
  Value factors = vector::BroadcastOp::create(b, f32s, scale);
  auto update = [&](Value old) {
    return vector::FMAOp::create(b, total, factors, old);
  };
  if (layout.rows % TileLayout::kRows == 0) {
    Value old = vector::LoadOp::create(b, f32s, op.getInit(), at);
    vector::StoreOp::create(b, update(old), op.getInit(), at);
    return;
  }
  Value left = arith::SubIOp::create(b, index(layout.rows), first);
  Value mask = vector::CreateMaskOp::create(
      b, VectorType::get({TileLayout::kRows}, b.getI1Type()), ValueRange{left});
  Value old = vector::MaskedLoadOp::create(
      b, f32s, op.getInit(), at, mask, splat(f32s, b.getF32FloatAttr(0.0f)));
  vector::MaskedStoreOp::create(b, op.getInit(), at, mask, update(old));
}
