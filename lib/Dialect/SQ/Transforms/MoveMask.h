//===- MoveMask.h - Move a mask in front of a quantizer ---------*- C++ -*-===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef SQ_LIB_DIALECT_SQ_TRANSFORMS_MOVEMASK_H
#define SQ_LIB_DIALECT_SQ_TRANSFORMS_MOVEMASK_H

#include "Realize.h"
#include "sparse-quant/Dialect/SQ/IR/SQ.h"

namespace mlir::sq {

/// Replaces `op`, which masks quantized values, by values that were masked and
/// then quantized. The mask is carried back through the ops between quantizer
/// and mask, so that scale groups stay what they were; where it can't be
/// (regions, calls, broadcasts), the real values are brought here instead and
/// quantized again in the same way. On failure the realizer or `reason` says
/// why, and `op` still stands.
LogicalResult moveMaskBeforeQuantizer(ApplyMaskOp op, Operation *root,
                                      Realizer &realizer, IRRewriter &rewriter,
                                      std::string &reason);

} // namespace mlir::sq

#endif // SQ_LIB_DIALECT_SQ_TRANSFORMS_MOVEMASK_H
