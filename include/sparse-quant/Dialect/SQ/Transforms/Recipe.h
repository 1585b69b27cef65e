//===- Recipe.h - What to do with which layer -------------------*- C++ -*-===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A recipe is an ordered list of rules; the first whose glob matches a layer's
// name decides (docs/recipes.md). Reading it needs no IR: all that can be wrong
// with a recipe by itself, including combinations that no kernel computes, is
// reported here with its line and column; what depends on the model is
// reported by sq-compress, at the positions that the rules keep.
//
//===----------------------------------------------------------------------===//
#ifndef SPARSE_QUANT_DIALECT_SQ_TRANSFORMS_RECIPE_H
#define SPARSE_QUANT_DIALECT_SQ_TRANSFORMS_RECIPE_H

#include "sparse-quant/Numerics/Format.h"
#include "sparse-quant/Numerics/Pattern.h"
#include "sparse-quant/Support/DType.h"
#include "llvm/ADT/STLFunctionalExtras.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/MemoryBufferRef.h"

#include <optional>
#include <string>
#include <vector>

namespace mlir::sq {

/// Both count from 1, as compilers print them.
struct RecipePosition {
  unsigned line = 1, column = 1;
};

struct SparsityChoice {
  numerics::Pattern pattern;
  /// The safetensors file of Wanda's input norms; empty for magnitude.
  std::string norms;
  RecipePosition position, normsPosition;

  bool isWanda() const { return !norms.empty(); }
};

struct FormatChoice {
  numerics::Format format;
  RecipePosition position;
};

/// f16 or bf16: rounded, and multiplied as floats.
struct HalfChoice {
  DType dtype;
  RecipePosition position;
};

struct RecipeRule {
  std::string match;
  RecipePosition position;
  /// Dense means: none of the following.
  bool dense = false;
  /// Whether the glob fits one of the names of a layer: its own, or that of its
  /// weight.
  bool matches(llvm::StringRef layer, llvm::StringRef weight) const;
  std::optional<SparsityChoice> sparsity;
  std::optional<FormatChoice> weights, activations;
  /// Instead of `weights` and `activations`.
  std::optional<HalfChoice> half, halfActivations;

  /// "int8.row", "bf16", "f32".
  std::string getWeightFormat() const;
  std::string getActivationFormat() const;
};

struct Recipe {
  std::vector<RecipeRule> rules;

  /// The first rule that matches, or null.
  const RecipeRule *find(llvm::StringRef layer, llvm::StringRef weight) const;
};

using RecipeErrorHandler =
    llvm::function_ref<void(RecipePosition, const std::string &message)>;

/// Reads a recipe. Every error is reported; nullopt when there was one.
std::optional<Recipe> parseRecipe(llvm::MemoryBufferRef text,
                                  RecipeErrorHandler onError);

/// Why weights of `format` can't be multiplied by a kernel; nullopt if they
/// can.
numerics::Error checkWeightFormat(const numerics::Format &format);
/// The same for the format of a layer's input.
numerics::Error checkActivationFormat(const numerics::Format &format);

} // namespace mlir::sq

#endif // SPARSE_QUANT_DIALECT_SQ_TRANSFORMS_RECIPE_H
