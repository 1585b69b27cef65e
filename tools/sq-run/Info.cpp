//===- Info.cpp - sq-run info ---------------------------------------------===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Commands.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/FormatAdapters.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/raw_ostream.h"

#include <algorithm>
#include <cstring>

using namespace llvm;
using namespace sqrun;

static void printFunction(const sq_function_desc &function, raw_ostream &os) {
  os << "function " << function.name << "(";
  ListSeparator separator;
  for (const sq_tensor_desc *input : inputsOf(function)) {
    os << separator << describe(*input, function);
    if (input->bound)
      os << " < " << input->bound;
  }
  os << ") -> (";
  ListSeparator resultSeparator;
  for (uint32_t i = 0; i < function.num_results; ++i)
    os << resultSeparator << describe(function.results[i], function);
  os << ")\n";
  for (uint32_t i = 0; i < function.num_symbols; ++i) {
    const sq_symbol_desc &symbol = function.symbols[i];
    os << "  " << symbol.name << " >= " << symbol.min;
    if (symbol.max)
      os << ", <= " << symbol.max;
    os << "\n";
  }
  if (function.pos_arg >= 0) {
    os << "  " << function.args[function.pos_arg].name << " + ";
    if (function.len_symbol >= 0)
      os << function.symbols[function.len_symbol].name;
    else
      os << function.fixed_len;
    os << " <= " << function.capacity << "\n";
  }
  os << "  starts threads ";
  if (function.parallel_regions < 0)
    os << "as often as its inputs ask for\n";
  else
    os << function.parallel_regions << " times a call at most\n";
}

namespace {
/// Widths of the columns whose contents differ most from model to model.
struct LayerWidths {
  size_t name = 28, format = 12;
};
} // namespace

static void printLayer(const sq_layer_desc &layer, LayerWidths widths,
                       raw_ostream &os) {
  double ratio = layer.packed_bytes
                     ? double(layer.dense_bytes) / double(layer.packed_bytes)
                     : 0;
  os << formatv(
      "  {0} {1,6} x {2,-6} {3,-10} {4} {5,-20} {6,11} B {7,6:F2}x",
      fmt_align(StringRef(layer.name), AlignStyle::Left, widths.name),
      layer.rows, layer.columns, layer.pattern,
      fmt_align(StringRef(layer.format), AlignStyle::Left, widths.format),
      layer.kernel, layer.packed_bytes, ratio);
  if (layer.relative_error >= 0)
    os << formatv("  error {0:F5}", layer.relative_error);
  os << "\n";
  if (layer.cost && *layer.cost)
    os << "      predicted: " << layer.cost << "\n";
  if (*layer.order)
    os << "      order: " << layer.order << "\n";
  if (*layer.why_dense)
    os << "      why: " << layer.why_dense << "\n";
}

/// Nothing for a model for one target.
static void printVariants(const Session &session, raw_ostream &os) {
  std::string whyNot;
  if (!getVariant(session.getApi(), 1, whyNot))
    return;
  os << "variants, from the least to the best; the last that runs here is "
        "taken\n";
  for (uint32_t i = 0;
       const auto *variant = getVariant(session.getApi(), i, whyNot); ++i) {
    os << "  " << left_justify(variant->target_cpu, 16);
    if (!whyNot.empty())
      os << " not here: " << whyNot;
    else
      os << (variant == &session.descriptor() ? " runs here, taken"
                                              : " runs here");
    os << "\n";
  }
}

Error sqrun::runInfo(const SessionOptions &options, raw_ostream &os) {
  auto session = Session::open(options);
  if (!session)
    return session.takeError();
  const sq_artifact_desc &artifact = (*session)->descriptor();
  os << "model " << artifact.model_name << " (ABI " << artifact.abi_version
     << ", by " << artifact.producer << ")\n";
  os << "target " << artifact.target_triple << ", " << artifact.target_cpu;
  if (*artifact.target_features)
    os << ", " << artifact.target_features;
  os << "\n";
  printVariants(**session, os);
  os << "weights " << artifact.weights_size << " bytes, data hash "
     << format_hex_no_prefix(artifact.weights_data_hash, 16)
     << (artifact.embedded_weights ? ", embedded" : "") << "\n";
  for (uint32_t i = 0; i < artifact.num_functions; ++i)
    printFunction(artifact.functions[i], os);
  for (uint32_t i = 0; i < artifact.num_states; ++i) {
    const sq_state_desc &state = artifact.states[i];
    HostTensor shape;
    shape.dtype = {state.type_code, state.bits, state.lanes};
    shape.shape.assign(state.shape, state.shape + state.rank);
    os << "state " << state.name << ": " << shape.describe() << "\n";
  }
  if (artifact.num_layers)
    os << "layers: rows x columns, pattern, format, kernel, packed bytes, "
          "ratio to f32\n";
  LayerWidths widths;
  for (uint32_t i = 0; i < artifact.num_layers; ++i) {
    widths.name = std::max(widths.name, strlen(artifact.layers[i].name));
    widths.format = std::max(widths.format, strlen(artifact.layers[i].format));
  }
  uint64_t dense = 0, packed = 0;
  for (uint32_t i = 0; i < artifact.num_layers; ++i) {
    printLayer(artifact.layers[i], widths, os);
    dense += artifact.layers[i].dense_bytes;
    packed += artifact.layers[i].packed_bytes;
  }
  if (packed)
    os << formatv("all layers: {0} B packed, {1:F2}x smaller than f32\n",
                  packed, double(dense) / double(packed));
  return Error::success();
}
