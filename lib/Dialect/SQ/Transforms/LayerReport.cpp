//===- LayerReport.cpp - What became of each layer, as JSON ---------------===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "sparse-quant/Dialect/SQ/Transforms/LayerReport.h"

using namespace mlir::sq;
namespace json = llvm::json;

static double relative(double part, double whole) {
  return whole > 0.0 ? part / whole : 0.0;
}

double LayerReport::getRelativeError() const {
  return errors ? relative(errors->sparsityFirst.l2, weights.l2) : -1.0;
}

json::Value mlir::sq::toJSON(const LayerReport &layer) {
  auto normsToJSON = [&](const numerics::Norms &norms) {
    return json::Object{{"l1", norms.l1},
                        {"l2", norms.l2},
                        {"relative_l1", relative(norms.l1, layer.weights.l1)},
                        {"relative_l2", relative(norms.l2, layer.weights.l2)}};
  };
  json::Object object{
      {"name", layer.name},
      {"shape", json::Array{layer.rows, layer.columns}},
      {"pattern", layer.pattern},
      {"format", layer.format},
      {"activation_format", layer.activationFormat},
      {"order", layer.order},
      {"kernel", layer.kernel},
      {"why_dense", layer.whyDense},
      {"dense_bytes", int64_t(layer.denseBytes)},
      {"stored_bytes", int64_t(layer.storedBytes)},
      {"bits_per_weight", layer.getBitsPerWeight()},
  };
  if (const auto &errors = layer.errors) {
    json::Object measured{
        {"sparsity", normsToJSON(errors->sparsity)},
        {"quantization", normsToJSON(errors->quantization)},
        {"sparsity_first", normsToJSON(errors->sparsityFirst)},
        {"quantization_first", normsToJSON(errors->quantizationFirst)},
        {"threshold", normsToJSON(errors->threshold)},
        {"swapped", errors->swapped},
    };
    // The bound holds for uniform bins only.
    if (errors->swapBound >= 0.0)
      measured["swap_bound"] = errors->swapBound;
    object["errors"] = std::move(measured);
  }
  return object;
}
