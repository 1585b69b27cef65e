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

void ActivationBuilder::emitPad() {
  emitElement([&](Value column, Value token) {
    Value code = loadOrZero(b.getIntegerType(from.bits), 1, column, token);
    if (from.bits < 8)
      code = arith::ExtSIOp::create(b, i8(), code);
    store(code, placeOf(token, column, 1), 1);
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
