//===- RowKernel.h - Products of weights in rows ----------------*- C++ -*-===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The kernel `cpu.decode-rows`: four rows of packed weights are decoded to f32
// at a time (DecodeRow.h), then multiplied with all rows of activations.
//
//===----------------------------------------------------------------------===//
#ifndef SPARSE_QUANT_LIB_CODEGEN_CPU_ROWKERNEL_H
#define SPARSE_QUANT_LIB_CODEGEN_CPU_ROWKERNEL_H

#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "sparse-quant/CodeGen/CPU/KernelTable.h"

namespace mlir::sq::cpu {

/// for n in parallel, by blocks that divide the number of rows:
/// body(rows of the block).
void emitRowBlocks(ImplicitLocOpBuilder &b, int64_t rows,
                   function_ref<void(ArrayRef<Value> columns)> body);

/// Why `emitRowProduct` can't decode rows of such sizes; "" if it can.
std::string checkRowProductSizes(const Product &product,
                                 const KernelTarget &target);

/// Emits the product of `op`, which is on memrefs; does not erase it.
void emitRowProduct(ImplicitLocOpBuilder &b, MatmulOp op,
                    const KernelTarget &target);

} // namespace mlir::sq::cpu

#endif // SPARSE_QUANT_LIB_CODEGEN_CPU_ROWKERNEL_H
