//===- OrderClass.cpp - Masks that follow quantization --------------------===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "sparse-quant/Analysis/OrderClass.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Matchers.h"
#include "mlir/IR/OperationSupport.h"
#include "sparse-quant/Numerics/Error.h"

using namespace mlir;
using namespace mlir::sq;

StringRef mlir::sq::stringifyOrderClass(OrderClass orderClass) {
  switch (orderClass) {
  case OrderClass::Commuting:
    return "commuting";
  case OrderClass::ScaleChanging:
    return "scale-changing";
  case OrderClass::MaskFromQuantized:
    return "mask-from-quantized";
  }
  llvm_unreachable("unknown class");
}

static int64_t axisOf(int64_t axis, Value value) {
  return *normalizeAxis(axis,
                        cast<RankedTensorType>(value.getType()).getRank());
}

//===----------------------------------------------------------------------===//
// Is the mask one that keeps the largest element of each scale group?
//===----------------------------------------------------------------------===//

/// Whether `scores` is to the real source what `quantized` is to its quantizer:
/// the same moves, starting from the quantizer's input. Then a magnitude mask
/// of `scores` is the mask that quantization doesn't disturb. Only moves that
/// keep the axis' groups whole are looked through.
static bool isRealTwin(Value scores, Value quantized) {
  Operation *op = quantized.getDefiningOp();
  if (auto dequantize = dyn_cast_or_null<DequantizeOp>(op))
    return isRealTwin(scores, dequantize.getValues());
  if (auto quantize = dyn_cast_or_null<QuantizeOp>(op))
    return quantized == quantize.getValues() && scores == quantize.getInput();
  Operation *other = scores.getDefiningOp();
  if (!op || !other || op->getName() != other->getName() ||
      op->getAttrDictionary() != other->getAttrDictionary())
    return false;
  if (isa<tensor::CastOp>(op))
    return isRealTwin(other->getOperand(0), op->getOperand(0));
  if (auto transpose = dyn_cast<linalg::TransposeOp>(op))
    return transpose.getPermutation() ==
               cast<linalg::TransposeOp>(other).getPermutation() &&
           isRealTwin(other->getOperand(0), op->getOperand(0));
  return false;
}

static bool keepsGroupMax(Value mask, Value quantized,
                          const Quantizer &quantizer) {
  auto op = mask.getDefiningOp<MaskOp>();
  if (!op || op.getCriterion() != Criterion::Magnitude ||
      !isRealTwin(op.getInput(), quantized))
    return false;
  numerics::Pattern pattern = op.getPattern().getPattern();
  bool wholeTensor = pattern.kind == numerics::PatternKind::Unstructured &&
                     pattern.scope == numerics::SparsityScope::Tensor;
  return pattern.preservesGroupMax(quantizer.format.getFormat()) &&
         (wholeTensor || axisOf(op.getAxis(), op.getInput()) == quantizer.axis);
}

static OrderClass classify(ApplyMaskOp op, Operation *root) {
  std::optional<Quantizer> quantizer = traceQuantizer(op.getInput(), root);
  if (!quantizer || !quantizer->format.getFormat().isZeroPreserving())
    return OrderClass::ScaleChanging;
  if (!quantizer->staticScales.empty() ||
      keepsGroupMax(op.getMask(), op.getInput(), *quantizer))
    return OrderClass::Commuting;
  return OrderClass::ScaleChanging;
}

//===----------------------------------------------------------------------===//
// How many mask elements swap
//===----------------------------------------------------------------------===//

static std::optional<SmallVector<float>> constantFloats(Value value) {
  DenseElementsAttr attr;
  if (!value || !matchPattern(value, m_Constant(&attr)) ||
      !attr.getElementType().isF32())
    return std::nullopt;
  return llvm::to_vector(attr.getValues<float>());
}

/// Fills in what the swap costs, for a mask of dequantize(quantize(constant)).
static void measure(MaskOp mask, OrderViolation &violation) {
  auto dequantize = mask.getInput().getDefiningOp<DequantizeOp>();
  auto quantize = dequantize
                      ? dequantize.getValues().getDefiningOp<QuantizeOp>()
                      : QuantizeOp();
  if (!quantize || quantize.isStatic() ||
      mask.getCriterion() == Criterion::Scores)
    return;
  auto type = cast<RankedTensorType>(quantize.getInput().getType());
  int64_t last = type.getRank() - 1;
  if (!type.hasStaticShape() || type.getNumElements() == 0 ||
      axisOf(mask.getAxis(), mask.getInput()) != last ||
      axisOf(quantize.getAxis(), quantize.getInput()) != last)
    return;
  std::optional<SmallVector<float>> weights =
      constantFloats(quantize.getInput());
  std::optional<SmallVector<float>> norms = constantFloats(mask.getNorms());
  if (!weights || (mask.getNorms() && !norms))
    return;
  numerics::Pattern pattern = mask.getPattern().getPattern();
  numerics::OrderErrors errors;
  int64_t cols = type.getDimSize(last);
  // NaN in the constant is reported by whoever evaluates it.
  if (numerics::measureOrder(
          &pattern, quantize.getFormat().getFormat(), *weights,
          norms ? ArrayRef<float>(*norms) : ArrayRef<float>(),
          type.getNumElements() / cols, cols, errors))
    return;
  violation.swapped = errors.swapped;
  if (errors.swapBound >= 0.0)
    violation.bound = errors.swapBound;
}

//===----------------------------------------------------------------------===//
// Finding them
//===----------------------------------------------------------------------===//

SmallVector<OrderViolation>
mlir::sq::findOrderViolations(Operation *root,
                              const OrderProvenance &provenance) {
  SmallVector<OrderViolation> violations;
  auto add = [&](Operation *op, OrderClass orderClass, Value operand) {
    OrderViolation violation;
    violation.op = op;
    violation.orderClass = orderClass;
    violation.operand = operand;
    llvm::append_range(violation.culprits, provenance.get(operand).origins);
    return &violations.emplace_back(std::move(violation));
  };
  auto isQuantized = [&](Value value) {
    return value && provenance.get(value).isQuantized();
  };
  root->walk<WalkOrder::PreOrder>([&](Operation *op) {
    if (auto mask = dyn_cast<MaskOp>(op)) {
      for (Value operand : mask->getOperands())
        if (isQuantized(operand)) {
          measure(mask, *add(op, OrderClass::MaskFromQuantized, operand));
          break;
        }
    } else if (isa<ApplyMaskOp, PackOp>(op)) {
      auto apply = dyn_cast<ApplyMaskOp>(op);
      Value mask = apply ? Value(apply.getMask()) : cast<PackOp>(op).getMask();
      // The result of an sq.mask is reported there.
      if (isQuantized(mask) && !mask.getDefiningOp<MaskOp>()) {
        add(op, OrderClass::MaskFromQuantized, mask);
        return;
      }
      if (!apply || !provenance.get(apply.getInput()).isCarried())
        return;
      OrderViolation *violation =
          add(op, classify(apply, root), apply.getInput());
      if (violation->orderClass == OrderClass::Commuting)
        violation->swapped = 0;
    }
  });
  return violations;
}
