//===- RowKernel.h - Ops row by row, a block of threads each ----*- C++ -*-===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef SPARSE_QUANT_LIB_CODEGEN_GPU_ROWKERNEL_H
#define SPARSE_QUANT_LIB_CODEGEN_GPU_ROWKERNEL_H

#include "LoopBody.h"
#include "sparse-quant/CodeGen/GPU/Passes.h"

namespace mlir::sq::cuda {

/// Whether a block of threads can compute what `op`, whose loops are sorted,
/// computes for one index of each of its first `rows` loops.
bool isRowOp(linalg::GenericOp op, unsigned rows);

/// Replaces `ops` by a launch at the last of them, of a block of threads for
/// each index of `rows`, the extents of their first loops. Threads share the
/// other loops; between two ops they wait for each other.
void emitRowKernel(ArrayRef<linalg::GenericOp> ops, ArrayRef<OpFoldResult> rows,
                   RewriterBase &rewriter);

} // namespace mlir::sq::cuda

#endif // SPARSE_QUANT_LIB_CODEGEN_GPU_ROWKERNEL_H
