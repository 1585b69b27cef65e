//===- Verifiers.h - What verifiers of the sq ops share ---------*- C++ -*-===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef SPARSE_QUANT_LIB_DIALECT_SQ_IR_VERIFIERS_H
#define SPARSE_QUANT_LIB_DIALECT_SQ_IR_VERIFIERS_H

#include "sparse-quant/Dialect/SQ/IR/SQ.h"

namespace mlir::sq::detail {

/// Checks the scales of a tensor of shape `shaped` against its format.
LogicalResult verifyScales(Operation *op, QuantFormatAttrInterface format,
                           RankedTensorType shaped, int64_t axis,
                           TypeRange scales, StringRef rule);

/// The sizes of a packed matrix, shared by pack, unpack and matmul: `rows`,
/// `cols` is the matrix, `bits` the width of a code.
LogicalResult verifyPacked(Operation *op, int64_t rows, int64_t cols,
                           unsigned bits, ShapedType payload, ShapedType bitmap,
                           StringRef payloadRule, StringRef bitmapRule);

/// Whether codes of a format can be widened to `type`: integers to bytes, what
/// f16 holds to f16.
bool canBeWidened(const numerics::Format &format, Type type);

/// On tensors such an op is pure; on memrefs it reads its operands and updates
/// its destinations.
void getDestinationStyleEffects(
    DestinationStyleOpInterface op,
    SmallVectorImpl<SideEffects::EffectInstance<MemoryEffects::Effect>>
        &effects);

inline ShapedType typeOrNull(Value value) {
  return value ? cast<ShapedType>(value.getType()) : ShapedType();
}

} // namespace mlir::sq::detail

#endif // SPARSE_QUANT_LIB_DIALECT_SQ_IR_VERIFIERS_H
