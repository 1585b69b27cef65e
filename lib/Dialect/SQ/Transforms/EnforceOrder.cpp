//===- EnforceOrder.cpp - Sparsity before quantization --------------------===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "MoveMask.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/Remarks.h"
#include "sparse-quant/Analysis/OrderClass.h"
#include "sparse-quant/Dialect/SQ/Transforms/Passes.h"

namespace mlir::sq {
#define GEN_PASS_DEF_SQENFORCEORDER
#define GEN_PASS_DEF_SQPRINTORDER
#include "sparse-quant/Dialect/SQ/Transforms/Passes.h.inc"
} // namespace mlir::sq

using namespace mlir;
using namespace mlir::sq;

//===----------------------------------------------------------------------===//
// Remarks
//===----------------------------------------------------------------------===//

static remark::RemarkOpts remarkOpts(Operation *op) {
  auto options = remark::RemarkOpts::name("mask-order")
                     .category("sq-enforce-order");
  if (auto function = op->getParentOfType<FunctionOpInterface>())
    return options.function(function.getName());
  return options;
}

static void describe(remark::detail::InFlightRemark remark, StringRef what,
                     const OrderViolation &violation) {
  if (!remark)
    return;
  remark << remark::add("{0}", what.str())
         << remark::metric("Class", static_cast<int>(violation.orderClass))
         << remark::metric("ClassName",
                           stringifyOrderClass(violation.orderClass));
  if (violation.swapped)
    remark << remark::metric("Swapped", *violation.swapped);
  else
    remark << remark::metric("Swapped", StringRef("unknown"));
  if (violation.bound)
    remark << remark::metric("Bound", *violation.bound);
  else
    remark << remark::metric("Bound", StringRef(violation.swapped && *violation.swapped == 0 ? "0" : "unknown"));
}

static StringRef whatIsWrong(const OrderViolation &violation) {
  return violation.orderClass == OrderClass::MaskFromQuantized
             ? "the mask is derived from quantized values"
             : "the mask is applied to quantized values";
}

//===----------------------------------------------------------------------===//
// Rewriting
//===----------------------------------------------------------------------===//

/// Erases `op` and what fed only it, as far as nothing else needs them.
static void eraseDead(Operation *op, RewriterBase &rewriter) {
  SmallVector<Operation *> worklist = {op};
  while (!worklist.empty()) {
    Operation *next = worklist.pop_back_val();
    if (!isOpTriviallyDead(next))
      continue;
    SetVector<Operation *> feeders;
    for (Value operand : next->getOperands())
      if (Operation *feeder = operand.getDefiningOp())
        feeders.insert(feeder);
    rewriter.eraseOp(next);
    llvm::append_range(worklist, feeders);
  }
}

/// Rebuilds the operands of a mask (or the mask operand of its user) from the
/// unquantized values.
static LogicalResult recomputeMask(const OrderViolation &violation,
                                   Realizer &realizer,
                                   SmallVectorImpl<Operation *> &orphans) {
  bool isMask = isa<MaskOp>(violation.op);
  for (OpOperand &operand : violation.op->getOpOperands()) {
    if (!isMask && !getElementTypeOrSelf(operand.get().getType()).isInteger(1))
      continue;
    FailureOr<Value> real =
        realizer.realize(operand.get(), RealizeDepth::Unquantized);
    if (failed(real))
      return failure();
    if (*real == operand.get())
      continue;
    if (Operation *orphan = operand.get().getDefiningOp())
      orphans.push_back(orphan);
    operand.set(*real);
  }
  return success();
}

static void emitUnreachable(const OrderViolation &violation,
                            const Realizer &realizer, StringRef reason) {
  InFlightDiagnostic diag = violation.op->emitOpError(whatIsWrong(violation))
                            << ", and can't be moved in front of quantization "
                               "(class "
                            << static_cast<int>(violation.orderClass) << ", "
                            << stringifyOrderClass(violation.orderClass) << ")";
  if (realizer.getObstacle())
    diag.attachNote(realizer.getObstacle()->loc)
        << realizer.getObstacle()->message;
  else if (!reason.empty())
    diag.attachNote(violation.op->getLoc()) << reason;
  for (Operation *culprit : violation.culprits)
    if (!realizer.getObstacle() ||
        culprit->getLoc() != realizer.getObstacle()->loc)
      diag.attachNote(culprit->getLoc())
          << (isa<QuantizeOp>(culprit) ? "quantized here" : "decoded here");
  describe(remark::failed(violation.op->getLoc(), remarkOpts(violation.op)),
           whatIsWrong(violation), violation);
}

LogicalResult mlir::sq::enforceOrder(Operation *root) {
  IRRewriter rewriter(root->getContext());
  // Each round moves every mask over one quantizer at least; the bound only
  // keeps a defect from turning into a hang.
  constexpr int maxRounds = 1000;
  for (int round = 0; round < maxRounds; ++round) {
    OrderProvenance provenance(root);
    if (!provenance.isValid())
      return root->emitError("the order of masks and quantizers can't be "
                             "analyzed");
    SmallVector<OrderViolation> violations =
        findOrderViolations(root, provenance);
    if (violations.empty())
      return success();

    bool failedAny = false;
    SmallVector<Operation *> orphans;
    for (const OrderViolation &violation : violations) {
      Realizer realizer(root, provenance, rewriter);
      std::string reason;
      if (violation.orderClass == OrderClass::MaskFromQuantized) {
        if (succeeded(recomputeMask(violation, realizer, orphans)))
          describe(remark::passed(violation.op->getLoc(),
                                  remarkOpts(violation.op)),
                   "recomputed the mask from the unquantized values", violation);
        else
          failedAny = true;
      } else {
        auto apply = cast<ApplyMaskOp>(violation.op);
        // Masks of masks: the outer one waits until the inner one has moved.
        if (!provenance.get(apply.getInput()).facts)
          continue;
        if (succeeded(moveMaskBeforeQuantizer(apply, root, realizer, rewriter,
                                              reason))) {
          describe(
              remark::passed(apply.getLoc(), remarkOpts(apply)),
              violation.orderClass == OrderClass::Commuting
                  ? "moved the mask in front of the quantizer; decoded values "
                    "stay the same"
                  : "moved the mask in front of the quantizer; the scales now "
                    "see kept values only",
              violation);
          llvm::append_range(orphans, apply->getUsers());
          orphans.push_back(apply);
        } else {
          failedAny = true;
        }
      }
      if (failedAny)
        emitUnreachable(violation, realizer, reason);
      if (realizer.changedStructure()) {
        // Ops and values collected before may be gone.
        if (failedAny)
          return failure();
        break;
      }
    }
    if (failedAny)
      return failure();
    SetVector<Operation *> unique(orphans.begin(), orphans.end());
    for (Operation *orphan : llvm::reverse(unique.getArrayRef()))
      (void)orphan;
    eraseDeadOps(unique.getArrayRef(), rewriter);
  }
  return root->emitError("the order of masks and quantizers doesn't settle");
}
