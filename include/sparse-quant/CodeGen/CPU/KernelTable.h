//===- KernelTable.h - Which kernels exist, and what each can do -*- C++
//-*-===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Kernels as data. A row says what it needs; `selectKernel` takes the first
// row that fits, and the last row fits everything. Adding a kernel is adding a
// row and a generator.
//
//===----------------------------------------------------------------------===//
#ifndef SPARSE_QUANT_CODEGEN_CPU_KERNELTABLE_H
#define SPARSE_QUANT_CODEGEN_CPU_KERNELTABLE_H

#include "sparse-quant/Dialect/SQ/IR/SQ.h"
#include <string>

namespace mlir::sq::cpu {

/// Decodes a block of packed rows to f32, then vector dot products.
inline constexpr StringRef kDecodeRows = "cpu.decode-rows";
/// convert-sq-to-linalg: slow, and right for every legal combination.
inline constexpr StringRef kReference = "cpu.reference";

struct KernelChoice {
  StringRef kernel;
  /// Why no earlier row of the table fits; "" for the first row.
  std::string whyNotBetter;
};

KernelChoice selectKernel(MatmulOp op, unsigned lanes);

/// "" if `kernel` may compute `op`, otherwise the reason why not.
std::string checkKernel(StringRef kernel, MatmulOp op, unsigned lanes);

} // namespace mlir::sq::cpu

#endif // SPARSE_QUANT_CODEGEN_CPU_KERNELTABLE_H
