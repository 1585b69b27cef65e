//===- LlamaLayers.cpp - The layers of a Llama function -------------------===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Written so that one-shot bufferization updates the caches in place: each
// layer's sq.attention takes them from the layer before.
//
//===----------------------------------------------------------------------===//
#include "LlamaBuilder.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "sparse-quant/Dialect/SQ/IR/SQ.h"

#include <cmath>

using namespace mlir;
using namespace mlir::sq;

//===----------------------------------------------------------------------===//
// Row-wise layers
//===----------------------------------------------------------------------===//

Value LlamaBuilder::embed() {
  Value table =
      parameter(model.embedding, {config.vocabSize, config.hiddenSize});
  return map(
      {{tokens, {0}}}, {length, index(config.hiddenSize)},
      [&](ValueRange args) -> Value {
        Value row = arith::IndexCastOp::create(b, b.getIndexType(), args[0]);
        Value column = linalg::IndexOp::create(b, 1);
        return tensor::ExtractOp::create(b, table, ValueRange{row, column});
      });
}

Value LlamaBuilder::normalize(Value x, const WeightRef &weight) {
  Value squares = generic({{x, {0, 1}}}, {filled({length}, 0.0f), {0}}, 2,
                          [&](ValueRange args) -> Value {
                            Value square =
                                arith::MulFOp::create(b, args[0], args[0]);
                            return arith::AddFOp::create(b, args[1], square);
                          });
  Value size = constant(static_cast<float>(config.hiddenSize));
  Value epsilon = constant(static_cast<float>(config.rmsNormEps));
  Value one = constant(1.0f);
  Value inverse =
      map({{squares, {0}}}, {length}, [&](ValueRange args) -> Value {
        Value mean = arith::DivFOp::create(b, args[0], size);
        Value shifted = arith::AddFOp::create(b, mean, epsilon);
        return arith::DivFOp::create(b, one, math::SqrtOp::create(b, shifted));
      });
  Value gain = parameter(weight, {config.hiddenSize});
  return map({{x, {0, 1}}, {inverse, {0}}, {gain, {1}}},
             {length, index(config.hiddenSize)}, [&](ValueRange args) -> Value {
               Value scaled = arith::MulFOp::create(b, args[0], args[1]);
               return arith::MulFOp::create(b, scaled, args[2]);
             });
}

Value LlamaBuilder::linear(Value x, const WeightRef &weight, int64_t rows,
                           Value init) {
  int64_t columns = cast<RankedTensorType>(x.getType()).getDimSize(1);
  Value w = parameter(weight, {rows, columns});
  if (!init)
    init = filled({length, index(rows)}, 0.0f);
  return linalg::MatmulTransposeBOp::create(b, b.getLoc(), ValueRange{x, w},
                                            ValueRange{init})
      .getResult(0);
}

Value LlamaBuilder::feedForward(Value x, Value residual,
                                const LlamaLayer &weights) {
  Value gate = linear(x, weights.gate, config.intermediateSize);
  Value up = linear(x, weights.up, config.intermediateSize);
  Value one = constant(1.0f);
  Value hidden = map(
      {{gate, {0, 1}}, {up, {0, 1}}}, {length, index(config.intermediateSize)},
      [&](ValueRange args) -> Value {
        // SiLU: g / (1 + exp(-g)).
        Value negated = arith::NegFOp::create(b, args[0]);
        Value exponential = math::ExpOp::create(b, negated);
        Value divisor = arith::AddFOp::create(b, one, exponential);
        Value activated = arith::DivFOp::create(b, args[0], divisor);
        return arith::MulFOp::create(b, activated, args[1]);
      });
  return linear(hidden, weights.down, config.hiddenSize, residual);
}

//===----------------------------------------------------------------------===//
// Rotary embeddings
//===----------------------------------------------------------------------===//

void LlamaBuilder::makeRotations() {
  int64_t half = config.headDim / 2;
  SmallVector<float> frequencies;
  for (int64_t j = 0; j < half; ++j)
    frequencies.push_back(static_cast<float>(
        std::pow(config.ropeTheta, -2.0 * j / config.headDim)));
  auto type = RankedTensorType::get({half}, b.getF32Type());
  Value table = arith::ConstantOp::create(
      b, DenseElementsAttr::get(type, ArrayRef<float>(frequencies)));
  Value angles =
      map({{table, {1}}}, {length, index(half)}, [&](ValueRange args) -> Value {
        Value token = linalg::IndexOp::create(b, 0);
        Value position = arith::AddIOp::create(b, pos, token);
        Value integer = arith::IndexCastOp::create(b, b.getI64Type(), position);
        Value real = arith::SIToFPOp::create(b, b.getF32Type(), integer);
        return arith::MulFOp::create(b, real, args[0]);
      });
  cosines = map({{angles, {0, 1}}}, {length, index(half)},
                [&](ValueRange args) -> Value {
                  return math::CosOp::create(b, args[0]);
                });
  sines = map({{angles, {0, 1}}}, {length, index(half)},
              [&](ValueRange args) -> Value {
                return math::SinOp::create(b, args[0]);
              });
}

Value LlamaBuilder::rotate(Value x, ArrayRef<int64_t> heads) {
  int64_t half = config.headDim / 2;
  unsigned rank = heads.size() + 3;
  // The two dimensions that make up D, and which of them is the pair.
  unsigned pairDim = config.interleavedRope ? rank - 1 : rank - 2;
  SmallVector<OpFoldResult> paired = {length}, slice = {length};
  for (int64_t extent : heads) {
    paired.push_back(index(extent));
    slice.push_back(index(extent));
  }
  slice.push_back(index(half));
  paired.push_back(index(config.interleavedRope ? half : 2));
  paired.push_back(index(config.interleavedRope ? 2 : half));

  ReassociationIndices features;
  for (unsigned dim = 1; dim < rank; ++dim)
    features.push_back(dim);
  Value source = expand(x, paired, {{0}, features});

  SmallVector<OpFoldResult> sizes = paired, strides(rank, index(1));
  sizes[pairDim] = index(1);
  auto offsetsOf = [&](int64_t part) {
    SmallVector<OpFoldResult> offsets(rank, index(0));
    offsets[pairDim] = index(part);
    return offsets;
  };
  SmallVector<int64_t> partShape;
  SmallVector<Value> dynamic;
  dispatchIndexOpFoldResults(slice, dynamic, partShape);
  auto partType = RankedTensorType::get(partShape, b.getF32Type());
  Value first = tensor::ExtractSliceOp::create(b, partType, source,
                                               offsetsOf(0), sizes, strides);
  Value second = tensor::ExtractSliceOp::create(b, partType, source,
                                                offsetsOf(1), sizes, strides);

  SmallVector<unsigned> all =
      llvm::to_vector(llvm::seq<unsigned>(0, slice.size()));
  unsigned angle[] = {0, static_cast<unsigned>(slice.size()) - 1};
  auto combine = [&](Value direct, Value crossed, bool subtract) {
    return map(
        {{direct, all}, {crossed, all}, {cosines, angle}, {sines, angle}},
        slice, [&](ValueRange args) -> Value {
          Value p = arith::MulFOp::create(b, args[0], args[2]);
          Value q = arith::MulFOp::create(b, args[1], args[3]);
          if (subtract)
            return arith::SubFOp::create(b, p, q);
          return arith::AddFOp::create(b, p, q);
        });
  };
  Value result = empty(paired);
  result = tensor::InsertSliceOp::create(b, combine(first, second, true),
                                         result, offsetsOf(0), sizes, strides);
  result = tensor::InsertSliceOp::create(b, combine(second, first, false),
                                         result, offsetsOf(1), sizes, strides);
  SmallVector<ReassociationIndices> groups;
  for (unsigned dim = 0; dim + 2 < rank; ++dim)
    groups.push_back({dim});
  groups.push_back({rank - 2, rank - 1});
  return tensor::CollapseShapeOp::create(b, result, groups);
}

//===----------------------------------------------------------------------===//
// Attention
//===----------------------------------------------------------------------===//

/// Keys or values as the caches hold them, and their scales where that is
/// codes.
std::pair<Value, Value> LlamaBuilder::toCacheType(Value x) {
  switch (cacheType) {
  case KVCacheType::F32:
    return {x, Value()};
  case KVCacheType::F16: {
    Value init = tensor::EmptyOp::create(
        b,
        ArrayRef<OpFoldResult>{length, index(config.numKVHeads),
                               index(config.headDim)},
        b.getF16Type());
    return {generic({{x, {0, 1, 2}}}, {init, {0, 1, 2}}, 3,
                    [&](ValueRange args) -> Value {
                      return arith::TruncFOp::create(b, b.getF16Type(),
                                                     args[0]);
                    }),
            Value()};
  }
  case KVCacheType::Int8: {
    numerics::Format perToken;
    perToken.family = numerics::Family::Int;
    perToken.bits = 8;
    perToken.scope = numerics::GroupScope::Row;
    auto quantized = QuantizeOp::create(
        b, b.getLoc(), x, getFormatAttr(b.getContext(), perToken));
    return {quantized.getValues(), quantized.getScales().front()};
  }
  }
  llvm_unreachable("unknown type of caches");
}

Value LlamaBuilder::attend(Value x, Value residual, const LlamaLayer &weights,
                           int64_t layer) {
  int64_t numHeads = config.numKVHeads, groupSize = config.getGroupSize();
  OpFoldResult heads = index(numHeads), group = index(groupSize),
               size = index(config.headDim);
  Value query = rotate(linear(x, weights.query, config.getQuerySize()),
                       {numHeads, groupSize});
  Value key = rotate(linear(x, weights.key, config.getKVSize()), {numHeads});
  Value value = expand(linear(x, weights.value, config.getKVSize()),
                       {length, heads, size}, {{0}, {1, 2}});
  auto [keys, keyScales] = toCacheType(key);
  auto [values, valueScales] = toCacheType(value);
  SmallVector<Value> scales;
  if (keyScales)
    scales = {keyScales, valueScales};
  Value init = empty({length, heads, group, size});
  SmallVector<Type> types = {init.getType()};
  llvm::append_range(types, ValueRange(caches).getTypes());
  auto attention = AttentionOp::create(
      b, types, query, keys, values, scales, pos, init, caches,
      b.getI64IntegerAttr(layer),
      b.getF32FloatAttr(static_cast<float>(
          1.0 / std::sqrt(static_cast<double>(config.headDim)))));
  caches.assign(std::next(attention.getResults().begin()),
                attention.getResults().end());
  Value flat = tensor::CollapseShapeOp::create(
      b, attention.getResults().front(),
      ArrayRef<ReassociationIndices>{{0}, {1, 2, 3}});
  return linear(flat, weights.output, config.hiddenSize, residual);
}
