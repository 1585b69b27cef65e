//===- Passes.h - Code generation for GPUs ----------------------*- C++ -*-===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef SPARSE_QUANT_CODEGEN_GPU_PASSES_H
#define SPARSE_QUANT_CODEGEN_GPU_PASSES_H

#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/Pass/Pass.h"

namespace mlir::sq {
/// The gpu.module that all kernels are in.
inline constexpr llvm::StringLiteral kKernelModule = "kernels";
/// On a module: the names of the kernels, by the numbers that launches give.
inline constexpr llvm::StringLiteral kKernelsAttr = "sq.gpu_kernels";

#define GEN_PASS_DECL
#define GEN_PASS_REGISTRATION
#include "sparse-quant/CodeGen/GPU/Passes.h.inc"
} // namespace mlir::sq

#endif // SPARSE_QUANT_CODEGEN_GPU_PASSES_H
