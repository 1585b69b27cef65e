//===- TilingInterfaceImpl.cpp - Tiles of the sq ops ----------------------===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A dimension is *free* if its elements don't depend on each other: they share
// no scale that the op computes and don't compete for a place in a mask. Free
// dimensions are parallel loops; a tile covers the others whole. So an operand
// or result that is cut like the tensor itself is cut along free dimensions,
// and taken whole along the others and where it broadcasts (extent 1).
//
//===----------------------------------------------------------------------===//
#include "sparse-quant/Dialect/SQ/Transforms/TilingInterfaceImpl.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "mlir/Dialect/Utils/StructuredOpsUtils.h"
#include "mlir/IR/DialectRegistry.h"
#include "mlir/Interfaces/TilingInterface.h"
#include "mlir/Interfaces/ValueBoundsOpInterface.h"
#include "sparse-quant/Dialect/SQ/IR/SQ.h"

using namespace mlir;
using namespace mlir::sq;
using utils::IteratorType;

namespace {
/// Part of a tensor, dimension by dimension.
struct Tile {
  SmallVector<OpFoldResult> offsets, sizes;
};
} // namespace

static Tile makeTile(ArrayRef<OpFoldResult> offsets,
                     ArrayRef<OpFoldResult> sizes) {
  return {llvm::to_vector(offsets), llvm::to_vector(sizes)};
}

/// The part of `value`; the slice that was made goes to `slices`.
static Value extractTile(OpBuilder &b, Location loc, Value value,
                         const Tile &tile,
                         SmallVectorImpl<Operation *> &slices) {
  SmallVector<OpFoldResult> strides(tile.offsets.size(), b.getIndexAttr(1));
  auto slice = tensor::ExtractSliceOp::create(b, loc, value, tile.offsets,
                                              tile.sizes, strides);
  slices.push_back(slice);
  return slice;
}

static RankedTensorType getTileType(Value value, const Tile &tile) {
  SmallVector<int64_t> shape;
  for (OpFoldResult size : tile.sizes)
    shape.push_back(getConstantIntValue(size).value_or(ShapedType::kDynamic));
  return cast<RankedTensorType>(value.getType()).clone(shape);
}

/// A clone of `op` on tiles, one for each operand (std::nullopt: all of it) and
/// result.
static TilingResult cloneOnTiles(OpBuilder &b, Operation *op,
                                 ArrayRef<std::optional<Tile>> operandTiles,
                                 ArrayRef<Tile> resultTiles) {
  TilingResult result;
  SmallVector<Value> operands;
  for (auto [operand, tile] : llvm::zip_equal(op->getOperands(), operandTiles))
    operands.push_back(tile ? extractTile(b, op->getLoc(), operand, *tile,
                                          result.generatedSlices)
                            : operand);
  SmallVector<Type> types;
  for (auto [value, tile] : llvm::zip_equal(op->getResults(), resultTiles))
    types.push_back(getTileType(value, tile));
  Operation *tiled = clone(b, op, types, operands);
  result.tiledOps.push_back(tiled);
  llvm::append_range(result.tiledValues, tiled->getResults());
  return result;
}

static SmallVector<Range> getDomain(OpBuilder &b, Location loc, Value shaped) {
  SmallVector<Range> domain;
  for (OpFoldResult size : tensor::getMixedSizes(b, loc, shaped))
    domain.push_back({b.getIndexAttr(0), size, b.getIndexAttr(1)});
  return domain;
}

//===----------------------------------------------------------------------===//
// Masking and quantizing
//===----------------------------------------------------------------------===//

static int64_t getAxisOf(int64_t axis, Value shaped) {
  return *normalizeAxis(axis,
                        cast<RankedTensorType>(shaped.getType()).getRank());
}

static bool isFree(MaskOp op, int64_t dim) {
  numerics::Pattern pattern = op.getPattern().getPattern();
  bool isByRow = pattern.kind == numerics::PatternKind::NM ||
                 (pattern.kind == numerics::PatternKind::Unstructured &&
                  pattern.scope == numerics::SparsityScope::Row);
  return isByRow && dim != getAxisOf(op.getAxis(), op.getInput());
}

static bool isFree(ApplyMaskOp, int64_t) { return true; }

static bool isFree(QuantizeOp op, int64_t dim) {
  numerics::Format format = op.getFormat().getFormat();
  bool isGrouped = format.scope == numerics::GroupScope::Group;
  bool isAxis = dim == getAxisOf(op.getAxis(), op.getInput());
  if (op.isStatic())
    return !isAxis || !isGrouped;
  return !isAxis && format.scope != numerics::GroupScope::Tensor &&
         !format.hasTensorScale();
}

static bool isFree(DequantizeOp op, int64_t dim) {
  return op.getFormat().getFormat().scope != numerics::GroupScope::Group ||
         dim != getAxisOf(op.getAxis(), op.getValues());
}

/// Whether `tile` covers `shaped` along `dim`.
static bool isWhole(Value shaped, const Tile &tile, int64_t dim) {
  if (!isZeroInteger(tile.offsets[dim]))
    return false;
  int64_t extent = cast<RankedTensorType>(shaped.getType()).getDimSize(dim);
  if (std::optional<int64_t> size = getConstantIntValue(tile.sizes[dim]))
    return *size == extent;
  FailureOr<bool> equal =
      ValueBoundsConstraintSet::areEqual(tile.sizes[dim], {shaped, dim});
  return succeeded(equal) && *equal;
}

/// A dimension along which `tile` cuts what belongs together.
template <typename OpTy>
static std::optional<int64_t> findBadCut(OpTy op, const Tile &tile) {
  for (int64_t dim = 0, rank = tile.sizes.size(); dim < rank; ++dim)
    if (!isFree(op, dim) && !isWhole(op->getOperand(0), tile, dim))
      return dim;
  return std::nullopt;
}

/// What the domain's `tile` means for a tensor of `type` and extents `sizes`.
template <typename OpTy>
static Tile projectTile(OpBuilder &b, OpTy op, const Tile &tile,
                        RankedTensorType type, ArrayRef<OpFoldResult> sizes) {
  Tile result = tile;
  for (int64_t dim = 0, rank = type.getRank(); dim < rank; ++dim) {
    if (isFree(op, dim) && type.getDimSize(dim) != 1)
      continue;
    result.offsets[dim] = b.getIndexAttr(0);
    result.sizes[dim] = sizes[dim];
  }
  return result;
}

template <typename OpTy>
static FailureOr<SmallVector<Tile>> getResultTiles(OpBuilder &b, OpTy op,
                                                   const Tile &tile) {
  ReifiedRankedShapedTypeDims shapes;
  if (failed(op.reifyResultShapes(b, shapes)))
    return failure();
  SmallVector<Tile> tiles;
  for (auto [value, sizes] : llvm::zip_equal(op->getResults(), shapes))
    tiles.push_back(projectTile(
        b, op, tile, cast<RankedTensorType>(value.getType()), sizes));
  return tiles;
}

namespace {

/// mask, apply_mask, quantize, dequantize: the loops run over operand 0.
template <typename OpTy>
struct ElementwiseModel
    : TilingInterface::ExternalModel<ElementwiseModel<OpTy>, OpTy> {
  SmallVector<IteratorType> getLoopIteratorTypes(Operation *op) const {
    int64_t rank =
        cast<RankedTensorType>(op->getOperand(0).getType()).getRank();
    SmallVector<IteratorType> types;
    for (int64_t dim = 0; dim < rank; ++dim)
      types.push_back(isFree(cast<OpTy>(op), dim) ? IteratorType::parallel
                                                  : IteratorType::reduction);
    return types;
  }

  SmallVector<Range> getIterationDomain(Operation *op, OpBuilder &b) const {
    return getDomain(b, op->getLoc(), op->getOperand(0));
  }

  FailureOr<TilingResult>
  getTiledImplementation(Operation *op, OpBuilder &b,
                         ArrayRef<OpFoldResult> offsets,
                         ArrayRef<OpFoldResult> sizes) const {
    Tile tile = makeTile(offsets, sizes);
    if (std::optional<int64_t> dim = findBadCut(cast<OpTy>(op), tile))
      return op->emitOpError("can't be tiled along dimension ")
             << *dim << ", whose elements depend on each other";
    return tileImpl(cast<OpTy>(op), b, tile);
  }

  LogicalResult
  getResultTilePosition(Operation *op, OpBuilder &b, unsigned resultNumber,
                        ArrayRef<OpFoldResult> offsets,
                        ArrayRef<OpFoldResult> sizes,
                        SmallVector<OpFoldResult> &resultOffsets,
                        SmallVector<OpFoldResult> &resultSizes) const {
    FailureOr<SmallVector<Tile>> tiles =
        getResultTiles(b, cast<OpTy>(op), makeTile(offsets, sizes));
    if (failed(tiles))
      return failure();
    resultOffsets = (*tiles)[resultNumber].offsets;
    resultSizes = (*tiles)[resultNumber].sizes;
    return success();
  }

  LogicalResult getIterationDomainTileFromResultTile(
      Operation *op, OpBuilder &b, unsigned resultNumber,
      ArrayRef<OpFoldResult> offsets, ArrayRef<OpFoldResult> sizes,
      SmallVectorImpl<OpFoldResult> &domainOffsets,
      SmallVectorImpl<OpFoldResult> &domainSizes) const {
    Tile tile = makeTile(offsets, sizes);
    // Scales that the op computes follow the tensor along free dimensions.
    if (resultNumber != 0)
      for (auto [dim, range] : llvm::enumerate(getIterationDomain(op, b)))
        if (!isFree(cast<OpTy>(op), dim)) {
          tile.offsets[dim] = range.offset;
          tile.sizes[dim] = range.size;
        }
    domainOffsets.assign(tile.offsets);
    domainSizes.assign(tile.sizes);
    return success();
  }

  FailureOr<TilingResult>
  generateResultTileValue(Operation *op, OpBuilder &b, unsigned resultNumber,
                          ArrayRef<OpFoldResult> offsets,
                          ArrayRef<OpFoldResult> sizes) const {
    Tile tile;
    if (failed(getIterationDomainTileFromResultTile(
            op, b, resultNumber, offsets, sizes, tile.offsets, tile.sizes)))
      return failure();
    // A consumer's tile that cuts a group: not fused, and no error.
    if (findBadCut(cast<OpTy>(op), tile))
      return failure();
    FailureOr<TilingResult> result = tileImpl(cast<OpTy>(op), b, tile);
    if (succeeded(result))
      result->tiledValues = {result->tiledValues[resultNumber]};
    return result;
  }

private:
  static FailureOr<TilingResult> tileImpl(OpTy op, OpBuilder &b,
                                          const Tile &tile) {
    FailureOr<SmallVector<Tile>> results = getResultTiles(b, op, tile);
    if (failed(results))
      return failure();
    SmallVector<std::optional<Tile>> operands;
    for (Value operand : op->getOperands()) {
      auto type = cast<RankedTensorType>(operand.getType());
      // Norms, a vector along the axis, are read whole.
      if (type.getRank() != int64_t(tile.sizes.size()))
        operands.push_back(std::nullopt);
      else
        operands.push_back(projectTile(
            b, op, tile, type, tensor::getMixedSizes(b, op.getLoc(), operand)));
    }
    return cloneOnTiles(b, op, operands, *results);
  }
};

//===----------------------------------------------------------------------===//
// sq.matmul
//===----------------------------------------------------------------------===//

/// The loops are M and N; why K isn't one is said in the op's description.
struct MatmulModel : TilingInterface::ExternalModel<MatmulModel, MatmulOp> {
  SmallVector<IteratorType> getLoopIteratorTypes(Operation *) const {
    return {IteratorType::parallel, IteratorType::parallel};
  }

  SmallVector<Range> getIterationDomain(Operation *op, OpBuilder &b) const {
    return getDomain(b, op->getLoc(), cast<MatmulOp>(op).getInit());
  }

  FailureOr<TilingResult>
  getTiledImplementation(Operation *op, OpBuilder &b,
                         ArrayRef<OpFoldResult> offsets,
                         ArrayRef<OpFoldResult> sizes) const {
    auto matmul = cast<MatmulOp>(op);
    if (!matmul.getResult())
      return op->emitOpError("expected tensors; tile before bufferization");
    if (!getConstantIntValue(sizes[1]))
      return op->emitOpError("expected a tile size that divides N = ")
             << cast<ShapedType>(matmul.getInit().getType()).getDimSize(1)
             << "; the rows of packed weights are static";
    bool inTiles = matmul.getLayout() != Layout::Rows;
    if (inTiles && getConstantIntValue(sizes[1]) != matmul.getNumRows())
      return op->emitOpError("expected no tiling along N: 16 rows of weights ")
             << "in the layout '" << stringifyLayout(matmul.getLayout())
             << "' are one";

    // Rows of `value`, by `dim` of the domain, and all of its columns.
    auto rows = [&](Value value, int64_t dim) {
      SmallVector<OpFoldResult> extents =
          tensor::getMixedSizes(b, op->getLoc(), value);
      Tile tile{{b.getIndexAttr(0), b.getIndexAttr(0)}, extents};
      if (!isOneInteger(extents[0]) && !(inTiles && dim == 1)) {
        tile.offsets[0] = offsets[dim];
        tile.sizes[0] = sizes[dim];
      }
      return tile;
    };
    SmallVector<std::optional<Tile>> operands;
    operands.push_back(rows(matmul.getInput(), 0));
    for (Value scale : matmul.getInputScales())
      operands.push_back(rows(scale, 0));
    operands.push_back(rows(matmul.getPayload(), 1));
    if (Value bitmap = matmul.getBitmap())
      operands.push_back(rows(bitmap, 1));
    for (Value scale : matmul.getScales())
      operands.push_back(rows(scale, 1));
    Tile init = makeTile(offsets, sizes);
    operands.push_back(init);
    return cloneOnTiles(b, op, operands, {init});
  }

  LogicalResult getResultTilePosition(
      Operation *, OpBuilder &, unsigned, ArrayRef<OpFoldResult> offsets,
      ArrayRef<OpFoldResult> sizes, SmallVector<OpFoldResult> &resultOffsets,
      SmallVector<OpFoldResult> &resultSizes) const {
    resultOffsets.assign(offsets.begin(), offsets.end());
    resultSizes.assign(sizes.begin(), sizes.end());
    return success();
  }

  LogicalResult getIterationDomainTileFromResultTile(
      Operation *, OpBuilder &, unsigned, ArrayRef<OpFoldResult> offsets,
      ArrayRef<OpFoldResult> sizes,
      SmallVectorImpl<OpFoldResult> &domainOffsets,
      SmallVectorImpl<OpFoldResult> &domainSizes) const {
    domainOffsets.assign(offsets.begin(), offsets.end());
    domainSizes.assign(sizes.begin(), sizes.end());
    return success();
  }

  FailureOr<TilingResult>
  generateResultTileValue(Operation *op, OpBuilder &b, unsigned,
                          ArrayRef<OpFoldResult> offsets,
                          ArrayRef<OpFoldResult> sizes) const {
    auto matmul = cast<MatmulOp>(op);
    if (!matmul.getResult() || !getConstantIntValue(sizes[1]))
      return failure();
    return getTiledImplementation(op, b, offsets, sizes);
  }
};

} // namespace

void mlir::sq::registerTilingInterfaceExternalModels(
    DialectRegistry &registry) {
  registry.addExtension(+[](MLIRContext *context, SQDialect *) {
    MaskOp::attachInterface<ElementwiseModel<MaskOp>>(*context);
    ApplyMaskOp::attachInterface<ElementwiseModel<ApplyMaskOp>>(*context);
    QuantizeOp::attachInterface<ElementwiseModel<QuantizeOp>>(*context);
    DequantizeOp::attachInterface<ElementwiseModel<DequantizeOp>>(*context);
    MatmulOp::attachInterface<MatmulModel>(*context);
  });
}
