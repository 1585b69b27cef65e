//===- Summary.h - What became of the layers, for a terminal ----*- C++ -*-===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef SPARSE_QUANT_PIPELINES_SUMMARY_H
#define SPARSE_QUANT_PIPELINES_SUMMARY_H

#include "mlir/Support/LLVM.h"
#include "sparse-quant/Dialect/SQ/Transforms/LayerReport.h"

namespace mlir::sq {

/// A table with a row for each kind of layer: layers whose names differ only in
/// numbers, and to which the same happened, share one. Below a row stands why
/// the layer is dense, or why its kernel isn't a faster one.
void printSummary(ArrayRef<LayerReport> layers, llvm::raw_ostream &os);

} // namespace mlir::sq

#endif // SPARSE_QUANT_PIPELINES_SUMMARY_H
