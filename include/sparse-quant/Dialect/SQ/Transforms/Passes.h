//===- Passes.h - Passes within the sq dialect ------------------*- C++ -*-===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The passes; each is a thin shell over a public function or populate function
// of its own header (Order.h, ...).
//
//===----------------------------------------------------------------------===//
#ifndef SPARSE_QUANT_DIALECT_SQ_TRANSFORMS_PASSES_H
#define SPARSE_QUANT_DIALECT_SQ_TRANSFORMS_PASSES_H

#include "mlir/Pass/Pass.h"
#include "sparse-quant/Dialect/SQ/Transforms/Order.h"
#include "sparse-quant/Dialect/SQ/Transforms/PackWeights.h"

namespace mlir::sq {
#define GEN_PASS_DECL
#include "sparse-quant/Dialect/SQ/Transforms/Passes.h.inc"

#define GEN_PASS_REGISTRATION
#include "sparse-quant/Dialect/SQ/Transforms/Passes.h.inc"
} // namespace mlir::sq

#endif // SPARSE_QUANT_DIALECT_SQ_TRANSFORMS_PASSES_H
