//===- JSON.h - JSON from files that nobody has checked ---------*- C++ -*-===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef SPARSE_QUANT_SUPPORT_JSON_H
#define SPARSE_QUANT_SUPPORT_JSON_H

#include "llvm/Support/JSON.h"

namespace mlir::sq {

/// As llvm::json::parse, which recurses: a text of brackets would overflow the
/// stack. Here more than `maxDepth` levels are an error.
llvm::Expected<llvm::json::Value> parseJSON(llvm::StringRef text,
                                            unsigned maxDepth = 64);

} // namespace mlir::sq

#endif // SPARSE_QUANT_SUPPORT_JSON_H
