//===- Passes.h - Passes that make artifacts --------------------*- C++ -*-===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef SPARSE_QUANT_CODEGEN_ARTIFACT_PASSES_H
#define SPARSE_QUANT_CODEGEN_ARTIFACT_PASSES_H

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Bufferization/IR/Bufferization.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/Pass/Pass.h"

namespace mlir::sq {
#define GEN_PASS_DECL
#define GEN_PASS_REGISTRATION
#include "sparse-quant/CodeGen/Artifact/Passes.h.inc"
} // namespace mlir::sq

#endif // SPARSE_QUANT_CODEGEN_ARTIFACT_PASSES_H
