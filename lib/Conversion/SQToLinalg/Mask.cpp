//===- Mask.cpp - sq.mask and sq.apply_mask to linalg ---------------------===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Every pattern keeps the largest scores of some run and breaks ties by index.
// The lowering asks each element how many of its run go before it (a larger
// score, or the same and a lower index), and keeps it if they are fewer than
// the pattern keeps. That is exact and parallel, and quadratic in the run: fine
// for N:M, slow for whole rows, whose masks are made at compile time.
//
// Scores are compared as integers that are ordered as the floats are, with one
// key for both zeros.
//
//===----------------------------------------------------------------------===//
#include "Internal.h"
#include "mlir/Dialect/Arith/Utils/Utils.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"

using namespace mlir;
using namespace mlir::sq;
using MaskPattern = numerics::Pattern;
using numerics::PatternKind;
using numerics::SparsityScope;
using utils::IteratorType;
using IPred = arith::CmpIPredicate;

static Value constantInt(OpBuilder &b, Location loc, Type type, int64_t value) {
  return arith::ConstantOp::create(b, loc, b.getIntegerAttr(type, value));
}

/// An integer that is ordered as the floats are; both zeros have key 0.
static Value orderKey(OpBuilder &b, Location loc, Value score) {
  unsigned width = score.getType().getIntOrFloatBitWidth();
  Type type = b.getIntegerType(width);
  APInt mask = APInt::getSignedMaxValue(width);
  Value bits = arith::BitcastOp::create(b, loc, type, score);
  Value magnitude = arith::AndIOp::create(
      b, loc, bits,
      arith::ConstantOp::create(b, loc, b.getIntegerAttr(type, mask)));
  Value zero = constantInt(b, loc, type, 0);
  Value negative = arith::CmpIOp::create(b, loc, IPred::slt, bits, zero);
  Value negated = arith::SubIOp::create(b, loc, zero, magnitude);
  return arith::SelectOp::create(b, loc, negative, negated, magnitude);
}

static Value getScore(ElementCodec &codec, Criterion criterion,
                      ValueRange args) {
  if (criterion == Criterion::Scores)
    return args[0];
  Value magnitude = codec.fromBits(codec.magnitudeBits(args[0]));
  if (criterion == Criterion::Magnitude)
    return magnitude;
  return arith::MulFOp::create(codec.builder(), magnitude, args[1]);
}

/// The scores of `op` as keys (i32), or as they are (f32).
static Value computeScores(OpBuilder &b, MaskOp op, int64_t axis, bool asKeys) {
  unsigned rank = cast<RankedTensorType>(op.getInput().getType()).getRank();
  SmallVector<Indexed> inputs{{op.getInput(), getIdentity(b, rank)}};
  if (op.getNorms())
    inputs.push_back(
        {op.getNorms(), getMap(b, rank, {b.getAffineDimExpr(axis)})});
  Type type = asKeys ? Type(b.getI32Type()) : Type(b.getF32Type());
  return createElementwise(
      b, op.getLoc(), tensor::getMixedSizes(b, op.getLoc(), op.getInput()),
      {type}, inputs, [&](ElementCodec &codec, ValueRange args) {
        Value score = getScore(codec, op.getCriterion(), args);
        if (asKeys)
          score = orderKey(codec.builder(), codec.builder().getLoc(), score);
        return SmallVector<Value>{score};
      })[0];
}

//===----------------------------------------------------------------------===//
// Counting what goes before
//===----------------------------------------------------------------------===//

/// before + (other goes before key), given which of the two has a lower index.
static Value countOne(ElementCodec &codec, Value key, Value other,
                      Value otherIsLower, Value before) {
  ImplicitLocOpBuilder &b = codec.builder();
  Value larger = codec.compare(IPred::sgt, other, key);
  Value tie = codec.compare(IPred::eq, other, key);
  tie = arith::AndIOp::create(b, tie, otherIsLower);
  Value goesBefore = arith::OrIOp::create(b, larger, tie);
  return arith::AddIOp::create(b, before, codec.zeroExtend(goesBefore));
}

/// For each key, how many along `dim` go before it (i32).
static Value countAlong(OpBuilder &b, Location loc, Value keys, int64_t dim) {
  unsigned rank = cast<RankedTensorType>(keys.getType()).getRank();
  AffineMap self = b.getMultiDimIdentityMap(rank + 1).getMajorSubMap(rank);
  SmallVector<AffineExpr> exprs(self.getResults());
  exprs[dim] = b.getAffineDimExpr(rank);
  SmallVector<IteratorType> iterators(rank, IteratorType::parallel);
  iterators.push_back(IteratorType::reduction);
  Value counts = createFilled(b, loc, tensor::getMixedSizes(b, loc, keys),
                              constantInt(b, loc, b.getI32Type(), 0));
  return createGeneric(
      b, loc, {{keys, self}, {keys, getMap(b, rank + 1, exprs)}},
      {{counts, self}}, iterators, [&](ElementCodec &codec, ValueRange args) {
        ImplicitLocOpBuilder &nested = codec.builder();
        Value index = linalg::IndexOp::create(nested, dim);
        Value other = linalg::IndexOp::create(nested, rank);
        Value lower = codec.compare(IPred::ult, other, index);
        return SmallVector<Value>{
            countOne(codec, args[0], args[1], lower, args[2])};
      })[0];
}

/// For each key, how many of the whole tensor go before it (i32). The order of
/// ties is row-major with `axis` moved last.
static Value countAll(OpBuilder &b, Location loc, Value keys, int64_t axis) {
  unsigned rank = cast<RankedTensorType>(keys.getType()).getRank();
  SmallVector<OpFoldResult> sizes = tensor::getMixedSizes(b, loc, keys);
  SmallVector<AffineExpr> self, other;
  for (unsigned dim = 0; dim < rank; ++dim) {
    self.push_back(b.getAffineDimExpr(dim));
    other.push_back(b.getAffineDimExpr(rank + dim));
  }
  SmallVector<IteratorType> iterators(rank, IteratorType::parallel);
  iterators.append(rank, IteratorType::reduction);
  SmallVector<Value> extents = getValueOrCreateConstantIndexOp(b, loc, sizes);
  Value counts =
      createFilled(b, loc, sizes, constantInt(b, loc, b.getI32Type(), 0));
  return createGeneric(
      b, loc,
      {{keys, getMap(b, 2 * rank, self)}, {keys, getMap(b, 2 * rank, other)}},
      {{counts, getMap(b, 2 * rank, self)}}, iterators,
      [&](ElementCodec &codec, ValueRange args) {
        ImplicitLocOpBuilder &nested = codec.builder();
        auto linearize = [&](unsigned firstLoop) {
          Value linear;
          auto append = [&](int64_t dim) {
            Value index = linalg::IndexOp::create(nested, firstLoop + dim);
            if (linear)
              index = arith::AddIOp::create(
                  nested, index,
                  arith::MulIOp::create(nested, linear, extents[dim]));
            linear = index;
          };
          for (unsigned dim = 0; dim < rank; ++dim)
            if (dim != axis)
              append(dim);
          append(axis);
          return linear;
        };
        Value lower = codec.compare(IPred::ult, linearize(rank), linearize(0));
        return SmallVector<Value>{
            countOne(codec, args[0], args[1], lower, args[2])};
      })[0];
}

static OpFoldResult getProduct(OpBuilder &b, Location loc,
                               ArrayRef<OpFoldResult> sizes) {
  if (std::optional<SmallVector<int64_t>> constants =
          getConstantIntValues(sizes))
    return b.getIndexAttr(llvm::product_of(*constants));
  Value product = constantInt(b, loc, b.getIndexType(), 1);
  for (OpFoldResult size : sizes)
    product = arith::MulIOp::create(
        b, loc, product, getValueOrCreateConstantIndexOp(b, loc, size));
  return product;
}

/// How many of a run of `size` the pattern keeps, as i32.
static Value getKept(OpBuilder &b, Location loc, const MaskPattern &pattern,
                     OpFoldResult size) {
  Type i32 = b.getI32Type();
  if (std::optional<int64_t> count = getConstantIntValue(size))
    return constantInt(b, loc, i32, *count - pattern.numDropped(*count));
  // floor(sparsity * size + 1e-6) in f64 (NUM-S3); no term is negative.
  Value count = arith::IndexCastOp::create(
      b, loc, i32, getValueOrCreateConstantIndexOp(b, loc, size));
  Type f64 = b.getF64Type();
  auto constant = [&](double value) {
    return arith::ConstantOp::create(b, loc, b.getF64FloatAttr(value));
  };
  Value real = arith::SIToFPOp::create(b, loc, f64, count);
  real = arith::MulFOp::create(b, loc, constant(pattern.sparsity), real);
  real = arith::AddFOp::create(b, loc, real, constant(1e-6));
  Value dropped = arith::FPToSIOp::create(b, loc, i32, real);
  dropped = arith::MinSIOp::create(b, loc, dropped, count);
  return arith::SubIOp::create(b, loc, count, dropped);
}

//===----------------------------------------------------------------------===//
// Patterns
//===----------------------------------------------------------------------===//

/// mask = counts < kept, where `map` takes an element to its count.
static Value keepFirst(OpBuilder &b, Location loc, ArrayRef<OpFoldResult> sizes,
                       Value counts, AffineMap map, Value kept) {
  return createElementwise(b, loc, sizes, {b.getI1Type()}, {{counts, map}},
                           [&](ElementCodec &codec, ValueRange args) {
                             return SmallVector<Value>{
                                 codec.compare(IPred::slt, args[0], kept)};
                           })[0];
}

static Value lowerNM(OpBuilder &b, MaskOp op, const MaskPattern &pattern,
                     int64_t axis, ArrayRef<OpFoldResult> sizes) {
  Location loc = op.getLoc();
  Value keys = computeScores(b, op, axis, /*asKeys=*/true);
  Value zero = constantInt(b, loc, b.getI32Type(), 0);
  Value groups = splitAxis(b, loc, keys, axis, pattern.m, zero);
  Value counts = countAlong(b, loc, groups, axis + 1);
  SmallVector<AffineExpr> exprs;
  for (int64_t dim = 0, rank = sizes.size(); dim < rank; ++dim) {
    AffineExpr expr = b.getAffineDimExpr(dim);
    if (dim != axis) {
      exprs.push_back(expr);
      continue;
    }
    exprs.push_back(expr.floorDiv(pattern.m));
    exprs.push_back(expr % pattern.m);
  }
  return keepFirst(b, loc, sizes, counts, getMap(b, sizes.size(), exprs),
                   constantInt(b, loc, b.getI32Type(), pattern.n));
}

static Value lowerUnstructured(OpBuilder &b, MaskOp op,
                               const MaskPattern &pattern, int64_t axis,
                               ArrayRef<OpFoldResult> sizes) {
  Location loc = op.getLoc();
  Value keys = computeScores(b, op, axis, /*asKeys=*/true);
  Value counts;
  OpFoldResult length = sizes[axis];
  if (pattern.scope == SparsityScope::Row) {
    counts = countAlong(b, loc, keys, axis);
  } else {
    counts = countAll(b, loc, keys, axis);
    length = getProduct(b, loc, sizes);
  }
  return keepFirst(b, loc, sizes, counts, getIdentity(b, sizes.size()),
                   getKept(b, loc, pattern, length));
}

static Value lowerBlock(OpBuilder &b, MaskOp op, const MaskPattern &pattern,
                        int64_t axis, ArrayRef<OpFoldResult> sizes) {
  Location loc = op.getLoc();
  int64_t extents[2] = {pattern.blockRows, pattern.blockCols};
  if (axis == 0)
    std::swap(extents[0], extents[1]);
  Value scores = computeScores(b, op, axis, /*asKeys=*/false);
  Value zero = arith::ConstantOp::create(b, loc, b.getF32FloatAttr(0.0f));
  Value blocks = splitAxis(b, loc, scores, 0, extents[0], zero);
  blocks = splitAxis(b, loc, blocks, 2, extents[1], zero);

  // Sums in f64, one after the other: along the axis within a row of the block,
  // then row by row (NUM-S4).
  SmallVector<OpFoldResult> blockSizes = tensor::getMixedSizes(b, loc, blocks);
  SmallVector<OpFoldResult> counts{blockSizes[0], blockSizes[2]};
  AffineExpr d0, d1, d2, d3;
  bindDims(b.getContext(), d0, d1, d2, d3);
  AffineMap map = axis == 1 ? getMap(b, 4, {d0, d2, d1, d3})
                            : getMap(b, 4, {d0, d3, d1, d2});
  Value zeroSum = arith::ConstantOp::create(b, loc, b.getF64FloatAttr(0.0));
  Value sums = createGeneric(
      b, loc, {{blocks, map}},
      {{createFilled(b, loc, counts, zeroSum), getMap(b, 4, {d0, d1})}},
      {IteratorType::parallel, IteratorType::parallel, IteratorType::reduction,
       IteratorType::reduction},
      [](ElementCodec &codec, ValueRange args) {
        ImplicitLocOpBuilder &nested = codec.builder();
        Value score =
            arith::ExtFOp::create(nested, nested.getF64Type(), args[0]);
        return SmallVector<Value>{
            arith::AddFOp::create(nested, args[1], score)};
      })[0];
  Value keys = createElementwise(
      b, loc, counts, {b.getI64Type()}, {{sums, getIdentity(b, 2)}},
      [](ElementCodec &codec, ValueRange args) {
        return SmallVector<Value>{
            orderKey(codec.builder(), codec.builder().getLoc(), args[0])};
      })[0];
  return keepFirst(
      b, loc, sizes, countAlong(b, loc, keys, axis),
      getMap(b, 2, {d0.floorDiv(extents[0]), d1.floorDiv(extents[1])}),
      getKept(b, loc, pattern, counts[axis]));
}

namespace {

struct MaskLowering : OpRewritePattern<MaskOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(MaskOp op,
                                PatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    MaskPattern pattern = op.getPattern().getPattern();
    auto type = cast<RankedTensorType>(op.getInput().getType());
    int64_t axis = *normalizeAxis(op.getAxis(), type.getRank());
    SmallVector<OpFoldResult> sizes =
        tensor::getMixedSizes(rewriter, loc, op.getInput());
    Value mask;
    switch (pattern.kind) {
    case PatternKind::NM:
      mask = lowerNM(rewriter, op, pattern, axis, sizes);
      break;
    case PatternKind::Unstructured:
      mask = lowerUnstructured(rewriter, op, pattern, axis, sizes);
      break;
    case PatternKind::Block:
      mask = lowerBlock(rewriter, op, pattern, axis, sizes);
      break;
    }
    rewriter.replaceOp(
        op, castTo(rewriter, loc, mask, cast<RankedTensorType>(op.getType())));
    return success();
  }
};

struct ApplyMaskLowering : OpRewritePattern<ApplyMaskOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(ApplyMaskOp op,
                                PatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    auto type = cast<RankedTensorType>(op.getType());
    AffineMap identity = getIdentity(rewriter, type.getRank());
    Type elementType = type.getElementType();
    Value result = createElementwise(
        rewriter, loc, tensor::getMixedSizes(rewriter, loc, op.getInput()),
        {elementType}, {{op.getInput(), identity}, {op.getMask(), identity}},
        [&](ElementCodec &codec, ValueRange args) {
          Value zero = codec.constant(
              cast<TypedAttr>(rewriter.getZeroAttr(elementType)));
          return SmallVector<Value>{
              arith::SelectOp::create(codec.builder(), args[1], args[0], zero)};
        })[0];
    rewriter.replaceOp(op, castTo(rewriter, loc, result, type));
    return success();
  }
};

} // namespace

void mlir::sq::populateMaskPatterns(RewritePatternSet &patterns) {
  patterns.add<MaskLowering, ApplyMaskLowering>(patterns.getContext());
}
