//===- Summary.cpp - What became of the layers, for a terminal ------------===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "sparse-quant/Pipelines/Summary.h"
#include "llvm/ADT/MapVector.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/Support/FormatVariadic.h"

#include <algorithm>

using namespace mlir;
using namespace mlir::sq;

/// "model.layers.3.mlp.up_proj" -> "model.layers.*.mlp.up_proj".
static std::string getKind(StringRef name) {
  SmallVector<StringRef> parts;
  name.split(parts, '.');
  for (StringRef &part : parts)
    if (!part.empty() && llvm::all_of(part, llvm::isDigit))
      part = "*";
  return llvm::join(parts, ".");
}

namespace {
struct Row {
  std::string kind, shape, pattern, format, kernel, note;
  size_t layers = 0;
  uint64_t weights = 0, bytes = 0;
  double leastError = 0.0, largestError = 0.0;

  std::string getError() const {
    if (largestError <= 0.0)
      return "";
    // What the layers have in common; a range where that is nothing.
    std::string least = llvm::formatv("{0:F4}", leastError),
                largest = llvm::formatv("{0:F4}", largestError);
    return least == largest ? least : least + "-" + largest;
  }
};
} // namespace

static Row makeRow(const LayerReport &layer) {
  Row row;
  row.kind = getKind(layer.name);
  row.shape = llvm::formatv("{0}x{1}", layer.rows, layer.columns);
  row.pattern = layer.pattern;
  row.format = layer.format;
  if (layer.activationFormat != "f32")
    row.format += " x " + layer.activationFormat;
  row.kernel = layer.kernel;
  row.note = layer.getNote();
  return row;
}

void mlir::sq::printSummary(ArrayRef<LayerReport> layers,
                            llvm::raw_ostream &os) {
  if (layers.empty())
    return;
  llvm::MapVector<std::string, Row, llvm::StringMap<unsigned>> rows;
  uint64_t dense = 0, stored = 0;
  for (const LayerReport &layer : layers) {
    Row made = makeRow(layer);
    std::string key =
        llvm::join_items('\0', made.kind, made.shape, made.pattern, made.format,
                         made.kernel, made.note);
    Row &row = rows.try_emplace(key, made).first->second;
    double error = layer.getRelativeError();
    row.leastError = row.layers ? std::min(row.leastError, error) : error;
    row.largestError = row.layers ? std::max(row.largestError, error) : error;
    ++row.layers;
    row.weights += uint64_t(layer.rows) * layer.columns;
    row.bytes += layer.getStoredBytes();
    dense += layer.denseBytes;
    stored += layer.getStoredBytes();
  }

  size_t kind = 6, shape = 5, pattern = 7, format = 6, kernel = 6;
  for (const auto &[key, row] : rows) {
    kind = std::max(kind, row.kind.size());
    shape = std::max(shape, row.shape.size());
    pattern = std::max(pattern, row.pattern.size());
    format = std::max(format, row.format.size());
    kernel = std::max(kernel, row.kernel.size());
  }
  auto print = [&](StringRef kindText, StringRef count, StringRef shapeText,
                   StringRef patternText, StringRef formatText,
                   StringRef kernelText, StringRef bits, StringRef error) {
    std::string line;
    llvm::raw_string_ostream(line)
        << llvm::left_justify(kindText, kind) << llvm::right_justify(count, 7)
        << "  " << llvm::left_justify(shapeText, shape) << "  "
        << llvm::left_justify(patternText, pattern) << "  "
        << llvm::left_justify(formatText, format) << "  "
        << llvm::left_justify(kernelText, kernel)
        << llvm::right_justify(bits, 12) << "  " << error;
    os << StringRef(line).rtrim() << "\n";
  };
  print("layers", "number", "shape", "pattern", "format", "kernel",
        "bits/weight", "error");
  for (const auto &[key, row] : rows) {
    double bits =
        row.weights ? 8.0 * double(row.bytes) / double(row.weights) : 0.0;
    print(row.kind, std::to_string(row.layers), row.shape, row.pattern,
          row.format, row.kernel, llvm::formatv("{0:F2}", bits).str(),
          row.getError());
    if (!row.note.empty())
      os << "  " << row.note << "\n";
  }
  os << llvm::formatv("{0} layers: {1} bytes instead of {2} in f32, {3:F2}x "
                      "smaller\n",
                      layers.size(), stored, dense,
                      stored ? double(dense) / double(stored) : 1.0);
}
