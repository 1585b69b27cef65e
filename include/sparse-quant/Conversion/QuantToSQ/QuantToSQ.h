//===- QuantToSQ.h - quant ops and types to sq ------------------*- C++ -*-===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef SPARSE_QUANT_CONVERSION_QUANTTOSQ_QUANTTOSQ_H
#define SPARSE_QUANT_CONVERSION_QUANTTOSQ_QUANTTOSQ_H

#include "mlir/Pass/Pass.h"
#include "sparse-quant/Dialect/SQ/Transforms/Raise.h"

namespace mlir {
class RewritePatternSet;
class TypeConverter;
} // namespace mlir

namespace mlir::sq {

#define GEN_PASS_DECL_CONVERTQUANTTOSQPASS
#include "sparse-quant/Conversion/QuantToSQ/Passes.h.inc"

/// `!quant.uniform` to its storage type.
void populateQuantTypeConversions(TypeConverter &converter);

/// Conversion patterns for the quant ops, and for tensor ops that carry
/// quantized values. What they can't express fails to match.
void populateQuantToSQConversionPatterns(TypeConverter &converter,
                                         RewritePatternSet &patterns,
                                         const RaiseOptions &options);

void registerQuantToSQPasses();

} // namespace mlir::sq

#endif // SPARSE_QUANT_CONVERSION_QUANTTOSQ_QUANTTOSQ_H
