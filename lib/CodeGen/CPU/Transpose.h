//===- Transpose.h - Transpose vectors in registers -------------*- C++ -*-===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef SPARSE_QUANT_LIB_CODEGEN_CPU_TRANSPOSE_H
#define SPARSE_QUANT_LIB_CODEGEN_CPU_TRANSPOSE_H

#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"

namespace mlir::sq::cpu {

/// Columns of the matrix whose rows are `rows`, as many as there are rows.
/// After a step of width w, blocks of w x w are transposed.
inline SmallVector<Value> transpose(ImplicitLocOpBuilder &b,
                                    SmallVector<Value> rows) {
  int64_t size = rows.size();
  for (int64_t width = 1; width < size; width *= 2) {
    SmallVector<int64_t> low, high;
    for (int64_t lane = 0; lane < size; ++lane) {
      bool isSecond = lane & width;
      low.push_back(isSecond ? size + lane - width : lane);
      high.push_back(isSecond ? size + lane : lane + width);
    }
    for (int64_t i = 0; i < size; ++i) {
      if (i & width)
        continue;
      Value first = rows[i], second = rows[i + width];
      rows[i] = vector::ShuffleOp::create(b, first, second, low);
      rows[i + width] = vector::ShuffleOp::create(b, first, second, high);
    }
  }
  return rows;
}

} // namespace mlir::sq::cpu

#endif // SPARSE_QUANT_LIB_CODEGEN_CPU_TRANSPOSE_H
