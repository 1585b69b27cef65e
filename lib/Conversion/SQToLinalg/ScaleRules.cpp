//===- ScaleRules.cpp - From a group's extremes to its scale --------------===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The rules of lib/Numerics/Scales.cpp, operation by operation: the scale bytes
// must be the same, so neither an operation nor its order may change.
//
//===----------------------------------------------------------------------===//
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "sparse-quant/Conversion/SQToLinalg/ElementCodec.h"

#include <cmath>

using namespace mlir;
using namespace mlir::sq;
using numerics::Element;
using numerics::Family;
using numerics::Format;
using numerics::ScaleType;
using IPred = arith::CmpIPredicate;
using FPred = arith::CmpFPredicate;

static constexpr int64_t infinityBits = 0x7f800000;

/// The smallest scale of a format whose scale isn't a power of two (NUM-F5).
static float scaleFloor(const Format &format) {
  switch (format.scaleType) {
  case ScaleType::F16:
    return std::ldexp(1.0f, static_cast<int>(format.bits) - 25);
  case ScaleType::E4M3FN:
    return 0x1p-7f;
  case ScaleType::F32:
  case ScaleType::E8M0:
    break;
  }
  return 0x1p-126f;
}

/// max(value, floor) as std::max orders it.
static Value atLeast(ElementCodec &codec, Value value, float floor) {
  Value bound = codec.f32(floor);
  return arith::SelectOp::create(
      codec.builder(), codec.compare(FPred::OLT, value, bound), bound, value);
}

Value ElementCodec::quotientScale(const Format &format, Value maxAbs,
                                  FloatType scaleType) {
  Value maxElement = f32(static_cast<float>(format.maxElement()));
  Value scale = atLeast(*this, arith::DivFOp::create(b, maxAbs, maxElement),
                        scaleFloor(format));
  // f16 saturates at 65504.
  if (!scaleType.isF32())
    return truncate(encodeFloat(scale, scaleType), scaleType);
  // NUM-F6: the largest element must decode to a finite number. The quotient
  // was rounded up by at most half a unit, so that one unit less is enough.
  Value product = arith::MulFOp::create(b, scale, maxElement);
  Value overflows = compare(IPred::eq, toBits(product), i32(infinityBits));
  Value below = fromBits(arith::SubIOp::create(b, toBits(scale), i32(1)));
  return arith::SelectOp::create(b, overflows, below, scale);
}

Value ElementCodec::nvfp4Scale(Value maxAbs, Value tensorScale,
                               FloatType scaleType) {
  Value quotient = arith::DivFOp::create(b, maxAbs, f32(6.0f));
  quotient = arith::DivFOp::create(b, quotient, tensorScale);
  quotient = atLeast(*this, quotient, 0x1p-7f);
  return truncate(encodeFloat(quotient, scaleType), scaleType);
}

Value ElementCodec::nvfp4TensorScale(Value maxBits) {
  // 6 * 448, the largest product of an E2M1 and an E4M3FN.
  Value quotient = arith::DivFOp::create(b, fromBits(maxBits), f32(2688.0f));
  Value scale = atLeast(*this, quotient, 0x1p-126f);
  return arith::SelectOp::create(b, compare(IPred::eq, maxBits, i32(0)),
                                 f32(0.0f), scale);
}

/// floor(log2) of the largest element, the emax of OCP MX v1.0.
static int maxExponent(const Format &format) {
  switch (format.element) {
  case Element::Int: // 1 + 63/64
    return 0;
  case Element::E4M3FN:
    return 8;
  case Element::E5M2:
    return 15;
  case Element::E2M3FN:
  case Element::E2M1FN:
    return 2;
  case Element::E3M2FN:
    return 4;
  case Element::NF4: // Of no family whose scales are powers of two.
  case Element::F16:
  case Element::BF16:
    break;
  }
  return 0;
}

Value ElementCodec::powerOfTwoScale(const Format &format, Value maxBits) {
  Value exponent = arith::ShRUIOp::create(b, maxBits, i32(23));
  if (format.family == Family::Hbfp) {
    // ceil(log2), less the magnitude bits.
    Value fraction = arith::AndIOp::create(b, maxBits, i32(0x7fffff));
    Value inexact = zeroExtend(compare(IPred::ne, fraction, i32(0)));
    exponent = arith::AddIOp::create(b, exponent, inexact);
    exponent =
        arith::SubIOp::create(b, exponent, i32(int64_t(format.bits) - 1));
  } else {
    exponent = arith::SubIOp::create(b, exponent, i32(maxExponent(format)));
  }
  // Both biases are 127, so the exponent field is the code.
  exponent = arith::MaxSIOp::create(b, exponent, i32(0));
  exponent = arith::MinSIOp::create(b, exponent, i32(254));
  exponent = arith::SelectOp::create(b, compare(IPred::eq, maxBits, i32(0)),
                                     i32(0), exponent);
  if (format.family == Family::Mx)
    exponent = arith::SelectOp::create(
        b, compare(IPred::sge, maxBits, i32(infinityBits)), i32(0xff),
        exponent);
  return exponent;
}

Value ElementCodec::symmetricScale(const Format &format, Value maxBits,
                                   Value tensorScale, Type scaleType) {
  auto floatType = cast<FloatType>(scaleType);
  if (format.hasPowerOfTwoScale())
    return truncate(powerOfTwoScale(format, maxBits), floatType);

  Value maxAbs = fromBits(maxBits);
  Value stored = format.hasTensorScale()
                     ? nvfp4Scale(maxAbs, tensorScale, floatType)
                     : quotientScale(format, maxAbs, floatType);
  // NUM-F4: a group of zeros, or one that rounds to zeros altogether, has
  // scale 0.
  Value scale = decodeScale(stored);
  if (format.hasTensorScale())
    scale = arith::MulFOp::create(b, scale, tensorScale);
  Type codeType =
      format.element == Element::Int      ? Type(b.getIntegerType(format.bits))
      : format.element == Element::E4M3FN ? Type(b.getType<Float8E4M3FNType>())
      : format.element == Element::E5M2   ? Type(b.getType<Float8E5M2Type>())
                                          : Type(b.getType<Float4E2M1FNType>());
  Value lowest = maxAbs;
  if (!format.isSignSymmetric())
    lowest = arith::NegFOp::create(b, maxAbs);
  Value largest =
      encodeUnscaled(format, arith::DivFOp::create(b, lowest, scale), codeType);
  Value some = compare(IPred::ne, largest, i32(0));
  some = arith::AndIOp::create(b, some, compare(FPred::OGT, scale, f32(0.0f)));
  some = arith::AndIOp::create(b, some, compare(IPred::ne, maxBits, i32(0)));
  Value bits = arith::SelectOp::create(b, some, zeroExtend(stored), i32(0));
  return truncate(bits, floatType);
}

std::pair<Value, Value> ElementCodec::asymmetricScale(const Format &format,
                                                      Value low, Value high) {
  assert(shape.empty() && "the scale of a vector of groups");
  // 16 significant bits, toward zero (NUM-F8).
  constexpr int64_t unit = 0x100;
  int64_t maxCode = (int64_t(1) << format.bits) - 1;
  Value zero = f32(0.0f), maxValue = f32(static_cast<float>(maxCode));
  Value range = arith::SubFOp::create(b, high, low);
  Value bits = toBits(arith::DivFOp::create(b, range, maxValue));
  Value start = fromBits(arith::AndIOp::create(b, bits, i32(~(unit - 1))));
  Value negatedLow = arith::NegFOp::create(b, low);

  // Both ends may be ties that went to the even code below: then the next
  // smaller scale moves them off the tie.
  Type f32Type = b.getF32Type(), i32Type = b.getI32Type();
  auto loop = scf::WhileOp::create(
      b, TypeRange{f32Type, i32Type, i32Type}, ValueRange{start},
      [&](OpBuilder &nested, Location loc, ValueRange args) {
        ElementCodec codec(nested, loc);
        Value scale = atLeast(codec, args[0], 0x1p-126f);
        auto encode = [&](Value end) {
          Value quotient = arith::DivFOp::create(nested, loc, end, scale);
          return codec.encodeInteger(quotient, zero, maxValue);
        };
        Value above = encode(high), below = encode(negatedLow);
        Value sum = arith::AddIOp::create(nested, loc, above, below);
        Value covers = codec.compare(IPred::slt, sum, codec.i32(maxCode));
        Value canShrink =
            codec.compare(FPred::UNE, scale, codec.f32(0x1p-126f));
        Value again = arith::AndIOp::create(nested, loc, covers, canShrink);
        scf::ConditionOp::create(nested, loc, again,
                                 ValueRange{scale, above, below});
      },
      [&](OpBuilder &nested, Location loc, ValueRange args) {
        ElementCodec codec(nested, loc);
        Value smaller = arith::SubIOp::create(
            nested, loc, codec.toBits(args[0]), codec.i32(unit));
        scf::YieldOp::create(nested, loc, codec.fromBits(smaller));
      });
  Value scale = loop.getResult(0), above = loop.getResult(1),
        below = loop.getResult(2);
  Value either = arith::OrIOp::create(b, above, below);
  Value empty = compare(IPred::eq, either, i32(0));
  return {arith::SelectOp::create(b, empty, zero, scale),
          arith::SelectOp::create(b, empty, i32(0), below)};
}
