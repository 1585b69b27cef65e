//===- TilingInterfaceImpl.h - Tiles of the sq ops --------------*- C++ -*-===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef SPARSE_QUANT_DIALECT_SQ_TRANSFORMS_TILINGINTERFACEIMPL_H
#define SPARSE_QUANT_DIALECT_SQ_TRANSFORMS_TILINGINTERFACEIMPL_H

namespace mlir {
class DialectRegistry;
} // namespace mlir

namespace mlir::sq {
/// TilingInterface of sq.mask, sq.apply_mask, sq.quantize, sq.dequantize and
/// sq.matmul: tiling by scf and the transform dialect, and fusion into a tiled
/// consumer. The descriptions of the ops say along which dimensions.
void registerTilingInterfaceExternalModels(DialectRegistry &registry);
} // namespace mlir::sq

#endif // SPARSE_QUANT_DIALECT_SQ_TRANSFORMS_TILINGINTERFACEIMPL_H
