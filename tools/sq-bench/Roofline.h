//===- Roofline.h - What the machine can do ---------------------*- C++ -*-===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef SPARSE_QUANT_TOOLS_SQ_BENCH_ROOFLINE_H
#define SPARSE_QUANT_TOOLS_SQ_BENCH_ROOFLINE_H

#include <chrono>
#include <cstdint>

namespace sqbench {

/// Limits that loops of one's own reach. NaN where this CPU has no instruction
/// to measure with.
struct Roofline {
  /// Bytes a second, read from memory that no cache holds.
  double read;
  /// Multiplications and additions a second of dot products of bytes (u8 by s8
  /// into i32), and of f32 FMAs; both with operands in registers.
  double int8, f32;
};

/// Threads as the artifact's OpenMP has them: `threads`, or the environment's.
int getThreadCount(int threads);

/// Eight times the largest cache.
uint64_t getUncachedSize();

/// Measures, or repeats what was measured a few seconds ago. The machine may be
/// shared: a limit is only worth something beside what it is compared with.
const Roofline &getRoofline(int threads);

} // namespace sqbench

#endif // SPARSE_QUANT_TOOLS_SQ_BENCH_ROOFLINE_H
