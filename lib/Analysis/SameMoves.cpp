//===- SameMoves.cpp - Values that are moved alike ------------------------===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A mask commutes with a quantizer when its scores are the quantizer's input,
// and scales are a quantizer's when they went where its codes went. Both ask
// whether two values were moved alike on their ways from one op.
//
//===----------------------------------------------------------------------===//
#include "SameMoves.h"
#include "FlowSources.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/OperationSupport.h"
#include "sparse-quant/Analysis/TraceQuantizer.h"
#include "sparse-quant/Dialect/SQ/IR/Commute.h"
#include "llvm/ADT/DenseSet.h"

using namespace mlir;
using namespace mlir::sq;

bool mlir::sq::isSameMove(Operation *lhs, Operation *rhs) {
  if (!lhs || !rhs || lhs->getName() != rhs->getName() ||
      !isa<tensor::CastOp, tensor::ExpandShapeOp, tensor::CollapseShapeOp,
           tensor::ExtractSliceOp, linalg::TransposeOp, linalg::BroadcastOp>(
          lhs) ||
      lhs->getAttrDictionary() != rhs->getAttrDictionary() ||
      lhs->getNumOperands() != rhs->getNumOperands() ||
      cast<ShapedType>(lhs->getResult(0).getType()).getShape() !=
          cast<ShapedType>(rhs->getResult(0).getType()).getShape())
    return false;
  // The destination of a linalg op isn't read; the rest are offsets and sizes.
  if (isa<linalg::LinalgOp>(lhs))
    return true;
  return llvm::equal(lhs->getOperands().drop_front(),
                     rhs->getOperands().drop_front());
}

/// Pairs of values under way: a loop that comes back to a pair adds nothing.
using ActivePairs = DenseSet<std::pair<Value, Value>>;

/// Whether `holds` for each pair of values that flow into `lhs` and `rhs` along
/// the same edges.
static bool allFlowPairs(Value lhs, Value rhs, Operation *root,
                         function_ref<bool(Value, Value)> holds) {
  if (!haveSameFlow(lhs, rhs))
    return false;
  std::optional<SmallVector<Value>> lhsSources = getFlowSources(lhs, root),
                                    rhsSources = getFlowSources(rhs, root);
  return lhsSources && rhsSources && lhsSources->size() == rhsSources->size() &&
         llvm::all_of(llvm::zip(*lhsSources, *rhsSources), [&](auto pair) {
           return holds(std::get<0>(pair), std::get<1>(pair));
         });
}

//===----------------------------------------------------------------------===//
// Scales beside their codes
//===----------------------------------------------------------------------===//

namespace {
class ScaleTwins {
public:
  ScaleTwins(Operation *root, unsigned index) : root(root), index(index) {}

  bool belongs(Value scale, Value codes) {
    if (!active.insert({scale, codes}).second)
      return true;
    bool result = belongsOnce(scale, codes);
    active.erase({scale, codes});
    return result;
  }

private:
  bool belongsOnce(Value scale, Value codes) {
    Operation *op = codes.getDefiningOp(), *other = scale.getDefiningOp();
    if (auto quantize = dyn_cast_or_null<QuantizeOp>(op))
      return codes == quantize.getValues() &&
             index < quantize.getUsedScales().size() &&
             quantize.getUsedScales()[index] == scale;
    if (isa_and_present<ApplyMaskOp, tensor::CastOp, tensor::BitcastOp>(op))
      return belongs(scale, op->getOperand(0));
    if (isa_and_present<tensor::CastOp>(other))
      return belongs(other->getOperand(0), codes);
    if (isMovedAlike(op, other))
      return belongs(other->getOperand(0), op->getOperand(0));
    // One scale for all goes nowhere.
    auto type = dyn_cast<RankedTensorType>(scale.getType());
    if (op && type && llvm::all_equal(type.getShape()) && type.getRank() != 0 &&
        type.getDimSize(0) == 1 &&
        isa<tensor::ExtractSliceOp, linalg::TransposeOp>(op))
      return belongs(scale, op->getOperand(0));
    if (allFlowPairs(scale, codes, root,
                     [&](Value s, Value c) { return belongs(s, c); }))
      return true;
    // Scales from outside of the region that the codes come from.
    std::optional<SmallVector<Value>> sources = getFlowSources(codes, root);
    return sources && llvm::all_of(*sources, [&](Value source) {
             return belongs(scale, source);
           });
  }

  /// The sizes of the two differ along the groups, so not `isSameMove`.
  static bool isMovedAlike(Operation *codes, Operation *scale) {
    if (!codes || !scale || codes->getName() != scale->getName())
      return false;
    if (auto transpose = dyn_cast<linalg::TransposeOp>(codes))
      return transpose.getPermutation() ==
             cast<linalg::TransposeOp>(scale).getPermutation();
    if (auto broadcast = dyn_cast<linalg::BroadcastOp>(codes))
      return broadcast.getDimensions() ==
             cast<linalg::BroadcastOp>(scale).getDimensions();
    if (auto expand = dyn_cast<tensor::ExpandShapeOp>(codes))
      return expand.getReassociationIndices() ==
             cast<tensor::ExpandShapeOp>(scale).getReassociationIndices();
    if (auto collapse = dyn_cast<tensor::CollapseShapeOp>(codes))
      return collapse.getReassociationIndices() ==
             cast<tensor::CollapseShapeOp>(scale).getReassociationIndices();
    if (auto slice = dyn_cast<tensor::ExtractSliceOp>(codes))
      return isSlicedAlike(slice, cast<tensor::ExtractSliceOp>(scale));
    return false;
  }

  static bool isSlicedAlike(tensor::ExtractSliceOp codes,
                            tensor::ExtractSliceOp scale) {
    RankedTensorType codesType = codes.getSourceType(),
                     scaleType = scale.getSourceType();
    if (codesType.getRank() != scaleType.getRank())
      return false;
    for (int64_t dim = 0; dim < codesType.getRank(); ++dim) {
      OpFoldResult codesOffset = codes.getMixedOffsets()[dim],
                   scaleOffset = scale.getMixedOffsets()[dim];
      if (codesType.getDimSize(dim) == scaleType.getDimSize(dim)) {
        if (!isEqualConstantIntOrValue(codesOffset, scaleOffset) ||
            !isEqualConstantIntOrValue(codes.getMixedStrides()[dim],
                                       scale.getMixedStrides()[dim]))
          return false;
        continue;
      }
      // Along the groups: the first of the slice's groups. How many there are
      // is checked by type.
      std::optional<int64_t> codesStart = getConstantIntValue(codesOffset),
                             scaleStart = getConstantIntValue(scaleOffset);
      int64_t extent = codesType.getDimSize(dim),
              groups = scaleType.getDimSize(dim);
      if (!codesStart || !scaleStart || ShapedType::isDynamic(extent) ||
          ShapedType::isDynamic(groups) ||
          getConstantIntValue(scale.getMixedStrides()[dim]) != 1 ||
          *scaleStart * extent != *codesStart * groups)
        return false;
    }
    return true;
  }

  Operation *root;
  unsigned index;
  ActivePairs active;
};
} // namespace

bool mlir::sq::scalesBelongTo(ValueRange scales, Value codes, Operation *root) {
  return llvm::all_of(llvm::enumerate(scales), [&](auto scale) {
    return ScaleTwins(root, scale.index()).belongs(scale.value(), codes);
  });
}

//===----------------------------------------------------------------------===//
// Masks beside what they mask
//===----------------------------------------------------------------------===//

static bool isSameMask(Value lhs, Value rhs) {
  if (lhs == rhs)
    return true;
  auto mask = lhs.getDefiningOp<MaskOp>(), other = rhs.getDefiningOp<MaskOp>();
  return mask && other &&
         OperationEquivalence::isEquivalentTo(
             mask, other, OperationEquivalence::IgnoreLocations);
}

bool mlir::sq::isMaskedBefore(Value codes, Value mask) {
  Operation *op = codes.getDefiningOp();
  if (isa_and_present<DequantizeOp, tensor::BitcastOp>(op))
    return isMaskedBefore(op->getOperand(0), mask);
  if (auto quantize = dyn_cast_or_null<QuantizeOp>(op)) {
    auto apply = quantize.getInput().getDefiningOp<ApplyMaskOp>();
    while (apply && !isSameMask(apply.getMask(), mask))
      apply = apply.getInput().getDefiningOp<ApplyMaskOp>();
    return static_cast<bool>(apply);
  }
  if (auto apply = dyn_cast_or_null<ApplyMaskOp>(op))
    return isSameMask(apply.getMask(), mask) ||
           isMaskedBefore(apply.getInput(), mask);
  return isSameMove(op, mask.getDefiningOp()) &&
         isMaskedBefore(op->getOperand(0), mask.getDefiningOp()->getOperand(0));
}

namespace {
class MaskTwins {
public:
  explicit MaskTwins(Operation *root) : root(root) {}

  /// Whether `mask` is that of the real twin of `value`, and keeps the largest
  /// element of each of its groups; perhaps both were moved alike since.
  bool keepsGroupMax(Value mask, Value value) {
    if (auto op = mask.getDefiningOp<MaskOp>()) {
      std::optional<Quantizer> quantizer = traceQuantizer(value, root);
      return quantizer &&
             maskKeepsGroupMax(op, quantizer->format.getFormat(),
                               quantizer->axis) &&
             isRealTwin(op.getInput(), value);
    }
    Operation *op = value.getDefiningOp();
    if (isa_and_present<DequantizeOp>(op))
      return keepsGroupMax(mask, op->getOperand(0));
    return isSameMove(op, mask.getDefiningOp()) &&
           keepsGroupMax(mask.getDefiningOp()->getOperand(0),
                         op->getOperand(0));
  }

private:
  /// Whether `scores` is to the real source what `quantized` is to its
  /// quantizer: the same moves, starting from the quantizer's input.
  bool isRealTwin(Value scores, Value quantized) {
    if (!active.insert({scores, quantized}).second)
      return true;
    bool result = isRealTwinOnce(scores, quantized);
    active.erase({scores, quantized});
    return result;
  }

  bool isRealTwinOnce(Value scores, Value quantized) {
    Operation *op = quantized.getDefiningOp();
    if (isa_and_present<DequantizeOp, tensor::BitcastOp>(op))
      return isRealTwin(scores, op->getOperand(0));
    if (auto quantize = dyn_cast_or_null<QuantizeOp>(op))
      return quantized == quantize.getValues() && scores == quantize.getInput();
    if (isSameMove(op, scores.getDefiningOp()))
      return isRealTwin(scores.getDefiningOp()->getOperand(0),
                        op->getOperand(0));
    return allFlowPairs(scores, quantized, root,
                        [&](Value s, Value q) { return isRealTwin(s, q); });
  }

  Operation *root;
  ActivePairs active;
};
} // namespace

bool mlir::sq::maskCommutes(Value mask, Value value, Operation *root) {
  std::optional<Quantizer> quantizer = traceQuantizer(value, root);
  if (!quantizer)
    return false;
  bool masksCodes = quantizer->format.getCodeType() ==
                    cast<ShapedType>(value.getType()).getElementType();
  if (!zeroIsKept(quantizer->format.getFormat(),
                  !quantizer->staticScales.empty(), masksCodes))
    return false;
  return !quantizer->staticScales.empty() || isMaskedBefore(value, mask) ||
         MaskTwins(root).keepsGroupMax(mask, value);
}
