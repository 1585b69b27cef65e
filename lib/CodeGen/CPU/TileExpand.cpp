//===- TileExpand.cpp - Columns of a tile to f32 memory -------------------===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "TileExpand.h"
#include "ByteISA.h"
#include "FloatPanel.h"
#include "Loops.h"
#include "TileFloats.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace mlir::sq;
using namespace mlir::sq::cpu;
using numerics::TileLayout;

static constexpr int64_t kLanes = TileLayout::kRows;

/// The largest multiple of `unit` up to `limit` that divides `extent`, or else
/// `unit`.
static int64_t getDivisor(int64_t extent, int64_t unit, int64_t limit) {
  for (int64_t size = limit / unit * unit; size > unit; size -= unit)
    if (extent % size == 0)
      return size;
  return unit;
}

namespace {

class TileExpander {
public:
  TileExpander(ImplicitLocOpBuilder &b, MatmulOp op, const TileLayout &layout,
               const ByteISA &isa)
      : b(b), op(op), layout(layout), isa(isa) {
    int64_t size = layout.format.groupSize;
    if (!layout.hasGroups()) {
      step = getDivisor(kPanelCols, layout.unitCols(), kStepCols);
      panelCols = std::max(kPanelCols, step);
    } else if (groupsAreUnits(layout)) {
      // Of several groups, or a part of one.
      step = getDivisor(size, layout.unitCols(), kStepCols);
      panelCols = size <= kPanelCols ? kPanelCols / size * size
                                     : getDivisor(size, step, kPanelCols);
    } else {
      step = layout.groupUnitCols();
      panelCols = step <= kPanelCols ? kPanelCols / step * step : step;
    }
  }

  /// Columns of straight-line code, and of a panel.
  int64_t step = 0, panelCols = 0;

  /// Columns [col + k, col + k + valid) of a tile to panel[half, k...].
  void expand(Value tile, Value col, Value k, int64_t valid, Value panel,
              Value half);

private:
  static constexpr int64_t kPanelCols = 256, kStepCols = 32;

  Value constant(VectorType type, Attribute value) {
    return arith::ConstantOp::create(b, DenseElementsAttr::get(type, value));
  }
  void spread(ArrayRef<Value> elements, ArrayRef<Value> positions,
              function_ref<void(int64_t, Value)> store);

  ImplicitLocOpBuilder &b;
  MatmulOp op;
  const TileLayout &layout;
  const ByteISA &isa;
  VectorType f32s = VectorType::get({kLanes}, b.getF32Type());
  VectorType i32s = VectorType::get({kLanes}, b.getI32Type());
};

} // namespace

/// Stores the M columns of a group whose N weights are `elements`.
void TileExpander::spread(ArrayRef<Value> elements, ArrayRef<Value> positions,
                          function_ref<void(int64_t, Value)> store) {
  Value low = constant(i32s, b.getI32IntegerAttr(layout.m - 1));
  SmallVector<Value> columns;
  for (Value position : positions)
    columns.push_back(arith::AndIOp::create(b, position, low));
  for (int64_t c = 0; c < layout.m; ++c) {
    Value weight = arith::ConstantOp::create(b, b.getZeroAttr(f32s));
    for (auto [column, element] : llvm::zip_equal(columns, elements)) {
      Value isHere =
          arith::CmpIOp::create(b, arith::CmpIPredicate::eq, column,
                                constant(i32s, b.getI32IntegerAttr(c)));
      weight = arith::SelectOp::create(b, isHere, element, weight);
    }
    store(c, weight);
  }
}

void TileExpander::expand(Value tile, Value col, Value k, int64_t valid,
                          Value panel, Value half) {
  Value at = arith::AddIOp::create(b, col, k);
  TileFloats weights(b, op, layout, isa, tile);
  weights.start(
      arith::DivUIOp::create(b, at, constantIndex(b, layout.vectorCols())));

  Value zero = constantIndex(b, 0);
  Value factor, tensorScale;
  if (float power = TileFloats::getFactor(layout, isa); power != 1.0f)
    factor = constant(f32s, b.getF32FloatAttr(power));
  if (layout.format.hasTensorScale())
    tensorScale = vector::BroadcastOp::create(
        b, f32s,
        memref::LoadOp::create(b, op.getScales().back(),
                               ValueRange{zero, zero}));
  auto scale = [&](Value element, Value scales) -> Value {
    if (factor)
      element = arith::MulFOp::create(b, element, factor);
    element = arith::MulFOp::create(b, element, scales);
    if (tensorScale)
      element = arith::MulFOp::create(b, element, tensorScale);
    return element;
  };
  auto store = [&](int64_t offset, Value weight) {
    if (offset >= valid)
      return;
    Value column = arith::AddIOp::create(b, k, constantIndex(b, offset));
    vector::StoreOp::create(b, weight, panel, ValueRange{half, column, zero});
  };

  int64_t size = layout.hasGroups() ? layout.format.groupSize : layout.cols;
  Value scales;
  SmallVector<Value> elements, positions;
  for (int64_t code = 0;; ++code) {
    // Of the group of N:M that the code belongs to, 1:1 when dense.
    int64_t offset = code / layout.n * layout.m;
    if (offset >= valid)
      break;
    if (code == 0 || (offset % size == 0 && code % layout.n == 0)) {
      Value group = zero;
      if (layout.hasGroups())
        group = arith::DivUIOp::create(
            b, arith::AddIOp::create(b, at, constantIndex(b, offset)),
            constantIndex(b, size));
      scales = readTileScales(b, op, layout, tile, group);
    }
    int64_t vector = code / TileLayout::kDepth, d = code % TileLayout::kDepth;
    Value element = scale(weights.readElements(vector, d), scales);
    if (!layout.hasPositions()) {
      store(offset, element);
      continue;
    }
    elements.push_back(element);
    positions.push_back(weights.readPositions(vector, d));
    if (code % layout.n != layout.n - 1)
      continue;
    spread(elements, positions,
           [&](int64_t c, Value weight) { store(offset + c, weight); });
    elements.clear();
    positions.clear();
  }
}

void mlir::sq::cpu::emitTilePanelProduct(ImplicitLocOpBuilder &b, MatmulOp op,
                                         const TileLayout &layout,
                                         const ByteISA &isa, Value input) {
  TileExpander expander(b, op, layout, isa);
  PanelProduct product{input,       op.getInit(), layout.rows,
                       layout.cols, kLanes,       expander.panelCols};
  // A vector of 16 floats takes two registers, of 16.
  if (isa.numFloatVectors() < 32) {
    product.blocks = 1;
    product.rows = 6;
  }
  emitPanelProduct(
      b, product,
      [&](Value tile, Value col, Value extent, Value panel, Value half) {
        emitPanelColumns(b, extent, expander.step, layout.cols % expander.step,
                         [&](Value k, int64_t valid) {
                           expander.expand(tile, col, k, valid, panel, half);
                         });
      });
}
