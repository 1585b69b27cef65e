//===- DotKernel.h - Blocks of vector dot products --------------*- C++ -*-===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef SPARSE_QUANT_LIB_CODEGEN_CPU_DOTKERNEL_H
#define SPARSE_QUANT_LIB_CODEGEN_CPU_DOTKERNEL_H

#include "mlir/IR/ImplicitLocOpBuilder.h"

namespace mlir::sq::cpu {

/// A block of rows of the weights, all of the same extent.
struct WeightBlock {
  /// memref<?xEXTENTxf32>, f16 or bf16, innermost stride 1.
  Value matrix;
  /// Index of each row.
  SmallVector<Value> rows;
};

/// out[m, columns[j]] += sum over k < extent of input[m, k] * rows[j][k] for
/// all m < input.dim(0): blocks of input rows first, then single rows. `input`
/// may have any extent M; its rows are contiguous.
void emitDotProducts(ImplicitLocOpBuilder &builder, Value input,
                     const WeightBlock &weights, Value out,
                     ArrayRef<Value> columns, int64_t extent, int64_t lanes);

} // namespace mlir::sq::cpu

#endif // SPARSE_QUANT_LIB_CODEGEN_CPU_DOTKERNEL_H
