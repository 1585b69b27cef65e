//===- LoopBody.h - What a linalg op computes for an element ----*- C++ -*-===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef SPARSE_QUANT_LIB_CODEGEN_GPU_LOOPBODY_H
#define SPARSE_QUANT_LIB_CODEGEN_GPU_LOOPBODY_H

#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "mlir/IR/PatternMatch.h"

namespace mlir::sq::cuda {

/// The op with its parallel loops outermost, so that one loop can take all.
FailureOr<linalg::GenericOp> sortLoops(linalg::LinalgOp op,
                                       RewriterBase &rewriter);

/// Constants of the module that `region` reads, through views too, are loaded
/// at `place` inside of it: a kernel has a copy of its own.
void sinkConstants(Region &region, OpBuilder place);

/// Whether the lanes of a warp can share the reduction of `op`, whose loops are
/// sorted, and read neighbors if they do: one reduction, along rows of each
/// operand that has it, to 32 bits, by an operation with a neutral element.
/// Rows that are known to be shorter than a warp are left to one thread.
bool isForWarps(linalg::GenericOp op);

/// The operation that adds to the one result, to which all elements of the one
/// reduction are: one with a neutral element, on 32 bits, so that lanes can
/// exchange it. Null if there is none.
Operation *findCombiner(linalg::GenericOp op);

/// Emits code for elements of an op on memrefs with one result. Loops are the
/// op's, an index each.
class LoopBody {
public:
  LoopBody(linalg::GenericOp op, ImplicitLocOpBuilder &builder)
      : op(op), b(builder), combiner(findCombiner(op)) {}

  unsigned numReductions() { return op.getNumReductionLoops(); }

  /// What the result becomes at these indices if it was `old`, which may be
  /// null where usesResult() is false. If `known` is given, it is what inputs
  /// that are the memref `from` hold there.
  Value emit(ValueRange indices, Value old, Value from = Value(),
             Value known = Value());
  bool usesResult();
  Value loadResult(ValueRange indices);
  void storeResult(Value value, ValueRange indices);

  //===--- Where there is a combiner --------------------------------------===//

  Value combine(Value x, Value y);
  /// The body's sum for columns from, from + step, ... of the last loop.
  Value reduce(ArrayRef<Value> outer, Value from, Value to, Value step);
  /// What all lanes of a warp get together.
  Value reduceWarp(Value own);
  /// Adds `sum` to the result.
  void addToResult(Value sum, ValueRange indices);

private:
  Value load(OpOperand &operand, ValueRange indices);
  SmallVector<Value> getIndices(OpOperand &operand, ValueRange loops);

  linalg::GenericOp op;
  ImplicitLocOpBuilder &b;
  Operation *combiner;
};

/// The indices of the `index`-th element of extents, in row-major order.
SmallVector<Value> getElement(ImplicitLocOpBuilder &b, Value index,
                              ArrayRef<Value> extents);

/// The product, 1 of none.
Value multiply(ImplicitLocOpBuilder &b, ArrayRef<Value> extents);

/// The extents of the op's loops.
SmallVector<OpFoldResult> getExtents(linalg::GenericOp op, OpBuilder &b);

} // namespace mlir::sq::cuda

#endif // SPARSE_QUANT_LIB_CODEGEN_GPU_LOOPBODY_H
