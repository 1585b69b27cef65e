//===- Signature.h - The interface of a compiled function -------*- C++ -*-===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The interface of a module's public functions as plain data, read once from
// the function types and these attributes, all optional:
//
//   argument/result  sq.name = "tokens"      name in the artifact
//                    sq.dims = ["T", ""]     symbol of each dynamic extent
//   argument         sq.bound = 512 : i64    elements x obey 0 <= x < 512
//                    sq.state = "k_cache"    owned by the context, updated in
//                                            place; a result with the same
//                                            sq.state is its new value
//   function         sq.pos_arg = "pos", sq.len_symbol = "T" (or
//                    sq.fixed_len = 1), sq.capacity = 256
//                                            0 <= pos, pos + len <= capacity
//                    sq.symbol_max = {T = 256}
//
// include/sparse-quant-c/artifact.h is what it becomes.
//
//===----------------------------------------------------------------------===//
#ifndef SPARSE_QUANT_CODEGEN_ARTIFACT_SIGNATURE_H
#define SPARSE_QUANT_CODEGEN_ARTIFACT_SIGNATURE_H

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/BuiltinOps.h"
#include <optional>
#include <string>
#include <vector>

namespace mlir::sq {

struct TensorSignature {
  std::string name;
  uint8_t typeCode = 0;
  uint8_t bits = 0;
  /// An extent, or -1 - i for symbol i.
  std::vector<int64_t> shape;
  /// Index into ArtifactSignature::states for a state.
  std::optional<unsigned> state;
  int64_t bound = 0;
};

struct FunctionSignature {
  std::string name;
  std::vector<TensorSignature> args;
  /// Results but those that are a state's new value.
  std::vector<TensorSignature> results;
  struct Symbol {
    std::string name;
    int64_t max = 0;
  };
  std::vector<Symbol> symbols;
  int32_t posArg = -1;
  int32_t lenSymbol = -1;
  /// Set once the code is there; -1 if it depends on the inputs.
  int32_t parallelRegions = 0;
  int64_t fixedLen = 0;
  int64_t capacity = 0;
};

struct ArtifactSignature {
  std::vector<FunctionSignature> functions;
  std::vector<TensorSignature> states;
};

/// Reads the signatures of all public functions. Emits an error where a type
/// has no place in the C ABI, a dynamic result extent is bound by no input, or
/// two functions disagree on a state.
FailureOr<ArtifactSignature> getSignature(ModuleOp module);

/// For each result of `func`, the index of the argument whose state it
/// updates, or nullopt for a result of the caller's.
SmallVector<std::optional<unsigned>> getStateResults(func::FuncOp func);

} // namespace mlir::sq

#endif // SPARSE_QUANT_CODEGEN_ARTIFACT_SIGNATURE_H
