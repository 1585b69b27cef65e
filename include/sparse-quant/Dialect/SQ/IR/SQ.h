//===- SQ.h - The sq dialect ------------------------------------*- C++ -*-===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef SPARSE_QUANT_DIALECT_SQ_IR_SQ_H
#define SPARSE_QUANT_DIALECT_SQ_IR_SQ_H

#include "mlir/Bytecode/BytecodeOpInterface.h"
#include "mlir/IR/Attributes.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/Dialect.h"
#include "mlir/IR/OpDefinition.h"
#include "mlir/IR/OpImplementation.h"
#include "mlir/Interfaces/DestinationStyleOpInterface.h"
#include "mlir/Interfaces/InferTypeOpInterface.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "sparse-quant/Numerics/Format.h"
#include "sparse-quant/Numerics/FragmentLayout.h"
#include "sparse-quant/Numerics/Pattern.h"
#include "sparse-quant/Numerics/TileLayout.h"

namespace mlir::sq::detail {
/// `shaped` with element type i1.
RankedTensorType getMaskType(Type shaped);
/// See QuantFormatAttrInterface::getScaleTypes.
SmallVector<RankedTensorType> getScaleTypes(const numerics::Format &format,
                                            RankedTensorType input,
                                            int64_t axis);
/// Reads and writes an attribute of the dialect without its `#sq.`: a dialect
/// attribute in full would take the `: type` that follows it for its own.
ParseResult parseBareAttr(AsmParser &parser, Attribute &attr);
void printBareAttr(AsmPrinter &printer, Attribute attr);
} // namespace mlir::sq::detail

namespace mlir::sq {
/// Maps a negative axis to its nonnegative twin; std::nullopt outside the rank.
std::optional<int64_t> normalizeAxis(int64_t axis, int64_t rank);
} // namespace mlir::sq

#include "sparse-quant/Dialect/SQ/IR/SQAttrInterfaces.h.inc"
#include "sparse-quant/Dialect/SQ/IR/SQDialect.h.inc"
#include "sparse-quant/Dialect/SQ/IR/SQEnums.h.inc"
#define GET_ATTRDEF_CLASSES
#include "sparse-quant/Dialect/SQ/IR/SQAttributes.h.inc"
#define GET_OP_CLASSES
#include "sparse-quant/Dialect/SQ/IR/SQOps.h.inc"

namespace mlir::sq {
/// The attribute that describes `format` / `pattern`.
QuantFormatAttrInterface getFormatAttr(MLIRContext *context,
                                       const numerics::Format &format);
SparsityPatternAttrInterface getPatternAttr(MLIRContext *context,
                                            const numerics::Pattern &pattern);
} // namespace mlir::sq

#endif // SPARSE_QUANT_DIALECT_SQ_IR_SQ_H
