//===- Passes.h - Code generation for CPUs ----------------------*- C++ -*-===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef SPARSE_QUANT_CODEGEN_CPU_PASSES_H
#define SPARSE_QUANT_CODEGEN_CPU_PASSES_H

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/Pass/Pass.h"
#include "sparse-quant/Target/VectorISA.h"

namespace mlir::sq {
/// i32 on a function: how often a call of it starts threads at most.
inline constexpr llvm::StringLiteral kParallelRegionsAttr =
    "sq.parallel_regions";

#define GEN_PASS_DECL
#define GEN_PASS_REGISTRATION
#include "sparse-quant/CodeGen/CPU/Passes.h.inc"
} // namespace mlir::sq

#endif // SPARSE_QUANT_CODEGEN_CPU_PASSES_H
