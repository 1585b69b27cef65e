//===- BufferizableOpInterfaceImpl.h - sq.matmul on memrefs -----*- C++ -*-===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef SPARSE_QUANT_DIALECT_SQ_TRANSFORMS_BUFFERIZABLEOPINTERFACEIMPL_H
#define SPARSE_QUANT_DIALECT_SQ_TRANSFORMS_BUFFERIZABLEOPINTERFACEIMPL_H

namespace mlir {
class DialectRegistry;
} // namespace mlir

namespace mlir::sq {
/// One-shot bufferization of sq.matmul. The other ops have no memref form:
/// they are evaluated at compile time or lowered on tensors.
void registerBufferizableOpInterfaceExternalModels(DialectRegistry &registry);
} // namespace mlir::sq

#endif // SPARSE_QUANT_DIALECT_SQ_TRANSFORMS_BUFFERIZABLEOPINTERFACEIMPL_H
