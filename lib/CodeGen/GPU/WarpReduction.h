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

/// Replaces `op`, which isForWarps, by the parallel loop over blocks of
/// `threads`: a warp computes an element of the result. Lane l reduces columns
/// l, l + 32, ...; then lanes exchange.
scf::ParallelOp reduceByWarps(linalg::GenericOp op, int64_t threads,
                              RewriterBase &rewriter);

} // namespace mlir::sq::cuda

#endif // SPARSE_QUANT_LIB_CODEGEN_GPU_WARPREDUCTION_H
