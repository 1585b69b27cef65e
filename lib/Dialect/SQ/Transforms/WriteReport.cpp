//===- WriteReport.cpp - The report of a model ----------------------------===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "mlir/IR/Diagnostics.h"
#include "sparse-quant/Dialect/SQ/Transforms/PackWeights.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/ToolOutputFile.h"

using namespace mlir;
using namespace mlir::sq;
namespace json = llvm::json;

static json::Object makeTotals(ArrayRef<LayerReport> layers) {
  uint64_t dense = 0, stored = 0, copies = 0;
  int64_t packed = 0, sparse = 0;
  for (const LayerReport &layer : layers) {
    dense += layer.denseBytes;
    stored += layer.getStoredBytes();
    copies += layer.copyBytes;
    packed += layer.whyDense.empty();
    sparse += layer.pattern != "dense";
  }
  return json::Object{{"layers", int64_t(layers.size())},
                      {"packed", packed},
                      {"sparse", sparse},
                      {"dense_bytes", int64_t(dense)},
                      {"stored_bytes", int64_t(stored)},
                      {"copy_bytes", int64_t(copies)}};
}

LogicalResult mlir::sq::writeReport(ModuleOp module, const PackResult &result,
                                    StringRef path, json::Object origin) {
  std::error_code code;
  llvm::ToolOutputFile file(path, code, llvm::sys::fs::OF_None);
  if (code)
    return module.emitError()
           << "cannot write the report '" << path << "': " << code.message();
  json::Array layers;
  for (const LayerReport &layer : result.layers)
    layers.push_back(toJSON(layer));
  json::Object report = std::move(origin);
  report["version"] = 1;
  report["weights"] = json::Object{
      {"bytes", int64_t(result.size)},
      {"header_hash", llvm::utohexstr(result.headerHash, true, 16)},
      {"data_hash", llvm::utohexstr(result.dataHash, true, 16)}};
  report["totals"] = makeTotals(result.layers);
  report["layers"] = std::move(layers);
  file.os() << llvm::formatv("{0:2}\n", json::Value(std::move(report)));
  file.os().flush();
  if (file.os().has_error()) {
    code = file.os().error();
    file.os().clear_error();
    return module.emitError()
           << "cannot write the report '" << path << "': " << code.message();
  }
  file.keep();
  return success();
}
