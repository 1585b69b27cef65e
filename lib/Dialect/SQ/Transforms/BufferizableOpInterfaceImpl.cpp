//===- BufferizableOpInterfaceImpl.cpp - sq ops on memrefs
//------------------===//
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

/// Destination style: the results are the inits' buffers, the rest is only
/// read. Operand segments, formats and the like are properties and stay.
static LogicalResult bufferizeDestinationStyle(
    DestinationStyleOpInterface op, RewriterBase &rewriter,
    const BufferizationOptions &options, BufferizationState &state) {
  if (op->getNumResults() == 0)
    return success();
  SmallVector<Value> operands;
  for (Value operand : op->getOperands()) {
    if (!isa<TensorType>(operand.getType())) {
      operands.push_back(operand);
      continue;
    }
    FailureOr<Value> buffer = getBuffer(rewriter, operand, options, state);
    if (failed(buffer))
      return failure();
    operands.push_back(*buffer);
  }
  OperationState created(op->getLoc(), op->getName());
  created.addOperands(operands);
  created.addAttributes(op->getAttrs());
  auto lowered = cast<DestinationStyleOpInterface>(rewriter.create(created));
  replaceOpWithBufferizedValues(rewriter, op,
                                SmallVector<Value>(lowered.getDpsInits()));
  return success();
}

struct MatmulModel
    : DstBufferizableOpInterfaceExternalModel<MatmulModel, sq::MatmulOp> {
  LogicalResult bufferize(Operation *op, RewriterBase &rewriter,
                          const BufferizationOptions &options,
                          BufferizationState &state) const {
    return bufferizeDestinationStyle(cast<DestinationStyleOpInterface>(op),
                                     rewriter, options, state);
  }
};

struct AttentionModel
    : DstBufferizableOpInterfaceExternalModel<AttentionModel, sq::AttentionOp> {
  LogicalResult bufferize(Operation *op, RewriterBase &rewriter,
                          const BufferizationOptions &options,
                          BufferizationState &state) const {
    return bufferizeDestinationStyle(cast<DestinationStyleOpInterface>(op),
                                     rewriter, options, state);
  }
};

} // namespace

void mlir::sq::registerBufferizableOpInterfaceExternalModels(
    DialectRegistry &registry) {
  registry.addExtension(+[](MLIRContext *context, SQDialect *dialect) {
    MatmulOp::attachInterface<MatmulModel>(*context);
    AttentionOp::attachInterface<AttentionModel>(*context);
  });
}
