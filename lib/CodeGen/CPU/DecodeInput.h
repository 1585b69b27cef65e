//===- DecodeInput.h - Quantized activations to f32 -------------*- C++ -*-===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef SPARSE_QUANT_LIB_CODEGEN_CPU_DECODEINPUT_H
#define SPARSE_QUANT_LIB_CODEGEN_CPU_DECODEINPUT_H

#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "sparse-quant/Dialect/SQ/IR/SQ.h"

namespace mlir::sq::cpu {

/// The quantized input of `op`, which is on memrefs, as f32 in a new buffer;
/// the caller deallocates it. Takes ActivationClass::FloatsOrBytes. Kernels
/// that multiply in f32 start with this: an activation is decoded once,
/// whatever the number of weights it meets.
Value decodeInput(ImplicitLocOpBuilder &builder, MatmulOp op, int64_t lanes);

} // namespace mlir::sq::cpu

#endif // SPARSE_QUANT_LIB_CODEGEN_CPU_DECODEINPUT_H
