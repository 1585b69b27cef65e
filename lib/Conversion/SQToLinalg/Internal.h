//===- Internal.h - Pieces that the lowerings share -------------*- C++ -*-===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef SPARSE_QUANT_LIB_CONVERSION_SQTOLINALG_INTERNAL_H
#define SPARSE_QUANT_LIB_CONVERSION_SQTOLINALG_INTERNAL_H

#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Utils/StructuredOpsUtils.h"
#include "mlir/IR/PatternMatch.h"
#include "sparse-quant/Conversion/SQToLinalg/ElementCodec.h"
#include "sparse-quant/Dialect/SQ/IR/SQ.h"

namespace mlir::sq {

void populateAttentionPatterns(RewritePatternSet &patterns);
void populateMaskPatterns(RewritePatternSet &patterns);
void populatePackPatterns(RewritePatternSet &patterns);
void populateQuantizePatterns(RewritePatternSet &patterns);
void populateMatmulPatterns(RewritePatternSet &patterns);

/// Replaces each sq.dequantize of what an sq.quantize gave. Before the
/// patterns, which see one op at a time.
void lowerRoundTrips(RewriterBase &rewriter, Operation *root);

//===----------------------------------------------------------------------===//
// Building linalg.generic
//===----------------------------------------------------------------------===//

/// The body of a generic: block arguments in, yielded values out.
using BodyFn =
    function_ref<SmallVector<Value>(ElementCodec &codec, ValueRange args)>;

/// A value and how the loops index it.
struct Indexed {
  Value value;
  AffineMap map;
};

/// A linalg.generic over `iterators`; returns its results.
SmallVector<Value> createGeneric(OpBuilder &b, Location loc,
                                 ArrayRef<Indexed> inputs,
                                 ArrayRef<Indexed> outputs,
                                 ArrayRef<utils::IteratorType> iterators,
                                 BodyFn body);

/// An elementwise generic over fresh results of `sizes` and `elementTypes`,
/// one per type.
SmallVector<Value> createElementwise(OpBuilder &b, Location loc,
                                     ArrayRef<OpFoldResult> sizes,
                                     ArrayRef<Type> elementTypes,
                                     ArrayRef<Indexed> inputs, BodyFn body);

/// A tensor of `sizes` that holds `value` everywhere.
Value createFilled(OpBuilder &b, Location loc, ArrayRef<OpFoldResult> sizes,
                   Value value);

/// (dims, exprs...) as a map without symbols.
AffineMap getMap(OpBuilder &b, unsigned dims, ArrayRef<AffineExpr> exprs);
AffineMap getIdentity(OpBuilder &b, unsigned dims);

//===----------------------------------------------------------------------===//
// Groups along an axis
//===----------------------------------------------------------------------===//

OpFoldResult ceilDiv(OpBuilder &b, Location loc, OpFoldResult size,
                     int64_t divisor);

/// `input` with `axis` split into (groups, size): dimension `axis` counts
/// groups and `axis + 1` elements of a group. `padding` fills a last group that
/// the edge cuts short.
Value splitAxis(OpBuilder &b, Location loc, Value input, int64_t axis,
                int64_t size, Value padding);

/// `value` with static extents where `type` has them.
Value castTo(OpBuilder &b, Location loc, Value value, RankedTensorType type);

/// How the loops over a tensor of `rank` index its scales.
AffineMap getScaleMap(OpBuilder &b, const numerics::Format &format,
                      unsigned rank, int64_t axis);

} // namespace mlir::sq

#endif // SPARSE_QUANT_LIB_CONVERSION_SQTOLINALG_INTERNAL_H
