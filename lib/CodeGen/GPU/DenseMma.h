//===- DenseMma.h - Dense weights on tensor cores ---------------*- C++ -*-===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Layers that stay dense, an output head for instance, have weights in rows, in
// f32, f16 or bf16. Few tokens read each weight once, by warps that reduce a
// row (TileForGPU.cpp). For many, weights are made bf16 in fragments, in the
// device's memory, and multiplied as those of weight-only layers are: f32 is
// the sum of three bf16, f16 of two, and each plane is a product of its own
// that adds to the results.
//
//===----------------------------------------------------------------------===//
#ifndef SPARSE_QUANT_LIB_CODEGEN_GPU_DENSEMMA_H
#define SPARSE_QUANT_LIB_CODEGEN_GPU_DENSEMMA_H

#include "mlir/Dialect/Linalg/IR/Linalg.h"

namespace mlir::sq::cuda {

/// Lowers `op`, which is one (CodeGen/DenseProduct.h), for more than
/// kStreamTokens tokens, and leaves it to others for fewer.
void lowerDenseProduct(linalg::MatmulOp op, int64_t sharedBytes);

} // namespace mlir::sq::cuda

#endif // SPARSE_QUANT_LIB_CODEGEN_GPU_DENSEMMA_H
