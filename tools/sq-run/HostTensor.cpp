//===- HostTensor.cpp - A tensor that owns its memory ---------------------===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "HostTensor.h"

#include "llvm/ADT/APFloat.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/MathExtras.h"

#include <algorithm>
#include <cstring>

using namespace llvm;
using namespace sqrun;

Error sqrun::makeError(const Twine &message) {
  return createStringError(inconvertibleErrorCode(), message);
}

/// The float format of a type of one lane, or null.
static const fltSemantics *floatFormat(sq_dtype type) {
  switch (type.code) {
  case SQ_TYPE_FLOAT:
    return type.bits == 16   ? &APFloat::IEEEhalf()
           : type.bits == 32 ? &APFloat::IEEEsingle()
           : type.bits == 64 ? &APFloat::IEEEdouble()
                             : nullptr;
  case SQ_TYPE_BFLOAT:
    return type.bits == 16 ? &APFloat::BFloat() : nullptr;
  case SQ_TYPE_FLOAT8_E4M3FN:
    return &APFloat::Float8E4M3FN();
  case SQ_TYPE_FLOAT8_E5M2:
    return &APFloat::Float8E5M2();
  case SQ_TYPE_FLOAT8_E8M0FNU:
    return &APFloat::Float8E8M0FNU();
  default:
    return nullptr;
  }
}

std::string sqrun::typeName(sq_dtype type) {
  std::string lanes = type.lanes == 1 ? "" : std::to_string(type.lanes) + "x";
  switch (type.code) {
  case SQ_TYPE_INT:
    return lanes + "i" + std::to_string(type.bits);
  case SQ_TYPE_UINT:
    return lanes + "ui" + std::to_string(type.bits);
  case SQ_TYPE_FLOAT:
    return lanes + "f" + std::to_string(type.bits);
  case SQ_TYPE_BFLOAT:
    return lanes + "bf" + std::to_string(type.bits);
  case SQ_TYPE_BOOL:
    return lanes + "bool";
  case SQ_TYPE_FLOAT8_E4M3FN:
    return lanes + "f8E4M3FN";
  case SQ_TYPE_FLOAT8_E5M2:
    return lanes + "f8E5M2";
  case SQ_TYPE_FLOAT8_E8M0FNU:
    return lanes + "f8E8M0FNU";
  default:
    return lanes + "opaque" + std::to_string(type.bits);
  }
}

bool sqrun::isInteger(sq_dtype type) {
  return (type.code == SQ_TYPE_INT || type.code == SQ_TYPE_UINT) &&
         type.lanes == 1;
}

std::optional<size_t> sqrun::checkedSize(sq_dtype dtype,
                                         ArrayRef<int64_t> shape) {
  uint64_t size = uint64_t(dtype.bits) * dtype.lanes / 8;
  for (int64_t extent : shape) {
    bool overflow = false;
    size = SaturatingMultiply<uint64_t>(size, extent, &overflow);
    if (extent < 0 || overflow || size > PTRDIFF_MAX)
      return std::nullopt;
  }
  return size;
}

HostTensor::HostTensor(sq_dtype dtype, ArrayRef<int64_t> shape)
    : dtype(dtype), shape(shape.vec()),
      bytes(checkedSize(dtype, shape).value_or(0)) {}

int64_t HostTensor::numElements() const {
  int64_t count = 1;
  for (int64_t extent : shape)
    count *= extent;
  return count;
}

sq_tensor HostTensor::view() {
  return {bytes.data(),
          {SQ_DEVICE_CPU, 0},
          static_cast<int32_t>(shape.size()),
          dtype,
          shape.data(),
          nullptr,
          0};
}

/// The bits of an element of at most 64 bits.
static uint64_t elementBits(const HostTensor &tensor, int64_t index) {
  uint64_t bits = 0;
  std::memcpy(&bits, tensor.bytes.data() + index * tensor.elementSize(),
              std::min(tensor.elementSize(), sizeof bits));
  return bits;
}

double HostTensor::element(int64_t index) const {
  uint64_t value = elementBits(*this, index);
  if (const fltSemantics *format = floatFormat(dtype)) {
    APFloat number(*format, APInt(dtype.bits, value));
    bool losesInfo;
    number.convert(APFloat::IEEEdouble(), APFloat::rmNearestTiesToEven,
                   &losesInfo);
    return number.convertToDouble();
  }
  if (dtype.code == SQ_TYPE_INT)
    return static_cast<double>(SignExtend64(value, dtype.bits));
  return static_cast<double>(value);
}

std::string HostTensor::describe() const {
  std::string text = typeName(dtype) + "[";
  for (size_t i = 0; i < shape.size(); ++i)
    text += (i ? ", " : "") + std::to_string(shape[i]);
  return text + "]";
}

/// Whether an integer of `bits` bits, as signed or unsigned, keeps its value as
/// an element of `type`.
static bool fits(uint64_t value, bool isSigned, sq_dtype type) {
  bool isNegative = isSigned && static_cast<int64_t>(value) < 0;
  if (type.code == SQ_TYPE_UINT)
    return !isNegative && isUIntN(type.bits, value);
  if (isNegative)
    return isIntN(type.bits, static_cast<int64_t>(value));
  return isUIntN(type.bits - 1, value);
}

Error sqrun::convertTo(HostTensor &tensor, sq_dtype type, StringRef what) {
  if (tensor.dtype == type)
    return Error::success();
  size_t oldSize = tensor.elementSize();
  size_t newSize = size_t(type.bits) * type.lanes / 8;
  bool isOpaque = tensor.dtype.code == UINT8_MAX;
  if (isOpaque && oldSize == newSize) {
    tensor.dtype = type;
    return Error::success();
  }
  if (!isInteger(tensor.dtype) || !isInteger(type))
    return makeError("'" + what + "' must have elements of type " +
                     typeName(type) + ", but has " + typeName(tensor.dtype));

  HostTensor result(type, tensor.shape);
  bool isSigned = tensor.dtype.code == SQ_TYPE_INT;
  for (int64_t i = 0, e = tensor.numElements(); i < e; ++i) {
    uint64_t value = elementBits(tensor, i);
    if (isSigned)
      value = static_cast<uint64_t>(SignExtend64(value, tensor.dtype.bits));
    if (!fits(value, isSigned, type))
      return makeError("'" + what + "': element " + Twine(i) +
                       " doesn't fit into " + typeName(type));
    std::memcpy(result.bytes.data() + i * newSize, &value, newSize);
  }
  tensor = std::move(result);
  return Error::success();
}
