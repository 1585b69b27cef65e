//===- CPUFacts.h - What a cost model asks of a CPU -------------*- C++ -*-===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Numbers, for one CPU after the other (CPUFacts.cpp, with where each is from).
// They decide which of two kernels is expected to be faster, not whether code
// is right.
//
//===----------------------------------------------------------------------===//
#ifndef SPARSE_QUANT_TARGET_CPUFACTS_H
#define SPARSE_QUANT_TARGET_CPUFACTS_H

#include "llvm/ADT/StringRef.h"
#include <cstdint>

namespace mlir::sq {

struct CPUFacts {
  /// Caches: first-level data, second level, and a core's share of the third.
  int64_t l1Bytes = 0, l2Bytes = 0, l3Bytes = 0;
  /// Cores that a product runs on.
  int64_t cores = 0;
  int64_t frequencyMHz = 0;
  /// What one core reads from memory, and all of them together: MB/s.
  int64_t coreReadMBs = 0, readMBs = 0;
  /// Of a core in a cycle, a multiplication and its addition being two: int8
  /// dot products as kernels spell them for the CPU (ByteISA.h), and f32 FMAs.
  int64_t int8Ops = 0, f32Ops = 0;
  /// Cycles that it takes to spread 64 nibbles over a vector by a bitmap,
  /// beyond what kernels' rows have for it; bytes take half of that.
  int64_t expandCycles = 0;

  bool operator==(const CPUFacts &) const = default;
};

/// Of the CPU with LLVM's name `cpu`; of the slowest that has such vectors if
/// it isn't known.
CPUFacts getCPUFacts(llvm::StringRef cpu, unsigned f32Lanes);

} // namespace mlir::sq

#endif // SPARSE_QUANT_TARGET_CPUFACTS_H
