//===- DecodeInput.cpp - Quantized activations to f32 ---------------------===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "DecodeInput.h"
#include "Loops.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace mlir::sq;
using namespace mlir::sq::cpu;

Value mlir::sq::cpu::decodeInput(ImplicitLocOpBuilder &b, MatmulOp op,
                                 int64_t lanes) {
  numerics::Format format = op.getActivationFormatAttr().getFormat();
  Value input = op.getInput();
  auto type = cast<MemRefType>(input.getType());
  int64_t cols = type.getDimSize(1);
  Value zero = constantIndex(b, 0);
  Value count = memref::DimOp::create(b, input, zero);
  SmallVector<Value> dynamic;
  if (type.isDynamicDim(0))
    dynamic.push_back(count);
  Value buffer = memref::AllocOp::create(
      b, MemRefType::get(type.getShape(), b.getF32Type()), dynamic,
      b.getI64IntegerAttr(64));

  auto bytes = VectorType::get({lanes}, b.getI8Type());
  auto words = VectorType::get({lanes}, b.getI32Type());
  auto reals = VectorType::get({lanes}, b.getF32Type());
  /// The scale or zero point of a row, in every lane.
  auto loadFactor = [&](Value factors, Value row, VectorType of) -> Value {
    bool isShared = cast<MemRefType>(factors.getType()).getDimSize(0) == 1;
    Value scalar = memref::LoadOp::create(
        b, factors, ValueRange{isShared ? zero : row, zero});
    if (scalar.getType().isF16())
      scalar = arith::ExtFOp::create(b, b.getF32Type(), scalar);
    return vector::BroadcastOp::create(b, of, scalar);
  };
  auto decode = [&](Value codes, Value zeroPoint, Value scale) -> Value {
    Value wide = zeroPoint ? Value(arith::ExtUIOp::create(b, words, codes))
                           : Value(arith::ExtSIOp::create(b, words, codes));
    if (zeroPoint)
      wide = arith::SubIOp::create(b, wide, zeroPoint);
    return arith::MulFOp::create(b, arith::SIToFPOp::create(b, reals, wide),
                                 scale);
  };
  emitLoop(b, zero, count, 1, [&](Value row) {
    Value scale = loadFactor(op.getInputScales()[0], row, reals);
    Value zeroPoint;
    if (format.hasZeroPoint())
      zeroPoint = loadFactor(op.getInputScales()[1], row, words);
    int64_t whole = cols / lanes * lanes;
    emitLoop(b, zero, constantIndex(b, whole), lanes, [&](Value col) {
      SmallVector<Value> at = {row, col};
      Value codes = vector::LoadOp::create(b, bytes, input, at);
      vector::StoreOp::create(b, decode(codes, zeroPoint, scale), buffer, at);
    });
    if (whole == cols)
      return;
    SmallVector<Value> at = {row, constantIndex(b, whole)};
    Value mask = vector::ConstantMaskOp::create(
        b, VectorType::get({lanes}, b.getI1Type()),
        ArrayRef<int64_t>{cols - whole});
    Value codes = vector::MaskedLoadOp::create(
        b, bytes, input, at, mask,
        arith::ConstantOp::create(b, b.getZeroAttr(bytes)));
    vector::MaskedStoreOp::create(b, buffer, at, mask,
                                  decode(codes, zeroPoint, scale));
  });
  return buffer;
}
