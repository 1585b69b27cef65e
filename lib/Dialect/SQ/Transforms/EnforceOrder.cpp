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
#include "mlir/IR/Iterators.h"
#include "mlir/IR/Remarks.h"
#include "sparse-quant/Analysis/OrderClass.h"
#include "sparse-quant/Dialect/SQ/Transforms/Order.h"
#include "sparse-quant/Dialect/SQ/Transforms/Passes.h"
#include "llvm/Support/Format.h"

namespace mlir::sq {
#define GEN_PASS_DEF_SQENFORCEORDER
#define GEN_PASS_DEF_SQPRINTORDER
#define GEN_PASS_DEF_SQVERIFYORDER
#include "sparse-quant/Dialect/SQ/Transforms/Passes.h.inc"
} // namespace mlir::sq

using namespace mlir;
using namespace mlir::sq;

//===----------------------------------------------------------------------===//
// Remarks
//===----------------------------------------------------------------------===//

static remark::RemarkOpts remarkOpts(Operation *op) {
  auto options =
      remark::RemarkOpts::name("mask-order").category("sq-enforce-order");
  if (auto function = op->getParentOfType<FunctionOpInterface>())
    return options.function(function.getName());
  return options;
}

static void explain(remark::detail::InFlightRemark remark, StringRef what,
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
  std::string bound = "unknown";
  if (violation.bound)
    llvm::raw_string_ostream(bound = "")
        << llvm::format("%.6g", *violation.bound);
  remark << remark::metric("Bound", StringRef(bound));
}

static StringRef whatIsWrong(const OrderViolation &violation) {
  return violation.orderClass == OrderClass::MaskFromQuantized
             ? "the mask is derived from quantized values"
             : "the mask is applied to quantized values";
}

//===----------------------------------------------------------------------===//
// Rewriting
//===----------------------------------------------------------------------===//

/// What the rewrites left without users: a dead mask would be a violation
/// still.
static void eraseDeadTensorOps(Operation *root, RewriterBase &rewriter) {
  root->walk<WalkOrder::PostOrder, ReverseIterator>([&](Operation *op) {
    if (op->getNumResults() != 0 &&
        llvm::all_of(op->getResultTypes(), llvm::IsaPred<RankedTensorType>) &&
        isOpTriviallyDead(op))
      rewriter.eraseOp(op);
  });
}

/// Rebuilds the operands of a mask (or the mask operand of its user) from the
/// unquantized values.
static LogicalResult recomputeMask(Operation *op, Realizer &realizer) {
  bool changed = false;
  for (OpOperand &operand : op->getOpOperands()) {
    if (!isa<MaskOp>(op) &&
        !getElementTypeOrSelf(operand.get().getType()).isInteger(1))
      continue;
    FailureOr<Value> real =
        realizer.realize(operand.get(), RealizeDepth::Unquantized);
    if (failed(real))
      return failure();
    changed |= *real != operand.get();
    operand.set(*real);
  }
  return success(changed);
}

static void attachCulprits(InFlightDiagnostic &diag,
                           const OrderViolation &violation) {
  for (Operation *culprit : violation.culprits)
    diag.attachNote(culprit->getLoc())
        << (isa<QuantizeOp>(culprit) ? "quantized here" : "decoded here");
  if (violation.culprits.empty())
    diag.attachNote(violation.operand.getLoc()) << "these are codes already";
}

static void emitUnreachable(const OrderViolation &violation,
                            const Realizer &realizer) {
  InFlightDiagnostic diag = violation.op->emitOpError(whatIsWrong(violation))
                            << ", and can't be moved in front of quantization "
                               "(class "
                            << static_cast<int>(violation.orderClass) << ", "
                            << stringifyOrderClass(violation.orderClass) << ")";
  if (realizer.getObstacle())
    diag.attachNote(realizer.getObstacle()->loc)
        << realizer.getObstacle()->message;
  if (!realizer.getObstacle() || !violation.culprits.empty())
    attachCulprits(diag, violation);
  explain(remark::failed(violation.op->getLoc(), remarkOpts(violation.op)),
          whatIsWrong(violation), violation);
}

namespace {
/// Notes on masks that are applied anew how they came to be first.
struct OrderMarker : RewriterBase::Listener {
  explicit OrderMarker(StringRef order) : order(order) {}

  void notifyOperationInserted(Operation *op, OpBuilder::InsertPoint) override {
    if (isa<ApplyMaskOp>(op))
      op->setAttr(kOrderAttr, StringAttr::get(op->getContext(), order));
  }

  StringRef order;
};
} // namespace

/// Repairs one violation; says in `done` what it did.
static LogicalResult repair(const OrderViolation &violation, Operation *root,
                            Realizer &realizer, IRRewriter &rewriter,
                            StringRef &done) {
  if (violation.orderClass == OrderClass::MaskFromQuantized) {
    done = "recomputed the mask from the unquantized values";
    if (failed(recomputeMask(violation.op, realizer)))
      return failure();
    violation.op->setAttr(kOrderAttr,
                          rewriter.getStringAttr("mask recomputed"));
    return success();
  }
  OrderMarker marker(
      violation.orderClass == OrderClass::Commuting ? "commuted" : "rescaled");
  rewriter.setListener(&marker);
  FailureOr<MovedScales> scales =
      moveMaskBeforeQuantizer(violation.op, root, realizer, rewriter);
  rewriter.setListener(nullptr);
  if (failed(scales))
    return failure();
  if (violation.orderClass == OrderClass::Commuting)
    done = "moved the mask in front of the quantizer; decoded values stay the "
           "same";
  else if (*scales == MovedScales::Tightened)
    done = "moved the mask in front of the quantizer; the scales see only what "
           "it keeps";
  else
    done = "moved the mask in front of the quantizer; the codes keep their "
           "scales, which are used for others too";
  return success();
}

/// Masks first: a mask of real values may commute where the old one didn't.
static void keepMostUrgent(SmallVectorImpl<OrderViolation> &violations) {
  auto isUrgent = [](const OrderViolation &violation) {
    return violation.orderClass == OrderClass::MaskFromQuantized;
  };
  if (llvm::any_of(violations, isUrgent))
    llvm::erase_if(violations, [&](const OrderViolation &violation) {
      return !isUrgent(violation);
    });
}

LogicalResult mlir::sq::enforceOrder(Operation *root) {
  IRRewriter rewriter(root->getContext());
  // Each round moves one mask over one quantizer at least; the bound only keeps
  // a defect from turning into a hang.
  std::optional<size_t> maxRounds;
  for (size_t round = 0; !maxRounds || round < *maxRounds; ++round) {
    OrderProvenance provenance(root);
    if (!provenance.isValid())
      return root->emitError("the order of masks and quantizers can't be "
                             "analyzed");
    SmallVector<OrderViolation> violations =
        findOrderViolations(root, provenance);
    if (violations.empty())
      return success();
    if (!maxRounds)
      maxRounds = 100 + 10 * violations.size();
    keepMostUrgent(violations);
    SmallVector<SmallVector<Value>> found;
    for (const OrderViolation &violation : violations)
      found.emplace_back(violation.op->getOperands());

    bool failedAny = false;
    for (auto [violation, operands] : llvm::zip_equal(violations, found)) {
      // What a repair before this one gave new operands, or no users, is the
      // next round's work.
      if (!llvm::equal(violation.op->getOperands(), operands) ||
          violation.op->use_empty())
        continue;
      Realizer realizer(root, provenance, rewriter);
      StringRef done;
      if (succeeded(repair(violation, root, realizer, rewriter, done))) {
        explain(
            remark::passed(violation.op->getLoc(), remarkOpts(violation.op)),
            done, violation);
      } else {
        emitUnreachable(violation, realizer);
        failedAny = true;
      }
      // After this, ops and values that were collected may be gone.
      if (realizer.changedStructure())
        break;
    }
    if (failedAny)
      return failure();
    eraseDeadTensorOps(root, rewriter);
  }
  return root->emitError("the order of masks and quantizers doesn't settle");
}

LogicalResult mlir::sq::reportOrder(Operation *root) {
  OrderProvenance provenance(root);
  if (!provenance.isValid())
    return root->emitError("the order of masks and quantizers can't be "
                           "analyzed");
  for (const OrderViolation &violation : findOrderViolations(root, provenance))
    explain(remark::analysis(violation.op->getLoc(), remarkOpts(violation.op)),
            whatIsWrong(violation), violation);
  return success();
}

LogicalResult mlir::sq::verifyOrderInvariant(Operation *root) {
  OrderProvenance provenance(root);
  if (!provenance.isValid())
    return root->emitError("the order of masks and quantizers can't be "
                           "analyzed");
  SmallVector<OrderViolation> violations =
      findOrderViolations(root, provenance);
  for (const OrderViolation &violation : violations) {
    InFlightDiagnostic diag =
        violation.op->emitOpError("expected sparsity before quantization, but ")
        << whatIsWrong(violation) << " (class "
        << static_cast<int>(violation.orderClass) << ", "
        << stringifyOrderClass(violation.orderClass) << ")";
    attachCulprits(diag, violation);
  }
  return success(violations.empty());
}

//===----------------------------------------------------------------------===//
// Passes
//===----------------------------------------------------------------------===//

namespace {
struct EnforceOrderPass : sq::impl::SQEnforceOrderBase<EnforceOrderPass> {
  using SQEnforceOrderBase::SQEnforceOrderBase;
  void runOnOperation() override {
    LogicalResult result = success();
    switch (mode) {
    case OrderMode::Rewrite:
      result = enforceOrder(getOperation());
      break;
    case OrderMode::Verify:
      result = verifyOrderInvariant(getOperation());
      break;
    case OrderMode::Report:
      result = reportOrder(getOperation());
      break;
    }
    if (failed(result))
      signalPassFailure();
  }
};

struct VerifyOrderPass : sq::impl::SQVerifyOrderBase<VerifyOrderPass> {
  void runOnOperation() override {
    markAllAnalysesPreserved();
    if (failed(verifyOrderInvariant(getOperation())))
      signalPassFailure();
  }
};

struct PrintOrderPass : sq::impl::SQPrintOrderBase<PrintOrderPass> {
  void runOnOperation() override {
    markAllAnalysesPreserved();
    OrderProvenance provenance(getOperation());
    auto print = [&](Value value) {
      const Provenance &state = provenance.get(value);
      if (!isa<TensorType>(value.getType()) || !state.isQuantized())
        return;
      std::string text;
      llvm::raw_string_ostream os(text);
      state.print(os);
      size_t count = state.origins.size();
      if (count != 0)
        os << ", from " << count << " quantizer" << (count == 1 ? "" : "s");
      emitRemark(value.getLoc(), text);
    };
    getOperation()->walk<WalkOrder::PreOrder>([&](Operation *op) {
      for (Value result : op->getResults())
        print(result);
      for (Region &region : op->getRegions())
        for (Value arg : region.getArguments())
          print(arg);
    });
  }
};
} // namespace
