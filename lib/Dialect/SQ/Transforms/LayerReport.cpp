//===- LayerReport.cpp - What became of each layer, as JSON ---------------===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "sparse-quant/Dialect/SQ/Transforms/LayerReport.h"

#include <cmath>

using namespace mlir::sq;
namespace json = llvm::json;

static double relative(double part, double whole) {
  return whole > 0.0 ? part / whole : 0.0;
}

double LayerReport::getRelativeError() const {
  return errors ? relative(errors->sparsityFirst.l2, weights.l2) : -1.0;
}

/// JSON has no infinities; a weight may.
static json::Value number(double value) {
  return std::isfinite(value) ? json::Value(value) : json::Value(nullptr);
}

static json::Object normsToJSON(const numerics::Norms &norms,
                                const numerics::Norms &whole) {
  return json::Object{{"l1", number(norms.l1)},
                      {"l2", number(norms.l2)},
                      {"relative_l1", number(relative(norms.l1, whole.l1))},
                      {"relative_l2", number(relative(norms.l2, whole.l2))}};
}

static json::Object errorsToJSON(const numerics::OrderErrors &errors,
                                 const numerics::Norms &whole) {
  json::Object object{
      {"sparsity", normsToJSON(errors.sparsity, whole)},
      {"quantization", normsToJSON(errors.quantization, whole)},
      {"sparsity_first", normsToJSON(errors.sparsityFirst, whole)},
      {"quantization_first", normsToJSON(errors.quantizationFirst, whole)},
      {"threshold", normsToJSON(errors.threshold, whole)},
      {"swapped", errors.swapped},
  };
  // The bound holds for uniform bins only.
  if (errors.swapBound >= 0.0)
    object["swap_bound"] = number(errors.swapBound);
  return object;
}

static json::Array usesToJSON(const LayerReport &layer) {
  json::Array uses;
  for (const LayerReport::Use &use : layer.uses) {
    json::Array predicted;
    for (const LayerReport::Prediction &cost : use.predicted)
      predicted.push_back(json::Object{
          {"inputs", cost.inputs}, {"ns", cost.ns}, {"bound", cost.bound}});
    json::Object object{{"function", use.function},
                        {"kernel", use.kernel},
                        {"predicted", std::move(predicted)}};
    if (use.manyInputs)
      object["many_inputs"] = *use.manyInputs;
    uses.push_back(std::move(object));
  }
  return uses;
}

json::Value mlir::sq::toJSON(const LayerReport &layer) {
  json::Object object{
      {"name", layer.name},
      {"shape", json::Array{layer.rows, layer.columns}},
      {"pattern", layer.pattern},
      {"criterion", layer.criterion},
      {"format", layer.format},
      {"activation_format", layer.activationFormat},
      {"order", layer.order},
      {"kernel", layer.kernel},
      {"uses", usesToJSON(layer)},
      {"why_not_faster", layer.whyNotFaster},
      {"why_dense", layer.whyDense},
      {"why_stored_dense", layer.whyStoredDense},
      {"dense_bytes", int64_t(layer.denseBytes)},
      {"stored_bytes", int64_t(layer.getStoredBytes())},
      {"payload_bytes", int64_t(layer.payloadBytes)},
      {"bitmap_bytes", int64_t(layer.bitmapBytes)},
      {"scale_bytes", int64_t(layer.scaleBytes)},
      {"copy_bytes", int64_t(layer.copyBytes)},
      {"bits_per_weight", layer.getBitsPerWeight()},
  };
  if (const auto &counts = layer.counts) {
    object["source_zeros"] = counts->zeros;
    object["kept"] = counts->kept;
    object["dropped_nonzeros"] = counts->droppedNonzeros;
  }
  if (layer.errors) {
    object["weight_norms"] = json::Object{{"l1", number(layer.weights.l1)},
                                          {"l2", number(layer.weights.l2)}};
    object["errors"] = errorsToJSON(*layer.errors, layer.weights);
  }
  return object;
}
