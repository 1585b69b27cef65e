//===- RaiseMask.cpp - Multiplications and selects that mask --------------===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "Element.h"
#include "RaiseMatchers.h"
#include "RaiseScales.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/IR/TypeUtilities.h"

using namespace mlir;
using namespace mlir::sq;

namespace {
/// A mask of the shape of `type`: the result of an sq.mask, or a constant.
class ForeignMask {
public:
  explicit ForeignMask(RankedTensorType type) : type(type) {}

  /// From a factor of a product. No reason for constants that have no zeros,
  /// or nothing else: they mask nothing.
  LogicalResult matchFactor(Element factor, std::string &reason);
  /// From the condition of a select.
  LogicalResult matchCondition(Element condition, std::string &reason);

  Value build(OpBuilder &builder, Location loc, bool inverted) const;
  /// A mask that is computed can't be inverted as an attribute.
  bool isConstant() const { return !value; }

private:
  LogicalResult checkReadable(AffineMap map, std::string &reason);

  RankedTensorType type;
  Value value;
  DenseElementsAttr constant;
  AffineMap map;
};
} // namespace

LogicalResult ForeignMask::checkReadable(AffineMap map, std::string &reason) {
  // Also a map that divides or transposes: only constants are read.
  if (type.hasStaticShape())
    return success();
  reason = "a constant mask needs a static shape";
  return failure();
}

static std::string indexText(int64_t flat, ArrayRef<int64_t> shape) {
  SmallVector<int64_t> index(shape.size());
  for (int64_t d = shape.size() - 1; d >= 0; --d) {
    index[d] = flat % shape[d];
    flat /= shape[d];
  }
  std::string text;
  llvm::raw_string_ostream os(text);
  os << '[';
  llvm::interleaveComma(index, os);
  os << ']';
  return text;
}

LogicalResult ForeignMask::matchCondition(Element condition,
                                          std::string &reason) {
  if (auto tensor = condition.asTensor();
      tensor && tensor->isIdentity() && tensor->value.getDefiningOp<MaskOp>()) {
    value = tensor->value;
    return success();
  }
  auto dense = condition.getDense();
  if (!dense) {
    // A condition that is computed decides something else than sparsity.
    if (!condition.getOp() && !condition.getInteger())
      reason = "the mask is neither constant nor an sq.mask";
    return failure();
  }
  constant = dense->first;
  map = dense->second;
  return checkReadable(map, reason);
}

LogicalResult ForeignMask::matchFactor(Element factor, std::string &reason) {
  // 0.0 and 1.0 from a mask of booleans.
  if (isa_and_present<arith::UIToFPOp, arith::ExtUIOp>(factor.getOp()) &&
      factor.getOperand(0).getElementType().isInteger(1)) {
    std::string ignored;
    return matchCondition(factor.getOperand(0), ignored);
  }
  auto dense = factor.getDense();
  if (!dense)
    return failure();
  int64_t zeros = 0, others = 0, firstOther = 0;
  SmallVector<bool> keep;
  auto classify = [&](bool isZero, bool isOne) {
    zeros += isZero;
    if (!isZero && !isOne && others++ == 0)
      firstOther = keep.size();
    keep.push_back(!isZero);
  };
  if (isa<FloatType>(dense->first.getElementType()))
    for (APFloat value : dense->first.getValues<APFloat>())
      classify(value.isZero(), value.isExactlyValue(1.0));
  else
    for (APInt value : dense->first.getValues<APInt>())
      classify(value.isZero(), value.isOne());
  if (zeros == 0)
    return failure();
  if (others != 0) {
    std::string text;
    llvm::raw_string_ostream os(text);
    os << "the constant has zeros, but its element "
       << indexText(firstOther, dense->first.getType().getShape())
       << " is neither 0 nor 1";
    reason = text;
    return failure();
  }
  constant = DenseElementsAttr::get(
      RankedTensorType::get(dense->first.getType().getShape(),
                            IntegerType::get(type.getContext(), 1)),
      ArrayRef<bool>(keep));
  map = dense->second;
  return checkReadable(map, reason);
}

Value ForeignMask::build(OpBuilder &builder, Location loc,
                         bool inverted) const {
  if (value)
    return value;
  SmallVector<bool> keep;
  auto values = constant.getValues<bool>();
  forEachIndex(type.getShape(), [&](ArrayRef<int64_t> index) {
    bool kept =
        values[flattenIndex(map.compose(index), constant.getType().getShape())];
    keep.push_back(kept != inverted);
  });
  return arith::ConstantOp::create(
      builder, loc,
      DenseElementsAttr::get(
          RankedTensorType::get(type.getShape(), builder.getI1Type()),
          ArrayRef<bool>(keep)));
}

/// What is masked: a tensor of f32 or of codes, read in its own order.
static std::optional<Value> matchInput(Element element, RankedTensorType type,
                                       std::string &reason) {
  std::optional<Element> tensor = element.asTensor();
  if (!tensor) {
    if (element.getOp())
      reason = "what is masked is computed inside of the same op; "
               "sq.apply_mask needs it as a tensor";
    return std::nullopt;
  }
  if (!tensor->isIdentity() || tensor->value.getType() != type) {
    reason = "what is masked isn't read element by element in its own order";
    return std::nullopt;
  }
  return tensor->value;
}

static LogicalResult raiseProduct(Operation *root, Element product,
                                  PatternRewriter *rewriter,
                                  std::string &reason) {
  auto type = cast<RankedTensorType>(root->getResult(0).getType());
  for (unsigned side : {1u, 0u}) {
    std::string why;
    ForeignMask mask(type);
    std::optional<Value> input;
    if (succeeded(mask.matchFactor(product.getOperand(side), why)))
      input = matchInput(product.getOperand(1 - side), type, why);
    if (!input) {
      if (reason.empty())
        reason = why;
      continue;
    }
    if (rewriter)
      rewriter->replaceOpWithNewOp<ApplyMaskOp>(
          root, *input, mask.build(*rewriter, root->getLoc(), false));
    return success();
  }
  return failure();
}

static LogicalResult raiseSelect(Operation *root, Element select,
                                 PatternRewriter *rewriter,
                                 std::string &reason) {
  auto type = cast<RankedTensorType>(root->getResult(0).getType());
  auto isZero = [](const Element &element) {
    if (std::optional<APFloat> value = element.getFloat())
      return value->isPosZero();
    std::optional<APInt> value = element.getInteger();
    return value && value->isZero();
  };
  auto isConstant = [](const Element &element) {
    return element.getFloat() || element.getInteger();
  };
  unsigned dropped = isConstant(select.getOperand(2)) ? 2 : 1;
  if (!isConstant(select.getOperand(dropped)))
    return failure();
  ForeignMask mask(type);
  if (failed(mask.matchCondition(select.getOperand(0), reason))) {
    // Selects between other values with unknown conditions aren't masks.
    if (!isZero(select.getOperand(dropped)))
      reason.clear();
    return failure();
  }
  if (!isZero(select.getOperand(dropped))) {
    reason = "dropped elements become another value than +0";
    return failure();
  }
  bool inverted = dropped == 1;
  if (inverted && !mask.isConstant()) {
    reason = "the select drops what the sq.mask keeps";
    return failure();
  }
  std::optional<Value> input =
      matchInput(select.getOperand(3 - dropped), type, reason);
  if (!input)
    return failure();
  if (rewriter)
    rewriter->replaceOpWithNewOp<ApplyMaskOp>(
        root, *input, mask.build(*rewriter, root->getLoc(), inverted));
  return success();
}

LogicalResult mlir::sq::raiseMask(Operation *op, const RaiseOptions &,
                                  PatternRewriter *rewriter,
                                  std::string &reason) {
  if (!isElementwiseRoot(op))
    return failure();
  // f32 or codes; what else is multiplied is no weight of ours.
  Type type = getElementTypeOrSelf(op->getResult(0));
  bool isCodes = type.isSignlessInteger() && type.getIntOrFloatBitWidth() > 1 &&
                 type.getIntOrFloatBitWidth() <= 8;
  if (!type.isF32() && !isCodes)
    return failure();
  Element element = Element::of(op->getResult(0));
  Operation *own = element.getOp();
  if (!own || !op->isAncestor(own))
    return failure();
  if (isa<arith::MulFOp, arith::MulIOp>(own))
    return raiseProduct(op, element, rewriter, reason);
  if (isa<arith::SelectOp>(own))
    return raiseSelect(op, element, rewriter, reason);
  return failure();
}

void mlir::sq::populateRaiseMaskPatterns(RewritePatternSet &patterns) {
  patterns.add<RaisePattern>(patterns.getContext(), raiseMask, RaiseOptions());
}
