//===- PackWeights.h - Evaluate weights, write the weight file --*- C++ -*-===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The weight file: entries NAME.payload, NAME.bitmap (or .positions,
// .metadata), NAME.scale and NAME.tensor_scale, those that its format has, for
// a packed layer NAME, and dense entries under their own names for everything
// else.
//
//===----------------------------------------------------------------------===//
#ifndef SPARSE_QUANT_DIALECT_SQ_TRANSFORMS_PACKWEIGHTS_H
#define SPARSE_QUANT_DIALECT_SQ_TRANSFORMS_PACKWEIGHTS_H

#include "mlir/IR/BuiltinOps.h"
#include "sparse-quant/Dialect/SQ/IR/SQ.h"
#include "sparse-quant/Dialect/SQ/Transforms/LayerReport.h"
#include "sparse-quant/Support/DType.h"

#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace mlir::sq {

/// What is stored for a layer that is masked and quantized. All but None store
/// dense f32: the study compares them on equal kernels.
enum class StudyOrder {
  None,
  SparsityFirst,
  QuantizationFirst,
  Sparsity,
  Quantization
};

/// A layer whose weights, [rows, cols], are to be packed.
struct LayoutRequest {
  numerics::Format weights;
  /// Absent for dense weights.
  std::optional<numerics::Pattern> pattern;
  /// Whether `pattern` says how many weights are kept: not of a given mask.
  bool isDensityKnown = true;
  /// Absent for floats, whose type is then `input`: f32, f16 or bf16.
  std::optional<numerics::Format> activations;
  DType input = DType::F32;
  int64_t rows = 0, cols = 0;
  /// Of each product with the weights, rows of activations; absent where their
  /// number is dynamic.
  SmallVector<std::optional<int64_t>> inputs;
};

struct LayoutChoice {
  Layout layout = Layout::Rows;
  /// Why the weights are stored with zeros in place of what the pattern drops;
  /// "" if dropped weights aren't stored.
  std::string whyStoredDense;
  /// Of weights in 16 bits, which are stored as they are where they aren't
  /// packed: why; "" if there is nothing to say.
  std::string whyNotPacked;
  /// Whether codes of activations are multiplied in 16 bits: as f16 (sq.widen),
  /// or, if their scales are powers of two, as bf16 that hold their values.
  bool widensInput = false;
};

using LayoutChooser = std::function<LayoutChoice(const LayoutRequest &layer)>;

struct PackOptions {
  /// Path of the weight file.
  std::string output;
  /// What the sources of parameters are relative to.
  std::string weightsDir;
  StudyOrder study = StudyOrder::None;
  /// Null packs in rows.
  LayoutChooser chooseLayout;
  /// Measuring quantizes every layer four times more.
  bool measureErrors = true;
};

struct PackResult {
  std::vector<LayerReport> layers;
  /// What sq_artifact_desc holds about the file.
  uint64_t size = 0, headerHash = 0, dataHash = 0;
};

/// See the pass sq-pack-weights. The file appears only on success; errors are
/// diagnostics.
LogicalResult packWeights(ModuleOp module, const PackOptions &options,
                          PackResult &result);

/// Writes `result` as a JSON report (docs/report.md). `origin` is what the
/// report says first: who compiled which model for what.
LogicalResult writeReport(ModuleOp module, const PackResult &result,
                          StringRef path, llvm::json::Object origin = {});

} // namespace mlir::sq

#endif // SPARSE_QUANT_DIALECT_SQ_TRANSFORMS_PACKWEIGHTS_H
