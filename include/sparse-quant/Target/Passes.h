//===- Passes.h - Passes about targets --------------------------*- C++ -*-===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef SPARSE_QUANT_TARGET_PASSES_H
#define SPARSE_QUANT_TARGET_PASSES_H

#include "mlir/Dialect/DLTI/DLTI.h"
#include "mlir/Pass/Pass.h"

namespace mlir::sq {
#define GEN_PASS_DECL
#define GEN_PASS_REGISTRATION
#include "sparse-quant/Target/Passes.h.inc"
} // namespace mlir::sq

#endif // SPARSE_QUANT_TARGET_PASSES_H
