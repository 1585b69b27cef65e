//===- AttentionKernel.cpp - Rows of attention in vector code -------------===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "AttentionKernel.h"
#include "KernelBuilder.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "llvm/Support/MathExtras.h"

#include <limits>

using namespace mlir;
using namespace mlir::sq;
using namespace mlir::sq::cpu;

static constexpr int64_t kLanes = AttentionOp::kLanes;
/// Sums of products that a loop keeps in registers, of 32, and enough of them
/// that each waits for no other.
static constexpr int64_t kMaxSums = 16;
/// Rows of a block: what shares a vector of keys or values.
static constexpr int64_t kMaxRows = 8;

static int64_t getLargestDivisor(int64_t value, int64_t limit) {
  int64_t divisor = std::min(value, limit);
  while (value % divisor != 0)
    --divisor;
  return divisor;
}

int64_t mlir::sq::cpu::getTokenBlock(int64_t groupSize) {
  return kMaxRows / getLargestDivisor(groupSize, kMaxRows);
}

namespace {

class AttentionRows : KernelBuilder {
public:
  AttentionRows(ImplicitLocOpBuilder &b, const AttentionInputs &in,
                int64_t numTokens)
      : KernelBuilder(b), in(in), numTokens(numTokens) {
    size = AttentionOp::getExtent(in.query, 3);
    members = getLargestDivisor(AttentionOp::getExtent(in.query, 2), kMaxRows);
    rows = numTokens * members;
    tiles = std::clamp<int64_t>(kMaxSums / rows, 1,
                                AttentionOp::kPositionBlock / kLanes);
    // Chunks divide the capacity, so that they never end behind it.
    tiles = llvm::bit_floor(static_cast<uint64_t>(tiles));
    width = std::min<int64_t>(kLanes, size & -size);
    features = VectorType::get({width}, b.getF32Type());
  }

  void emit();

private:
  /// Running values of all rows: m in the lanes of one vector, and l, one
  /// vector for each row, not yet summed across lanes.
  struct State {
    Value maxima;
    SmallVector<Value> sums;
  };

  Value multiply(Value lhs, Value rhs) {
    return arith::MulFOp::create(b, lhs, rhs);
  }
  /// a > b ? a : b, which is one instruction.
  Value maximum(Value lhs, Value rhs) {
    Value greater =
        arith::CmpFOp::create(b, arith::CmpFPredicate::OGT, lhs, rhs);
    return arith::SelectOp::create(b, greater, lhs, rhs);
  }
  Value reduce(Value vector, function_ref<Value(Value, Value)> combine);
  Value broadcast(VectorType type, Value scalar) {
    return vector::BroadcastOp::create(b, type, scalar);
  }
  /// `type`'s extent of elements of a cache, as f32.
  Value loadElements(VectorType type, Value cache, ValueRange at);
  Value getToken(int64_t row) { return add(in.token, row / members); }
  Value getMember(int64_t row) { return add(member, row % members); }

  void emitMembers();
  State emitChunk(Value first, Value end, const State &state);
  SmallVector<Value> computeScores(Value first);
  void mix(Value count, Value first, ArrayRef<Value> corrections);
  void mixFeatures(Value count, Value first, ArrayRef<Value> corrections,
                   int64_t from, int64_t vectors);
  void store(const State &state);

  const AttentionInputs &in;
  int64_t numTokens;
  /// D, heads of the group and rows of a block, key tiles of a chunk, lanes of
  /// a vector of features.
  int64_t size, members, rows, tiles, width;
  VectorType f32s = VectorType::get({kLanes}, b.getF32Type());
  VectorType features;
  Value member;
  /// P of a chunk and o, [rows, ...].
  Value weights, mixture;
};

} // namespace

Value AttentionRows::reduce(Value vector,
                            function_ref<Value(Value, Value)> combine) {
  int64_t lanes = cast<VectorType>(vector.getType()).getDimSize(0);
  while (lanes > 1) {
    lanes /= 2;
    Value low =
        vector::ExtractStridedSliceOp::create(b, vector, {0}, {lanes}, {1});
    Value high =
        vector::ExtractStridedSliceOp::create(b, vector, {lanes}, {lanes}, {1});
    vector = combine(low, high);
  }
  return vector::ExtractOp::create(b, vector, int64_t(0));
}

Value AttentionRows::loadElements(VectorType type, Value cache, ValueRange at) {
  Type element = cast<MemRefType>(cache.getType()).getElementType();
  Value loaded = vector::LoadOp::create(
      b, VectorType::get(type.getShape(), element), cache, at);
  if (element.isF32())
    return loaded;
  if (element.isF16())
    return arith::ExtFOp::create(b, type, loaded);
  Value wide = arith::ExtSIOp::create(
      b, VectorType::get(type.getShape(), b.getI32Type()), loaded);
  return arith::SIToFPOp::create(b, type, wide);
}

/// scale * q K^T, row by row: `tiles` vectors of each.
SmallVector<Value> AttentionRows::computeScores(Value first) {
  Value firstTile = arith::DivUIOp::create(b, first, index(kLanes));
  int64_t unroll = getLargestDivisor(size, 4);
  SmallVector<Value> sums(rows * tiles, splat(f32s, 0.0f));
  sums = emitLoop(
      b, index(0), index(size), unroll, sums,
      [&](Value d, ArrayRef<Value> carried) {
        SmallVector<Value> next(carried);
        for (int64_t u = 0; u < unroll; ++u) {
          Value at = add(d, u);
          SmallVector<Value> keys;
          for (int64_t t = 0; t < tiles; ++t)
            keys.push_back(loadElements(
                f32s, in.caches[0],
                {in.layer, in.head, add(firstTile, t), at, index(0)}));
          for (int64_t r = 0; r < rows; ++r) {
            Value q = broadcast(
                f32s, memref::LoadOp::create(
                          b, in.query,
                          ValueRange{getToken(r), in.head, getMember(r), at}));
            for (int64_t t = 0; t < tiles; ++t) {
              Value &sum = next[r * tiles + t];
              sum = vector::FMAOp::create(b, q, keys[t], sum);
            }
          }
        }
        return next;
      });
  Value scale = splat(f32s, in.scale);
  for (int64_t t = 0; t < tiles; ++t) {
    Value factor = scale;
    if (in.caches.size() > 2)
      factor = multiply(
          scale, vector::LoadOp::create(
                     b, f32s, in.caches[2],
                     ValueRange{in.layer, in.head, add(first, t * kLanes)}));
    for (int64_t r = 0; r < rows; ++r)
      sums[r * tiles + t] = multiply(sums[r * tiles + t], factor);
  }
  return sums;
}

/// `vectors` vectors of features of o, from vector `from`.
void AttentionRows::mixFeatures(Value count, Value first,
                                ArrayRef<Value> corrections, int64_t from,
                                int64_t vectors) {
  auto at = [&](int64_t r, int64_t v) {
    return SmallVector<Value>{index(r), index((from + v) * width)};
  };
  auto multiplyAdd = [&](Value position, MutableArrayRef<Value> sums) {
    Value row = arith::AddIOp::create(b, first, position);
    SmallVector<Value> values;
    for (int64_t v = 0; v < vectors; ++v)
      values.push_back(
          loadElements(features, in.caches[1],
                       {in.layer, in.head, row, index((from + v) * width)}));
    for (int64_t r = 0; r < rows; ++r) {
      Value weight = broadcast(
          features,
          memref::LoadOp::create(b, weights, ValueRange{index(r), position}));
      for (int64_t v = 0; v < vectors; ++v) {
        Value &sum = sums[r * vectors + v];
        sum = vector::FMAOp::create(b, weight, values[v], sum);
      }
    }
  };

  SmallVector<Value> sums;
  for (int64_t r = 0; r < rows; ++r)
    for (int64_t v = 0; v < vectors; ++v)
      sums.push_back(
          multiply(vector::LoadOp::create(b, features, mixture, at(r, v)),
                   broadcast(features, corrections[r])));
  // Positions that are summed apart from each other, for few rows.
  int64_t ways =
      llvm::bit_floor(static_cast<uint64_t>(kMaxSums / (rows * vectors)));
  ways = std::clamp<int64_t>(ways, 1, 8);
  size_t share = sums.size();
  Value whole = arith::MulIOp::create(
      b, arith::DivUIOp::create(b, count, index(ways)), index(ways));
  SmallVector<Value> parallel(sums);
  parallel.append(share * (ways - 1), splat(features, 0.0f));
  parallel =
      emitLoop(b, index(0), whole, ways, parallel,
               [&](Value position, ArrayRef<Value> carried) {
                 SmallVector<Value> next(carried);
                 for (int64_t w = 0; w < ways; ++w)
                   multiplyAdd(add(position, w),
                               MutableArrayRef(next).slice(w * share, share));
                 return next;
               });
  for (size_t i = 0; i < share; ++i) {
    sums[i] = parallel[i];
    for (int64_t w = 1; w < ways; ++w)
      sums[i] = arith::AddFOp::create(b, sums[i], parallel[w * share + i]);
  }
  if (ways > 1)
    sums = emitLoop(b, whole, count, 1, sums,
                    [&](Value position, ArrayRef<Value> carried) {
                      SmallVector<Value> next(carried);
                      multiplyAdd(position, next);
                      return next;
                    });
  for (int64_t r = 0; r < rows; ++r)
    for (int64_t v = 0; v < vectors; ++v)
      vector::StoreOp::create(b, sums[r * vectors + v], mixture, at(r, v));
}

/// o = corrections * o + P V, over `count` positions.
void AttentionRows::mix(Value count, Value first, ArrayRef<Value> corrections) {
  int64_t all = size / width;
  int64_t step = std::max<int64_t>(1, kMaxSums / rows);
  for (int64_t from = 0; from < all; from += step)
    mixFeatures(count, first, corrections, from, std::min(step, all - from));
}

/// The positions from `first` to the chunk's end. If `end`, the number of
/// positions that the block's last token sees, is given, it may lie within the
/// chunk, and what a token doesn't see has no weight.
AttentionRows::State AttentionRows::emitChunk(Value first, Value end,
                                              const State &state) {
  SmallVector<Value> scores = computeScores(first);
  if (end) {
    Value hidden = splat(f32s, -std::numeric_limits<float>::infinity());
    auto maskType = VectorType::get({kLanes}, b.getI1Type());
    for (int64_t n = 0; n < numTokens; ++n) {
      Value visible = arith::SubIOp::create(
          b, add(arith::AddIOp::create(b, in.position, in.token), n + 1),
          first);
      for (int64_t t = 0; t < tiles; ++t) {
        Value left = arith::SubIOp::create(b, visible, index(t * kLanes));
        Value mask =
            vector::CreateMaskOp::create(b, maskType, ValueRange{left});
        for (int64_t m = 0; m < members; ++m) {
          Value &score = scores[(n * members + m) * tiles + t];
          score = arith::SelectOp::create(b, mask, score, hidden);
        }
      }
    }
  }

  SmallVector<Value> rowMaxima;
  for (int64_t r = 0; r < rows; ++r) {
    Value largest = scores[r * tiles];
    for (int64_t t = 1; t < tiles; ++t)
      largest = maximum(largest, scores[r * tiles + t]);
    rowMaxima.push_back(
        reduce(largest, [&](Value x, Value y) { return maximum(x, y); }));
  }
  auto rowsType = cast<VectorType>(state.maxima.getType());
  while (static_cast<int64_t>(rowMaxima.size()) < rowsType.getDimSize(0))
    rowMaxima.push_back(rowMaxima.back());
  State next;
  next.maxima = maximum(vector::FromElementsOp::create(b, rowsType, rowMaxima),
                        state.maxima);
  // One exp for the corrections of all rows.
  Value corrections = math::ExpOp::create(
      b, arith::SubFOp::create(b, state.maxima, next.maxima));
  SmallVector<Value> rowCorrections;
  for (int64_t r = 0; r < rows; ++r) {
    Value correction = vector::ExtractOp::create(b, corrections, r);
    rowCorrections.push_back(correction);
    Value largest =
        broadcast(f32s, vector::ExtractOp::create(b, next.maxima, r));
    Value sum = multiply(state.sums[r], broadcast(f32s, correction));
    for (int64_t t = 0; t < tiles; ++t) {
      Value weight = math::ExpOp::create(
          b, arith::SubFOp::create(b, scores[r * tiles + t], largest));
      sum = arith::AddFOp::create(b, sum, weight);
      if (in.caches.size() > 2)
        weight = multiply(
            weight, vector::LoadOp::create(
                        b, f32s, in.caches[3],
                        ValueRange{in.layer, in.head, add(first, t * kLanes)}));
      vector::StoreOp::create(b, weight, weights,
                              ValueRange{index(r), index(t * kLanes)});
    }
    next.sums.push_back(sum);
  }
  Value count = index(tiles * kLanes);
  // What lies behind the last token may be old; 0 * NaN would be NaN.
  if (end)
    count =
        arith::MinUIOp::create(b, count, arith::SubIOp::create(b, end, first));
  mix(count, first, rowCorrections);
  return next;
}

/// out = o / l.
void AttentionRows::store(const State &state) {
  for (int64_t r = 0; r < rows; ++r) {
    Value sum = reduce(state.sums[r], [&](Value x, Value y) -> Value {
      return arith::AddFOp::create(b, x, y);
    });
    Value divisor = broadcast(features, sum);
    for (int64_t d = 0; d < size; d += width) {
      Value total = vector::LoadOp::create(b, features, mixture,
                                           ValueRange{index(r), index(d)});
      vector::StoreOp::create(
          b, arith::DivFOp::create(b, total, divisor), in.out,
          ValueRange{getToken(r), in.head, getMember(r), index(d)});
    }
  }
}

/// The rows of heads [member, member + members) of the group.
void AttentionRows::emitMembers() {
  for (int64_t r = 0; r < rows; ++r)
    for (int64_t d = 0; d < size; d += width)
      vector::StoreOp::create(b, splat(features, 0.0f), mixture,
                              ValueRange{index(r), index(d)});
  Value chunk = index(tiles * kLanes);
  Value visible =
      add(arith::AddIOp::create(b, in.position, in.token), 1); // By token 0.
  Value end = add(visible, numTokens - 1);
  Value whole = arith::MulIOp::create(
      b, arith::DivUIOp::create(b, visible, chunk), chunk);
  auto rowsType = VectorType::get(
      {static_cast<int64_t>(llvm::PowerOf2Ceil(rows))}, b.getF32Type());
  // -inf would make NaN of -inf - -inf, where all scores are -inf.
  SmallVector<Value> carried = {
      splat(rowsType, std::numeric_limits<float>::lowest())};
  carried.append(rows, splat(f32s, 0.0f));
  auto run = [&](Value from, Value to, bool masked) {
    carried = emitLoop(
        b, from, to, tiles * kLanes, carried,
        [&](Value first, ArrayRef<Value> values) {
          State state{values[0], SmallVector<Value>(values.drop_front())};
          State next = emitChunk(first, masked ? end : Value(), state);
          SmallVector<Value> result = {next.maxima};
          llvm::append_range(result, next.sums);
          return result;
        });
  };
  run(index(0), whole, /*masked=*/false);
  run(whole, end, /*masked=*/true);
  store({carried[0], SmallVector<Value>(ArrayRef(carried).drop_front())});
}

void AttentionRows::emit() {
  auto allocate = [&](int64_t columns) -> Value {
    return memref::AllocaOp::create(
        b, MemRefType::get({rows, columns}, b.getF32Type()),
        b.getI64IntegerAttr(/*alignment=*/64));
  };
  weights = allocate(tiles * kLanes);
  mixture = allocate(size);
  int64_t group = AttentionOp::getExtent(in.query, 2);
  emitLoop(b, index(0), index(group), members, [&](Value first) {
    member = first;
    emitMembers();
  });
}

void mlir::sq::cpu::emitAttention(ImplicitLocOpBuilder &builder,
                                  const AttentionInputs &inputs,
                                  int64_t numTokens) {
  AttentionRows(builder, inputs, numTokens).emit();
}
