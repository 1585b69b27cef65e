//===- Commute.h - Masks that commute with a quantizer ----------*- C++ -*-===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef SPARSE_QUANT_DIALECT_SQ_IR_COMMUTE_H
#define SPARSE_QUANT_DIALECT_SQ_IR_COMMUTE_H

namespace mlir {
class RewritePatternSet;
} // namespace mlir

namespace mlir::sq {

/// Class 1 of docs/order.md, exact: a mask that commutes with the quantizer
/// moves in front of it, and the decoded values stay the same bit for bit.
/// Local, without the dataflow analysis, and thus fit for `canonicalize`:
///
///   apply_mask(dequantize(quantize(x)), m) ->
///   dequantize(quantize(apply_mask(x, m))) apply_mask(codes of quantize(x), m)
///   -> codes of quantize(apply_mask(x, m))
void populateCommuteMaskPatterns(RewritePatternSet &patterns);

} // namespace mlir::sq

#endif // SPARSE_QUANT_DIALECT_SQ_IR_COMMUTE_H
