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
/// sq and the external models of its interfaces: all that a plugin adds to a
/// host that has the upstream dialects.
void registerDialect(DialectRegistry &registry);
/// Our passes and pipelines. A pass can't be registered twice, so a plugin adds
/// no others.
void registerPasses();

/// The upstream dialects that our pipelines read or make, and our own.
void registerAllDialects(DialectRegistry &registry);
/// The upstream passes, and our own.
void registerAllPasses();
} // namespace mlir::sq

#endif // SPARSE_QUANT_INITALL_H
