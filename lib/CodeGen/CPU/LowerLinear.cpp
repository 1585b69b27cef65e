//===- LowerLinear.cpp - Linear layers to vector code -----------*- C++ -*-===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "ByteISA.h"
#include "DecodeInput.h"
#include "DecodeRow.h"
#include "DotKernel.h"
#include "FloatPanel.h"
#include "Loops.h"
#include "TileFma.h"
#include "TileKernel.h"
#include "TilePanel.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "sparse-quant/CodeGen/CPU/KernelTable.h"
#include "sparse-quant/CodeGen/CPU/Passes.h"

using namespace mlir;

namespace mlir::sq {
#define GEN_PASS_DEF_LOWERLINEAR
#include "sparse-quant/CodeGen/CPU/Passes.h.inc"
} // namespace mlir::sq

using namespace mlir::sq;
using namespace mlir::sq::cpu;

/// The largest block of weight rows that divides their number, so that no
/// block needs a tail.
static int64_t getRowBlock(int64_t rows) {
  for (int64_t block : {4, 2})
    if (rows % block == 0)
      return block;
  return 1;
}

static bool isRowMajorF32(Value value) {
  auto type = dyn_cast<MemRefType>(value.getType());
  return type && type.getRank() == 2 && type.getElementType().isF32() &&
         type.isLastDimUnitStride();
}

/// Whether `op` is out[m, n] += x[m, k] * w[n, k] on f32 with static N, K.
static bool isLinear(linalg::LinalgOp op) {
  if (!op.hasPureBufferSemantics() || op.getNumDpsInputs() != 2 ||
      !linalg::isaContractionOpInterface(op) || op.getNumLoops() != 3)
    return false;
  MLIRContext *context = op.getContext();
  AffineExpr m, n, k;
  bindDims(context, m, n, k);
  auto map = [&](ArrayRef<AffineExpr> exprs) {
    return AffineMap::get(3, 0, exprs, context);
  };
  if (op.getIndexingMapsArray() !=
      SmallVector<AffineMap>{map({m, k}), map({n, k}), map({m, n})})
    return false;
  for (Value operand : op->getOperands())
    if (!isRowMajorF32(operand))
      return false;
  auto weights = cast<MemRefType>(op.getDpsInputs()[1].getType());
  // The body of a generic contraction may be on other types than f32 sums.
  return weights.hasStaticShape();
}

/// for n in parallel, by blocks: body(rows of the block).
static void emitRowBlocks(ImplicitLocOpBuilder &b, int64_t rows,
                          function_ref<void(ArrayRef<Value> columns)> body) {
  int64_t block = getRowBlock(rows);
  auto index = [&](int64_t value) -> Value {
    return arith::ConstantIndexOp::create(b, value);
  };
  auto loop =
      scf::ParallelOp::create(b, ValueRange{index(0)}, ValueRange{index(rows)},
                              ValueRange{index(block)});
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(loop.getBody());
  Value first = loop.getInductionVars().front();
  SmallVector<Value> columns;
  for (int64_t i = 0; i < block; ++i)
    columns.push_back(
        i == 0 ? first : Value(arith::AddIOp::create(b, first, index(i))));
  body(columns);
}

static void lowerDense(linalg::LinalgOp op, int64_t lanes) {
  ImplicitLocOpBuilder b(op.getLoc(), op);
  Value input = op.getDpsInputs()[0], weights = op.getDpsInputs()[1];
  Value out = op.getDpsInits()[0];
  auto type = cast<MemRefType>(weights.getType());
  emitByRows(
      b, input, [&] { emitDensePanelProduct(b, input, weights, out, lanes); },
      [&] {
        emitRowBlocks(b, type.getDimSize(0), [&](ArrayRef<Value> columns) {
          WeightBlock block{weights, SmallVector<Value>(columns)};
          emitDotProducts(b, input, block, out, columns, type.getDimSize(1),
                          lanes);
        });
      });
  op->erase();
}

static void lowerPacked(MatmulOp op, int64_t lanes) {
  ImplicitLocOpBuilder b(op.getLoc(), op);
  Value input = op.getInput();
  bool isQuantized = static_cast<bool>(op.getActivationFormatAttr());
  if (isQuantized)
    input = decodeInput(b, op, lanes);
  RowDecoder decoder(b, op, lanes);
  int64_t rows = cast<MemRefType>(op.getPayload().getType()).getDimSize(0);
  emitRowBlocks(b, rows, [&](ArrayRef<Value> columns) {
    // The decoded block lives on the stack of the thread, for this block only.
    auto scope = memref::AllocaScopeOp::create(b, TypeRange());
    OpBuilder::InsertionGuard guard(b);
    b.createBlock(&scope.getBodyRegion());
    auto type = MemRefType::get(
        {int64_t(columns.size()), decoder.getPaddedExtent()}, b.getF32Type());
    Value buffer = memref::AllocaOp::create(
        b, type, b.getI64IntegerAttr(/*alignment=*/64));
    decoder.makeScratch(b);
    WeightBlock block{buffer, {}};
    auto index = [&](int64_t value) -> Value {
      return arith::ConstantIndexOp::create(b, value);
    };
    for (size_t r = 0; r < columns.size(); ++r)
      block.rows.push_back(index(r));
    emitLoop(b, index(0), index(columns.size()), 1, [&](Value r) {
      Value n = arith::AddIOp::create(b, columns[0], r);
      decoder.decode(b, n, buffer, r);
    });
    emitDotProducts(b, input, block, op.getInit(), columns,
                    op.getReductionExtent(), lanes);
    memref::AllocaScopeReturnOp::create(b, ValueRange());
  });
  if (isQuantized)
    memref::DeallocOp::create(b, input);
  op.erase();
}

namespace {
struct LowerLinear : sq::impl::LowerLinearBase<LowerLinear> {
  using LowerLinearBase::LowerLinearBase;

  void runOnOperation() override {
    SmallVector<linalg::LinalgOp> dense;
    SmallVector<MatmulOp> packed, tiled;
    getOperation().walk([&](Operation *op) {
      if (auto matmul = dyn_cast<MatmulOp>(op)) {
        if (matmul.getKernel() == kDecodeRows)
          packed.push_back(matmul);
        else if (matmul.getKernel() == kTileDot ||
                 matmul.getKernel() == kTilePanel ||
                 matmul.getKernel() == kTileFma)
          tiled.push_back(matmul);
      } else if (auto linalgOp = dyn_cast<linalg::MatmulOp>(op)) {
        if (isLinear(linalgOp))
          dense.push_back(linalgOp);
      }
    });
    for (linalg::LinalgOp op : dense)
      lowerDense(op, lanes);
    for (MatmulOp op : packed)
      lowerPacked(op, lanes);
    const ByteISA *bytes = ByteISA::get(isa);
    for (MatmulOp op : tiled) {
      if (!bytes) {
        op.emitError("kernel '") << *op.getKernel()
                                 << "' needs vectors of bytes: say what the "
                                    "target has by the option 'isa'";
        return signalPassFailure();
      }
      ImplicitLocOpBuilder b(op.getLoc(), op);
      if (op.getKernel() == kTilePanel)
        emitTilePanel(b, op, op.getTileLayout(), *bytes);
      else if (op.getKernel() == kTileFma)
        emitTileFma(b, op, op.getTileLayout(), *bytes);
      else
        emitTileProduct(b, op, op.getTileLayout(), *bytes);
      op.erase();
    }
  }
};
} // namespace
