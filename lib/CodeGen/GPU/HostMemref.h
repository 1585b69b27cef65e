//===- HostMemref.h - Memrefs as kernels get them ---------------*- C++ -*-===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef SPARSE_QUANT_LIB_CODEGEN_GPU_HOSTMEMREF_H
#define SPARSE_QUANT_LIB_CODEGEN_GPU_HOSTMEMREF_H

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "llvm/Support/MathExtras.h"

namespace mlir::sq::cuda {

/// The address of a memref's first element, 64 bits.
inline Value addressOf(ImplicitLocOpBuilder &b, Value memref) {
  auto type = cast<MemRefType>(memref.getType());
  Value address = memref::ExtractAlignedPointerAsIndexOp::create(b, memref);
  auto metadata = memref::ExtractStridedMetadataOp::create(b, memref);
  Value bytes = arith::ConstantIndexOp::create(
      b, llvm::divideCeil(type.getElementTypeBitWidth(), 8));
  Value offset = arith::MulIOp::create(b, metadata.getOffset(), bytes);
  return arith::IndexCastOp::create(b, b.getI64Type(),
                                    arith::AddIOp::create(b, address, offset));
}

/// The stride of a matrix, in elements, 32 bits.
inline Value strideOf(ImplicitLocOpBuilder &b, Value memref) {
  auto metadata = memref::ExtractStridedMetadataOp::create(b, memref);
  return arith::IndexCastOp::create(b, b.getI32Type(),
                                    metadata.getStrides().front());
}

/// Rows of a matrix, 32 bits.
inline Value rowsOf(ImplicitLocOpBuilder &b, Value memref) {
  Value zero = arith::ConstantIndexOp::create(b, 0);
  return arith::IndexCastOp::create(b, b.getI32Type(),
                                    memref::DimOp::create(b, memref, zero));
}

} // namespace mlir::sq::cuda

#endif // SPARSE_QUANT_LIB_CODEGEN_GPU_HOSTMEMREF_H
