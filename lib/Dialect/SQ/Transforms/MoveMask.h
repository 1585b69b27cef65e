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

/// What became of the scales when a mask moved.
enum class MovedScales { Tightened, Kept };

/// Lets `op`, an sq.apply_mask or sq.pack of quantized values, have values that
/// were masked and then quantized. The mask is carried back through the ops
/// between quantizer and mask, so that scale groups stay what they were; where
/// it can't be (regions, calls, broadcasts), the real values are brought here
/// instead and quantized again in the same way. On failure the realizer says
/// why, and `op` still stands.
FailureOr<MovedScales> moveMaskBeforeQuantizer(Operation *op, Operation *root,
                                               Realizer &realizer,
                                               IRRewriter &rewriter);

} // namespace mlir::sq

#endif // SQ_LIB_DIALECT_SQ_TRANSFORMS_MOVEMASK_H
