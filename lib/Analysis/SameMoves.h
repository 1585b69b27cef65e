//===- SameMoves.h - Values that are moved alike ----------------*- C++ -*-===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Private to the room.
//
//===----------------------------------------------------------------------===//
#ifndef SQ_LIB_ANALYSIS_SAMEMOVES_H
#define SQ_LIB_ANALYSIS_SAMEMOVES_H

namespace mlir {
class Operation;
} // namespace mlir

namespace mlir::sq {

/// Whether two ops, perhaps null, move the elements of their first operand in
/// the same way, whatever the element type.
bool isSameMove(Operation *lhs, Operation *rhs);

} // namespace mlir::sq

#endif // SQ_LIB_ANALYSIS_SAMEMOVES_H
