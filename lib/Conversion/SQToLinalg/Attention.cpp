//===- Attention.cpp - sq.attention to linalg -----------------------------===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The definition, one step after the other: append to the caches, scores,
// softmax, mixture. All scores are in memory at once.
//
//===----------------------------------------------------------------------===//
#include "Internal.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

#include <limits>

using namespace mlir;
using namespace mlir::sq;
using utils::IteratorType;

namespace {

class AttentionBuilder {
public:
  AttentionBuilder(OpBuilder &b, AttentionOp op)
      : b(b), loc(op.getLoc()), op(op) {}

  SmallVector<Value> build();

private:
  /// Loops: token, head, member of the group, position, element.
  AffineMap getLoops(ArrayRef<unsigned> dims) {
    SmallVector<AffineExpr> exprs;
    for (unsigned dim : dims)
      exprs.push_back(b.getAffineDimExpr(dim));
    return getMap(b, 5, exprs);
  }
  Value index(int64_t value) {
    return arith::ConstantIndexOp::create(b, loc, value);
  }
  /// Slice of unit extents but where `size` says otherwise.
  Value slice(Value source, ArrayRef<OpFoldResult> offsets,
              ArrayRef<OpFoldResult> sizes, ArrayRef<int64_t> shape);
  SmallVector<Value> append();
  Value sumProducts(Indexed lhs, Indexed rhs, Value scales,
                    ArrayRef<OpFoldResult> sizes, ArrayRef<unsigned> dims);
  Value softmax(Value scores, ArrayRef<OpFoldResult> rows);

  OpBuilder &b;
  Location loc;
  AttentionOp op;
  OpFoldResult tokens, total;
};

} // namespace

Value AttentionBuilder::slice(Value source, ArrayRef<OpFoldResult> offsets,
                              ArrayRef<OpFoldResult> sizes,
                              ArrayRef<int64_t> shape) {
  SmallVector<OpFoldResult> ones(offsets.size(), b.getIndexAttr(1));
  auto type = cast<RankedTensorType>(source.getType()).clone(shape);
  return tensor::ExtractSliceOp::create(b, loc, cast<RankedTensorType>(type),
                                        source, offsets, sizes, ones);
}

SmallVector<Value> AttentionBuilder::append() {
  SmallVector<Value> sources = {op.getKey(), op.getValue()};
  llvm::append_range(sources, op.getScales());
  OpFoldResult zero = b.getIndexAttr(0), one = b.getIndexAttr(1),
               layer = b.getIndexAttr(op.getLayer()),
               heads = b.getIndexAttr(op.getNumHeads()),
               size = b.getIndexAttr(op.getHeadDim());
  auto loop = scf::ForOp::create(
      b, loc, index(0), getValueOrCreateConstantIndexOp(b, loc, tokens),
      index(1), op.getCaches(),
      [&](OpBuilder &nested, Location loc, Value token, ValueRange caches) {
        OpBuilder::InsertionGuard guard(b);
        b.setInsertionPoint(nested.getInsertionBlock(),
                            nested.getInsertionPoint());
        Value position = arith::AddIOp::create(b, loc, op.getPosition(), token);
        Value lanes = index(AttentionOp::kLanes);
        Value block = arith::DivUIOp::create(b, loc, position, lanes);
        Value lane = arith::RemUIOp::create(b, loc, position, lanes);
        SmallVector<Value> updated;
        for (auto [i, source, cache] : llvm::enumerate(sources, caches)) {
          bool isScale = i >= 2;
          SmallVector<int64_t> shape = {op.getNumHeads()};
          if (!isScale)
            shape.push_back(op.getHeadDim());
          Value row = slice(source, {token, zero, zero},
                            {one, heads, isScale ? one : size}, shape);
          SmallVector<OpFoldResult> offsets, sizes;
          if (i == 0) {
            offsets = {layer, zero, block, zero, lane};
            sizes = {one, heads, one, size, one};
          } else if (i == 1) {
            offsets = {layer, zero, position, zero};
            sizes = {one, heads, one, size};
          } else {
            offsets = {layer, zero, position};
            sizes = {one, heads, one};
          }
          SmallVector<OpFoldResult> ones(offsets.size(), one);
          updated.push_back(tensor::InsertSliceOp::create(
              b, loc, row, cache, offsets, sizes, ones));
        }
        scf::YieldOp::create(b, loc, updated);
      });
  return SmallVector<Value>(loop.getResults());
}

/// Sums of lhs * rhs (* scale of rhs) over the loops that `dims` leaves out.
Value AttentionBuilder::sumProducts(Indexed lhs, Indexed rhs, Value scales,
                                    ArrayRef<OpFoldResult> sizes,
                                    ArrayRef<unsigned> dims) {
  SmallVector<Indexed> inputs = {lhs, rhs};
  if (scales)
    inputs.push_back({scales, getLoops({1, 3})});
  SmallVector<IteratorType> iterators(5, IteratorType::reduction);
  for (unsigned dim : dims)
    iterators[dim] = IteratorType::parallel;
  Value zero = arith::ConstantOp::create(b, loc, b.getF32FloatAttr(0.0f));
  return createGeneric(
      b, loc, inputs, {{createFilled(b, loc, sizes, zero), getLoops(dims)}},
      iterators, [&](ElementCodec &codec, ValueRange args) {
        ImplicitLocOpBuilder &nested = codec.builder();
        Value element = args[1];
        if (element.getType().isInteger(8))
          element =
              arith::SIToFPOp::create(nested, nested.getF32Type(), element);
        else if (element.getType().isF16())
          element = arith::ExtFOp::create(nested, nested.getF32Type(), element);
        if (scales)
          element = arith::MulFOp::create(nested, element, args[2]);
        Value product = arith::MulFOp::create(nested, args[0], element);
        return SmallVector<Value>{
            arith::AddFOp::create(nested, args.back(), product)};
      })[0];
}

/// The weights w.
Value AttentionBuilder::softmax(Value scores, ArrayRef<OpFoldResult> rows) {
  AffineMap all = getIdentity(b, 4),
            rowMap = AffineMap::getMultiDimIdentityMap(4, b.getContext())
                         .getMajorSubMap(3);
  Value lowest = arith::ConstantOp::create(
      b, loc, b.getF32FloatAttr(-std::numeric_limits<float>::infinity()));
  auto isVisible = [&](ImplicitLocOpBuilder &nested) -> Value {
    Value token = linalg::IndexOp::create(nested, 0);
    Value position = linalg::IndexOp::create(nested, 3);
    Value last = arith::AddIOp::create(nested, op.getPosition(), token);
    return arith::CmpIOp::create(nested, arith::CmpIPredicate::ule, position,
                                 last);
  };
  SmallVector<IteratorType> iterators(4, IteratorType::parallel);
  iterators[3] = IteratorType::reduction;
  Value maxima = createGeneric(
      b, loc, {{scores, all}}, {{createFilled(b, loc, rows, lowest), rowMap}},
      iterators, [&](ElementCodec &codec, ValueRange args) {
        ImplicitLocOpBuilder &nested = codec.builder();
        Value score =
            arith::SelectOp::create(nested, isVisible(nested), args[0], lowest);
        return SmallVector<Value>{
            arith::MaxNumFOp::create(nested, args[1], score)};
      })[0];
  SmallVector<OpFoldResult> sizes(rows);
  sizes.push_back(total);
  return createElementwise(
      b, loc, sizes, {b.getF32Type()}, {{scores, all}, {maxima, rowMap}},
      [&](ElementCodec &codec, ValueRange args) {
        ImplicitLocOpBuilder &nested = codec.builder();
        Value weight = math::ExpOp::create(
            nested, arith::SubFOp::create(nested, args[0], args[1]));
        return SmallVector<Value>{arith::SelectOp::create(
            nested, isVisible(nested), weight, codec.f32(0.0f))};
      })[0];
}

SmallVector<Value> AttentionBuilder::build() {
  tokens = tensor::getMixedSize(b, loc, op.getQuery(), 0);
  total = arith::AddIOp::create(b, loc, op.getPosition(),
                                getValueOrCreateConstantIndexOp(b, loc, tokens))
              .getResult();
  int64_t heads = op.getNumHeads(), size = op.getHeadDim();
  OpFoldResult zero = b.getIndexAttr(0), one = b.getIndexAttr(1),
               layer = b.getIndexAttr(op.getLayer());
  OpFoldResult headsAttr = b.getIndexAttr(heads),
               groupAttr = b.getIndexAttr(op.getGroupSize()),
               sizeAttr = b.getIndexAttr(size);
  SmallVector<Value> results = append();

  int64_t blocks = AttentionOp::getExtent(results[0], 2);
  int64_t dynamic = ShapedType::kDynamic;
  Value keys = slice(results[0], {layer, zero, zero, zero, zero},
                     {one, headsAttr, b.getIndexAttr(blocks), sizeAttr,
                      b.getIndexAttr(AttentionOp::kLanes)},
                     {heads, blocks, size, AttentionOp::kLanes});
  Value values =
      slice(results[1], {layer, zero, zero, zero},
            {one, headsAttr, total, sizeAttr}, {heads, dynamic, size});
  Value keyScales, valueScales;
  if (op.hasScales()) {
    auto read = [&](Value cache) {
      return slice(cache, {layer, zero, zero}, {one, headsAttr, total},
                   {heads, dynamic});
    };
    keyScales = read(results[2]);
    valueScales = read(results[3]);
  }

  AffineExpr position = b.getAffineDimExpr(3);
  AffineMap keyMap =
      getMap(b, 5,
             {b.getAffineDimExpr(1), position.floorDiv(AttentionOp::kLanes),
              b.getAffineDimExpr(4), position % AttentionOp::kLanes});
  SmallVector<OpFoldResult> rows = {tokens, headsAttr, groupAttr};
  SmallVector<OpFoldResult> scoreSizes = {tokens, headsAttr, groupAttr, total},
                            outSizes = {tokens, headsAttr, groupAttr, sizeAttr};
  Value products =
      sumProducts({op.getQuery(), getLoops({0, 1, 2, 4})}, {keys, keyMap},
                  keyScales, scoreSizes, {0, 1, 2, 3});
  Value scores = createElementwise(
      b, loc, scoreSizes, {b.getF32Type()}, {{products, getIdentity(b, 4)}},
      [&](ElementCodec &codec, ValueRange args) {
        return SmallVector<Value>{
            arith::MulFOp::create(codec.builder(), args[0],
                                  codec.f32(op.getScale().convertToFloat()))};
      })[0];
  Value weights = softmax(scores, rows);
  Value mixed = sumProducts({weights, getLoops({0, 1, 2, 3})},
                            {values, getLoops({1, 3, 4})}, valueScales,
                            outSizes, {0, 1, 2, 4});
  AffineMap all = getIdentity(b, 4), rowMap = all.getMajorSubMap(3);
  SmallVector<IteratorType> iterators(4, IteratorType::parallel);
  iterators[3] = IteratorType::reduction;
  Value none = arith::ConstantOp::create(b, loc, b.getF32FloatAttr(0.0f));
  Value sums = createGeneric(
      b, loc, {{weights, all}}, {{createFilled(b, loc, rows, none), rowMap}},
      iterators, [&](ElementCodec &codec, ValueRange args) {
        return SmallVector<Value>{
            arith::AddFOp::create(codec.builder(), args[1], args[0])};
      })[0];
  Value out = createElementwise(
      b, loc, outSizes, {b.getF32Type()}, {{mixed, all}, {sums, rowMap}},
      [&](ElementCodec &codec, ValueRange args) {
        return SmallVector<Value>{
            arith::DivFOp::create(codec.builder(), args[0], args[1])};
      })[0];
  results.insert(
      results.begin(),
      castTo(b, loc, out, cast<RankedTensorType>(op.getInit().getType())));
  return results;
}

namespace {

struct AttentionLowering : OpRewritePattern<AttentionOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(AttentionOp op,
                                PatternRewriter &rewriter) const override {
    if (op.getResults().empty())
      return rewriter.notifyMatchFailure(op, "expected tensors");
    rewriter.replaceOp(op, AttentionBuilder(rewriter, op).build());
    return success();
  }
};

} // namespace

void mlir::sq::populateAttentionPatterns(RewritePatternSet &patterns) {
  patterns.add<AttentionLowering>(patterns.getContext());
}
