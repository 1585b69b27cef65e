//===- SQToLinalg.h - The reference lowering of sq --------------*- C++ -*-===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef SPARSE_QUANT_CONVERSION_SQTOLINALG_SQTOLINALG_H
#define SPARSE_QUANT_CONVERSION_SQTOLINALG_SQTOLINALG_H

#include "mlir/Pass/Pass.h"

namespace mlir {
class RewritePatternSet;
} // namespace mlir

namespace mlir::sq {

#define GEN_PASS_DECL_CONVERTSQTOLINALGPASS
#include "sparse-quant/Conversion/SQToLinalg/Passes.h.inc"

/// Patterns that rewrite each sq op on tensors, but sq.parameter, to linalg,
/// tensor, scf and arith. They look at one op at a time and at no context, so
/// they apply as well to the tiles of a tiled sq.matmul.
void populateSQToLinalgPatterns(RewritePatternSet &patterns);

void registerSQToLinalgPasses();

} // namespace mlir::sq

#endif // SPARSE_QUANT_CONVERSION_SQTOLINALG_SQTOLINALG_H
