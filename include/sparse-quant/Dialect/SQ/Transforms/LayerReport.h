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
#include <vector>

namespace mlir::sq {

/// One linear layer's weight; docs/report.md explains every field. Strings are
/// empty where there is nothing to say.
struct LayerReport {
  std::string name;
  int64_t rows = 0, columns = 0;
  /// "nm2:4", or "dense".
  std::string pattern = "dense";
  /// "magnitude", "wanda", "scores", or "given".
  std::string criterion;
  /// "int8.row", or "f32".
  std::string format = "f32";
  /// The same for the layer's input.
  std::string activationFormat = "f32";
  /// How sparsity came before quantization: "given" unless sq-enforce-order had
  /// to do something; empty where there aren't both.
  std::string order;
  /// What computes it; where functions differ, all names, joined by "+".
  std::string kernel;
  /// The same function by function, with the predictions of
  /// sq-select-kernels.
  struct Prediction {
    int64_t inputs = 0, ns = 0;
    std::string bound;
  };
  struct Use {
    std::string function, kernel;
    /// Rows of activations from which on it is `kernel`; fewer go to the
    /// kernel for few that the table has beside it.
    std::optional<int64_t> manyInputs;
    std::vector<Prediction> predicted;
  };
  std::vector<Use> uses;
  /// Why a faster kernel of the table didn't fit.
  std::string whyNotFaster;
  std::string whyDense;
  /// Why a packed layer's dropped weights are stored as zeros.
  std::string whyStoredDense;
  /// What the weight holds and the mask does; absent when not measured.
  struct Counts {
    int64_t zeros = 0, kept = 0, droppedNonzeros = 0;
  };
  std::optional<Counts> counts;
  /// Norms of the weights themselves, what the errors are relative to.
  numerics::Norms weights;
  /// Absent when errors were not measured.
  std::optional<numerics::OrderErrors> errors;
  /// Bytes as f32, and as stored.
  uint64_t denseBytes = 0, payloadBytes = 0, bitmapBytes = 0, scaleBytes = 0;
  /// Bytes of an f32 copy that other ops read; not part of the layer.
  uint64_t copyBytes = 0;

  uint64_t getStoredBytes() const {
    return payloadBytes + bitmapBytes + scaleBytes;
  }
  /// The one of the three reasons that a reader needs first.
  std::string getNote() const {
    if (!whyDense.empty())
      return whyDense;
    return whyStoredDense.empty() ? whyNotFaster
                                  : "stored dense: " + whyStoredDense;
  }
  double getBitsPerWeight() const {
    return rows && columns
               ? 8.0 * double(getStoredBytes()) / (double(rows) * columns)
               : 0.0;
  }
  /// ||W - stored W|| / ||W|| in L2; negative if not measured.
  double getRelativeError() const;
};

/// An object of docs/report.md's list `layers`.
llvm::json::Value toJSON(const LayerReport &layer);

} // namespace mlir::sq

#endif // SPARSE_QUANT_DIALECT_SQ_TRANSFORMS_LAYERREPORT_H
