//===- Passes.h - Passes for every target -----------------------*- C++ -*-===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef SPARSE_QUANT_CODEGEN_PASSES_H
#define SPARSE_QUANT_CODEGEN_PASSES_H

#include "mlir/Pass/Pass.h"
#include "sparse-quant/Dialect/SQ/IR/SQ.h"
#include "sparse-quant/Target/VectorISA.h"

namespace mlir::sq {
#define GEN_PASS_DECL
#define GEN_PASS_REGISTRATION
#include "sparse-quant/CodeGen/Passes.h.inc"
} // namespace mlir::sq

#endif // SPARSE_QUANT_CODEGEN_PASSES_H
