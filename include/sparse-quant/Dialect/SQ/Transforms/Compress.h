//===- Compress.h - Apply a recipe to a model's layers ----------*- C++ -*-===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef SPARSE_QUANT_DIALECT_SQ_TRANSFORMS_COMPRESS_H
#define SPARSE_QUANT_DIALECT_SQ_TRANSFORMS_COMPRESS_H

#include "mlir/IR/BuiltinOps.h"
#include "sparse-quant/Dialect/SQ/Transforms/Recipe.h"

namespace mlir::sq {

/// Masks and quantizes the linear layers of `module` as `recipe` says: the
/// semantic level, mask first. `recipePath` is where the recipe was read from:
/// errors name it, and the files that it names are relative to its folder.
LogicalResult compressLayers(ModuleOp module, const Recipe &recipe,
                             StringRef recipePath);

/// Reads the recipe at `path` and applies it; errors are diagnostics.
LogicalResult compressLayers(ModuleOp module, StringRef path);

} // namespace mlir::sq

#endif // SPARSE_QUANT_DIALECT_SQ_TRANSFORMS_COMPRESS_H
