//===- FloatPanel.cpp - f32 products by panels of the weights -------------===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "FloatPanel.h"
#include "FloatLoad.h"
#include "KernelBuilder.h"
#include "Transpose.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace mlir::sq::cpu;

/// Columns of straight-line code.
static constexpr int64_t kUnroll = 4;

namespace {

class PanelEmitter : KernelBuilder {
public:
  PanelEmitter(ImplicitLocOpBuilder &b, const PanelProduct &product,
               PanelFill fill)
      : KernelBuilder(b), product(product), fill(fill),
        f32s(VectorType::get({product.lanes}, b.getF32Type())) {}

  void emit();

private:
  /// Rows that don't compete for the cache; true if they are a copy.
  bool makeActivations();
  void emitPair(Value pair);
  /// out[row, blocks of `pair`] += the products of `extent` columns.
  void emitRows(Value pair, Value row, int64_t rows, Value col, Value extent);
  void store(Value pair, int64_t block, Value row, Value sum);

  const PanelProduct &product;
  PanelFill fill;
  VectorType f32s;
  Value activations, panel;
};

} // namespace

bool PanelEmitter::makeActivations() {
  // A row of 128 floats is eight lines of 64 bytes; 12 rows of a multiple of
  // that have eight or fewer sets of a cache of 64.
  constexpr int64_t kAliasing = 128, kLine = 16;
  activations = product.input;
  if (product.cols % kAliasing)
    return false;
  auto type = cast<MemRefType>(product.input.getType());
  Value zero = index(0);
  Value count = memref::DimOp::create(b, product.input, zero);
  SmallVector<Value> dynamic;
  if (type.isDynamicDim(0))
    dynamic.push_back(count);
  activations = memref::AllocOp::create(
      b,
      MemRefType::get({type.getDimSize(0), product.cols + kLine},
                      b.getF32Type()),
      dynamic, b.getI64IntegerAttr(64));
  auto loop = scf::ParallelOp::create(b, ValueRange{zero}, ValueRange{count},
                                      ValueRange{index(1)});
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(loop.getBody());
  Value row = loop.getInductionVars().front();
  emitLoop(b, zero, index(product.cols), product.lanes, [&](Value col) {
    SmallVector<Value> at = {row, col};
    Value x = vector::LoadOp::create(b, f32s, product.input, at);
    vector::StoreOp::create(b, x, activations, at);
  });
  return true;
}

void PanelEmitter::store(Value pair, int64_t block, Value row, Value sum) {
  Value first =
      arith::MulIOp::create(b, pair, index(product.blocks * product.lanes));
  first = add(first, block * product.lanes);
  SmallVector<Value> at = {row, first};
  if (product.outputs % (product.blocks * product.lanes) == 0) {
    Value old = vector::LoadOp::create(b, f32s, product.out, at);
    vector::StoreOp::create(b, arith::AddFOp::create(b, old, sum), product.out,
                            at);
    return;
  }
  // None are left where the second block of the last pair doesn't exist.
  Value left = arith::SubIOp::create(b, index(product.outputs), first);
  Value mask = vector::CreateMaskOp::create(
      b, VectorType::get({product.lanes}, b.getI1Type()), ValueRange{left});
  Value zero = arith::ConstantOp::create(b, b.getZeroAttr(f32s));
  Value old =
      vector::MaskedLoadOp::create(b, f32s, product.out, at, mask, zero);
  vector::MaskedStoreOp::create(b, product.out, at, mask,
                                arith::AddFOp::create(b, old, sum));
}

void PanelEmitter::emitRows(Value pair, Value row, int64_t rows, Value col,
                            Value extent) {
  // Few sums would wait for their multiply-adds: take columns in turn.
  int64_t turns = rows >= 4 ? 1 : kUnroll;
  int64_t perTurn = rows * product.blocks;
  auto step = [&](Value k, int64_t turn, SmallVector<Value> &sums) {
    SmallVector<Value> weights;
    for (int64_t block = 0; block < product.blocks; ++block)
      weights.push_back(vector::LoadOp::create(
          b, f32s, panel, ValueRange{index(block), k, index(0)}));
    Value at = arith::AddIOp::create(b, col, k);
    for (int64_t r = 0; r < rows; ++r) {
      Value x =
          memref::LoadOp::create(b, activations, ValueRange{add(row, r), at});
      x = vector::BroadcastOp::create(b, f32s, x);
      for (int64_t block = 0; block < product.blocks; ++block) {
        Value &sum = sums[turn * perTurn + r * product.blocks + block];
        sum = vector::FMAOp::create(b, x, weights[block], sum);
      }
    }
  };
  Value zero = arith::ConstantOp::create(b, b.getZeroAttr(f32s));
  SmallVector<Value> sums(turns * perTurn, zero);
  Value whole = arith::SubIOp::create(
      b, extent, arith::RemUIOp::create(b, extent, index(kUnroll)));
  sums = emitLoop(b, index(0), whole, kUnroll, sums,
                  [&](Value k, ArrayRef<Value> carried) {
                    SmallVector<Value> next(carried);
                    for (int64_t u = 0; u < kUnroll; ++u)
                      step(add(k, u), u % turns, next);
                    return next;
                  });
  if (product.cols % kUnroll)
    sums = emitLoop(b, whole, extent, 1, sums,
                    [&](Value k, ArrayRef<Value> carried) {
                      SmallVector<Value> next(carried);
                      step(k, 0, next);
                      return next;
                    });
  for (int64_t turn = 1; turn < turns; ++turn)
    for (int64_t i = 0; i < perTurn; ++i)
      sums[i] = arith::AddFOp::create(b, sums[i], sums[turn * perTurn + i]);
  for (int64_t r = 0; r < rows; ++r)
    for (int64_t block = 0; block < product.blocks; ++block)
      store(pair, block, add(row, r), sums[r * product.blocks + block]);
}

void PanelEmitter::emitPair(Value pair) {
  int64_t blocks = llvm::divideCeil(product.outputs, product.lanes);
  Value count = memref::DimOp::create(b, activations, index(0));
  emitLoop(b, index(0), index(product.cols), product.panelCols, [&](Value col) {
    Value extent = arith::MinUIOp::create(
        b, index(product.panelCols),
        arith::SubIOp::create(b, index(product.cols), col));
    emitLoop(b, index(0), index(product.blocks), 1, [&](Value half) {
      Value block = arith::AddIOp::create(
          b, arith::MulIOp::create(b, pair, index(product.blocks)), half);
      // What isn't there is filled like the last one, and not stored.
      if (blocks % product.blocks)
        block = arith::MinUIOp::create(b, block, index(blocks - 1));
      fill(block, col, extent, panel, half);
    });
    Value from = index(0);
    for (int64_t rows : {product.rows, int64_t(4), int64_t(1)}) {
      Value rest = arith::SubIOp::create(b, count, from);
      Value to = arith::SubIOp::create(
          b, count, arith::RemUIOp::create(b, rest, index(rows)));
      emitLoop(b, from, to, rows,
               [&](Value row) { emitRows(pair, row, rows, col, extent); });
      from = to;
    }
  });
}

void PanelEmitter::emit() {
  bool isCopy = makeActivations();
  int64_t pairs =
      llvm::divideCeil(product.outputs, product.blocks * product.lanes);
  auto loop = scf::ParallelOp::create(
      b, ValueRange{index(0)}, ValueRange{index(pairs)}, ValueRange{index(1)});
  {
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(loop.getBody());
    // The panel lives on the stack of the thread, for this pair only.
    auto scope = memref::AllocaScopeOp::create(b, TypeRange());
    b.createBlock(&scope.getBodyRegion());
    panel = memref::AllocaOp::create(
        b,
        MemRefType::get({product.blocks, product.panelCols, product.lanes},
                        b.getF32Type()),
        b.getI64IntegerAttr(/*alignment=*/64));
    emitPair(loop.getInductionVars().front());
    memref::AllocaScopeReturnOp::create(b, ValueRange());
  }
  if (isCopy)
    memref::DeallocOp::create(b, activations);
}

void mlir::sq::cpu::emitPanelProduct(ImplicitLocOpBuilder &builder,
                                     const PanelProduct &product,
                                     PanelFill fill) {
  PanelEmitter(builder, product, fill).emit();
}

void mlir::sq::cpu::emitPanelColumns(ImplicitLocOpBuilder &b, Value extent,
                                     int64_t step, int64_t rest,
                                     function_ref<void(Value, int64_t)> body) {
  Value left = arith::RemUIOp::create(b, extent, constantIndex(b, step));
  Value whole = arith::SubIOp::create(b, extent, left);
  emitLoop(b, constantIndex(b, 0), whole, step,
           [&](Value k) { body(k, step); });
  if (rest == 0)
    return;
  Value isCut = arith::CmpIOp::create(b, arith::CmpIPredicate::ne, left,
                                      constantIndex(b, 0));
  auto branch = scf::IfOp::create(b, isCut, /*withElseRegion=*/false);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(branch.thenBlock());
  body(whole, rest);
}

void mlir::sq::cpu::emitDensePanelProduct(ImplicitLocOpBuilder &b, Value input,
                                          Value weights, Value out,
                                          int64_t lanes) {
  auto type = cast<MemRefType>(weights.getType());
  PanelProduct product{input, out, type.getDimSize(0), type.getDimSize(1),
                       lanes};
  emitPanelProduct(
      b, product,
      [&](Value block, Value col, Value extent, Value panel, Value half) {
        Value first = arith::MulIOp::create(b, block, constantIndex(b, lanes));
        auto fillColumns = [&](Value k, int64_t valid) {
          SmallVector<Value> rows;
          Value at = arith::AddIOp::create(b, col, k);
          for (int64_t r = 0; r < lanes; ++r) {
            Value row = arith::AddIOp::create(b, first, constantIndex(b, r));
            // As for blocks: what isn't there isn't stored either.
            if (product.outputs % lanes)
              row = arith::MinUIOp::create(
                  b, row, constantIndex(b, product.outputs - 1));
            rows.push_back(loadFloats(b, weights, {row, at}, lanes, valid));
          }
          rows = transpose(b, rows);
          for (int64_t c = 0; c < valid; ++c)
            vector::StoreOp::create(
                b, rows[c], panel,
                ValueRange{half,
                           arith::AddIOp::create(b, k, constantIndex(b, c)),
                           constantIndex(b, 0)});
        };
        emitPanelColumns(b, extent, lanes, product.cols % lanes, fillColumns);
      });
}

void mlir::sq::cpu::emitByRows(ImplicitLocOpBuilder &b, Value input,
                               function_ref<void()> many,
                               function_ref<void()> few) {
  auto type = cast<MemRefType>(input.getType());
  if (!type.isDynamicDim(0))
    return type.getDimSize(0) >= kMinPanelRows ? many() : few();
  Value count = memref::DimOp::create(b, input, constantIndex(b, 0));
  Value areMany = arith::CmpIOp::create(b, arith::CmpIPredicate::uge, count,
                                        constantIndex(b, kMinPanelRows));
  auto branch = scf::IfOp::create(b, areMany, /*withElseRegion=*/true);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(branch.thenBlock());
  many();
  b.setInsertionPointToStart(branch.elseBlock());
  few();
}
