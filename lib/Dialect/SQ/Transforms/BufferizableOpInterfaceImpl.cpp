//===- BufferizableOpInterfaceImpl.cpp - sq.matmul on memrefs ---*- C++ -*-===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "sparse-quant/Dialect/SQ/Transforms/BufferizableOpInterfaceImpl.h"
#include "mlir/Dialect/Bufferization/IR/BufferizableOpInterface.h"
#include "mlir/Dialect/Bufferization/IR/DstBufferizableOpInterfaceImpl.h"
#include "mlir/IR/DialectRegistry.h"
#include "sparse-quant/Dialect/SQ/IR/SQ.h"

using namespace mlir;
using namespace mlir::bufferization;

namespace {

/// Destination style: the result is the init's buffer, the rest is only read.
struct MatmulModel
    : DstBufferizableOpInterfaceExternalModel<MatmulModel, sq::MatmulOp> {
  LogicalResult bufferize(Operation *op, RewriterBase &rewriter,
                          const BufferizationOptions &options,
                          BufferizationState &state) const {
    auto matmul = cast<sq::MatmulOp>(op);
    if (!matmul.getResult())
      return success();
    SmallVector<Value> operands;
    for (Value operand : op->getOperands()) {
      FailureOr<Value> buffer = getBuffer(rewriter, operand, options, state);
      if (failed(buffer))
        return failure();
      operands.push_back(*buffer);
    }
    // Operand segments, format, pattern and kernel are properties and stay.
    OperationState created(op->getLoc(), op->getName());
    created.addOperands(operands);
    created.addAttributes(op->getAttrs());
    Operation *lowered = rewriter.create(created);
    replaceOpWithBufferizedValues(rewriter, op,
                                  cast<sq::MatmulOp>(lowered).getInit());
    return success();
  }
};

} // namespace

void mlir::sq::registerBufferizableOpInterfaceExternalModels(
    DialectRegistry &registry) {
  registry.addExtension(+[](MLIRContext *context, SQDialect *dialect) {
    MatmulOp::attachInterface<MatmulModel>(*context);
  });
}
