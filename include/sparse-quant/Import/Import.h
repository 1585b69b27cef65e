//===- Import.h - Trained models to IR --------------------------*- C++ -*-===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Front ends read a model's files into a LlamaModel, which one builder turns
// into IR. Weights are only named (sq.parameter), never copied.
//
//===----------------------------------------------------------------------===//
#ifndef SPARSE_QUANT_IMPORT_IMPORT_H
#define SPARSE_QUANT_IMPORT_IMPORT_H

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"
#include "llvm/Support/Error.h"

#include <string>

namespace mlir::sq {

/// Elements of the caches of keys and values.
enum class KVCacheType {
  F32,
  /// Rounded to nearest even.
  F16,
  /// Codes with a scale for each token and head.
  Int8,
};

struct ImportOptions {
  /// Positions of the KV caches; 0 takes the model's own maximum, but at most
  /// `defaultMaxSeq`: long-context models name lengths whose caches nobody
  /// wants by accident.
  int64_t maxSeq = 0;
  static constexpr int64_t defaultMaxSeq = 2048;
  KVCacheType kvCache = KVCacheType::F32;
  /// `prefill(tokens: i32[T], pos: i64)`, with T dynamic.
  bool prefill = true;
  /// `decode(token: i32[1], pos: i64)`.
  bool decode = true;
};

/// Imports a Hugging Face folder (config.json and safetensors) or a llama2.c
/// checkpoint, whichever `path` is. Errors have one line and name the file,
/// what was found in it, and what is supported.
llvm::Expected<OwningOpRef<ModuleOp>> importModel(MLIRContext &context,
                                                  llvm::StringRef path,
                                                  const ImportOptions &options);

/// The directory that the sources of an imported module's parameters are
/// relative to.
std::string getWeightDirectory(llvm::StringRef path);

} // namespace mlir::sq

#endif // SPARSE_QUANT_IMPORT_IMPORT_H
