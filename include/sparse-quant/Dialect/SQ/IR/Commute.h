//===- Commute.h - Masks that commute with a quantizer ----------*- C++ -*-===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef SPARSE_QUANT_DIALECT_SQ_IR_COMMUTE_H
#define SPARSE_QUANT_DIALECT_SQ_IR_COMMUTE_H

#include "sparse-quant/Numerics/Format.h"

namespace mlir {
class RewritePatternSet;
} // namespace mlir

namespace mlir::sq {

class MaskOp;

/// NUM-S7 in the IR: whether `mask` is a magnitude mask that takes from no
/// scale group along `axis` (nonnegative) its largest element without taking
/// everything. `mask` and the groups are those of one tensor.
bool maskKeepsGroupMax(MaskOp mask, const numerics::Format &format,
                       int64_t axis);

/// Whether masking before a quantizer gives the zeros that masking after it
/// does. A format with a zero point has no code that is always 0, and computes
/// its range from the smallest and the largest value; but under static scales
/// 0.0 is decoded to 0.0 exactly, so that only masked *codes* differ.
bool zeroIsKept(const numerics::Format &format, bool isStatic, bool masksCodes);

/// Class 1 of docs/order.md, exact: a mask that commutes with the quantizer
/// moves in front of it, and the decoded values stay the same bit for bit.
/// (Finite ones, that is: in an `mx` block with an infinity all decoded values
/// are NaN, and a mask applied before can't make zeros of them.)
/// Local, without the dataflow analysis, and thus fit for `canonicalize`:
///
///   apply_mask(dequantize(quantize(x)), m)
///     -> dequantize(quantize(apply_mask(x, m)))
///   apply_mask(codes of quantize(x), m)
///     -> codes of quantize(apply_mask(x, m))
void populateCommuteMaskPatterns(RewritePatternSet &patterns);

} // namespace mlir::sq

#endif // SPARSE_QUANT_DIALECT_SQ_IR_COMMUTE_H
