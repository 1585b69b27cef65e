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
#include "mlir/IR/Matchers.h"
#include "mlir/Interfaces/CallInterfaces.h"
#include "mlir/Interfaces/FunctionInterfaces.h"
#include "sparse-quant/Analysis/TraceQuantizer.h"

using namespace mlir;
using namespace mlir::sq;

namespace {
class MaskMover {
public:
  MaskMover(Operation *at, Operation *root, Realizer &realizer,
            IRRewriter &rewriter)
      : at(at), loc(at->getLoc()), root(root), realizer(realizer),
        rewriter(rewriter) {}

  /// `value` with `mask` applied before it was quantized. `sole` when nobody
  /// but the mask reads it, nor what it is moved from.
  FailureOr<Value> masked(Value value, Value mask, bool sole);
  /// The same for what `op` decodes, where `op` reads codes under the mask.
  FailureOr<Value> maskedDecoded(DequantizeOp op, Value mask);

  MovedScales scales = MovedScales::Tightened;

private:
  /// The mask of `source`, of which `op` moves the elements; null where there
  /// is none that says the same.
  Value carryBack(Operation *op, Value source, Value mask);
  Value slice(Value mask, RankedTensorType part, ArrayRef<OpFoldResult> offsets,
              ArrayRef<OpFoldResult> sizes, ArrayRef<OpFoldResult> strides);
  /// The real twin of `value`, for `quantizers` to be repeated on it; goes on
  /// where it was, even if that has moved.
  FailureOr<Value> realize(Value value,
                           ArrayRef<std::optional<Quantizer>> quantizers);
  FailureOr<Value> requantize(Value real, Value mask,
                              const Quantizer &quantizer);
  Value maskedCodes(QuantizeOp op, Value mask, bool sole);
  FailureOr<Value> maskedInsert(tensor::InsertSliceOp op, Value mask,
                                bool sole);
  FailureOr<Value> maskedConcat(tensor::ConcatOp op, Value mask, bool sole);
  FailureOr<Value> maskedPad(tensor::PadOp op, Value mask, bool sole);
  FailureOr<Value> maskedIf(scf::IfOp op, unsigned index, Value mask);
  /// `op` with masked `operands`, each under the whole mask.
  FailureOr<Value> maskedOperands(Operation *op, ArrayRef<unsigned> operands,
                                  Value mask, bool sole);

  Operation *at;
  Location loc;
  Operation *root;
  Realizer &realizer;
  IRRewriter &rewriter;
};
} // namespace

static bool isCodes(Value value) {
  return isCodeElementType(getElementTypeOrSelf(value.getType()));
}

//===----------------------------------------------------------------------===//
// The mask goes back
//===----------------------------------------------------------------------===//

Value MaskMover::carryBack(Operation *op, Value source, Value mask) {
  auto type = dyn_cast<TensorType>(source.getType());
  if (!type)
    return nullptr;
  auto maskType = cast<TensorType>(type.clone(rewriter.getI1Type()));
  if (isa<tensor::CastOp>(op))
    return tensor::CastOp::create(rewriter, loc, maskType, mask);
  if (!type.hasRank())
    return nullptr;
  if (isa<tensor::BitcastOp, linalg::CopyOp>(op) || isCastOp(op))
    return mask;
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

//===----------------------------------------------------------------------===//
// The quantizer is repeated
//===----------------------------------------------------------------------===//

/// Whether all are results of ops that stay when loops are rebuilt.
static bool areFixed(ArrayRef<Value> values) {
  return llvm::all_of(values, [](Value value) {
    if (auto arg = dyn_cast<BlockArgument>(value))
      return isa<FunctionOpInterface>(arg.getOwner()->getParentOp());
    Operation *op = value.getDefiningOp();
    return op->getNumRegions() == 0 && !isa<CallOpInterface>(op);
  });
}

FailureOr<Value>
MaskMover::realize(Value value, ArrayRef<std::optional<Quantizer>> quantizers) {
  Location valueLoc = value.getLoc();
  bool fixed = llvm::all_of(quantizers, [](const auto &quantizer) {
    return !quantizer || areFixed(quantizer->staticScales);
  });
  FailureOr<Value> real = realizer.realize(value, RealizeDepth::LastQuantizer);
  rewriter.setInsertionPoint(at);
  if (succeeded(real) && !fixed && realizer.changedStructure())
    return realizer.fail(valueLoc,
                         "the static scales of this change from iteration to "
                         "iteration or from call to call");
  return real;
}

FailureOr<Value> MaskMover::requantize(Value real, Value mask,
                                       const Quantizer &quantizer) {
  DominanceInfo dominance;
  for (Value scale : quantizer.staticScales)
    if (!dominance.properlyDominates(scale, at))
      return realizer.fail(scale.getLoc(),
                           "these static scales are not visible at the mask");
  auto type = cast<RankedTensorType>(real.getType());
  if (!type.getElementType().isF32())
    return realizer.fail(real.getLoc(), "these values are not f32 any more");
  Value sparse = ApplyMaskOp::create(rewriter, loc, real, mask);
  // The last axis is the default, and not printed.
  int64_t axis =
      quantizer.axis == type.getRank() - 1 ? int64_t(-1) : quantizer.axis;
  QuantizeOp quantize;
  if (quantizer.staticScales.empty())
    quantize =
        QuantizeOp::create(rewriter, loc, sparse, quantizer.format, axis);
  else
    quantize = QuantizeOp::create(
        rewriter, loc, type.clone(quantizer.format.getCodeType()), TypeRange(),
        sparse, quantizer.staticScales, quantizer.format, axis);
  return DequantizeOp::create(rewriter, loc, type, quantize.getValues(),
                              quantize.getUsedScales(), quantizer.format, axis)
      .getResult();
}

/// The codes of what is masked. Whoever reads the old scales for other codes
/// goes on doing so; then these codes keep them too.
Value MaskMover::maskedCodes(QuantizeOp op, Value mask, bool sole) {
  Value sparse = ApplyMaskOp::create(rewriter, loc, op.getInput(), mask);
  auto sameScales = [&] {
    return QuantizeOp::create(rewriter, loc, op.getValues().getType(),
                              TypeRange(), sparse, op.getUsedScales(),
                              op.getFormat(), op.getAxis());
  };
  if (op.isStatic())
    return sameScales().getValues();
  auto tight =
      QuantizeOp::create(rewriter, op.getLoc(), op->getResultTypes(), sparse,
                         ValueRange(), op.getFormat(), op.getAxis());
  DominanceInfo dominance;
  bool visible = llvm::all_of(op.getScales(), [&](Value scale) {
    return llvm::all_of(scale.getUsers(), [&](Operation *user) {
      return dominance.properlyDominates(tight, user);
    });
  });
  if (sole && visible) {
    for (auto [before, after] :
         llvm::zip_equal(op.getScales(), tight.getScales()))
      rewriter.replaceAllUsesWith(before, after);
    return tight.getValues();
  }
  rewriter.eraseOp(tight);
  scales = MovedScales::Kept;
  return sameScales().getValues();
}

FailureOr<Value> MaskMover::maskedDecoded(DequantizeOp op, Value mask) {
  std::optional<Quantizer> quantizer = traceQuantizer(op.getResult(), root);
  // Not masked twice, where it is the codes that the mask is applied to.
  Value codes = op.getValues();
  if (auto apply = codes.getDefiningOp<ApplyMaskOp>();
      apply && apply.getMask() == mask)
    codes = apply.getInput();
  FailureOr<Value> real = realize(codes, quantizer);
  if (failed(real))
    return failure();
  if (!quantizer)
    return realizer.fail(op.getLoc(), "the codes are decoded here in another "
                                      "way than they were quantized");
  return requantize(*real, mask, *quantizer);
}

//===----------------------------------------------------------------------===//
// Several operands
//===----------------------------------------------------------------------===//

Value MaskMover::slice(Value mask, RankedTensorType part,
                       ArrayRef<OpFoldResult> offsets,
                       ArrayRef<OpFoldResult> sizes,
                       ArrayRef<OpFoldResult> strides) {
  return tensor::ExtractSliceOp::create(rewriter, loc,
                                        part.clone(rewriter.getI1Type()), mask,
                                        offsets, sizes, strides);
}

FailureOr<Value> MaskMover::maskedInsert(tensor::InsertSliceOp op, Value mask,
                                         bool sole) {
  // The slice and the rest are masked apart, each with its part of the mask.
  Value part = slice(mask, op.getSourceType(), op.getMixedOffsets(),
                     op.getMixedSizes(), op.getMixedStrides());
  FailureOr<Value> source =
      masked(op.getSource(), part, sole && op.getSource().hasOneUse());
  if (failed(source))
    return failure();
  FailureOr<Value> dest =
      masked(op.getDest(), mask, sole && op.getDest().hasOneUse());
  if (failed(dest))
    return failure();
  Operation *copy = rewriter.clone(*op);
  copy->setOperand(0, *source);
  copy->setOperand(1, *dest);
  return copy->getResult(0);
}

FailureOr<Value> MaskMover::maskedConcat(tensor::ConcatOp op, Value mask,
                                         bool sole) {
  SmallVector<Value> parts;
  int64_t start = 0;
  SmallVector<OpFoldResult> strides(op.getResultType().getRank(),
                                    rewriter.getIndexAttr(1));
  for (unsigned i = 0; i < op.getInputs().size(); ++i) {
    Value input = op.getInputs()[i];
    auto type = cast<RankedTensorType>(input.getType());
    if (!type.hasStaticShape())
      return realizer.fail(op.getLoc(), "the mask can't be carried back over "
                                        "the concatenation of dynamic shapes");
    SmallVector<OpFoldResult> offsets(type.getRank(), rewriter.getIndexAttr(0));
    offsets[op.getDim()] = rewriter.getIndexAttr(start);
    start += type.getDimSize(op.getDim());
    Value part = slice(mask, type, offsets,
                       getAsIndexOpFoldResult(op.getContext(), type.getShape()),
                       strides);
    FailureOr<Value> result = masked(input, part, sole && input.hasOneUse());
    if (failed(result))
      return failure();
    parts.push_back(*result);
  }
  return tensor::ConcatOp::create(rewriter, loc, op.getResultType(),
                                  op.getDim(), parts)
      .getResult();
}

FailureOr<Value> MaskMover::maskedPad(tensor::PadOp op, Value mask, bool sole) {
  Value padding = op.getConstantPaddingValue();
  if (!padding || !matchPattern(padding, m_AnyZeroFloat()))
    return realizer.fail(
        op.getLoc(), "the mask can't be carried back over a padding other than "
                     "with 0.0");
  Value source = op.getSource();
  SmallVector<OpFoldResult> strides(op.getSourceType().getRank(),
                                    rewriter.getIndexAttr(1));
  Value part = slice(mask, op.getSourceType(), op.getMixedLowPad(),
                     tensor::getMixedSizes(rewriter, loc, source), strides);
  FailureOr<Value> result = masked(source, part, sole && source.hasOneUse());
  if (failed(result))
    return failure();
  Operation *copy = rewriter.clone(*op);
  copy->setOperand(0, *result);
  return copy->getResult(0);
}

/// The branches have a real twin together; it is quantized again in each as it
/// was there, or not at all.
FailureOr<Value> MaskMover::maskedIf(scf::IfOp op, unsigned index, Value mask) {
  Value condition = op.getCondition();
  std::optional<Quantizer> quantizers[2];
  Value yielded[] = {op.thenYield().getOperand(index),
                     op.elseYield().getOperand(index)};
  for (auto [value, quantizer] : llvm::zip(yielded, quantizers)) {
    if (!realizer.lookup(value).isCarried())
      continue;
    quantizer = traceQuantizer(value, root);
    if (!quantizer || isCodes(value))
      return realizer.fail(value.getLoc(),
                           "how this was quantized can't be repeated where "
                           "the mask is");
  }
  FailureOr<Value> real = realize(op.getResult(index), quantizers);
  if (failed(real))
    return failure();
  OpBuilder::InsertionGuard guard(rewriter);
  auto branch = scf::IfOp::create(rewriter, loc, real->getType(), condition,
                                  /*addThenBlock=*/true, /*addElseBlock=*/true);
  Block *blocks[] = {branch.thenBlock(), branch.elseBlock()};
  for (auto [block, quantizer] : llvm::zip(blocks, quantizers)) {
    rewriter.setInsertionPointToEnd(block);
    FailureOr<Value> result =
        quantizer
            ? requantize(*real, mask, *quantizer)
            : FailureOr<Value>(
                  ApplyMaskOp::create(rewriter, loc, *real, mask).getResult());
    if (failed(result))
      return failure();
    scf::YieldOp::create(rewriter, loc, *result);
  }
  return branch.getResult(0);
}

FailureOr<Value> MaskMover::maskedOperands(Operation *op,
                                           ArrayRef<unsigned> operands,
                                           Value mask, bool sole) {
  SmallVector<Value> results;
  for (unsigned index : operands) {
    Value operand = op->getOperand(index);
    FailureOr<Value> result =
        masked(operand, mask, sole && operand.hasOneUse());
    if (failed(result))
      return failure();
    results.push_back(*result);
  }
  Operation *copy = rewriter.clone(*op);
  for (auto [index, result] : llvm::zip(operands, results))
    copy->setOperand(index, result);
  return copy->getResult(0);
}

//===----------------------------------------------------------------------===//
// All of it
//===----------------------------------------------------------------------===//

FailureOr<Value> MaskMover::masked(Value value, Value mask, bool sole) {
  Operation *op = value.getDefiningOp();
  bool isRanked = isa<RankedTensorType>(value.getType());
  if (isRanked && !realizer.lookup(value).isCarried()) {
    if (isa_and_present<tensor::EmptyOp>(op))
      return value;
    return ApplyMaskOp::create(rewriter, loc, value, mask).getResult();
  }
  if (auto quantize = dyn_cast_or_null<QuantizeOp>(op))
    return maskedCodes(quantize, mask, sole);
  if (auto dequantize = dyn_cast_or_null<DequantizeOp>(op))
    return maskedDecoded(dequantize, mask);
  if (auto insert = dyn_cast_or_null<tensor::InsertSliceOp>(op))
    return maskedInsert(insert, mask, sole);
  if (auto concat = dyn_cast_or_null<tensor::ConcatOp>(op))
    return maskedConcat(concat, mask, sole);
  if (auto pad = dyn_cast_or_null<tensor::PadOp>(op))
    return maskedPad(pad, mask, sole);
  if (isa_and_present<arith::SelectOp>(op))
    return maskedOperands(op, {1, 2}, mask, sole);
  if (isa_and_present<arith::MulFOp, arith::DivFOp>(op) && isRanked)
    return maskedOperands(
        op, {realizer.lookup(op->getOperand(0)).isCarried() ? 0u : 1u}, mask,
        sole);
  if (op && (isCarrierOp(op) || isCastOp(op)) && op->getNumOperands() > 0) {
    Value source = op->getOperand(0);
    if (Value carried = carryBack(op, source, mask)) {
      FailureOr<Value> result =
          masked(source, carried, sole && source.hasOneUse());
      if (failed(result))
        return failure();
      Operation *copy = rewriter.clone(*op);
      copy->setOperand(0, *result);
      return copy->getResult(0);
    }
  }

  std::optional<Quantizer> quantizer = traceQuantizer(value, root);
  if (auto branch = dyn_cast_or_null<scf::IfOp>(op); branch && !quantizer)
    return maskedIf(branch, cast<OpResult>(value).getResultNumber(), mask);
  // The walk back may rebuild the op of `value`.
  Location valueLoc = value.getLoc();
  bool repeatable = quantizer && isRanked && !isCodes(value);
  FailureOr<Value> real = realize(value, quantizer);
  if (failed(real))
    return failure();
  if (!repeatable)
    return realizer.fail(valueLoc, "how this was quantized can't be repeated "
                                   "where the mask is");
  return requantize(*real, mask, *quantizer);
}

/// With `mask` the result of an op that stays: loops, branches and calls are
/// rebuilt on the way back.
static FailureOr<MovedScales> moveMask(Operation *op, Value mask,
                                       Operation *root, Realizer &realizer,
                                       IRRewriter &rewriter) {
  MaskMover mover(op, root, realizer, rewriter);
  // The first operand of sq.apply_mask and of sq.pack alike.
  Value values = op->getOperand(0);
  bool onlyDecoded = isa<ApplyMaskOp>(op) && isCodes(values) &&
                     llvm::all_of(op->getUsers(), [](Operation *user) {
                       return isa<DequantizeOp>(user);
                     });
  if (!onlyDecoded) {
    FailureOr<Value> result = mover.masked(values, mask, values.hasOneUse());
    if (failed(result))
      return failure();
    if (isa<PackOp>(op))
      op->setOperand(0, *result);
    else
      rewriter.replaceAllUsesWith(op->getResult(0), *result);
    return mover.scales;
  }
  // Masked codes that are only decoded: with tighter scales.
  for (Operation *user : llvm::to_vector(op->getUsers())) {
    auto dequantize = cast<DequantizeOp>(user);
    rewriter.setInsertionPoint(dequantize);
    FailureOr<Value> result = MaskMover(dequantize, root, realizer, rewriter)
                                  .maskedDecoded(dequantize, mask);
    if (failed(result))
      return failure();
    rewriter.replaceAllUsesWith(dequantize.getResult(), *result);
  }
  return mover.scales;
}

FailureOr<MovedScales> mlir::sq::moveMaskBeforeQuantizer(Operation *op,
                                                         Operation *root,
                                                         Realizer &realizer,
                                                         IRRewriter &rewriter) {
  OpBuilder::InsertionGuard guard(rewriter);
  rewriter.setInsertionPoint(op);
  Value mask = op->getOperand(1);
  auto pin =
      tensor::CastOp::create(rewriter, op->getLoc(), mask.getType(), mask);
  op->setOperand(1, pin);
  FailureOr<MovedScales> result = moveMask(op, pin, root, realizer, rewriter);
  rewriter.replaceOp(pin, pin.getSource());
  return result;
}
