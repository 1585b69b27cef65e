//===- LlamaBuilder.h - One function of a Llama model -----------*- C++ -*-===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Shapes: T tokens (dynamic, or 1), P positions so far (pos + T), S the caches'
// capacity, E hidden, H query heads = Hk key/value heads x G, D a head's size.
//
//===----------------------------------------------------------------------===//
#ifndef SPARSE_QUANT_LIB_IMPORT_LLAMABUILDER_H
#define SPARSE_QUANT_LIB_IMPORT_LLAMABUILDER_H

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Utils/ReshapeOpsUtils.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "sparse-quant/Import/Llama.h"
#include "llvm/ADT/StringMap.h"

namespace mlir::sq {

class LlamaBuilder {
public:
  LlamaBuilder(ModuleOp module, const LlamaModel &model,
               const ImportOptions &options);

  /// Adds `name` with `numTokens` tokens a call, or ShapedType::kDynamic.
  void addFunction(StringRef name, int64_t numTokens);

private:
  /// An operand of a linalg.generic: its value, and the loop that each of its
  /// dimensions follows.
  struct Access {
    Value value;
    ArrayRef<unsigned> loops;
  };
  using Body = function_ref<Value(ValueRange args)>;
  using Sizes = ArrayRef<OpFoldResult>;

  /// Names and types of the states.
  SmallVector<std::pair<StringRef, Type>> getCaches();
  func::FuncOp declare(StringRef name, int64_t numTokens);

  // Building blocks.
  Value constant(float value);
  Value empty(Sizes sizes);
  Value filled(Sizes sizes, float value);
  /// `loops` are numbered 0, 1, ... in the order of nesting; those that `out`
  /// doesn't follow are reductions. The body's arguments are the elements of
  /// `ins` and then of `out`.
  Value generic(ArrayRef<Access> ins, Access out, unsigned numLoops, Body body);
  /// As above for results that follow all loops in order, and whose old
  /// content doesn't matter; the body's arguments are the inputs' elements.
  Value map(ArrayRef<Access> ins, Sizes sizes, Body body);
  Value parameter(const WeightRef &weight, ArrayRef<int64_t> shape);
  Value expand(Value value, Sizes sizes, ArrayRef<ReassociationIndices> groups);
  OpFoldResult index(int64_t value) { return b.getIndexAttr(value); }

  // Layers, on tensor<TxE>.
  Value embed();
  Value normalize(Value x, const WeightRef &weight);
  /// init + x * transpose(w); without `init` the product alone.
  Value linear(Value x, const WeightRef &weight, int64_t rows,
               Value init = Value());
  /// Sets `cosines` and `sines`, [T, D/2].
  void makeRotations();
  /// [T, product of heads * D] -> [T, heads..., D], rotated.
  Value rotate(Value x, ArrayRef<int64_t> heads);
  std::pair<Value, Value> toCacheType(Value x);
  /// residual + the block's result; the last product adds to it.
  Value attend(Value x, Value residual, const LlamaLayer &weights,
               int64_t layer);
  Value feedForward(Value x, Value residual, const LlamaLayer &weights);

  ModuleOp module;
  const LlamaModel &model;
  const LlamaConfig &config;
  int64_t capacity;
  KVCacheType cacheType;
  ImplicitLocOpBuilder b;

  // Of the function in work.
  Value tokens, pos, cosines, sines;
  /// Keys, values, and with codes their scales.
  SmallVector<Value> caches;
  /// T.
  OpFoldResult length;
};

} // namespace mlir::sq

#endif // SPARSE_QUANT_LIB_IMPORT_LLAMABUILDER_H
