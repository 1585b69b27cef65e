//===- RewriteWeights.cpp - Let the IR read the weight file ---------------===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "HalfWeights.h"
#include "WeightPlan.h"
#include "mlir/IR/Builders.h"

using namespace mlir;
using namespace mlir::sq;

namespace {
class WeightRewriter {
public:
  WeightRewriter(ModuleOp module, WeightEvaluator &evaluator, WeightPlan &plan,
                 const SafetensorsWriter &writer)
      : module(module), evaluator(evaluator), plan(plan), writer(writer),
        builder(module.getContext()) {}

  void run();

private:
  Value makeParameter(const Twine &name, RankedTensorType type, Location loc);
  Value widen(QuantizeOp quantize);
  Value takeValues(Value input);
  void rewritePacked(LayerPlan &layer);
  void rewriteHalf(DenseEntry &entry);
  void rewriteDense(DenseEntry &entry);
  void eraseDead();

  ModuleOp module;
  WeightEvaluator &evaluator;
  WeightPlan &plan;
  const SafetensorsWriter &writer;
  OpBuilder builder;
  /// What several layers read is widened once, codes and what they decode to.
  DenseMap<Value, Value> widened;
};
} // namespace

Value WeightRewriter::makeParameter(const Twine &name, RankedTensorType type,
                                    Location loc) {
  std::string text = name.str();
  return ParameterOp::create(builder, loc, type, builder.getStringAttr(text),
                             /*source=*/StringAttr(),
                             builder.getI64IntegerAttr(writer.getOffset(text)));
}

/// Codes as f16.
Value WeightRewriter::widen(QuantizeOp quantize) {
  Value &known = widened[quantize.getValues()];
  if (known)
    return known;
  OpBuilder::InsertionGuard guard(builder);
  builder.setInsertionPointAfter(quantize);
  auto type = cast<RankedTensorType>(quantize.getValues().getType());
  return known = WidenOp::create(builder, quantize.getLoc(),
                                 type.clone(builder.getF16Type()),
                                 quantize.getValues(), quantize.getFormat());
}

/// What codes with scales that are powers of two decode to, as bf16: 8 bits,
/// and all exponents.
Value WeightRewriter::takeValues(Value input) {
  Value &known = widened[input];
  if (known)
    return known;
  OpBuilder::InsertionGuard guard(builder);
  builder.setInsertionPointAfterValue(input);
  auto type = cast<RankedTensorType>(input.getType());
  return known = arith::TruncFOp::create(
             builder, input.getLoc(), type.clone(builder.getBF16Type()), input);
}

void WeightRewriter::rewritePacked(LayerPlan &layer) {
  Type i8 = builder.getI8Type();
  for (LinearLayer &use : layer.uses) {
    WeightChain chain(use.weight->get());
    Location loc = use.op->getLoc();
    builder.setInsertionPoint(use.op);
    Value payload =
        makeParameter(layer.report.name + ".payload",
                      RankedTensorType::get(layer.getPayloadShape(), i8), loc);
    Value bitmap;
    if (layer.hasMetadata())
      bitmap =
          makeParameter(layer.report.name + layer.getBitmapSuffix(),
                        RankedTensorType::get(layer.getBitmapShape(), i8), loc);
    SmallVector<Value> scales;
    ValueRange computed;
    if (chain.quantize)
      computed = chain.quantize.getUsedScales();
    for (auto [scale, suffix] : llvm::zip(computed, kScaleSuffixes)) {
      auto type = cast<RankedTensorType>(scale.getType());
      if (scales.empty())
        type = type.clone(layer.getScaleShape());
      scales.push_back(makeParameter(layer.report.name + suffix, type, loc));
    }
    Value input = use.input->get();
    SmallVector<Value> inputScales;
    QuantFormatAttrInterface activationFormat;
    QuantizeOp quantize = getInputQuantization(use);
    if (quantize && layer.widensInput &&
        quantize.getFormat().getFormat().hasPowerOfTwoScale()) {
      input = takeValues(input);
    } else if (quantize) {
      input = layer.widensInput ? widen(quantize) : quantize.getValues();
      llvm::append_range(inputScales, quantize.getScales());
      activationFormat = quantize.getFormat();
    }
    auto product = MatmulOp::create(
        builder, loc, use.op->getResult(0).getType(), input, inputScales,
        payload, bitmap, scales, use.init->get(),
        getFormatAttr(builder.getContext(), *chain.getFormat()),
        activationFormat, layer.pattern, /*kernel=*/StringAttr(),
        /*manyInputs=*/IntegerAttr(), /*overwrites=*/false,
        /*cost=*/ArrayAttr(), layer.layout);
    use.op->getResult(0).replaceAllUsesWith(product.getResult());
  }
  // Not before: shapes depend on how the first one's input is quantized.
  for (LinearLayer &use : layer.uses)
    use.op->erase();
}

/// Ops widen what they read themselves; a tensor in f32 would cost what 16 bits
/// save.
void WeightRewriter::rewriteHalf(DenseEntry &entry) {
  Type half = getHalfType(builder.getContext(), entry.dtype);
  for (Value value : entry.values) {
    SmallVector<OpOperand *> uses;
    for (OpOperand &use : value.getUses())
      if (!plan.isInternal(use, evaluator))
        uses.push_back(&use);
    if (uses.empty())
      continue;
    builder.setInsertionPointAfterValue(value);
    auto type = cast<RankedTensorType>(value.getType());
    Value parameter =
        makeParameter(entry.name, type.clone(half), value.getLoc());
    for (OpOperand *use : uses)
      readHalf(builder, *use, parameter);
  }
}

void WeightRewriter::rewriteDense(DenseEntry &entry) {
  if (entry.isHalf())
    return rewriteHalf(entry);
  for (Value value : entry.values) {
    builder.setInsertionPointAfterValue(value);
    Value parameter = makeParameter(
        entry.name, cast<RankedTensorType>(value.getType()), value.getLoc());
    if (entry.study) {
      value.replaceUsesWithIf(parameter, [&](OpOperand &use) {
        return plan.replaced.contains(&use);
      });
      continue;
    }
    // What evaluates the value further goes away with it.
    value.replaceUsesWithIf(parameter, [&](OpOperand &use) {
      return !plan.isInternal(use, evaluator);
    });
  }
}

void WeightRewriter::eraseDead() {
  SmallVector<Operation *> candidates;
  module.walk([&](Operation *op) {
    if (isa<ParameterOp, MaskOp, ApplyMaskOp, QuantizeOp, DequantizeOp,
            arith::TruncFOp, arith::ExtFOp>(op))
      candidates.push_back(op);
    op->removeDiscardableAttr(kWhyDenseAttr);
  });
  for (Operation *op : llvm::reverse(candidates))
    if (op->use_empty())
      op->erase();
}

void WeightRewriter::run() {
  for (auto &[key, entry] : plan.dense)
    rewriteDense(entry);
  for (auto &[key, layer] : plan.layers)
    if (layer->packed)
      rewritePacked(*layer);
  eraseDead();
}

void mlir::sq::rewriteWeights(ModuleOp module, WeightEvaluator &evaluator,
                              WeightPlan &plan,
                              const SafetensorsWriter &writer) {
  WeightRewriter(module, evaluator, plan, writer).run();
}
