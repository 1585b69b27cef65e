//===- DotKernel.cpp - Blocks of vector dot products ------------*- C++ -*-===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "DotKernel.h"
#include "FloatLoad.h"
#include "Loops.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace mlir::sq::cpu;

namespace {

/// The products of a few input rows with a block of weight rows.
class DotBlock {
public:
  DotBlock(ImplicitLocOpBuilder &b, Value input, SmallVector<Value> inputRows,
           const WeightBlock &weights, int64_t extent, int64_t lanes)
      : b(b), input(input), inputRows(std::move(inputRows)), weights(weights),
        extent(extent), lanes(lanes),
        type(VectorType::get({lanes}, b.getF32Type())) {}

  /// Emits the sums; sum [i * weightRows + j] belongs to input row i.
  SmallVector<Value> emit() {
    // A single input row has few sums, fewer than the multiply-add's latency
    // wants: take two vectors of k at a time, each with sums of its own.
    int64_t unroll = inputRows.size() == 1 ? 2 : 1;
    int64_t stride = unroll * lanes;
    int64_t whole = extent / stride * stride;
    Value zero = arith::ConstantOp::create(b, b.getZeroAttr(type));
    SmallVector<Value> sums(unroll * inputRows.size() * weights.rows.size(),
                            zero);
    if (whole > 0)
      sums = emitWhole(whole, stride, unroll, sums);
    for (int64_t k = whole; k < extent; k += lanes)
      accumulate(constantIndex(b, k), std::min(lanes, extent - k), sums, 0);
    return reduce(sums, unroll);
  }

private:
  SmallVector<Value> emitWhole(int64_t whole, int64_t stride, int64_t unroll,
                               ArrayRef<Value> initial) {
    return emitLoop(
        b, constantIndex(b, 0), constantIndex(b, whole), stride, initial,
        [&](Value k, ArrayRef<Value> carried) {
          SmallVector<Value> sums(carried);
          for (int64_t u = 0; u < unroll; ++u)
            accumulate(arith::AddIOp::create(b, k, constantIndex(b, u * lanes)),
                       lanes, sums, u * inputRows.size() * weights.rows.size());
          return sums;
        });
  }

  /// sums[first + ...] += input[:, k:] * weights[:, k:] over `valid` lanes.
  void accumulate(Value k, int64_t valid, SmallVector<Value> &sums,
                  int64_t first) {
    SmallVector<Value> inputs;
    for (Value row : inputRows)
      inputs.push_back(load(input, row, k, valid));
    for (auto [j, row] : llvm::enumerate(weights.rows)) {
      Value weight = load(weights.matrix, row, k, valid);
      for (auto [i, vector] : llvm::enumerate(inputs)) {
        Value &sum = sums[first + i * weights.rows.size() + j];
        sum = vector::FMAOp::create(b, vector, weight, sum);
      }
    }
  }

  Value load(Value matrix, Value row, Value k, int64_t valid) {
    return loadFloats(b, matrix, {row, k}, lanes, valid);
  }

  SmallVector<Value> reduce(ArrayRef<Value> sums, int64_t unroll) {
    size_t count = sums.size() / unroll;
    SmallVector<Value> results;
    for (size_t i = 0; i < count; ++i) {
      Value sum = sums[i];
      for (int64_t u = 1; u < unroll; ++u)
        sum = arith::AddFOp::create(b, sum, sums[u * count + i]);
      results.push_back(vector::ReductionOp::create(
          b, vector::CombiningKind::ADD, sum, arith::FastMathFlags::reassoc));
    }
    return results;
  }

  ImplicitLocOpBuilder &b;
  Value input;
  SmallVector<Value> inputRows;
  const WeightBlock &weights;
  int64_t extent, lanes;
  VectorType type;
};

} // namespace

void mlir::sq::cpu::emitDotProducts(ImplicitLocOpBuilder &b, Value input,
                                    const WeightBlock &weights, Value out,
                                    ArrayRef<Value> columns, int64_t extent,
                                    int64_t lanes) {
  auto emitRows = [&](Value first, int64_t count) {
    SmallVector<Value> inputRows;
    for (int64_t i = 0; i < count; ++i)
      inputRows.push_back(
          i == 0 ? first
                 : Value(arith::AddIOp::create(b, first, constantIndex(b, i))));
    SmallVector<Value> sums =
        DotBlock(b, input, inputRows, weights, extent, lanes).emit();
    for (int64_t i = 0; i < count; ++i)
      for (auto [j, column] : llvm::enumerate(columns)) {
        SmallVector<Value> at = {inputRows[i], column};
        Value old = memref::LoadOp::create(b, out, at);
        Value sum = arith::AddFOp::create(b, old, sums[i * columns.size() + j]);
        memref::StoreOp::create(b, sum, out, at);
      }
  };
  auto emitBlocks = [&](Value from, Value to, int64_t count) {
    emitLoop(b, from, to, count, [&](Value m) { emitRows(m, count); });
  };

  Value zero = constantIndex(b, 0);
  auto type = cast<MemRefType>(input.getType());
  if (type.getDimSize(0) == 1)
    return emitRows(zero, 1);
  // Sums of 4 x 4 rows fill half of 32 registers; with 16 registers take 2 x 4.
  int64_t block = lanes >= 16 ? 4 : 2;
  Value count = memref::DimOp::create(b, input, zero);
  Value size = constantIndex(b, block);
  Value whole =
      arith::MulIOp::create(b, arith::DivUIOp::create(b, count, size), size);
  emitBlocks(zero, whole, block);
  emitBlocks(whole, count, 1);
}
