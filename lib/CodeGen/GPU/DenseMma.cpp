//===- DenseMma.cpp - Dense weights on tensor cores -----------------------===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "DenseMma.h"
#include "HostMemref.h"
#include "MmaKernel.h"
#include "PrepareActivations.h"
#include "UnitKernel.h"

using namespace mlir;
using namespace mlir::sq;
using namespace mlir::sq::cuda;
using numerics::FragmentLayout;

//===----------------------------------------------------------------------===//
// Weights in rows to fragments
//===----------------------------------------------------------------------===//

namespace {

class PlaneBuilder : UnitBuilder {
public:
  PlaneBuilder(ImplicitLocOpBuilder &b, const FragmentLayout &layout,
               Value weights, Value stride, Type element, Value to)
      : UnitBuilder(b), layout(layout), weights(weights), stride(stride),
        element(element), to(to) {}

  /// Plane `plane`: what the planes before it leave, rounded to bf16.
  void emit(int64_t plane);

private:
  Value loadOrZero(Value row, Value col);
  Value bitsOfPlane(Value value, int64_t plane);

  const FragmentLayout &layout;
  Value weights, stride;
  Type element;
  Value to;
};

} // namespace

Value PlaneBuilder::loadOrZero(Value row, Value col) {
  int64_t bytes = element.getIntOrFloatBitWidth() / 8;
  auto wide = [&](Value value) -> Value {
    return arith::ExtUIOp::create(b, b.getI64Type(), value);
  };
  Value inRow = min(row, constant(layout.rows - 1));
  Value inCol = min(col, constant(layout.cols - 1));
  Value start = arith::MulIOp::create(b, wide(inRow), wide(stride));
  Value index = arith::AddIOp::create(b, start, wide(inCol));
  Value size = arith::ConstantOp::create(b, b.getI64IntegerAttr(bytes));
  Value pointer =
      at(globalPointer(weights), arith::MulIOp::create(b, index, size));
  Value value = load(element, pointer, bytes);
  if (!element.isF32())
    value = arith::ExtFOp::create(b, f32(), value);
  Value exists = arith::AndIOp::create(b, isLess(row, constant(layout.rows)),
                                       isLess(col, constant(layout.cols)));
  return arith::SelectOp::create(b, exists, value, constant(0.0f));
}

Value PlaneBuilder::bitsOfPlane(Value value, int64_t plane) {
  Value part = arith::TruncFOp::create(b, b.getBF16Type(), value);
  for (int64_t done = 0; done < plane; ++done) {
    value =
        arith::SubFOp::create(b, value, arith::ExtFOp::create(b, f32(), part));
    part = arith::TruncFOp::create(b, b.getBF16Type(), value);
  }
  return arith::ExtUIOp::create(
      b, i32(), arith::BitcastOp::create(b, b.getI16Type(), part));
}

void PlaneBuilder::emit(int64_t plane) {
  launchUnits(layout, [&](Value tile, Value unit, Value lane) {
    Value pointer = atFar(globalPointer(to), tile, layout.payloadBytes());
    pointer = atFar(pointer, unit, FragmentLayout::kUnitBytes);
    pointer = at(pointer, mul(lane, FragmentLayout::kLoadBytes));
    // Row and column of a register's first element: NUM-L11.
    Value firstRow = add(mul(tile, FragmentLayout::kRows), div(lane, 4));
    Value firstCol = add(mul(unit, layout.unitCols()), mul(rem(lane, 4), 2));
    for (int64_t r = 0; r < FragmentLayout::kRegisters; ++r) {
      Value row = add(firstRow, r % 2 * 8), col = add(firstCol, r / 2 * 8);
      Value low = bitsOfPlane(loadOrZero(row, col), plane);
      Value high = bitsOfPlane(loadOrZero(row, add(col, 1)), plane);
      store(arith::OrIOp::create(b, low, shiftLeft(high, 16)),
            at(pointer, 4 * r), 4);
    }
  });
}

//===----------------------------------------------------------------------===//
// The host's side
//===----------------------------------------------------------------------===//

/// bf16 that hold all bits of an element.
static int64_t countPlanes(Type element) {
  return element.isBF16() ? 1 : element.isF16() ? 2 : 3;
}

static void emitMany(ImplicitLocOpBuilder &b, linalg::MatmulOp op,
                     int64_t sharedBytes) {
  Value input = op.getDpsInputs()[0], weights = op.getDpsInputs()[1];
  Value out = op.getDpsInits()[0];
  auto type = cast<MemRefType>(weights.getType());
  MmaProduct product;
  product.layout =
      FragmentLayout::get(numerics::Format::half(numerics::Element::BF16),
                          /*pattern=*/nullptr, /*multiplierBytes=*/2,
                          type.getDimSize(0), type.getDimSize(1));
  product.multiplier = Multiplier::getBF16();
  product.tokens = rowsOf(b, input);
  product.out = addressOf(b, out);
  product.outStride = strideOf(b, out);

  const FragmentLayout &layout = product.layout;
  Value tokens =
      arith::IndexCastOp::create(b, b.getIndexType(), product.tokens);
  auto planes = MemRefType::get(
      {product.multiplier.planes, ShapedType::kDynamic, layout.paddedCols()},
      b.getBF16Type());
  Value activations = memref::AllocOp::create(b, planes, ValueRange{tokens});
  product.activations = addressOf(b, activations);
  Activations from;
  from.address = addressOf(b, input);
  from.stride = strideOf(b, input);
  from.tokens = product.tokens;
  from.cols = layout.cols;
  from.paddedCols = layout.paddedCols();
  emitSplit(b, from, product.activations);

  Value room = memref::AllocOp::create(
      b, MemRefType::get({layout.numTiles(), layout.payloadBytes()},
                         b.getI8Type()));
  product.weights = addressOf(b, room);
  Value address = addressOf(b, weights), stride = strideOf(b, weights);
  for (int64_t plane = 0; plane < countPlanes(type.getElementType()); ++plane) {
    PlaneBuilder(b, layout, address, stride, type.getElementType(),
                 product.weights)
        .emit(plane);
    emitTileMma(b, product, sharedBytes);
  }
  memref::DeallocOp::create(b, room);
  memref::DeallocOp::create(b, activations);
}

void mlir::sq::cuda::lowerDenseProduct(linalg::MatmulOp op,
                                       int64_t sharedBytes) {
  Value input = op.getDpsInputs()[0];
  int64_t tokens = cast<MemRefType>(input.getType()).getDimSize(0);
  if (!ShapedType::isDynamic(tokens) && tokens <= kStreamTokens)
    return;
  ImplicitLocOpBuilder b(op.getLoc(), op);
  if (!ShapedType::isDynamic(tokens)) {
    emitMany(b, op, sharedBytes);
    op.erase();
    return;
  }
  Value most =
      arith::ConstantOp::create(b, b.getI32IntegerAttr(int32_t(kStreamTokens)));
  Value isFew = arith::CmpIOp::create(b, arith::CmpIPredicate::ule,
                                      rowsOf(b, input), most);
  auto branch = scf::IfOp::create(b, isFew, /*withElseRegion=*/true);
  b.setInsertionPointToStart(branch.elseBlock());
  emitMany(b, op, sharedBytes);
  op->moveBefore(branch.thenBlock(), branch.thenBlock()->begin());
}
