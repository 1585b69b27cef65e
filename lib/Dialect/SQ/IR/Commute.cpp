//===- Commute.cpp - Masks that commute with a quantizer ------------------===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "sparse-quant/Dialect/SQ/IR/Commute.h"
#include "mlir/IR/PatternMatch.h"

void mlir::sq::populateCommuteMaskPatterns(RewritePatternSet &patterns) {}
