//===- Raise.h - Foreign spellings to sq ops --------------------*- C++ -*-===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Patterns that recognize masks and quantizers in the spelling of others, a
// family each. docs/raise.md has what they take for what, and what they leave.
//
// Run them without folding: upstream folds quant.dcast(quant.qcast(x)) to x.
//
//===----------------------------------------------------------------------===//
#ifndef SPARSE_QUANT_DIALECT_SQ_TRANSFORMS_RAISE_H
#define SPARSE_QUANT_DIALECT_SQ_TRANSFORMS_RAISE_H

#include "mlir/Support/LLVM.h"

namespace mlir {
class Operation;
class RewritePatternSet;
} // namespace mlir

namespace mlir::sq {

struct RaiseOptions {
  /// Takes codes in [-2^(b-1), 2^(b-1)-1] for those of the symmetric format,
  /// which has one less: right unless something saturates at the lowest.
  bool allowNarrowRange = false;
};

/// Quantize and dequantize steps as elementwise linalg, arith and math ops.
void populateRaiseQDQPatterns(RewritePatternSet &patterns,
                              const RaiseOptions &options);
/// Multiplication by constants of zeros and ones, select with a constant mask.
void populateRaiseMaskPatterns(RewritePatternSet &patterns);
/// quant.qcast and quant.dcast of `!quant.uniform` types.
void populateRaiseQuantPatterns(RewritePatternSet &patterns,
                                const RaiseOptions &options);

/// All of them below `root`, and a missed remark, with the reason, at each op
/// that is like one of them but stays.
LogicalResult raiseToSQ(Operation *root, const RaiseOptions &options);

} // namespace mlir::sq

#endif // SPARSE_QUANT_DIALECT_SQ_TRANSFORMS_RAISE_H
