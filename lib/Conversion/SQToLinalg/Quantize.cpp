//===- Quantize.cpp - sq.quantize and sq.dequantize to linalg -------------===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// quantize = reduce each group to its extremes
//          -> a scale per group, elementwise over the scales
//          -> codes, elementwise over the input.
// The last step is also all of the static form, and dequantize is its mirror.
//
// Codes that are only dequantized or widened again, such as activations of a
// kernel that multiplies in f32 or bytes, are never stored: both steps are one
// loop.
//
//===----------------------------------------------------------------------===//
#include "Internal.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"

using namespace mlir;
using namespace mlir::sq;
using numerics::Format;
using numerics::GroupScope;
using utils::IteratorType;

/// Maps of `scales` in the loops over a tensor of `rank`: the scales and zero
/// points by group, nvfp4's tensor scale by nothing.
static SmallVector<Indexed> indexScales(OpBuilder &b, const Format &format,
                                        unsigned rank, int64_t axis,
                                        ValueRange scales) {
  SmallVector<Indexed> result;
  for (Value scale : scales) {
    bool tensorScale = format.hasTensorScale() && !result.empty();
    Format scope = format;
    if (tensorScale)
      scope.scope = GroupScope::Tensor;
    result.push_back({scale, getScaleMap(b, scope, rank, axis)});
  }
  return result;
}

/// The same in the loops over a tensor whose axis is split into groups and
/// their elements.
static SmallVector<Indexed> indexScalesOfGroups(OpBuilder &b, unsigned rank,
                                                int64_t axis,
                                                ValueRange scales) {
  SmallVector<AffineExpr> groups;
  for (int64_t dim = 0; dim < rank; ++dim)
    groups.push_back(b.getAffineDimExpr(dim > axis ? dim + 1 : dim));
  SmallVector<AffineExpr> zeros(rank, b.getAffineConstantExpr(0));
  SmallVector<Indexed> result;
  for (Value scale : scales)
    result.push_back(
        {scale, getMap(b, rank + 1, result.empty() ? groups : zeros)});
  return result;
}

/// `body` for each element of `input`, with the scales of its group, as a
/// tensor of `type`. Where groups are whole, the loop over the elements of one
/// is the innermost, so that its scale is the same for a vector.
static Value mapElements(OpBuilder &b, Location loc, const Format &format,
                         Value input, int64_t axis, ValueRange scales,
                         RankedTensorType type, BodyFn body) {
  auto inputType = cast<RankedTensorType>(input.getType());
  unsigned rank = inputType.getRank();
  int64_t extent = inputType.getDimSize(axis);
  if (format.scope != GroupScope::Group || ShapedType::isDynamic(extent) ||
      extent % format.groupSize != 0) {
    SmallVector<Indexed> inputs{{input, getIdentity(b, rank)}};
    inputs.append(indexScales(b, format, rank, axis, scales));
    Value result =
        createElementwise(b, loc, tensor::getMixedSizes(b, loc, input),
                          {type.getElementType()}, inputs, body)[0];
    return castTo(b, loc, result, type);
  }
  Value split = splitAxis(b, loc, input, axis, format.groupSize, Value());
  SmallVector<Indexed> inputs{{split, getIdentity(b, rank + 1)}};
  inputs.append(indexScalesOfGroups(b, rank, axis, scales));
  Value result = createElementwise(b, loc, tensor::getMixedSizes(b, loc, split),
                                   {type.getElementType()}, inputs, body)[0];
  SmallVector<ReassociationIndices> reassociation;
  for (int64_t dim = 0, from = 0; dim < rank; ++dim) {
    reassociation.push_back({from++});
    if (dim == axis)
      reassociation.back().push_back(from++);
  }
  return castTo(b, loc,
                tensor::CollapseShapeOp::create(b, loc, result, reassociation),
                type);
}

namespace {

/// The groups of a tensor, ready to be reduced.
struct Groups {
  /// The tensor, with the axis split where groups are shorter than it.
  Value input;
  /// Dimensions of `input` that the reduction keeps. The reduced tensor has
  /// these and no unit extents.
  SmallVector<AffineExpr> kept;
  SmallVector<OpFoldResult> sizes;
  SmallVector<IteratorType> iterators;
  /// From the loops over the scales to the reduced tensor.
  AffineMap fromScales;
};

} // namespace

static Groups splitGroups(OpBuilder &b, Location loc, const Format &format,
                          Value input, int64_t axis) {
  Groups groups;
  auto rank = cast<RankedTensorType>(input.getType()).getRank();
  bool split = format.scope == GroupScope::Group;
  groups.input = input;
  if (split) {
    Value zero = arith::ConstantOp::create(b, loc, b.getF32FloatAttr(0.0f));
    groups.input = splitAxis(b, loc, input, axis, format.groupSize, zero);
  }
  SmallVector<OpFoldResult> sizes = tensor::getMixedSizes(b, loc, groups.input);
  SmallVector<AffineExpr> scaleExprs;
  for (auto [dim, size] : llvm::enumerate(sizes)) {
    auto position = static_cast<int64_t>(dim);
    bool reduced = format.scope == GroupScope::Tensor ||
                   position == (split ? axis + 1 : axis);
    groups.iterators.push_back(reduced ? IteratorType::reduction
                                       : IteratorType::parallel);
    if (reduced)
      continue;
    groups.kept.push_back(b.getAffineDimExpr(dim));
    groups.sizes.push_back(size);
    // The dimensions behind a split axis have moved by one.
    scaleExprs.push_back(
        b.getAffineDimExpr(split && position > axis ? dim - 1 : dim));
  }
  groups.fromScales = getMap(b, rank, scaleExprs);
  return groups;
}

/// Reduces each group to one element per initial value.
static SmallVector<Value> reduceGroups(OpBuilder &b, Location loc,
                                       const Groups &groups,
                                       ArrayRef<Value> initial, BodyFn body) {
  unsigned rank = groups.iterators.size();
  AffineMap keptMap = getMap(b, rank, groups.kept);
  SmallVector<Indexed> outputs;
  for (Value value : initial)
    outputs.push_back({createFilled(b, loc, groups.sizes, value), keptMap});
  return createGeneric(b, loc, {{groups.input, getIdentity(b, rank)}}, outputs,
                       groups.iterators, body);
}

/// Bits of the largest magnitude of each group.
static Value reduceMaxBits(OpBuilder &b, Location loc, const Groups &groups) {
  Value zero = arith::ConstantOp::create(b, loc, b.getI32IntegerAttr(0));
  return reduceGroups(
      b, loc, groups, {zero}, [](ElementCodec &codec, ValueRange args) {
        Value bits = codec.magnitudeBits(args[0]);
        return SmallVector<Value>{
            arith::MaxSIOp::create(codec.builder(), bits, args[1])};
      })[0];
}

/// Extents of the scales of a tensor of `sizes`.
static SmallVector<OpFoldResult> getScaleSizes(OpBuilder &b, Location loc,
                                               const Format &format,
                                               SmallVector<OpFoldResult> sizes,
                                               int64_t axis) {
  if (format.scope == GroupScope::Tensor)
    sizes.assign(sizes.size(), b.getIndexAttr(1));
  else if (format.scope == GroupScope::Row)
    sizes[axis] = b.getIndexAttr(1);
  else
    sizes[axis] = ceilDiv(b, loc, sizes[axis], format.groupSize);
  return sizes;
}

static SmallVector<Value> asymmetricScales(OpBuilder &b, Location loc,
                                           const Format &format,
                                           const Groups &groups,
                                           ArrayRef<OpFoldResult> scaleSizes) {
  Value zero = arith::ConstantOp::create(b, loc, b.getF32FloatAttr(0.0f));
  // Extremes that include 0.0, which must have a code.
  SmallVector<Value> extremes = reduceGroups(
      b, loc, groups, {zero, zero}, [](ElementCodec &codec, ValueRange args) {
        auto pick = [&](arith::CmpFPredicate predicate, Value best) {
          return arith::SelectOp::create(
              codec.builder(), codec.compare(predicate, args[0], best), args[0],
              best);
        };
        return SmallVector<Value>{pick(arith::CmpFPredicate::OLT, args[1]),
                                  pick(arith::CmpFPredicate::OGT, args[2])};
      });
  return createElementwise(
      b, loc, scaleSizes, {b.getF32Type(), b.getI32Type()},
      {{extremes[0], groups.fromScales}, {extremes[1], groups.fromScales}},
      [&](ElementCodec &codec, ValueRange args) {
        auto [scale, zeroPoint] =
            codec.asymmetricScale(format, args[0], args[1]);
        return SmallVector<Value>{scale, zeroPoint};
      });
}

/// The largest magnitude of the tensor as a scalar f32 scale, before it is
/// known whether any group needs it.
static Value nvfp4TensorScale(OpBuilder &b, Location loc, Value input) {
  Format whole;
  whole.scope = GroupScope::Tensor;
  Value maxBits =
      reduceMaxBits(b, loc, splitGroups(b, loc, whole, input, /*axis=*/0));
  return createElementwise(
      b, loc, {}, {b.getF32Type()}, {{maxBits, getIdentity(b, 0)}},
      [](ElementCodec &codec, ValueRange args) {
        return SmallVector<Value>{codec.nvfp4TensorScale(args[0])};
      })[0];
}

/// `tensorScale` with extents 1, and 0 when all of `scales` are (NUM-F4).
static Value clearUnusedTensorScale(OpBuilder &b, Location loc,
                                    Value tensorScale, Value scales) {
  unsigned rank = cast<RankedTensorType>(scales.getType()).getRank();
  Value zero = arith::ConstantOp::create(b, loc, b.getI32IntegerAttr(0));
  Value used =
      createGeneric(b, loc, {{scales, getIdentity(b, rank)}},
                    {{createFilled(b, loc, {}, zero), getMap(b, rank, {})}},
                    SmallVector<IteratorType>(rank, IteratorType::reduction),
                    [](ElementCodec &codec, ValueRange args) {
                      return SmallVector<Value>{arith::OrIOp::create(
                          codec.builder(), codec.zeroExtend(args[0]), args[1])};
                    })[0];
  SmallVector<OpFoldResult> ones(rank, b.getIndexAttr(1));
  AffineMap scalar = getMap(b, rank, {});
  return createElementwise(
      b, loc, ones, {b.getF32Type()}, {{tensorScale, scalar}, {used, scalar}},
      [](ElementCodec &codec, ValueRange args) {
        Value isUsed =
            codec.compare(arith::CmpIPredicate::ne, args[1], codec.i32(0));
        return SmallVector<Value>{arith::SelectOp::create(
            codec.builder(), isUsed, args[0], codec.f32(0.0f))};
      })[0];
}

/// The scale operands that sq.dequantize takes, from the values.
static SmallVector<Value> computeScales(OpBuilder &b, Location loc,
                                        const Format &format, Value input,
                                        int64_t axis, Type scaleType) {
  Groups groups = splitGroups(b, loc, format, input, axis);
  SmallVector<OpFoldResult> sizes =
      getScaleSizes(b, loc, format, tensor::getMixedSizes(b, loc, input), axis);
  if (format.hasZeroPoint())
    return asymmetricScales(b, loc, format, groups, sizes);

  SmallVector<Indexed> inputs{
      {reduceMaxBits(b, loc, groups), groups.fromScales}};
  if (format.hasTensorScale())
    inputs.push_back(
        {nvfp4TensorScale(b, loc, input), getMap(b, sizes.size(), {})});
  SmallVector<Value> scales = createElementwise(
      b, loc, sizes, {scaleType}, inputs,
      [&](ElementCodec &codec, ValueRange args) {
        Value tensorScale = format.hasTensorScale() ? args[1] : Value();
        return SmallVector<Value>{
            codec.symmetricScale(format, args[0], tensorScale, scaleType)};
      });
  if (format.hasTensorScale())
    scales.push_back(
        clearUnusedTensorScale(b, loc, inputs[1].value, scales[0]));
  return scales;
}

namespace {

struct QuantizeLowering : OpRewritePattern<QuantizeOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(QuantizeOp op,
                                PatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    Format format = op.getFormat().getFormat();
    auto type = cast<RankedTensorType>(op.getInput().getType());
    auto codesType = cast<RankedTensorType>(op.getValues().getType());
    int64_t axis = *normalizeAxis(op.getAxis(), type.getRank());

    SmallVector<Value> scales(op.getStaticScales());
    SmallVector<Value> results(1);
    if (!op.isStatic()) {
      auto scaleType = cast<RankedTensorType>(op.getScales()[0].getType());
      scales = computeScales(rewriter, loc, format, op.getInput(), axis,
                             scaleType.getElementType());
      for (auto [scale, result] : llvm::zip_equal(scales, op.getScales()))
        results.push_back(castTo(rewriter, loc, scale,
                                 cast<RankedTensorType>(result.getType())));
    }

    Type codeType = codesType.getElementType();
    results[0] =
        mapElements(rewriter, loc, format, op.getInput(), axis, scales,
                    codesType, [&](ElementCodec &codec, ValueRange args) {
                      ValueRange scaleArgs = args.slice(1, scales.size());
                      return SmallVector<Value>{
                          codec.quantize(format, args[0], scaleArgs, codeType)};
                    });
    rewriter.replaceOp(op, results);
    return success();
  }
};

struct WidenLowering : OpRewritePattern<WidenOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(WidenOp op,
                                PatternRewriter &rewriter) const override {
    Format format = op.getFormat().getFormat();
    auto type = cast<RankedTensorType>(op.getType());
    rewriter.replaceOp(
        op, mapElements(rewriter, op.getLoc(), format, op.getValues(),
                        type.getRank() - 1, {}, type,
                        [&](ElementCodec &codec, ValueRange args) {
                          return SmallVector<Value>{codec.widen(
                              format, args[0], type.getElementType())};
                        }));
    return success();
  }
};

struct DequantizeLowering : OpRewritePattern<DequantizeOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(DequantizeOp op,
                                PatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    Format format = op.getFormat().getFormat();
    auto type = cast<RankedTensorType>(op.getType());
    int64_t axis = *normalizeAxis(op.getAxis(), type.getRank());
    Value result =
        mapElements(rewriter, loc, format, op.getValues(), axis, op.getScales(),
                    type, [&](ElementCodec &codec, ValueRange args) {
                      ValueRange scaleArgs =
                          args.slice(1, op.getScales().size());
                      return SmallVector<Value>{
                          codec.dequantize(format, args[0], scaleArgs)};
                    });
    rewriter.replaceOp(op, result);
    return success();
  }
};

} // namespace

/// The scales that `op` divides by.
static ValueRange getDivisors(QuantizeOp op) {
  return op.isStatic() ? ValueRange(op.getStaticScales())
                       : ValueRange(op.getScales());
}

/// What `op` undoes, if codes and scales are both of one sq.quantize.
static QuantizeOp getQuantizer(DequantizeOp op) {
  auto quantize = op.getValues().getDefiningOp<QuantizeOp>();
  if (!quantize || quantize.getFormat() != op.getFormat() ||
      op.getValues() != quantize.getValues())
    return QuantizeOp();
  int64_t rank = cast<RankedTensorType>(op.getType()).getRank();
  if (*normalizeAxis(op.getAxis(), rank) !=
      *normalizeAxis(quantize.getAxis(), rank))
    return QuantizeOp();
  return llvm::equal(op.getScales(), getDivisors(quantize)) ? quantize
                                                            : QuantizeOp();
}

/// In place of `op`, for each element that `quantize` rounds to a code what
/// `body` makes of that code and its scales.
static void replaceRoundTrip(
    RewriterBase &rewriter, Operation *op, QuantizeOp quantize,
    function_ref<Value(ElementCodec &, const Format &, Value, ValueRange)>
        body) {
  rewriter.setInsertionPoint(op);
  Format format = quantize.getFormat().getFormat();
  auto type = cast<RankedTensorType>(op->getResult(0).getType());
  Type codeType = getElementTypeOrSelf(quantize.getValues().getType());
  ValueRange scales = getDivisors(quantize);
  Value result = mapElements(
      rewriter, op->getLoc(), format, quantize.getInput(),
      *normalizeAxis(quantize.getAxis(), type.getRank()), scales, type,
      [&](ElementCodec &codec, ValueRange args) {
        ValueRange scaleArgs = args.slice(1, scales.size());
        Value code = codec.quantize(format, args[0], scaleArgs, codeType);
        return SmallVector<Value>{body(codec, format, code, scaleArgs)};
      });
  rewriter.replaceOp(op, result);
}

void mlir::sq::lowerRoundTrips(RewriterBase &rewriter, Operation *root) {
  root->walk([&](Operation *op) {
    if (auto dequantize = dyn_cast<DequantizeOp>(op)) {
      if (QuantizeOp quantize = getQuantizer(dequantize))
        replaceRoundTrip(rewriter, op, quantize,
                         [](ElementCodec &codec, const Format &format,
                            Value code, ValueRange scales) {
                           return codec.dequantize(format, code, scales);
                         });
    } else if (auto widen = dyn_cast<WidenOp>(op)) {
      auto quantize = widen.getValues().getDefiningOp<QuantizeOp>();
      if (quantize && quantize.getFormat() == widen.getFormat() &&
          widen.getValues() == quantize.getValues())
        replaceRoundTrip(rewriter, op, quantize,
                         [&](ElementCodec &codec, const Format &format,
                             Value code, ValueRange) {
                           return codec.widen(
                               format, code,
                               getElementTypeOrSelf(widen.getType()));
                         });
    }
  });
}

void mlir::sq::populateQuantizePatterns(RewritePatternSet &patterns) {
  patterns.add<QuantizeLowering, DequantizeLowering, WidenLowering>(
      patterns.getContext());
}
