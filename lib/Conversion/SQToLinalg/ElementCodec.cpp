//===- ElementCodec.cpp - Element codes as arith on any target ------------===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "sparse-quant/Conversion/SQToLinalg/ElementCodec.h"

#include "mlir/IR/TypeUtilities.h"
#include "llvm/ADT/APFloat.h"
#include "llvm/ADT/bit.h"

using namespace mlir;
using namespace mlir::sq;
using numerics::Element;
using numerics::Family;
using numerics::Format;
using IPred = arith::CmpIPredicate;
using FPred = arith::CmpFPredicate;

namespace {

/// Where a small float keeps its bits, read off the builtin type.
struct FloatLayout {
  unsigned bits, mantissaBits;
  int bias;
  /// Code and value of the largest finite magnitude; what lies above is
  /// infinity (at maxCode + 1, if there is one) and NaN.
  int64_t maxCode;
  float maxFinite;
  bool hasInf;

  explicit FloatLayout(FloatType type) {
    const llvm::fltSemantics &semantics = type.getFloatSemantics();
    APFloat largest = APFloat::getLargest(semantics);
    bits = type.getWidth();
    mantissaBits = APFloat::semanticsPrecision(semantics) - 1;
    bias = 1 - APFloat::semanticsMinExponent(semantics);
    maxCode = largest.bitcastToAPInt().getZExtValue();
    hasInf = APFloat::semanticsHasInf(semantics);
    bool losesInfo;
    largest.convert(APFloat::IEEEsingle(), APFloat::rmNearestTiesToEven,
                    &losesInfo);
    maxFinite = largest.convertToFloat();
  }

  /// Exponent of the gap between subnormal codes.
  int gapExponent() const { return 1 - bias - static_cast<int>(mantissaBits); }
  unsigned shift() const { return 23 - mantissaBits; }
};

} // namespace

static float powerOfTwo(int exponent) {
  return llvm::bit_cast<float>(static_cast<uint32_t>(exponent + 127) << 23);
}

static constexpr int64_t infinityBits = 0x7f800000;
static constexpr int64_t nanBits = 0x7fc00000;

//===----------------------------------------------------------------------===//
// Pieces
//===----------------------------------------------------------------------===//

Type ElementCodec::like(Type element) {
  return shape.empty() ? element : VectorType::get(shape, element);
}

Value ElementCodec::constant(TypedAttr value) {
  if (!shape.empty())
    value = DenseElementsAttr::get(cast<ShapedType>(like(value.getType())),
                                   ArrayRef<Attribute>(value));
  return arith::ConstantOp::create(b, value);
}

Value ElementCodec::i32(int64_t value) {
  return constant(b.getI32IntegerAttr(static_cast<int32_t>(value)));
}

Value ElementCodec::f32(float value) {
  return constant(b.getF32FloatAttr(value));
}

Value ElementCodec::toBits(Value value) {
  return arith::BitcastOp::create(b, like(b.getI32Type()), value);
}

Value ElementCodec::fromBits(Value value) {
  return arith::BitcastOp::create(b, like(b.getF32Type()), value);
}

Value ElementCodec::magnitudeBits(Value value) {
  return arith::AndIOp::create(b, toBits(value), i32(0x7fffffff));
}

Value ElementCodec::zeroExtend(Value value) {
  Type element = getElementTypeOrSelf(value.getType());
  unsigned width = element.getIntOrFloatBitWidth();
  if (isa<FloatType>(element))
    value = arith::BitcastOp::create(b, like(b.getIntegerType(width)), value);
  if (width == 32)
    return value;
  return arith::ExtUIOp::create(b, like(b.getI32Type()), value);
}

Value ElementCodec::truncate(Value bits, Type elementType) {
  unsigned width = elementType.getIntOrFloatBitWidth();
  if (width != 32)
    bits = arith::TruncIOp::create(b, like(b.getIntegerType(width)), bits);
  if (isa<FloatType>(elementType))
    bits = arith::BitcastOp::create(b, like(elementType), bits);
  return bits;
}

Value ElementCodec::compare(IPred predicate, Value lhs, Value rhs) {
  return arith::CmpIOp::create(b, predicate, lhs, rhs);
}

Value ElementCodec::compare(FPred predicate, Value lhs, Value rhs) {
  return arith::CmpFOp::create(b, predicate, lhs, rhs);
}

Value ElementCodec::decodeFloat(Value code, FloatType type) {
  FloatLayout layout(type);
  Value bits = zeroExtend(code);
  Value magnitude = arith::AndIOp::create(
      b, bits, i32((int64_t(1) << (layout.bits - 1)) - 1));

  Value normal = arith::ShLIOp::create(b, magnitude, i32(layout.shift()));
  normal =
      arith::AddIOp::create(b, normal, i32(int64_t(127 - layout.bias) << 23));
  // A shift would make f32 subnormals of these, which some targets flush.
  Value integer = arith::SIToFPOp::create(b, like(b.getF32Type()), magnitude);
  Value subnormal = toBits(
      arith::MulFOp::create(b, integer, f32(powerOfTwo(layout.gapExponent()))));
  Value value = arith::SelectOp::create(
      b, compare(IPred::slt, magnitude, i32(int64_t(1) << layout.mantissaBits)),
      subnormal, normal);

  int64_t lastCode = (int64_t(1) << (layout.bits - 1)) - 1;
  if (layout.maxCode < lastCode)
    value = arith::SelectOp::create(
        b, compare(IPred::sgt, magnitude, i32(layout.maxCode)), i32(nanBits),
        value);
  if (layout.hasInf)
    value = arith::SelectOp::create(
        b, compare(IPred::eq, magnitude, i32(layout.maxCode + 1)),
        i32(infinityBits), value);

  Value sign = arith::ShRUIOp::create(b, bits, i32(layout.bits - 1));
  sign = arith::ShLIOp::create(b, sign, i32(31));
  return fromBits(arith::OrIOp::create(b, value, sign));
}

Value ElementCodec::encodeFloat(Value value, FloatType type) {
  FloatLayout layout(type);
  Value bits = toBits(value);
  Value magnitude = fromBits(arith::AndIOp::create(b, bits, i32(0x7fffffff)));
  Value largest = f32(layout.maxFinite);
  magnitude = arith::SelectOp::create(
      b, compare(FPred::OLT, magnitude, largest), magnitude, largest);

  // Normal codes: add just under half a unit in the last place that stays, or
  // half when the code is odd, and cut.
  Value raw = toBits(magnitude);
  Value odd = arith::AndIOp::create(
      b, arith::ShRUIOp::create(b, raw, i32(layout.shift())), i32(1));
  Value normal = arith::AddIOp::create(
      b, raw, i32((int64_t(1) << (layout.shift() - 1)) - 1));
  normal = arith::AddIOp::create(b, normal, odd);
  normal = arith::ShRUIOp::create(b, normal, i32(layout.shift()));
  normal = arith::SubIOp::create(
      b, normal, i32(int64_t(127 - layout.bias) << layout.mantissaBits));

  // Subnormal codes: adding 2^23 gaps makes the last place of the sum one gap,
  // so the addition itself rounds, and leaves the code in the low bits.
  Value magic = f32(powerOfTwo(layout.gapExponent() + 23));
  Value subnormal = arith::SubIOp::create(
      b, toBits(arith::AddFOp::create(b, magnitude, magic)), toBits(magic));
  Value code = arith::SelectOp::create(
      b, compare(FPred::OLT, magnitude, f32(powerOfTwo(1 - layout.bias))),
      subnormal, normal);

  Value sign = arith::ShRUIOp::create(b, bits, i32(31));
  sign = arith::ShLIOp::create(b, sign, i32(layout.bits - 1));
  Value zero = i32(0);
  return arith::SelectOp::create(b, compare(IPred::eq, code, zero), zero,
                                 arith::OrIOp::create(b, code, sign));
}

Value ElementCodec::encodeInteger(Value value, Value low, Value high) {
  value =
      arith::SelectOp::create(b, compare(FPred::OGT, value, low), value, low);
  value =
      arith::SelectOp::create(b, compare(FPred::OLT, value, high), value, high);
  // 1.5 * 2^23: the sum's last place is 1 for either sign, so the addition
  // rounds to nearest even without a library call.
  Value magic = f32(12582912.0f);
  return arith::SubIOp::create(
      b, toBits(arith::AddFOp::create(b, value, magic)), toBits(magic));
}

Value ElementCodec::decodeCodebook(const numerics::Codebook &codebook,
                                   Value code) {
  Value bits = zeroExtend(code);
  SmallVector<Value> values;
  for (unsigned i = 0; i < numerics::Codebook::kSize; ++i)
    values.push_back(f32(codebook.decode(i)));
  // Bit by bit, each halves the candidates.
  for (unsigned bit = 0; values.size() > 1; ++bit) {
    Value isSet =
        compare(IPred::ne,
                arith::AndIOp::create(b, bits, i32(int64_t(1) << bit)), i32(0));
    SmallVector<Value> halved;
    for (unsigned i = 0; i < values.size(); i += 2)
      halved.push_back(
          arith::SelectOp::create(b, isSet, values[i + 1], values[i]));
    values = std::move(halved);
  }
  return values.front();
}

Value ElementCodec::encodeCodebook(const numerics::Codebook &codebook,
                                   Value value) {
  Value index = i32(-static_cast<int64_t>(codebook.zero));
  for (unsigned i = 0; i + 1 < numerics::Codebook::kSize; ++i) {
    Value passed = compare(FPred::OGE, value, f32(codebook.boundary(i)));
    index = arith::AddIOp::create(b, index, zeroExtend(passed));
  }
  return arith::AndIOp::create(b, index, i32(numerics::Codebook::kSize - 1));
}

//===----------------------------------------------------------------------===//
// Elements under a scale
//===----------------------------------------------------------------------===//

/// MXINT8 codes count in units of 2^-6.
static float integerUnit(const Format &format) {
  return format.family == Family::Mx ? 0x1p-6f : 1.0f;
}

static float maxInteger(const Format &format) {
  return static_cast<float>((1 << (format.bits - (format.symmetric ? 1 : 0))) -
                            1);
}

Value ElementCodec::decodeInteger(const Format &format, Value code) {
  Type type = like(b.getI32Type());
  if (format.symmetric)
    return arith::ExtSIOp::create(b, type, code);
  return arith::ExtUIOp::create(b, type, code);
}

Value ElementCodec::decodeElement(const Format &format, Value code) {
  if (const numerics::Codebook *codebook =
          numerics::getCodebook(format.element))
    return decodeCodebook(*codebook, code);
  if (format.element != Element::Int)
    return decodeFloat(code,
                       cast<FloatType>(getElementTypeOrSelf(code.getType())));
  Value value = arith::SIToFPOp::create(b, like(b.getF32Type()),
                                        decodeInteger(format, code));
  if (float unit = integerUnit(format); unit != 1.0f)
    value = arith::MulFOp::create(b, value, f32(unit));
  return value;
}

Value ElementCodec::widen(const Format &format, Value code, Type type) {
  if (type.isF16())
    return arith::TruncFOp::create(b, like(type), decodeElement(format, code));
  Type i8 = b.getI8Type();
  if (format.element == Element::Int) {
    Value integer = decodeInteger(format, code);
    return truncate(integer, i8);
  }
  Value integer =
      arith::MulFOp::create(b, decodeElement(format, code),
                            f32(static_cast<float>(*format.integerFactor())));
  return truncate(arith::FPToSIOp::create(b, like(b.getI32Type()), integer),
                  i8);
}

Value ElementCodec::decodeScale(Value scale) {
  auto type = cast<FloatType>(getElementTypeOrSelf(scale.getType()));
  if (type.isF32())
    return scale;
  if (!isa<Float8E8M0FNUType>(type))
    return decodeFloat(scale, type);
  // The code is the exponent field; 0 is 2^-127, an f32 subnormal.
  Value code = zeroExtend(scale);
  Value bits = arith::ShLIOp::create(b, code, i32(23));
  bits = arith::SelectOp::create(b, compare(IPred::eq, code, i32(0)),
                                 i32(0x00400000), bits);
  bits = arith::SelectOp::create(b, compare(IPred::eq, code, i32(0xff)),
                                 i32(nanBits), bits);
  return fromBits(bits);
}

Value ElementCodec::dequantize(const Format &format, Value code,
                               ValueRange scales) {
  Value scale = decodeScale(scales[0]);
  if (format.hasZeroPoint()) {
    Value integer =
        arith::SubIOp::create(b, decodeInteger(format, code), scales[1]);
    Value value = arith::SIToFPOp::create(b, like(b.getF32Type()), integer);
    return arith::MulFOp::create(b, value, scale);
  }
  Value value = arith::MulFOp::create(b, decodeElement(format, code), scale);
  if (format.hasTensorScale())
    value = arith::MulFOp::create(b, value, scales[1]);
  return value;
}

Value ElementCodec::encodeUnscaled(const Format &format, Value quotient,
                                   Type codeType) {
  if (const numerics::Codebook *codebook =
          numerics::getCodebook(format.element))
    return encodeCodebook(*codebook, quotient);
  if (format.element != Element::Int)
    return encodeFloat(quotient, cast<FloatType>(codeType));
  float limit = maxInteger(format);
  return encodeInteger(quotient, f32(-limit), f32(limit));
}

Value ElementCodec::quantize(const Format &format, Value value,
                             ValueRange scales, Type codeType) {
  Value scale = decodeScale(scales[0]);
  if (format.hasTensorScale())
    scale = arith::MulFOp::create(b, scale, scales[1]);
  Value unit = scale;
  if (format.element == Element::Int && integerUnit(format) != 1.0f)
    unit = arith::MulFOp::create(b, scale, f32(integerUnit(format)));
  Value quotient = arith::DivFOp::create(b, value, unit);

  Value code, zeroCode;
  if (format.hasZeroPoint()) {
    // Clamping to [-zp, max - zp] first is the same as clamping the sum.
    zeroCode = scales[1];
    Value low = arith::SubIOp::create(b, i32(0), zeroCode);
    Value high = arith::SubIOp::create(
        b, i32(static_cast<int64_t>(maxInteger(format))), zeroCode);
    Type f32Type = like(b.getF32Type());
    code = encodeInteger(quotient, arith::SIToFPOp::create(b, f32Type, low),
                         arith::SIToFPOp::create(b, f32Type, high));
    code = arith::AddIOp::create(b, code, zeroCode);
  } else {
    zeroCode = i32(0);
    code = encodeUnscaled(format, quotient, codeType);
  }
  // A scale of zero or NaN has no codes but zero's (NUM-F4, NUM-F9).
  code = arith::SelectOp::create(b, compare(FPred::OGT, scale, f32(0.0f)), code,
                                 zeroCode);
  return truncate(code, codeType);
}
