//===- Epilogue.h - Elementwise ops of a product's kernel -------*- C++ -*-===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What is computed element by element around a product can be computed where
// the product's elements are in registers: in front of it what it is added to,
// a bias for instance, and behind it activation functions, gates, and the
// rounding to f16 for the next layer. Then their results alone are stored.
//
//===----------------------------------------------------------------------===//
#ifndef SPARSE_QUANT_LIB_CODEGEN_GPU_EPILOGUE_H
#define SPARSE_QUANT_LIB_CODEGEN_GPU_EPILOGUE_H

#include "LoopBody.h"
#include "sparse-quant/Dialect/SQ/IR/SQ.h"

namespace mlir::sq::cuda {

class Epilogue {
public:
  /// Of `op`, which is on memrefs: the ops next to it that its kernel can
  /// compute. What lies between is moved in front of it, but deallocations,
  /// which go behind the last of these ops.
  static Epilogue take(MatmulOp op, RewriterBase &rewriter);

  /// Whether the product is added to what an op computes, not to what its
  /// destination holds.
  bool hasInit() { return bool(init); }
  /// Whether the product's destination is written.
  bool storesProduct() const { return steps.empty() || isProductRead; }
  /// An element of what the product is added to.
  Value emitInit(ImplicitLocOpBuilder &b, ValueRange indices);
  /// Stores what the ops behind it make of `value`, an element of the product.
  void emitSteps(ImplicitLocOpBuilder &b, Value value, ValueRange indices);
  /// The ops are computed.
  void erase(RewriterBase &rewriter);

private:
  /// An op behind the product, the memref that it reads what came before it
  /// from, and whether others read its own result.
  struct Step {
    linalg::GenericOp op;
    Value from;
    bool isRead;
  };

  void takeInit(MatmulOp op, RewriterBase &rewriter);
  bool takeStep(MatmulOp op, RewriterBase &rewriter);
  /// The memrefs that the kernel of `op` and of what was taken writes.
  SmallVector<Value> getWrites(MatmulOp op);
  bool mayWrite(MatmulOp op, Value result);

  linalg::GenericOp init;
  SmallVector<Step> steps;
  bool isProductRead = false;
};

} // namespace mlir::sq::cuda

#endif // SPARSE_QUANT_LIB_CODEGEN_GPU_EPILOGUE_H
