//===- HalfWeights.h - Dense weights in f16 and bf16 ------------*- C++ -*-===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A weight that stays dense takes half the memory in 16 bits. Its ops widen
// what they read, element by element, which is exact: arithmetic stays f32, and
// the only difference to a weight in f32 is the rounding that made the 16 bits.
// In IR that rounding is arith.truncf, and arith.extf makes a tensor of f32
// again.
//
//===----------------------------------------------------------------------===//
#ifndef SPARSE_QUANT_LIB_DIALECT_SQ_TRANSFORMS_HALFWEIGHTS_H
#define SPARSE_QUANT_LIB_DIALECT_SQ_TRANSFORMS_HALFWEIGHTS_H

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/Builders.h"
#include "sparse-quant/Support/DType.h"

namespace mlir::sq {

/// F16, BF16, or neither.
std::optional<DType> getHalfDType(Type elementType);
Type getHalfType(MLIRContext *context, DType half);
/// "f16" or "bf16".
StringRef getHalfName(DType half);

/// extf(truncf(value)), of a tensor of f32.
Value createRounding(OpBuilder &builder, Location loc, Value value, DType half);
/// Of `value` = extf(truncf(x)) on tensors of f32, the truncf; otherwise null.
arith::TruncFOp getRounding(Value value);
/// Where `value` = extf(truncf(x)), the type in between.
std::optional<DType> getRoundedDType(Value value);

/// The nearest half float, ties to even; infinity where there is none.
uint16_t roundToHalf(DType half, float value);
float widenHalf(DType half, uint16_t bits);

/// Whether `use` reads a tensor by elements that can be widened there: the
/// weight of a linear layer, or what elements are extracted from.
bool canReadHalf(OpOperand &use);
/// Makes the op of `use` read `half` instead. May replace the op.
void readHalf(OpBuilder &builder, OpOperand &use, Value half);

} // namespace mlir::sq

#endif // SPARSE_QUANT_LIB_DIALECT_SQ_TRANSFORMS_HALFWEIGHTS_H
