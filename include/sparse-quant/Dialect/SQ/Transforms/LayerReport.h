//===- LayerReport.h - What became of each layer ----------------*- C++ -*-===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef SPARSE_QUANT_DIALECT_SQ_TRANSFORMS_LAYERREPORT_H
#define SPARSE_QUANT_DIALECT_SQ_TRANSFORMS_LAYERREPORT_H

#include "sparse-quant/Numerics/Error.h"
#include "llvm/ADT/ArrayRef.h"
#include "llvm/Support/JSON.h"

#include <optional>
#include <string>

namespace mlir::sq {

/// One linear layer's weight. Strings are empty where there is nothing to say.
struct LayerReport {
  std::string name;
  int64_t rows = 0, columns = 0;
  /// "nm2:4", or "dense".
  std::string pattern = "dense";
  /// "int8.row", or "f32".
  std::string format = "f32";
  /// The same for the layer's input.
  std::string activationFormat = "f32";
  /// How sparsity came before quantization: "given" unless sq-enforce-order had
  /// to do something; empty where there aren't both.
  std::string order;
  std::string kernel;
  std::string whyDense;
  /// Norms of the weights themselves, what the errors are relative to.
  numerics::Norms weights;
  /// Absent when errors were not measured.
  std::optional<numerics::OrderErrors> errors;
  /// Bytes as f32, and as stored, bitmap and scales included.
  uint64_t denseBytes = 0, storedBytes = 0;

  double getBitsPerWeight() const {
    return rows && columns ? 8.0 * storedBytes / (double(rows) * columns) : 0.0;
  }
  /// ||W - stored W|| / ||W|| in L2; negative if not measured.
  double getRelativeError() const;
};

/// {"name": ..., "errors": {"sparsity": {"l1", "l2", "relative_l1", ...}}, ...}
llvm::json::Value toJSON(const LayerReport &layer);

} // namespace mlir::sq

#endif // SPARSE_QUANT_DIALECT_SQ_TRANSFORMS_LAYERREPORT_H
