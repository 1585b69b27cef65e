//===- Builders.cpp - Pieces that the lowerings share ---------------------===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "Internal.h"
#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"

using namespace mlir;
using namespace mlir::sq;
using numerics::GroupScope;

//===----------------------------------------------------------------------===//
// Building linalg.generic
//===----------------------------------------------------------------------===//

AffineMap mlir::sq::getMap(OpBuilder &b, unsigned dims,
                           ArrayRef<AffineExpr> exprs) {
  return AffineMap::get(dims, 0, exprs, b.getContext());
}

AffineMap mlir::sq::getIdentity(OpBuilder &b, unsigned dims) {
  return b.getMultiDimIdentityMap(dims);
}

SmallVector<Value>
mlir::sq::createGeneric(OpBuilder &b, Location loc, ArrayRef<Indexed> inputs,
                        ArrayRef<Indexed> outputs,
                        ArrayRef<utils::IteratorType> iterators, BodyFn body) {
  SmallVector<Value> ins, outs;
  SmallVector<Type> types;
  SmallVector<AffineMap> maps;
  for (const Indexed &input : inputs) {
    ins.push_back(input.value);
    maps.push_back(input.map);
  }
  for (const Indexed &output : outputs) {
    outs.push_back(output.value);
    types.push_back(output.value.getType());
    maps.push_back(output.map);
  }
  auto generic = linalg::GenericOp::create(
      b, loc, types, ins, outs, maps, iterators,
      [&](OpBuilder &nested, Location nestedLoc, ValueRange args) {
        ElementCodec codec(nested, nestedLoc);
        linalg::YieldOp::create(nested, nestedLoc, body(codec, args));
      });
  return SmallVector<Value>(generic.getResults());
}

SmallVector<Value> mlir::sq::createElementwise(OpBuilder &b, Location loc,
                                               ArrayRef<OpFoldResult> sizes,
                                               ArrayRef<Type> elementTypes,
                                               ArrayRef<Indexed> inputs,
                                               BodyFn body) {
  AffineMap identity = getIdentity(b, sizes.size());
  SmallVector<Indexed> outputs;
  for (Type type : elementTypes)
    outputs.push_back({tensor::EmptyOp::create(b, loc, sizes, type), identity});
  SmallVector<utils::IteratorType> iterators(sizes.size(),
                                             utils::IteratorType::parallel);
  return createGeneric(b, loc, inputs, outputs, iterators, body);
}

Value mlir::sq::createFilled(OpBuilder &b, Location loc,
                             ArrayRef<OpFoldResult> sizes, Value value) {
  Value empty = tensor::EmptyOp::create(b, loc, sizes, value.getType());
  return linalg::FillOp::create(b, loc, value, empty).getResult(0);
}

//===----------------------------------------------------------------------===//
// Groups along an axis
//===----------------------------------------------------------------------===//

OpFoldResult mlir::sq::ceilDiv(OpBuilder &b, Location loc, OpFoldResult size,
                               int64_t divisor) {
  return affine::makeComposedFoldedAffineApply(
      b, loc, b.getAffineDimExpr(0).ceilDiv(divisor), {size});
}

Value mlir::sq::castTo(OpBuilder &b, Location loc, Value value,
                       RankedTensorType type) {
  if (value.getType() == type)
    return value;
  return tensor::CastOp::create(b, loc, type, value);
}

/// `input` with `axis` filled up to `padded` elements; a fill and a copy, which
/// one-shot bufferization does in place.
static Value padAxis(OpBuilder &b, Location loc, Value input, int64_t axis,
                     OpFoldResult padded, Value padding) {
  SmallVector<OpFoldResult> sizes = tensor::getMixedSizes(b, loc, input);
  SmallVector<OpFoldResult> paddedSizes(sizes);
  paddedSizes[axis] = padded;
  Value filled = createFilled(b, loc, paddedSizes, padding);
  SmallVector<OpFoldResult> zeros(sizes.size(), b.getIndexAttr(0));
  SmallVector<OpFoldResult> ones(sizes.size(), b.getIndexAttr(1));
  return tensor::InsertSliceOp::create(b, loc, input, filled, zeros, sizes,
                                       ones);
}

Value mlir::sq::splitAxis(OpBuilder &b, Location loc, Value input, int64_t axis,
                          int64_t size, Value padding) {
  auto type = cast<RankedTensorType>(input.getType());
  SmallVector<OpFoldResult> sizes = tensor::getMixedSizes(b, loc, input);
  OpFoldResult groups = ceilDiv(b, loc, sizes[axis], size);
  int64_t extent = type.getDimSize(axis);
  if (ShapedType::isDynamic(extent) || extent % size != 0) {
    OpFoldResult padded = affine::makeComposedFoldedAffineApply(
        b, loc, b.getAffineDimExpr(0) * size, {groups});
    input = padAxis(b, loc, input, axis, padded, padding);
    type = cast<RankedTensorType>(input.getType());
  }

  SmallVector<ReassociationIndices> reassociation;
  SmallVector<OpFoldResult> splitSizes;
  for (int64_t dim = 0, out = 0; dim < type.getRank(); ++dim) {
    reassociation.push_back({out++});
    if (dim != axis) {
      splitSizes.push_back(sizes[dim]);
      continue;
    }
    reassociation.back().push_back(out++);
    splitSizes.push_back(groups);
    splitSizes.push_back(b.getIndexAttr(size));
  }
  SmallVector<int64_t> shape;
  SmallVector<Value> dynamic;
  dispatchIndexOpFoldResults(splitSizes, dynamic, shape);
  return tensor::ExpandShapeOp::create(
      b, loc, RankedTensorType::get(shape, type.getElementType()), input,
      reassociation, splitSizes);
}

AffineMap mlir::sq::getScaleMap(OpBuilder &b, const numerics::Format &format,
                                unsigned rank, int64_t axis) {
  SmallVector<AffineExpr> exprs;
  AffineExpr zero = b.getAffineConstantExpr(0);
  for (unsigned dim = 0; dim < rank; ++dim) {
    AffineExpr expr = b.getAffineDimExpr(dim);
    if (format.scope == GroupScope::Tensor)
      expr = zero;
    else if (dim == axis)
      expr = format.scope == GroupScope::Row ? zero
                                             : expr.floorDiv(format.groupSize);
    exprs.push_back(expr);
  }
  return getMap(b, rank, exprs);
}
