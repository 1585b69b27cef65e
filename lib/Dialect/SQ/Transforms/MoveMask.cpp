//===- MoveMask.cpp - Move a mask in front of a quantizer -----------------===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "MoveMask.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Utils/IndexingUtils.h"
#include "mlir/IR/Dominance.h"
#include "sparse-quant/Analysis/OrderClass.h"

using namespace mlir;
using namespace mlir::sq;

namespace {
class MaskMover {
public:
  MaskMover(ApplyMaskOp at, Operation *root, Realizer &realizer,
            IRRewriter &rewriter, std::string &reason)
      : at(at), loc(at.getLoc()), root(root), realizer(realizer),
        rewriter(rewriter), reason(reason) {}

  /// `value` with `mask` applied before it was quantized.
  FailureOr<Value> masked(Value value, Value mask);
  /// The same for what `op` decodes, where `op` reads `value` under the mask.
  FailureOr<Value> maskedDecoded(DequantizeOp op, Value mask);

private:
  FailureOr<Value> fail(const Twine &why) {
    reason = why.str();
    return failure();
  }
  /// The mask of `source`, of which `op` moves the elements; null where there
  /// is none that says the same.
  Value carryBack(Operation *op, Value source, Value mask);
  FailureOr<Value> requantize(Value real, Value mask,
                              const Quantizer &quantizer);
  FailureOr<Value> maskedInsert(tensor::InsertSliceOp op, Value mask);

  ApplyMaskOp at;
  Location loc;
  Operation *root;
  Realizer &realizer;
  IRRewriter &rewriter;
  std::string &reason;
};
} // namespace

Value MaskMover::carryBack(Operation *op, Value source, Value mask) {
  auto type = cast<RankedTensorType>(source.getType());
  RankedTensorType maskType = type.clone(rewriter.getI1Type());
  if (auto expand = dyn_cast<tensor::ExpandShapeOp>(op))
    return tensor::CollapseShapeOp::create(rewriter, loc, maskType, mask,
                                           expand.getReassociationIndices());
  if (auto collapse = dyn_cast<tensor::CollapseShapeOp>(op))
    return tensor::ExpandShapeOp::create(
        rewriter, loc, maskType, mask, collapse.getReassociationIndices(),
        tensor::getMixedSizes(rewriter, loc, source));
  if (isa<tensor::ReshapeOp>(op) && type.hasStaticShape()) {
    Value shape = arith::ConstantOp::create(
        rewriter, loc, rewriter.getIndexTensorAttr(type.getShape()));
    return tensor::ReshapeOp::create(rewriter, loc, maskType, mask, shape);
  }
  if (isa<tensor::CastOp>(op))
    return tensor::CastOp::create(rewriter, loc, maskType, mask);
  if (auto transpose = dyn_cast<linalg::TransposeOp>(op)) {
    Value init = tensor::EmptyOp::create(
        rewriter, loc, tensor::getMixedSizes(rewriter, loc, source),
        rewriter.getI1Type());
    return linalg::TransposeOp::create(
               rewriter, loc, mask, init,
               invertPermutationVector(transpose.getPermutation()))
        ->getResult(0);
  }
  if (auto slice = dyn_cast<tensor::ExtractSliceOp>(op);
      slice && type.hasStaticShape()) {
    // What lies outside of the slice stays as it is.
    Value all = arith::ConstantOp::create(
        rewriter, loc, DenseElementsAttr::get(maskType, true));
    return tensor::InsertSliceOp::create(
        rewriter, loc, mask, all, slice.getMixedOffsets(),
        slice.getMixedSizes(), slice.getMixedStrides());
  }
  return nullptr;
}

FailureOr<Value> MaskMover::requantize(Value real, Value mask,
                                       const Quantizer &quantizer) {
  DominanceInfo dominance;
  for (Value scale : quantizer.staticScales)
    if (!dominance.properlyDominates(scale, at))
      return fail("the static scales are not visible at the mask");
  Value sparse = ApplyMaskOp::create(rewriter, loc, real, mask);
  if (quantizer.staticScales.empty()) {
    auto quantize = QuantizeOp::create(rewriter, loc, sparse, quantizer.format,
                                       quantizer.axis);
    return DequantizeOp::create(rewriter, loc, real.getType(),
                                quantize.getValues(), quantize.getUsedScales(),
                                quantizer.format, quantizer.axis)
        .getResult();
  }
  auto type = cast<RankedTensorType>(real.getType());
  auto quantize = QuantizeOp::create(
      rewriter, loc, type.clone(quantizer.format.getCodeType()), TypeRange(),
      sparse, quantizer.staticScales, quantizer.format, quantizer.axis);
  return DequantizeOp::create(rewriter, loc, type, quantize.getValues(),
                              quantizer.staticScales, quantizer.format,
                              quantizer.axis)
      .getResult();
}

FailureOr<Value> MaskMover::maskedInsert(tensor::InsertSliceOp op, Value mask) {
  // The slice and the rest are masked apart, each with its part of the mask.
  auto part = tensor::ExtractSliceOp::create(
      rewriter, loc, op.getSourceType().clone(rewriter.getI1Type()), mask,
      op.getMixedOffsets(), op.getMixedSizes(), op.getMixedStrides());
  FailureOr<Value> source = masked(op.getSource(), part);
  if (failed(source))
    return failure();
  FailureOr<Value> dest = masked(op.getDest(), mask);
  if (failed(dest))
    return failure();
  Operation *copy = rewriter.clone(*op);
  copy->setOperand(0, *source);
  copy->setOperand(1, *dest);
  return copy->getResult(0);
}

FailureOr<Value> MaskMover::masked(Value value, Value mask) {
  Operation *op = value.getDefiningOp();
  if (!realizer.lookup(value).isCarried()) {
    if (isa_and_present<tensor::EmptyOp>(op))
      return value;
    return ApplyMaskOp::create(rewriter, loc, value, mask).getResult();
  }
  if (auto quantize = dyn_cast_or_null<QuantizeOp>(op)) {
    // Codes whose scales are used elsewhere: they keep their scales.
    Value sparse =
        ApplyMaskOp::create(rewriter, loc, quantize.getInput(), mask);
    return QuantizeOp::create(rewriter, loc, value.getType(), TypeRange(),
                              sparse, quantize.getUsedScales(),
                              quantize.getFormat(), quantize.getAxis())
        .getValues();
  }
  if (auto insert = dyn_cast_or_null<tensor::InsertSliceOp>(op))
    return maskedInsert(insert, mask);
  if (auto dequantize = dyn_cast_or_null<DequantizeOp>(op))
    return maskedDecoded(dequantize, mask);
  if (op && isCarrierOp(op) && op->getNumOperands() > 0) {
    Value source = op->getOperand(0);
    if (Value carried = carryBack(op, source, mask)) {
      FailureOr<Value> result = masked(source, carried);
      if (failed(result))
        return failure();
      Operation *copy = rewriter.clone(*op);
      copy->setOperand(0, *result);
      return copy->getResult(0);
    }
  }

  std::optional<Quantizer> quantizer = traceQuantizer(value, root);
  if (!quantizer || isCodeElementType(getElementTypeOrSelf(value.getType())))
    return fail("the quantizer can't be repeated where the mask is");
  FailureOr<Value> real = realizer.realize(value, RealizeDepth::LastQuantizer);
  if (failed(real))
    return failure();
  return requantize(*real, mask, *quantizer);
}

FailureOr<Value> MaskMover::maskedDecoded(DequantizeOp op, Value mask) {
  std::optional<Quantizer> quantizer = traceQuantizer(op.getResult(), root);
  if (!quantizer) {
    // Codes of one quantizer under the mask, read with its own scales.
    auto apply = op.getValues().getDefiningOp<ApplyMaskOp>();
    auto quantize =
        apply ? apply.getInput().getDefiningOp<QuantizeOp>() : QuantizeOp();
    if (quantize && quantize.getFormat() == op.getFormat() &&
        llvm::equal(quantize.getUsedScales(), op.getScales())) {
      quantizer = Quantizer{op.getFormat(), op.getAxis(),
                            llvm::to_vector(quantize.getStaticScales())};
    } else {
      // Say first where the codes come from, if they come from nowhere.
      if (failed(realizer.realize(op.getValues(), RealizeDepth::LastQuantizer)))
        return failure();
      return fail("the codes and their scales come from different quantizers");
    }
  }
  FailureOr<Value> real =
      realizer.realize(op.getResult(), RealizeDepth::LastQuantizer);
  if (failed(real))
    return failure();
  return requantize(*real, mask, *quantizer);
}

LogicalResult mlir::sq::moveMaskBeforeQuantizer(ApplyMaskOp op, Operation *root,
                                                Realizer &realizer,
                                                IRRewriter &rewriter,
                                                std::string &reason) {
  OpBuilder::InsertionGuard guard(rewriter);
  rewriter.setInsertionPoint(op);
  MaskMover mover(op, root, realizer, rewriter, reason);
  bool isCodes = isCodeElementType(op.getType().getElementType());
  bool onlyDecoded =
      isCodes && llvm::all_of(op->getUsers(), [](Operation *user) {
        return isa<DequantizeOp>(user);
      });
  if (!onlyDecoded) {
    FailureOr<Value> result = mover.masked(op.getInput(), op.getMask());
    if (failed(result))
      return failure();
    rewriter.replaceAllUsesWith(op.getResult(), *result);
    return success();
  }
  // Masked codes that are only decoded: with tighter scales.
  for (Operation *user : llvm::to_vector(op->getUsers())) {
    auto dequantize = cast<DequantizeOp>(user);
    FailureOr<Value> result = mover.maskedDecoded(dequantize, op.getMask());
    if (failed(result))
      return failure();
    rewriter.replaceAllUsesWith(dequantize.getResult(), *result);
  }
  return success();
}
