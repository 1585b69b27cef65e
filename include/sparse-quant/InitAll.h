//===- InitAll.h - Register everything the tools need -----------*- C++ -*-===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// For tools only. Passes and libraries name the dialects that they depend on.
//
//===----------------------------------------------------------------------===//
#ifndef SPARSE_QUANT_INITALL_H
#define SPARSE_QUANT_INITALL_H

namespace mlir {
class DialectRegistry;
} // namespace mlir

namespace mlir::sq {
/// The upstream dialects that our pipelines read or make, sq, and the external
/// models of their interfaces.
void registerAllDialects(DialectRegistry &registry);
/// Our passes and pipelines, and the upstream passes that go with them.
void registerAllPasses();
} // namespace mlir::sq

#endif // SPARSE_QUANT_INITALL_H
