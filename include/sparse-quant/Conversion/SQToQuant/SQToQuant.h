//===- SQToQuant.h - sq ops to upstream's quant -----------------*- C++ -*-===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef SPARSE_QUANT_CONVERSION_SQTOQUANT_SQTOQUANT_H
#define SPARSE_QUANT_CONVERSION_SQTOQUANT_SQTOQUANT_H

#include "mlir/Pass/Pass.h"

namespace mlir {
class RewritePatternSet;
} // namespace mlir

namespace mlir::sq {

#define GEN_PASS_DECL_CONVERTSQTOQUANTPASS
#include "sparse-quant/Conversion/SQToQuant/Passes.h.inc"

/// sq.quantize and sq.dequantize with constant scales of integer formats to
/// casts of the quant dialect. Don't fold while they run: upstream folds
/// quant.dcast(quant.qcast(x)) to x.
void populateSQToQuantPatterns(RewritePatternSet &patterns);

void registerSQToQuantPasses();

} // namespace mlir::sq

#endif // SPARSE_QUANT_CONVERSION_SQTOQUANT_SQTOQUANT_H
