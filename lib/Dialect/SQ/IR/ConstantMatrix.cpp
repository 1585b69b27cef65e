//===- ConstantMatrix.cpp - Constants as Numerics sees them ---------------===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "ConstantMatrix.h"

using namespace mlir;
using namespace mlir::sq;

MatrixView::MatrixView(RankedTensorType type, int64_t axis) {
  for (auto [dim, size] : llvm::enumerate(type.getShape())) {
    int64_t &part = int64_t(dim) < axis    ? outer
                    : int64_t(dim) == axis ? extent
                                           : inner;
    part *= size;
  }
}

bool mlir::sq::hasNaN(DenseElementsAttr attr) {
  return isa<FloatType>(attr.getElementType()) &&
         llvm::any_of(attr.getValues<APFloat>(),
                      [](const APFloat &value) { return value.isNaN(); });
}

int64_t mlir::sq::getElementBytes(Type elementType) {
  return llvm::divideCeil(elementType.getIntOrFloatBitWidth(), 8);
}

std::vector<uint8_t> mlir::sq::readBytes(DenseElementsAttr attr,
                                         bool signExtend) {
  // Through APInt: how DenseElementsAttr stores narrow types is its own affair.
  int64_t width = getElementBytes(attr.getElementType());
  std::vector<uint8_t> bytes;
  bytes.reserve(attr.getNumElements() * width);
  auto append = [&](const APInt &bits) {
    APInt wide =
        signExtend ? bits.sextOrTrunc(8 * width) : bits.zextOrTrunc(8 * width);
    for (int64_t i = 0; i < width; ++i)
      bytes.push_back(wide.extractBitsAsZExtValue(8, 8 * i));
  };
  if (isa<FloatType>(attr.getElementType()))
    for (const APFloat &value : attr.getValues<APFloat>())
      append(value.bitcastToAPInt());
  else
    for (const APInt &value : attr.getValues<APInt>())
      append(value);
  return bytes;
}

DenseElementsAttr mlir::sq::writeBytes(RankedTensorType type,
                                       ArrayRef<uint8_t> bytes) {
  Type element = type.getElementType();
  unsigned bits = element.getIntOrFloatBitWidth();
  int64_t width = getElementBytes(element);
  auto read = [&](int64_t index) {
    APInt value(8 * width, 0);
    for (int64_t i = 0; i < width; ++i)
      value.insertBits(bytes[index * width + i], 8 * i, 8);
    return value.trunc(bits);
  };
  int64_t count = type.getNumElements();
  if (auto floatType = dyn_cast<FloatType>(element)) {
    SmallVector<APFloat> values;
    values.reserve(count);
    for (int64_t i = 0; i < count; ++i)
      values.emplace_back(floatType.getFloatSemantics(), read(i));
    return DenseElementsAttr::get(type, values);
  }
  SmallVector<APInt> values;
  values.reserve(count);
  for (int64_t i = 0; i < count; ++i)
    values.push_back(read(i));
  return DenseElementsAttr::get(type, values);
}
