//===- Matmul.cpp - sq.matmul to linalg -----------------------------------===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "Internal.h"
#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

#include <numeric>

using namespace mlir;
using namespace mlir::sq;
using numerics::Element;
using numerics::Family;
using numerics::Format;
using numerics::GroupScope;
using utils::IteratorType;

/// The maps of X[M, K], W[N, K] and Y[M, N].
static SmallVector<AffineMap> getMatmulMaps(OpBuilder &b) {
  AffineExpr m, n, k;
  bindDims(b.getContext(), m, n, k);
  return {getMap(b, 3, {m, k}), getMap(b, 3, {n, k}), getMap(b, 3, {m, n})};
}

//===----------------------------------------------------------------------===//
// Floats
//===----------------------------------------------------------------------===//

static Value multiplyFloats(OpBuilder &b, Location loc, Value input,
                            Value weights, Value init) {
  NamedAttribute maps(b.getStringAttr("indexing_maps"),
                      b.getAffineMapArrayAttr(getMatmulMaps(b)));
  return linalg::MatmulOp::create(b, loc, TypeRange{init.getType()},
                                  ValueRange{input, weights}, ValueRange{init},
                                  ArrayRef<NamedAttribute>{maps})
      .getResult(0);
}

//===----------------------------------------------------------------------===//
// Integers
//===----------------------------------------------------------------------===//

namespace {

/// One side of an integer product.
struct Operand {
  Format format;
  /// Codes [rows, K] and their scales.
  Value codes;
  SmallVector<Value> scales;

  /// Largest magnitude of an integer, zero point taken off.
  int64_t maxMagnitude() const { return int64_t(1) << format.bits; }
};

} // namespace

/// Elements along K over which neither side's scale changes.
static int64_t getCommonGroup(const Format &lhs, const Format &rhs,
                              int64_t extent) {
  int64_t group = 0;
  for (const Format *format : {&lhs, &rhs})
    if (format->scope == GroupScope::Group)
      group = std::gcd(group, format->groupSize);
  return group == 0 || group > extent ? extent : group;
}

/// The exact sum of products over the K of `lhs` and `rhs`, both [rows, K] of
/// codes, as [M, N] of `type`.
static Value multiplyIntegers(OpBuilder &b, Location loc, const Operand &lhs,
                              Value lhsCodes, const Operand &rhs,
                              Value rhsCodes, Type type) {
  SmallVector<AffineMap> maps = getMatmulMaps(b);
  SmallVector<Indexed> inputs{{lhsCodes, maps[0]}, {rhsCodes, maps[1]}};
  if (lhs.format.hasZeroPoint()) {
    AffineExpr row = lhs.format.scope == GroupScope::Tensor
                         ? b.getAffineConstantExpr(0)
                         : b.getAffineDimExpr(0);
    inputs.push_back(
        {lhs.scales[1], getMap(b, 3, {row, b.getAffineConstantExpr(0)})});
  }
  Value zero = arith::ConstantOp::create(b, loc, b.getIntegerAttr(type, 0));
  SmallVector<OpFoldResult> sizes{tensor::getMixedSize(b, loc, lhsCodes, 0),
                                  tensor::getMixedSize(b, loc, rhsCodes, 0)};
  return createGeneric(
      b, loc, inputs, {{createFilled(b, loc, sizes, zero), maps[2]}},
      {IteratorType::parallel, IteratorType::parallel, IteratorType::reduction},
      [&](ElementCodec &codec, ValueRange args) {
        ImplicitLocOpBuilder &nested = codec.builder();
        Value x = codec.decodeInteger(lhs.format, args[0]);
        Value w = codec.decodeInteger(rhs.format, args[1]);
        if (lhs.format.hasZeroPoint())
          x = arith::SubIOp::create(nested, x, args[2]);
        Value product = arith::MulIOp::create(nested, x, w);
        if (type != product.getType())
          product = arith::ExtSIOp::create(nested, type, product);
        return SmallVector<Value>{
            arith::AddIOp::create(nested, args.back(), product)};
      })[0];
}

/// sums * weight scale * input scale + init, for the scales at index `at`
/// along K of each side.
static Value accumulateScaled(OpBuilder &b, Location loc, const Operand &lhs,
                              const Operand &rhs, Value sums, Value init,
                              Value lhsGroup, Value rhsGroup) {
  AffineMap identity = getIdentity(b, 2);
  return createGeneric(
      b, loc, {{sums, identity}}, {{init, identity}},
      {IteratorType::parallel, IteratorType::parallel},
      [&](ElementCodec &codec, ValueRange args) {
        ImplicitLocOpBuilder &nested = codec.builder();
        Value zero = arith::ConstantIndexOp::create(nested, 0);
        Value value =
            arith::SIToFPOp::create(nested, nested.getF32Type(), args[0]);
        auto scaleBy = [&](const Operand &side, unsigned loop, Value group) {
          Value row = side.format.scope == GroupScope::Tensor
                          ? zero
                          : linalg::IndexOp::create(nested, loop).getResult();
          Value scale = tensor::ExtractOp::create(
              nested, side.scales[0],
              ValueRange{row, side.format.scope == GroupScope::Group ? group
                                                                     : zero});
          scale = codec.decodeScale(scale);
          value = arith::MulFOp::create(nested, value, scale);
          // A power of two: exact.
          if (int factor = *side.format.integerFactor(); factor != 1)
            value = arith::MulFOp::create(
                nested, value, codec.f32(1.0f / static_cast<float>(factor)));
        };
        scaleBy(rhs, 1, rhsGroup);
        scaleBy(lhs, 0, lhsGroup);
        return SmallVector<Value>{
            arith::AddFOp::create(nested, args[1], value)};
      })[0];
}

/// Columns [begin, begin + size) of `matrix`.
static Value sliceColumns(OpBuilder &b, Location loc, Value matrix,
                          OpFoldResult begin, OpFoldResult size) {
  OpFoldResult zero = b.getIndexAttr(0), one = b.getIndexAttr(1);
  return tensor::ExtractSliceOp::create(
      b, loc, matrix, ArrayRef<OpFoldResult>{zero, begin},
      ArrayRef<OpFoldResult>{tensor::getMixedSize(b, loc, matrix, 0), size},
      ArrayRef<OpFoldResult>{one, one});
}

/// init + the product of two integer matrices: exact within the groups over
/// which no scale changes, one group after the other.
static Value multiplyGroups(OpBuilder &b, Location loc, const Operand &lhs,
                            const Operand &rhs, Value init) {
  int64_t extent = cast<ShapedType>(rhs.codes.getType()).getDimSize(1);
  int64_t group = getCommonGroup(lhs.format, rhs.format, extent);
  int64_t maxSum = group * lhs.maxMagnitude() * rhs.maxMagnitude();
  Type type = b.getIntegerType(maxSum < (int64_t(1) << 31) ? 32 : 64);
  Value zero = arith::ConstantIndexOp::create(b, loc, 0);
  if (group == extent) {
    Value sums = multiplyIntegers(b, loc, lhs, lhs.codes, rhs, rhs.codes, type);
    return accumulateScaled(b, loc, lhs, rhs, sums, init, zero, zero);
  }
  Value end = arith::ConstantIndexOp::create(b, loc, extent);
  Value step = arith::ConstantIndexOp::create(b, loc, group);
  auto loop = scf::ForOp::create(
      b, loc, zero, end, step, ValueRange{init},
      [&](OpBuilder &nested, Location loc, Value begin, ValueRange args) {
        OpFoldResult size = nested.getIndexAttr(group);
        AffineExpr d0 = nested.getAffineDimExpr(0);
        if (extent % group != 0)
          size = affine::makeComposedFoldedAffineMin(
              nested, loc,
              AffineMap::get(1, 0,
                             {nested.getAffineConstantExpr(group), extent - d0},
                             nested.getContext()),
              {OpFoldResult(begin)});
        Value sums = multiplyIntegers(
            nested, loc, lhs, sliceColumns(nested, loc, lhs.codes, begin, size),
            rhs, sliceColumns(nested, loc, rhs.codes, begin, size), type);
        auto groupIndex = [&](const Format &format) -> Value {
          if (format.scope != GroupScope::Group)
            return zero;
          return affine::makeComposedAffineApply(nested, loc,
                                                 d0.floorDiv(format.groupSize),
                                                 {OpFoldResult(begin)});
        };
        scf::YieldOp::create(nested, loc,
                             accumulateScaled(nested, loc, lhs, rhs, sums,
                                              args[0], groupIndex(lhs.format),
                                              groupIndex(rhs.format)));
      });
  return loop.getResult(0);
}

//===----------------------------------------------------------------------===//
// The op
//===----------------------------------------------------------------------===//

namespace {

struct MatmulLowering : OpRewritePattern<MatmulOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(MatmulOp op,
                                PatternRewriter &rewriter) const override {
    if (!op.getResult())
      return rewriter.notifyMatchFailure(op, "expected tensors");
    if (op.getLayout() != Layout::Rows)
      return op.emitOpError("expected weights in the layout 'rows': only the "
                            "kernel that '")
             << stringifyLayout(op.getLayout())
             << "' were packed for reads them";
    Location loc = op.getLoc();
    Value init = op.getInit();
    if (op.getOverwrites())
      init =
          castTo(rewriter, loc,
                 createFilled(
                     rewriter, loc, tensor::getMixedSizes(rewriter, loc, init),
                     arith::ConstantOp::create(rewriter, loc,
                                               rewriter.getF32FloatAttr(0.0f))),
                 cast<RankedTensorType>(init.getType()));
    QuantFormatAttrInterface formatAttr = op.getFormat();
    Format format = formatAttr.getFormat();
    auto payloadType = cast<ShapedType>(op.getPayload().getType());
    auto codesType = RankedTensorType::get(
        {payloadType.getDimSize(0), op.getReductionExtent()},
        formatAttr.getCodeType());
    Value codes = UnpackOp::create(rewriter, loc, codesType, op.getPayload(),
                                   op.getBitmap());
    Value input = op.getInput();

    if (QuantFormatAttrInterface inputAttr = op.getActivationFormatAttr()) {
      Format inputFormat = inputAttr.getFormat();
      bool isInteger = inputFormat.element == Element::Int;
      if (op.hasWidenedInput()) {
        if (getElementTypeOrSelf(input.getType()).isF16())
          return op.emitOpError("expected activations in ")
                 << inputAttr.getCodeType()
                 << ", got f16: widened so, kernels for tensor cores alone "
                    "multiply them";
        if (format.element != Element::Int)
          return op.emitOpError("expected activations in ")
                 << inputAttr.getCodeType() << " beside weights in "
                 << formatAttr << ": widened ones are for integers";
        isInteger = true;
      }
      if (format.element == Element::Int && isInteger) {
        Operand lhs{inputFormat, input,
                    SmallVector<Value>(op.getInputScales())};
        Operand rhs{format, codes, SmallVector<Value>(op.getScales())};
        rewriter.replaceOp(
            op,
            castTo(rewriter, loc, multiplyGroups(rewriter, loc, lhs, rhs, init),
                   cast<RankedTensorType>(op.getResult().getType())));
        return success();
      }
      auto type = cast<RankedTensorType>(input.getType());
      input = DequantizeOp::create(rewriter, loc,
                                   type.clone(rewriter.getF32Type()), input,
                                   op.getInputScales(), inputAttr, /*axis=*/-1);
    }
    // A product of its two types widens f16 and bf16 itself.
    Value weights = DequantizeOp::create(
        rewriter, loc, codesType.clone(rewriter.getF32Type()), codes,
        op.getScales(), formatAttr, /*axis=*/-1);
    rewriter.replaceOp(op, multiplyFloats(rewriter, loc, input, weights, init));
    return success();
  }
};

} // namespace

void mlir::sq::populateMatmulPatterns(RewritePatternSet &patterns) {
  patterns.add<MatmulLowering>(patterns.getContext());
}
