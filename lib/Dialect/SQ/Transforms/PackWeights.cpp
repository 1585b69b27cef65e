//===- PackWeights.cpp - sq-pack-weights: write the weight file -----------===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "sparse-quant/Dialect/SQ/Transforms/PackWeights.h"
#include "WeightPlan.h"
#include "mlir/Pass/Pass.h"
#include "sparse-quant/Dialect/SQ/Transforms/Passes.h"

namespace mlir::sq {
#define GEN_PASS_DEF_SQPACKWEIGHTS
#include "sparse-quant/Dialect/SQ/Transforms/Passes.h.inc"
} // namespace mlir::sq

using namespace mlir;
using namespace mlir::sq;

static void remarkOn(const LayerPlan &layer) {
  const LayerReport &report = layer.report;
  for (const LinearLayer &use : layer.uses) {
    if (layer.packed)
      remark::passed(use.op->getLoc(), getPackRemark(use.op, "packed"))
          << remark::add("layer '{0}': {1}, {2}, {3} bytes instead of {4}, "
                         "{5:f2} bits a weight",
                         report.name, report.pattern, report.format,
                         report.getStoredBytes(), report.denseBytes,
                         report.getBitsPerWeight());
    if (layer.storedDense)
      remark::missed(use.op->getLoc(), getPackRemark(use.op, "stored-dense"))
          << remark::add("layer '{0}' is stored dense: {1}", report.name,
                         report.whyStoredDense);
    if (!layer.packed)
      remark::analysis(use.op->getLoc(), getPackRemark(use.op, "dense"))
          << remark::add("layer '{0}' is stored as dense {1}{2}{3}",
                         report.name, report.format,
                         report.whyDense.empty() ? "" : ": ", report.whyDense);
  }
}

LogicalResult mlir::sq::packWeights(ModuleOp module, const PackOptions &options,
                                    PackResult &result) {
  if (options.output.empty())
    return module.emitError(
        "sq-pack-weights needs a file to write; set the option "
        "output=<file.sqw>");
  WeightFiles files(options.weightsDir);
  WeightEvaluator evaluator(files);
  WeightPlan plan;
  SafetensorsWriter writer;
  if (failed(planWeights(module, options, evaluator, plan)) ||
      failed(writeWeights(module, options, files, evaluator, plan, writer)))
    return failure();
  auto summary = writer.commit();
  if (!summary)
    return module.emitError() << llvm::toString(summary.takeError());
  result.size = summary->size;
  result.headerHash = summary->headerHash;
  result.dataHash = summary->dataHash;

  for (auto &[key, layer] : plan.layers) {
    remarkOn(*layer);
    result.layers.push_back(layer->report);
  }
  // A study of sparsity alone leaves activations as they are, too.
  if (options.study == StudyOrder::Sparsity)
    for (auto &[key, layer] : plan.layers)
      for (LinearLayer &use : layer->uses) {
        if (QuantizeOp quantize = getInputQuantization(use))
          use.input->set(quantize.getInput());
        else if (arith::TruncFOp rounding = getRounding(use.input->get()))
          use.input->set(rounding.getIn());
      }
  rewriteWeights(module, evaluator, plan, writer);
  return success();
}

namespace {
struct PackWeights : sq::impl::SQPackWeightsBase<PackWeights> {
  using SQPackWeightsBase::SQPackWeightsBase;

  void runOnOperation() override {
    PackOptions options;
    options.output = output;
    options.weightsDir = weightsDir;
    options.study = studyOrder;
    options.measureErrors = !report.empty();
    PackResult result;
    if (failed(packWeights(getOperation(), options, result)) ||
        (!report.empty() &&
         failed(writeReport(getOperation(), result, report))))
      signalPassFailure();
  }
};
} // namespace
