//===- Realize.h - Rebuild a value from unquantized sources -----*- C++ -*-===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Private to the room. Walks a quantized value back to what was quantized, and
// rebuilds on that the ops in between: beside the originals, which stay for
// their other users.
//
//===----------------------------------------------------------------------===//
#ifndef SQ_LIB_DIALECT_SQ_TRANSFORMS_REALIZE_H
#define SQ_LIB_DIALECT_SQ_TRANSFORMS_REALIZE_H

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/PatternMatch.h"
#include "sparse-quant/Analysis/OrderProvenance.h"

namespace mlir::sq {

/// How far to walk: to the input of the last quantizer, for a mask that moves
/// in front of it; or on to values that no quantizer has touched, for scores.
enum class RealizeDepth { LastQuantizer, Unquantized };

class Realizer {
public:
  Realizer(Operation *root, const OrderProvenance &provenance,
           IRRewriter &rewriter)
      : root(root), provenance(provenance), rewriter(rewriter) {}

  /// The real twin of `value`, which dominates the users of `value`. On
  /// failure, `getObstacle` says where the way back ends.
  FailureOr<Value> realize(Value value, RealizeDepth depth);

  struct Obstacle {
    Location loc;
    std::string message;
  };
  const std::optional<Obstacle> &getObstacle() const { return obstacle; }

  /// Says where the way back ends; the first obstacle is the one to report.
  LogicalResult fail(Location loc, const Twine &message);

  /// A loop, branch or function was rebuilt: values that were collected
  /// earlier may be gone, and the analysis is to be run again.
  bool changedStructure() const { return structureChanged; }

  /// Provenance of a value, whether it existed before or was rebuilt since.
  Provenance lookup(Value value) const;

private:
  /// The twin, if it needs no work; null otherwise.
  Value findKnown(Value value, RealizeDepth depth) const;
  FailureOr<Value> realizeQuantizer(OpResult value, RealizeDepth depth);
  FailureOr<Value> realizeOp(OpResult value, RealizeDepth depth);
  FailureOr<Value> realizeArgument(BlockArgument arg, RealizeDepth depth);
  FailureOr<Value> realizeStored(Operation *op);
  FailureOr<Value> realizeClone(OpResult value, RealizeDepth depth);
  FailureOr<Value> realizeIf(scf::IfOp op, unsigned index, RealizeDepth depth);
  FailureOr<Value> realizeLoop(scf::ForOp op, unsigned index, bool inside,
                               RealizeDepth depth);
  FailureOr<Value> realizeWhileResult(scf::WhileOp op, unsigned index,
                                      bool inside, RealizeDepth depth);
  FailureOr<Value> realizeWhileArgument(scf::WhileOp op, unsigned index,
                                        RealizeDepth depth);
  /// `op` with one more loop-carried value, or one more result, or neither.
  scf::WhileOp rebuildWhile(scf::WhileOp op, Value init, Value result);
  FailureOr<Value> realizeCall(func::CallOp op, unsigned index,
                               RealizeDepth depth);
  /// Carries what is known of `from` over to `to`, which takes its place.
  void transfer(ValueRange from, ValueRange to);
  Value remember(Value value, Value real, RealizeDepth depth);

  Operation *root;
  const OrderProvenance &provenance;
  IRRewriter &rewriter;
  std::optional<Obstacle> obstacle;
  bool structureChanged = false;
  /// Below a format with a zero point, where code 0 isn't the value 0.
  bool hasZeroPoint = false;
  DenseMap<std::pair<Value, unsigned>, Value> memo;
  /// Provenance of values that are younger than the analysis.
  DenseMap<Value, Provenance> younger;
};

/// The type of a value's real twin: f32 where it holds codes.
Type getRealType(Type type);

} // namespace mlir::sq

#endif // SQ_LIB_DIALECT_SQ_TRANSFORMS_REALIZE_H
