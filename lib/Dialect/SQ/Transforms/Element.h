//===- Element.h - How an element of a tensor is computed -------*- C++ -*-===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// One view of arithmetic on elements, however it is spelled: arith ops on
// tensors, linalg.generic bodies, named linalg ops, chains and mixtures of
// them. An Element is a value together with the index at which it is read, as
// a map from the index of one root tensor; following operands composes maps.
// Matchers thus see x / s[d0 floordiv 32] where the IR has five ops.
//
//===----------------------------------------------------------------------===//
#ifndef SPARSE_QUANT_LIB_DIALECT_SQ_TRANSFORMS_ELEMENT_H
#define SPARSE_QUANT_LIB_DIALECT_SQ_TRANSFORMS_ELEMENT_H

#include "mlir/IR/AffineMap.h"
#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/Value.h"

#include <optional>

namespace mlir::sq {

class Element {
public:
  /// The element of `tensor`, a ranked tensor, at the root's own index.
  static Element of(Value tensor);

  /// The arith or math op that computes the element, on scalars or on whole
  /// tensors; null for constants, arguments and everything else.
  Operation *getOp() const;
  /// The element that operand `index` of `getOp()` is.
  Element getOperand(unsigned index) const;

  /// The tensor that is read here; nullopt inside a linalg body.
  std::optional<Element> asTensor() const;
  /// The same, but through broadcasts, transpositions and copies to the tensor
  /// that they read.
  std::optional<Element> asSourceTensor() const;
  /// A scalar that doesn't vary over the root, and isn't constant.
  Value asUniformScalar() const;

  /// The constant that all elements are.
  std::optional<APFloat> getFloat() const;
  std::optional<APInt> getInteger() const;
  /// The constant tensor that is read here.
  std::optional<std::pair<DenseElementsAttr, AffineMap>> getDense() const;

  /// Whether the tensor is read at the root's own index.
  bool isIdentity() const { return map.isIdentity(); }
  Type getElementType() const;
  bool operator==(const Element &other) const;

  Value value;
  /// From the root's dimensions to those of `value`, or to the loops of the
  /// linalg op in whose body `value` is.
  AffineMap map;

private:
  /// Through block arguments and linalg ops to what computes the element.
  Element resolve() const;
};

/// Whether an Element can look through `op`: elementwise linalg on tensors
/// with one result.
bool isElementwiseLinalg(Operation *op);

} // namespace mlir::sq

#endif // SPARSE_QUANT_LIB_DIALECT_SQ_TRANSFORMS_ELEMENT_H
