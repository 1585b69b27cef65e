//===- KernelBuilder.h - What generators of kernels write often -*- C++ -*-===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef SPARSE_QUANT_LIB_CODEGEN_CPU_KERNELBUILDER_H
#define SPARSE_QUANT_LIB_CODEGEN_CPU_KERNELBUILDER_H

#include "Loops.h"

namespace mlir::sq::cpu {

/// The base of a class that emits a kernel: index arithmetic, constants and
/// conditions, short enough that the kernel can be read.
class KernelBuilder {
protected:
  explicit KernelBuilder(ImplicitLocOpBuilder &builder) : b(builder) {}

  Value index(int64_t value) { return constantIndex(b, value); }
  Value add(Value lhs, Value rhs) { return arith::AddIOp::create(b, lhs, rhs); }
  Value add(Value lhs, int64_t rhs) { return rhs ? add(lhs, index(rhs)) : lhs; }
  Value mul(Value lhs, int64_t rhs) {
    return arith::MulIOp::create(b, lhs, index(rhs));
  }
  Value isLess(Value lhs, Value rhs) {
    return arith::CmpIOp::create(b, arith::CmpIPredicate::ult, lhs, rhs);
  }
  Value isEqual(Value lhs, int64_t rhs) {
    return arith::CmpIOp::create(b, arith::CmpIPredicate::eq, lhs, index(rhs));
  }

  Value splat(VectorType type, Attribute value) {
    return arith::ConstantOp::create(b, DenseElementsAttr::get(type, value));
  }
  Value splat(VectorType type, float value) {
    return splat(type, b.getF32FloatAttr(value));
  }
  Value zeros(VectorType type) {
    return arith::ConstantOp::create(b, b.getZeroAttr(type));
  }

  void emitIf(Value condition, function_ref<void()> body,
              function_ref<void()> otherwise = nullptr) {
    auto branch = scf::IfOp::create(b, condition, bool(otherwise));
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(branch.thenBlock());
    body();
    if (!otherwise)
      return;
    b.setInsertionPointToStart(branch.elseBlock());
    otherwise();
  }

  ImplicitLocOpBuilder &b;
};

} // namespace mlir::sq::cpu

#endif // SPARSE_QUANT_LIB_CODEGEN_CPU_KERNELBUILDER_H
