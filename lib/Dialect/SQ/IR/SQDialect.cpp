//===- SQDialect.cpp - Registration and shared helpers ----------*- C++ -*-===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/DialectImplementation.h"
#include "sparse-quant/Dialect/SQ/IR/SQ.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace mlir::sq;

#include "sparse-quant/Dialect/SQ/IR/SQDialect.cpp.inc"
#include "sparse-quant/Dialect/SQ/IR/SQEnums.cpp.inc"

void SQDialect::initialize() {
  registerAttributes();
  addOperations<
#define GET_OP_LIST
#include "sparse-quant/Dialect/SQ/IR/SQOps.cpp.inc"
      >();
}

Operation *SQDialect::materializeConstant(OpBuilder &builder, Attribute value,
                                          Type type, Location loc) {
  return arith::ConstantOp::materialize(builder, value, type, loc);
}

std::optional<int64_t> mlir::sq::normalizeAxis(int64_t axis, int64_t rank) {
  if (axis < 0)
    axis += rank;
  if (axis < 0 || axis >= rank)
    return std::nullopt;
  return axis;
}

RankedTensorType mlir::sq::detail::getMaskType(Type shaped) {
  auto type = cast<RankedTensorType>(shaped);
  return type.clone(IntegerType::get(type.getContext(), 1));
}

static Type getScaleElementType(numerics::ScaleType type,
                                MLIRContext *context) {
  switch (type) {
  case numerics::ScaleType::F32:
    return Float32Type::get(context);
  case numerics::ScaleType::F16:
    return Float16Type::get(context);
  case numerics::ScaleType::E8M0:
    return Float8E8M0FNUType::get(context);
  case numerics::ScaleType::E4M3FN:
    return Float8E4M3FNType::get(context);
  }
  llvm_unreachable("unknown scale type");
}

SmallVector<RankedTensorType>
mlir::sq::detail::getScaleTypes(const numerics::Format &format,
                                RankedTensorType input, int64_t axis) {
  if (format.isHalf())
    return {};
  MLIRContext *context = input.getContext();
  SmallVector<int64_t> shape(input.getShape());
  if (format.scope == numerics::GroupScope::Tensor)
    shape.assign(shape.size(), 1);
  else if (!ShapedType::isDynamic(shape[axis]))
    shape[axis] = format.numGroups(shape[axis]);
  else if (format.scope == numerics::GroupScope::Row)
    shape[axis] = 1;

  SmallVector<RankedTensorType> types;
  types.push_back(RankedTensorType::get(
      shape, getScaleElementType(format.scaleType, context)));
  if (format.hasZeroPoint())
    types.push_back(
        RankedTensorType::get(shape, IntegerType::get(context, 32)));
  if (format.hasTensorScale())
    types.push_back(RankedTensorType::get(SmallVector<int64_t>(shape.size(), 1),
                                          Float32Type::get(context)));
  return types;
}
