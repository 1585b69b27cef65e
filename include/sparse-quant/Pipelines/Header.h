//===- Header.h - The C header of an artifact -------------------*- C++ -*-===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef SPARSE_QUANT_PIPELINES_HEADER_H
#define SPARSE_QUANT_PIPELINES_HEADER_H

#include "sparse-quant/CodeGen/Artifact/Emit.h"

namespace mlir::sq {

/// Writes model.h: the runtime's API in full, so that the file needs no other
/// of ours, and a comment and constants for each function.
void writeHeader(const ArtifactSignature &signature, const ArtifactInfo &info,
                 llvm::raw_ostream &out);

} // namespace mlir::sq

#endif // SPARSE_QUANT_PIPELINES_HEADER_H
