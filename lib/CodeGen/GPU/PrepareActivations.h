//===- PrepareActivations.h - Activations as tensor cores take them -*- C++
//-*-===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef SPARSE_QUANT_LIB_CODEGEN_GPU_PREPAREACTIVATIONS_H
#define SPARSE_QUANT_LIB_CODEGEN_GPU_PREPAREACTIVATIONS_H

#include "DeviceBuilder.h"

namespace mlir::sq::cuda {

/// Activations, [tokens, cols], as the host sees them; `stride` in elements.
struct Activations {
  Value address, stride, tokens;
  int64_t cols = 0, paddedCols = 0;
  /// Of a code, each of which has a byte in memory; 16 of a half.
  unsigned bits = 8;
  /// Of floats that are integers in disguise (NUM-F14), bits of the fraction;
  /// absent for integers.
  std::optional<unsigned> fraction;
};

/// Launches a kernel that writes f32 as the sum of three bf16 each, to
/// [3][tokens][paddedCols] at `to`: hi + mid + lo is x, as 24 bits are three
/// times eight, unless the last underflows; NaN where x isn't finite in bf16.
/// Zeros behind the last column.
void emitSplit(ImplicitLocOpBuilder &b, const Activations &from, Value to);

/// Launches a kernel that copies codes to [tokens][paddedCols] bytes at `to`,
/// sign-extended, or the integers that they stand for, with zeros behind the
/// last column.
void emitPad(ImplicitLocOpBuilder &b, const Activations &from, Value to);

} // namespace mlir::sq::cuda

#endif // SPARSE_QUANT_LIB_CODEGEN_GPU_PREPAREACTIVATIONS_H
