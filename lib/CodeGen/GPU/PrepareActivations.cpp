//===- PrepareActivations.cpp - Activations as tensor cores take them -----===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "PrepareActivations.h"

using namespace mlir;
using namespace mlir::sq::cuda;

namespace {

/// A thread an element.
class ActivationBuilder : DeviceBuilder {
public:
  static constexpr int64_t kThreads = 256;

  ActivationBuilder(ImplicitLocOpBuilder &b, const Activations &from, Value to)
      : DeviceBuilder(b), from(from), to(to) {}

  int64_t blocksPerToken() const {
    return (from.paddedCols + kThreads - 1) / kThreads;
  }
  void emitSplit();
  void emitPad();

private:
  /// Calls body(column, token) where there is such an element.
  void emitElement(function_ref<void(Value, Value)> body);
  Value toInteger(Value code);
  Value loadOrZero(Type type, int64_t bytes, Value column, Value token);
  Value placeOf(Value row, Value column, int64_t bytes) {
    return at(atFar(globalPointer(to), row, from.paddedCols * bytes),
              mul(column, bytes));
  }

  const Activations &from;
  Value to;
};

} // namespace

void ActivationBuilder::emitElement(function_ref<void(Value, Value)> body) {
  Value index = block(::mlir::gpu::Dimension::x);
  Value token = div(index, blocksPerToken());
  Value column = add(mul(rem(index, blocksPerToken()), kThreads), thread());
  emitIf(isLess(column, constant(from.paddedCols)),
         [&] { body(column, token); });
}

Value ActivationBuilder::loadOrZero(Type type, int64_t bytes, Value column,
                                    Value token) {
  Value wide = arith::ExtUIOp::create(b, b.getI64Type(), token);
  Value stride = arith::ExtUIOp::create(b, b.getI64Type(), from.stride);
  Value size = arith::ConstantOp::create(b, b.getI64IntegerAttr(bytes));
  Value start =
      arith::MulIOp::create(b, arith::MulIOp::create(b, wide, stride), size);
  Value inside = min(column, constant(from.cols - 1));
  Value value =
      load(type, at(at(globalPointer(from.address), start), mul(inside, bytes)),
           bytes);
  Value zero = arith::ConstantOp::create(b, b.getZeroAttr(type));
  return arith::SelectOp::create(b, isLess(column, constant(from.cols)), value,
                                 zero);
}

void ActivationBuilder::emitSplit() {
  emitElement([&](Value column, Value token) {
    Value rest = loadOrZero(f32(), 4, column, token);
    for (int64_t plane = 0; plane < 3; ++plane) {
      Value part = arith::TruncFOp::create(b, b.getBF16Type(), rest);
      Value row = add(mul(from.tokens, plane), token);
      store(part, placeOf(row, column, 2), 2);
      rest =
          arith::SubFOp::create(b, rest, arith::ExtFOp::create(b, f32(), part));
    }
  });
}

/// E2M1 and E2M3 in units of their smallest number: a fraction f below the
/// first binade, and (2^n + f) * 2^(e - 1) in binade e.
Value ActivationBuilder::toInteger(Value code) {
  int64_t one = int64_t(1) << *from.fraction;
  Value bits = arith::ExtUIOp::create(b, i32(), code);
  Value fraction = bitAnd(bits, one - 1);
  Value exponent = bitAnd(shiftRight(bits, *from.fraction), 3);
  Value isSmall = arith::CmpIOp::create(b, arith::CmpIPredicate::eq, exponent,
                                        constant(int64_t(0)));
  Value binade = arith::SelectOp::create(b, isSmall, constant(int64_t(0)),
                                         add(exponent, constant(int64_t(-1))));
  Value magnitude = arith::ShLIOp::create(
      b, arith::SelectOp::create(b, isSmall, fraction, add(fraction, one)),
      binade);
  Value negative = arith::SubIOp::create(b, constant(int64_t(0)), magnitude);
  Value sign = bitAnd(bits, int64_t(1) << (from.bits - 1));
  Value isNegative = arith::CmpIOp::create(b, arith::CmpIPredicate::ne, sign,
                                           constant(int64_t(0)));
  return arith::TruncIOp::create(
      b, i8(), arith::SelectOp::create(b, isNegative, negative, magnitude));
}

void ActivationBuilder::emitPad() {
  int64_t bytes = from.bits == 16 ? 2 : 1;
  emitElement([&](Value column, Value token) {
    Value code = loadOrZero(b.getIntegerType(from.bits), bytes, column, token);
    if (from.fraction)
      code = toInteger(code);
    else if (from.bits < 8)
      code = arith::ExtSIOp::create(b, i8(), code);
    store(code, placeOf(token, column, bytes), bytes);
  });
}

/// Launches a thread for each element that is written.
static void launch(ImplicitLocOpBuilder &b, const Activations &from, Value to,
                   void (ActivationBuilder::*emit)()) {
  ActivationBuilder builder(b, from, to);
  Value tokens = arith::IndexCastOp::create(b, b.getIndexType(), from.tokens);
  Value blocks = arith::MulIOp::create(
      b, tokens, arith::ConstantIndexOp::create(b, builder.blocksPerToken()));
  emitLaunch(b, {blocks}, ActivationBuilder::kThreads, /*sharedBytes=*/0,
             [&] { (builder.*emit)(); });
}

void mlir::sq::cuda::emitSplit(ImplicitLocOpBuilder &b, const Activations &from,
                               Value to) {
  launch(b, from, to, &ActivationBuilder::emitSplit);
}

void mlir::sq::cuda::emitPad(ImplicitLocOpBuilder &b, const Activations &from,
                             Value to) {
  launch(b, from, to, &ActivationBuilder::emitPad);
}
