//===- FlowSources.h - Values that flow into a value ------------*- C++ -*-===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Private to the room: the edges of regions and calls, followed backwards.
//
//===----------------------------------------------------------------------===//
#ifndef SQ_LIB_ANALYSIS_FLOWSOURCES_H
#define SQ_LIB_ANALYSIS_FLOWSOURCES_H

#include "mlir/IR/Value.h"
#include "llvm/ADT/SmallVector.h"
#include <optional>

namespace mlir::sq {

/// The values that control flow forwards to `value`: what a region branch
/// yields or is entered with, what a callee returns, what the callers of a
/// private function pass. In an order that depends on the op alone, so that the
/// lists of two results of one op correspond. std::nullopt where it is no such
/// value, or where not all of them are known. `root` is where callers are
/// looked for.
std::optional<SmallVector<Value>> getFlowSources(Value value, Operation *root);

/// Whether the values of both are forwarded along the same edges.
bool haveSameFlow(Value lhs, Value rhs);

} // namespace mlir::sq

#endif // SQ_LIB_ANALYSIS_FLOWSOURCES_H
