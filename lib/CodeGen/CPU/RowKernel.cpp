//===- RowKernel.cpp - Products of weights in rows ------------------------===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "RowKernel.h"
#include "DecodeRow.h"
#include "DotKernel.h"
#include "Loops.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

using namespace mlir;
using namespace mlir::sq;
using namespace mlir::sq::cpu;

/// The decoded block is on the stack of each thread.
static constexpr int64_t kMaxDecodedExtent = 32768;

std::string mlir::sq::cpu::checkRowProductSizes(const Product &product,
                                                const KernelTarget &target) {
  int64_t lanes = target.lanes;
  if (lanes % 8 != 0)
    return "vectors of " + std::to_string(lanes) +
           " lanes don't fill a byte of the bitmap";
  if (product.weights.scope == numerics::GroupScope::Group &&
      product.weights.groupSize % lanes != 0)
    return "a scale group of " + std::to_string(product.weights.groupSize) +
           " is not a multiple of the " + std::to_string(lanes) +
           " lanes of a register";
  if (product.cols > kMaxDecodedExtent)
    return "a row of " + std::to_string(product.cols) +
           " elements does not fit the decode buffer of " +
           std::to_string(kMaxDecodedExtent);
  return "";
}

/// The largest block of weight rows that divides their number, so that no
/// block needs a tail.
static int64_t getRowBlock(int64_t rows) {
  for (int64_t block : {4, 2})
    if (rows % block == 0)
      return block;
  return 1;
}

void mlir::sq::cpu::emitRowBlocks(
    ImplicitLocOpBuilder &b, int64_t rows,
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

void mlir::sq::cpu::emitRowProduct(ImplicitLocOpBuilder &b, MatmulOp op,
                                   const KernelTarget &target) {
  int64_t lanes = target.lanes;
  Value input = op.getInput();
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
}
