//===- Order.h - Sparsity before quantization -------------------*- C++ -*-===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The invariant that this compiler keeps: no mask is derived from quantized
// values, and none is applied after quantization. docs/order.md tells the
// whole story.
//
//===----------------------------------------------------------------------===//
#ifndef SPARSE_QUANT_DIALECT_SQ_TRANSFORMS_ORDER_H
#define SPARSE_QUANT_DIALECT_SQ_TRANSFORMS_ORDER_H

#include "mlir/Support/LLVM.h"

namespace mlir {
class Operation;
} // namespace mlir

namespace mlir::sq {

enum class OrderMode { Rewrite, Verify, Report };

/// Discardable attribute of masks and their applications that enforceOrder
/// moved or made: how sparsity came to be first ("commuted", "rescaled", "mask
/// recomputed"). For reports.
inline constexpr StringLiteral kOrderAttr = "sq.order";

/// Succeeds iff the invariant holds below `root`; otherwise emits an error at
/// each mask that breaks it, with a note at the culprit. The check behind
/// `sq-verify-order`; pipelines run it last.
LogicalResult verifyOrderInvariant(Operation *root);

/// Moves masks in front of quantizers below `root` until the invariant holds,
/// with a remark for each; an error where that can't be done. Follows values
/// through calls when `root` is the module.
LogicalResult enforceOrder(Operation *root);

/// Only the remarks: what `enforceOrder` would find. Changes nothing.
LogicalResult reportOrder(Operation *root);

} // namespace mlir::sq

#endif // SPARSE_QUANT_DIALECT_SQ_TRANSFORMS_ORDER_H
