//===- QuantToSQ.cpp - quant ops and types to sq --------------------------===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "sparse-quant/Conversion/QuantToSQ/QuantToSQ.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Func/Transforms/FuncConversions.h"
#include "mlir/Dialect/Quant/IR/Quant.h"
#include "mlir/Dialect/Quant/IR/QuantTypes.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/SCF/Transforms/Patterns.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Dominance.h"
#include "mlir/IR/TypeUtilities.h"
#include "mlir/Transforms/CSE.h"
#include "mlir/Transforms/DialectConversion.h"
#include "sparse-quant/Dialect/SQ/Transforms/StaticQuantization.h"

namespace mlir::sq {
#define GEN_PASS_DEF_CONVERTQUANTTOSQPASS
#include "sparse-quant/Conversion/QuantToSQ/Passes.h.inc"
} // namespace mlir::sq

using namespace mlir;
using namespace mlir::sq;

void mlir::sq::populateQuantTypeConversions(TypeConverter &converter) {
  converter.addConversion([](Type type) { return type; });
  converter.addConversion(
      [](quant::QuantizedType type) { return type.getStorageType(); });
  converter.addConversion([](TensorType type) -> Type {
    if (auto element = dyn_cast<quant::QuantizedType>(type.getElementType()))
      return type.clone(element.getStorageType());
    return type;
  });
}

namespace {

struct ConvertQCast : OpConversionPattern<quant::QuantizeCastOp> {
  ConvertQCast(const TypeConverter &converter, MLIRContext *context,
               const RaiseOptions &options)
      : OpConversionPattern(converter, context), options(options) {}

  LogicalResult
  matchAndRewrite(quant::QuantizeCastOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    std::string reason;
    auto quantization = fromUniformType(op.getType(), CodeUse::Encode,
                                        options.allowNarrowRange, reason);
    if (!quantization)
      return rewriter.notifyMatchFailure(op, reason);
    rewriter.replaceOp(
        op, createStaticQuantize(rewriter, op.getLoc(), adaptor.getInput(),
                                 quantization->build(rewriter, op.getLoc())));
    return success();
  }

  RaiseOptions options;
};

struct ConvertDCast : OpConversionPattern<quant::DequantizeCastOp> {
  using OpConversionPattern::OpConversionPattern;

  LogicalResult
  matchAndRewrite(quant::DequantizeCastOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    std::string reason;
    auto quantization =
        fromUniformType(op.getInput().getType(), CodeUse::Decode,
                        /*allowNarrowRange=*/false, reason);
    if (!quantization)
      return rewriter.notifyMatchFailure(op, reason);
    rewriter.replaceOp(
        op, createStaticDequantize(rewriter, op.getLoc(), adaptor.getInput(),
                                   quantization->build(rewriter, op.getLoc())));
    return success();
  }
};

/// Codes are the storage.
struct ConvertSCast : OpConversionPattern<quant::StorageCastOp> {
  using OpConversionPattern::OpConversionPattern;

  LogicalResult
  matchAndRewrite(quant::StorageCastOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    rewriter.replaceOp(op, adaptor.getInput());
    return success();
  }
};

/// An op of the tensor dialect moves elements, whatever they are.
struct ConvertCarrier : ConversionPattern {
  ConvertCarrier(const TypeConverter &converter, MLIRContext *context)
      : ConversionPattern(converter, MatchAnyOpTypeTag(), /*benefit=*/1,
                          context) {}

  LogicalResult
  matchAndRewrite(Operation *op, ArrayRef<Value> operands,
                  ConversionPatternRewriter &rewriter) const override {
    if (!isa_and_present<tensor::TensorDialect>(op->getDialect()) ||
        op->getNumRegions() != 0)
      return failure();
    OperationState state(op->getLoc(), op->getName());
    state.addOperands(operands);
    state.addAttributes(op->getAttrs());
    SmallVector<Type> types;
    if (failed(getTypeConverter()->convertTypes(op->getResultTypes(), types)))
      return failure();
    state.addTypes(types);
    Operation *copy = rewriter.create(state);
    rewriter.replaceOp(op, copy->getResults());
    return success();
  }
};

} // namespace

void mlir::sq::populateQuantToSQConversionPatterns(
    TypeConverter &converter, RewritePatternSet &patterns,
    const RaiseOptions &options) {
  MLIRContext *context = patterns.getContext();
  patterns.add<ConvertQCast>(converter, context, options);
  patterns.add<ConvertDCast, ConvertSCast, ConvertCarrier>(converter, context);
}

/// Whether `op` computes on quantized values, as opposed to moving them.
static bool computesOnQuantized(Operation *op) {
  auto isQuantized = [](Type type) {
    return isa<quant::QuantizedType>(getElementTypeOrSelf(type));
  };
  if (!llvm::any_of(op->getOperandTypes(), isQuantized) &&
      !llvm::any_of(op->getResultTypes(), isQuantized))
    return false;
  if (isa_and_present<tensor::TensorDialect>(op->getDialect()))
    return op->getNumRegions() != 0;
  return !isa_and_present<func::FuncDialect, quant::QuantDialect,
                          scf::SCFDialect>(op->getDialect());
}

/// An error with the reason at the first op that sq can't express.
static LogicalResult checkInput(Operation *root, bool allowNarrowRange) {
  WalkResult walk = root->walk([&](Operation *op) {
    if (computesOnQuantized(op)) {
      op->emitOpError("computes on quantized values; convert-quant-to-sq "
                      "takes only casts, and ops of func, scf and tensor that "
                      "carry values");
      return WalkResult::interrupt();
    }
    CodeUse use = CodeUse::Encode;
    Type type;
    if (auto cast = dyn_cast<quant::QuantizeCastOp>(op)) {
      type = cast.getType();
    } else if (auto cast = dyn_cast<quant::DequantizeCastOp>(op)) {
      type = cast.getInput().getType();
      use = CodeUse::Decode;
    } else {
      return WalkResult::advance();
    }
    std::string reason;
    if (fromUniformType(type, use, allowNarrowRange, reason))
      return WalkResult::advance();
    op->emitOpError("can't be expressed in sq: ") << reason;
    return WalkResult::interrupt();
  });
  return failure(walk.wasInterrupted());
}

namespace {
struct ConvertQuantToSQ : sq::impl::ConvertQuantToSQPassBase<ConvertQuantToSQ> {
  using ConvertQuantToSQPassBase::ConvertQuantToSQPassBase;

  void runOnOperation() override {
    if (failed(checkInput(getOperation(), allowNarrowRange)))
      return signalPassFailure();
    MLIRContext *context = &getContext();
    TypeConverter converter;
    populateQuantTypeConversions(converter);
    RewritePatternSet patterns(context);
    populateQuantToSQConversionPatterns(converter, patterns,
                                        {allowNarrowRange});
    populateFunctionOpInterfaceTypeConversionPattern<func::FuncOp>(patterns,
                                                                   converter);
    populateCallOpTypeConversionPattern(patterns, converter);
    populateReturnOpTypeConversionPattern(patterns, converter);

    ConversionTarget target(*context);
    scf::populateSCFStructuralTypeConversionsAndLegality(converter, patterns,
                                                         target);
    target.addIllegalDialect<quant::QuantDialect>();
    target.addDynamicallyLegalOp<func::FuncOp>([&](func::FuncOp op) {
      return converter.isSignatureLegal(op.getFunctionType()) &&
             converter.isLegal(&op.getBody());
    });
    target.markUnknownOpDynamicallyLegal(
        [&](Operation *op) { return converter.isLegal(op); });
    ConversionConfig config;
    config.allowPatternRollback = false;
    if (failed(applyFullConversion(getOperation(), target, std::move(patterns),
                                   config)))
      return signalPassFailure();
    // What reads codes has to name the very scales that made them.
    IRRewriter rewriter(context);
    DominanceInfo dominance(getOperation());
    eliminateCommonSubExpressions(rewriter, dominance, getOperation());
  }
};
} // namespace

void mlir::sq::registerQuantToSQPasses() {
  registerPass([] { return createConvertQuantToSQPass(); });
}
