//===- WarpReduction.h - Sums of rows, by warps -----------------*- C++ -*-===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef SPARSE_QUANT_LIB_CODEGEN_GPU_WARPREDUCTION_H
#define SPARSE_QUANT_LIB_CODEGEN_GPU_WARPREDUCTION_H

#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/PatternMatch.h"

namespace mlir::sq::cuda {

/// Whether the lanes of a warp can share the reduction of `op`, and read
/// neighbors if they do: one reduction, the innermost loop, along rows of each
/// operand that has it, to 32 bits, by an operation with a neutral element.
/// Rows that are known to be shorter than a warp are left to one thread.
bool isForWarps(linalg::GenericOp op);

/// Replaces `op`, which isForWarps, by the parallel loop over blocks of
/// `threads`: a warp computes an element of the result. Lane l reduces columns
/// l, l + 32, ...; then lanes exchange.
scf::ParallelOp reduceByWarps(linalg::GenericOp op, int64_t threads,
                              RewriterBase &rewriter);

} // namespace mlir::sq::cuda

#endif // SPARSE_QUANT_LIB_CODEGEN_GPU_WARPREDUCTION_H
