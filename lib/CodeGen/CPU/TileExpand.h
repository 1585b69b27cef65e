//===- TileExpand.h - Columns of a tile to f32 memory -----------*- C++ -*-===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef SPARSE_QUANT_LIB_CODEGEN_CPU_TILEEXPAND_H
#define SPARSE_QUANT_LIB_CODEGEN_CPU_TILEEXPAND_H

#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "sparse-quant/Dialect/SQ/IR/SQ.h"
#include "sparse-quant/Numerics/TileLayout.h"

namespace mlir::sq::cpu {

class ByteISA;

/// The product of `op`, which is on memrefs, with weights that are decoded to
/// f32 panels (FloatPanel.h), dropped ones as zeros. A decoded weight is
/// numerics' to the bit. `input` is that of `op`, in f32.
void emitTilePanelProduct(ImplicitLocOpBuilder &builder, MatmulOp op,
                          const numerics::TileLayout &layout,
                          const ByteISA &isa, Value input);

} // namespace mlir::sq::cpu

#endif // SPARSE_QUANT_LIB_CODEGEN_CPU_TILEEXPAND_H
