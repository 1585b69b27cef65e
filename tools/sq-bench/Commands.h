//===- Commands.h - What sq-bench's subcommands measure ---------*- C++ -*-===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Each function registers benchmarks with Google Benchmark, which main() runs.
//
//===----------------------------------------------------------------------===//
#ifndef SPARSE_QUANT_TOOLS_SQ_BENCH_COMMANDS_H
#define SPARSE_QUANT_TOOLS_SQ_BENCH_COMMANDS_H

#include "llvm/Support/Error.h"

#include <cstdint>
#include <string>
#include <vector>

namespace sqbench {

struct KernelOptions {
  /// "NxK", outputs by inputs.
  std::vector<std::string> shapes;
  /// Formats, or "f32".
  std::vector<std::string> weights;
  /// Patterns, or "dense".
  std::vector<std::string> patterns;
  /// Formats, or "f32".
  std::vector<std::string> activations;
  /// Rows of activations.
  std::vector<int64_t> m;
  std::string target;
  /// As in sq-compile; "" lets the compiler choose.
  std::string preferKernel;
  /// Where compiled layers are kept and looked for; "" for a temporary folder.
  std::string artifacts;
  /// Bytes that the copies of a layer have together; 0 chooses.
  uint64_t workingSet = 0;
  int threads = 0;
};
/// `sq-bench kernels`: linear layers, each compiled to an artifact.
llvm::Error registerKernels(const KernelOptions &options);

struct ModelOptions {
  std::string model;
  /// Tokens of a prompt.
  std::vector<int64_t> prompt;
  /// How many tokens decode writes, from the position on that `depth` says.
  int64_t decode = 0, depth = 0;
  int threads = 0;
};
/// `sq-bench model`: a language model's prefill and decode.
llvm::Error registerModel(const ModelOptions &options);

/// `sq-bench numerics`: encoders, masks and packers of lib/Numerics.
void registerNumerics();

/// `sq-bench roofline`: what this machine can do.
void registerRoofline(int threads);

} // namespace sqbench

#endif // SPARSE_QUANT_TOOLS_SQ_BENCH_COMMANDS_H
