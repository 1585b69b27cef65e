//===- OrderClass.cpp - Masks that follow quantization --------------------===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "sparse-quant/Analysis/OrderClass.h"
#include "mlir/IR/Matchers.h"
#include "sparse-quant/Analysis/TraceQuantizer.h"
#include "sparse-quant/Dialect/SQ/IR/Commute.h"
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

static bool isLastAxis(int64_t axis, RankedTensorType type) {
  return normalizeAxis(axis, type.getRank()) == type.getRank() - 1;
}

/// Fills in what the swap costs, for a mask of dequantize(quantize(constant)).
static void measure(MaskOp mask, Operation *root, OrderViolation &violation) {
  auto dequantize = mask.getInput().getDefiningOp<DequantizeOp>();
  auto quantize = dequantize
                      ? dequantize.getValues().getDefiningOp<QuantizeOp>()
                      : QuantizeOp();
  if (!quantize || quantize.isStatic() ||
      mask.getCriterion() == Criterion::Scores ||
      !traceQuantizer(mask.getInput(), root))
    return;
  auto type = cast<RankedTensorType>(quantize.getInput().getType());
  if (!type.hasStaticShape() || type.getNumElements() == 0 ||
      !isLastAxis(mask.getAxis(), type) ||
      !isLastAxis(quantize.getAxis(), type))
    return;
  std::optional<SmallVector<float>> weights =
      constantFloats(quantize.getInput());
  std::optional<SmallVector<float>> norms = constantFloats(mask.getNorms());
  if (!weights || (mask.getNorms() && !norms))
    return;
  numerics::Pattern pattern = mask.getPattern().getPattern();
  numerics::OrderErrors errors;
  int64_t cols = type.getShape().back();
  // NaN in the constant is reported by whoever evaluates it.
  if (numerics::measureOrder(
          &pattern, quantize.getFormat().getFormat(), *weights,
          norms ? ArrayRef<float>(*norms) : ArrayRef<float>(),
          type.getNumElements() / cols, cols, errors))
    return;
  violation.swapped = errors.swapped;
  if (errors.swapBound >= 0.0)
    violation.bound = errors.swapBound;
  // With evenly spaced codes or not: NUM-T4, no swap, no difference.
  else if (errors.swapped == 0 &&
           quantize.getFormat().getFormat().isZeroPreserving() &&
           maskKeepsGroupMax(mask, quantize.getFormat().getFormat(),
                             type.getRank() - 1))
    violation.bound = 0.0;
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
  auto findMask = [&](MaskOp op) {
    if (op->use_empty())
      return;
    for (Value operand : op->getOperands())
      if (isQuantized(operand)) {
        measure(op, root, *add(op, OrderClass::MaskFromQuantized, operand));
        return;
      }
  };
  auto findApplied = [&](Operation *op, Value masked, Value mask) {
    // An sq.mask is reported where it stands.
    if (isQuantized(mask)) {
      add(op, OrderClass::MaskFromQuantized, mask);
      return;
    }
    bool commutes = maskCommutes(mask, masked, root);
    OrderViolation *violation =
        add(op, commutes ? OrderClass::Commuting : OrderClass::ScaleChanging,
            masked);
    violation->swapped = 0;
    if (commutes)
      violation->bound = 0.0;
  };
  root->walk<WalkOrder::PreOrder>([&](Operation *op) {
    if (!isa<MaskOp, ApplyMaskOp, PackOp>(op) || !provenance.isReachable(op))
      return;
    if (auto mask = dyn_cast<MaskOp>(op)) {
      findMask(mask);
    } else if (auto apply = dyn_cast<ApplyMaskOp>(op)) {
      if (!op->use_empty() && (isQuantized(apply.getMask()) ||
                               provenance.get(apply.getInput()).isCarried()))
        findApplied(op, apply.getInput(), apply.getMask());
    } else if (auto pack = dyn_cast<PackOp>(op)) {
      // Codes from outside are taken at their word, for their zeros can't be
      // seen; codes that are made here were masked first or they weren't.
      Value mask = pack.getMask();
      if (mask && (isQuantized(mask) ||
                   (!provenance.get(pack.getValues()).origins.empty() &&
                    !isMaskedBefore(pack.getValues(), mask))))
        findApplied(op, pack.getValues(), mask);
    }
  });
  return violations;
}
