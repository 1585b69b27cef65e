//===- Failure.h - Benchmarks that can't run --------------------*- C++ -*-===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef SPARSE_QUANT_TOOLS_SQ_BENCH_FAILURE_H
#define SPARSE_QUANT_TOOLS_SQ_BENCH_FAILURE_H

#include "llvm/Support/Error.h"

#include <benchmark/benchmark.h>

namespace sqbench {

/// Google Benchmark reports an error and goes on; the program's exit code
/// tells.
inline bool anyFailed = false;

inline void fail(benchmark::State &state, llvm::Error error) {
  anyFailed = true;
  state.SkipWithError(llvm::toString(std::move(error)).c_str());
}

} // namespace sqbench

#endif // SPARSE_QUANT_TOOLS_SQ_BENCH_FAILURE_H
