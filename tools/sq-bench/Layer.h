//===- Layer.h - One linear layer, compiled ---------------------*- C++ -*-===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef SPARSE_QUANT_TOOLS_SQ_BENCH_LAYER_H
#define SPARSE_QUANT_TOOLS_SQ_BENCH_LAYER_H

#include "Session.h"

#include <map>
#include <optional>

namespace sqbench {

/// What to compile; the texts are those of recipes, or "f32" and "dense".
struct LayerSpec {
  int64_t rows = 0, cols = 0;
  std::string weights, pattern, activations;

  bool isDense() const { return pattern == "dense"; }
  /// "16384x14336/int4.g64.f16/nm2:4/int8.row".
  std::string name() const;
};

/// Compiles `y = x * W^T` for random weights to `folder`/layer.so, with the
/// functions of models: `decode` for one row of x, `prefill` for any number.
/// `preferKernel` as in sq-compile. Returns the seconds that the compiler took.
llvm::Expected<double> compileLayer(const LayerSpec &spec,
                                    llvm::StringRef target,
                                    llvm::StringRef preferKernel,
                                    llvm::StringRef folder);

/// A compiled layer, opened several times on copies of its weights, so that
/// calls that take turns find none of them in a cache.
class OpenLayer {
public:
  static llvm::Expected<std::unique_ptr<OpenLayer>>
  open(llvm::StringRef folder, uint64_t workingSet, int threads);

  /// One product with the next copy. The first call for a number of rows makes
  /// inputs and results and calls every copy once.
  llvm::Error call(int64_t rows);

  const sq_layer_desc *layer() const;
  /// Microseconds that the compiler expects of a call, on all cores; NaN where
  /// it says nothing of so many rows.
  double getPrediction(int64_t rows) const;
  size_t numCopies() const { return sessions.size(); }

private:
  llvm::Error prepare(int64_t rows);

  std::vector<std::unique_ptr<sqrun::Session>> sessions;
  std::vector<const sq_function_desc *> functions;
  std::vector<sqrun::HostTensor> inputs, results;
  std::map<int64_t, double> predictions;
  size_t next = 0;
  int64_t preparedRows = 0;
};

} // namespace sqbench

#endif // SPARSE_QUANT_TOOLS_SQ_BENCH_LAYER_H
