//===- FloatLoad.h - Vectors of f32 from f32, f16 and bf16 ------*- C++ -*-===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef SPARSE_QUANT_LIB_CODEGEN_CPU_FLOATLOAD_H
#define SPARSE_QUANT_LIB_CODEGEN_CPU_FLOATLOAD_H

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"

namespace mlir::sq::cpu {

/// vector<`lanes` x f32> from a memref of f32, f16 or bf16, of which the first
/// `valid` are there and the others zero. f16 is one conversion that takes its
/// operand from memory, bf16 a shift.
inline Value loadFloats(ImplicitLocOpBuilder &b, Value memref, ValueRange at,
                        int64_t lanes, int64_t valid) {
  auto f32s = VectorType::get({lanes}, b.getF32Type());
  auto stored = f32s.clone(cast<MemRefType>(memref.getType()).getElementType());
  Value loaded;
  if (valid == lanes) {
    loaded = vector::LoadOp::create(b, stored, memref, at);
  } else {
    Value mask = vector::ConstantMaskOp::create(
        b, VectorType::get({lanes}, b.getI1Type()), ArrayRef<int64_t>{valid});
    Value zero = arith::ConstantOp::create(b, b.getZeroAttr(stored));
    loaded = vector::MaskedLoadOp::create(b, stored, memref, at, mask, zero);
  }
  if (stored == f32s)
    return loaded;
  return arith::ExtFOp::create(b, f32s, loaded);
}

} // namespace mlir::sq::cpu

#endif // SPARSE_QUANT_LIB_CODEGEN_CPU_FLOATLOAD_H
