//===- Linear.h - What counts as a linear layer -----------------*- C++ -*-===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// One predicate, so that the pass that chooses layers and the pass that packs
// them agree: out[m, n] += x[m, k] * w[n, k] in f32, however it is spelled
// (linalg.matmul with indexing maps, linalg.contract, linalg.generic).
//
//===----------------------------------------------------------------------===//
#ifndef SPARSE_QUANT_DIALECT_SQ_TRANSFORMS_LINEAR_H
#define SPARSE_QUANT_DIALECT_SQ_TRANSFORMS_LINEAR_H

#include "sparse-quant/Dialect/SQ/IR/SQ.h"

#include <optional>
#include <string>

namespace mlir::sq {

struct LinearLayer {
  Operation *op;
  /// Operands of `op`.
  OpOperand *input, *weight, *init;

  int64_t getRows() const;
  int64_t getColumns() const;
};

/// nullopt when `op` is no linear layer.
std::optional<LinearLayer> matchLinear(Operation *op);

/// A product with a parameter that *would* be a linear layer if the parameter
/// were stored [N, K]; the parameter, or null.
ParameterOp matchTransposedLinear(Operation *op);

/// A layer's name: that of its weight, less a trailing ".weight".
StringRef getLayerName(StringRef parameter);

/// The same text for ops that read the same bytes.
std::string getParameterKey(ParameterOp parameter);

/// Discardable attribute of a linear layer, set by sq-compress and read by
/// sq-pack-weights: why the layer stays as it is.
inline constexpr StringLiteral kWhyDenseAttr = "sq.why_dense";

} // namespace mlir::sq

#endif // SPARSE_QUANT_DIALECT_SQ_TRANSFORMS_LINEAR_H
