//===- TileReader.cpp - Vectors of weights of a tile ----------------------===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "TileReader.h"
#include "X86Vector.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace mlir::sq;
using namespace mlir::sq::cpu;
using numerics::TileLayout;

static bool isCodebook(const TileLayout &layout) {
  return layout.storedBits() == 4 &&
         layout.format.element != numerics::Element::Int;
}

int TileReader::getWeightFactor(const TileLayout &layout) {
  // An integer nibble is read as the high nibble of a byte, which gives it its
  // sign for free and makes it 16 times as large.
  return layout.storedBits() == 4 && !isCodebook(layout) ? 16 : 1;
}

Value TileReader::splat(uint8_t byte) {
  auto type = VectorType::get({TileLayout::kVector}, b.getI8Type());
  return arith::ConstantOp::create(
      b, DenseElementsAttr::get(type,
                                b.getI8IntegerAttr(static_cast<int8_t>(byte))));
}

Value TileReader::loadBytes(Value memref, Value offset, int64_t extra) {
  Value at = arith::AddIOp::create(b, offset,
                                   arith::ConstantIndexOp::create(b, extra));
  return vector::LoadOp::create(
      b, VectorType::get({TileLayout::kVector}, b.getI8Type()), memref,
      ValueRange{tile, at});
}

Value TileReader::extractField(Value bytes, unsigned shift, unsigned bits) {
  if (shift) {
    // There is no shift of bytes; what crosses from the upper byte of a word
    // is masked away.
    auto words = VectorType::get({TileLayout::kVector / 2}, b.getI16Type());
    Value wide = vector::BitCastOp::create(b, words, bytes);
    Value amount = arith::ConstantOp::create(
        b, DenseElementsAttr::get(words, b.getI16IntegerAttr(shift)));
    bytes = vector::BitCastOp::create(b, bytes.getType(),
                                      arith::ShRUIOp::create(b, wide, amount));
  }
  return arith::AndIOp::create(b, bytes,
                               splat(static_cast<uint8_t>((1u << bits) - 1)));
}

void TileReader::start(Value first) {
  // A unit starts at a byte of its own.
  auto scaled = [&](unsigned bits) -> Value {
    Value size = arith::ConstantIndexOp::create(b, TileLayout::kVector *
                                                       int64_t(bits) / 8);
    return arith::MulIOp::create(b, first, size);
  };
  payloadStart = scaled(layout.storedBits());
  if (layout.isSparse())
    positionStart = scaled(layout.positionBits());
}

Value TileReader::readWeights(int64_t i) {
  constexpr int64_t bytes = TileLayout::kVector;
  if (layout.storedBits() == 8)
    return loadBytes(op.getPayload(), payloadStart, i * bytes);
  if (i % 2 == 0)
    nibbles = loadBytes(op.getPayload(), payloadStart, i / 2 * bytes);
  if (isCodebook(layout)) {
    SmallVector<int8_t> values;
    for (int64_t lane = 0; lane < bytes; ++lane)
      values.push_back(static_cast<int8_t>(
          numerics::decodeElement(layout.format, lane % 16) *
          *layout.format.integerFactor()));
    Value table = arith::ConstantOp::create(
        b, DenseElementsAttr::get(VectorType::get({bytes}, b.getI8Type()),
                                  ArrayRef<int8_t>(values)));
    return x86::shuffleBytes(b, table, extractField(nibbles, i % 2 * 4, 4));
  }
  if (i % 2)
    return arith::AndIOp::create(b, nibbles, splat(0xf0));
  auto words = VectorType::get({bytes / 2}, b.getI16Type());
  Value amount = arith::ConstantOp::create(
      b, DenseElementsAttr::get(words, b.getI16IntegerAttr(4)));
  Value high = arith::ShLIOp::create(
      b, vector::BitCastOp::create(b, words, nibbles), amount);
  return arith::AndIOp::create(
      b, vector::BitCastOp::create(b, nibbles.getType(), high), splat(0xf0));
}

Value TileReader::readIndices(int64_t i) {
  unsigned bits = layout.positionBits();
  int64_t fields = 8 / bits;
  if (i % fields == 0)
    positions = loadBytes(op.getBitmap(), positionStart,
                          i / fields * TileLayout::kVector);
  Value position =
      extractField(positions, static_cast<unsigned>(i % fields * bits), bits);
  // The first column of each code's group, within its 64 columns.
  SmallVector<int8_t> base;
  for (int64_t lane = 0; lane < TileLayout::kVector; ++lane) {
    int64_t kept = i * TileLayout::kDepth + lane % TileLayout::kDepth;
    base.push_back(
        static_cast<int8_t>(kept / layout.n * layout.m % TileLayout::kWindow));
  }
  Value bases = arith::ConstantOp::create(
      b, DenseElementsAttr::get(cast<VectorType>(position.getType()),
                                ArrayRef<int8_t>(base)));
  return arith::OrIOp::create(b, position, bases);
}

Value TileReader::readScales(Value group) {
  constexpr int64_t rows = TileLayout::kRows;
  Value scales = op.getScales().front();
  Type stored = cast<MemRefType>(scales.getType()).getElementType();
  Value at =
      arith::MulIOp::create(b, group, arith::ConstantIndexOp::create(b, rows));
  Value loaded = vector::LoadOp::create(b, VectorType::get({rows}, stored),
                                        scales, ValueRange{tile, at});
  auto real = VectorType::get({rows}, b.getF32Type());
  auto words = VectorType::get({rows}, b.getI32Type());
  auto bytes = VectorType::get({rows}, b.getI8Type());
  auto wordsOf = [&](int32_t value) -> Value {
    return arith::ConstantOp::create(
        b, DenseElementsAttr::get(words, b.getI32IntegerAttr(value)));
  };
  switch (layout.format.scaleType) {
  case numerics::ScaleType::F32:
    return loaded;
  case numerics::ScaleType::F16:
    return arith::ExtFOp::create(b, real, loaded);
  case numerics::ScaleType::E8M0: {
    // 2^(c-127): the exponent field, but for 2^-127 (a denormal) and NaN.
    Value code = arith::ExtUIOp::create(
        b, words, arith::BitcastOp::create(b, bytes, loaded));
    auto isCode = [&](int32_t value) -> Value {
      return arith::CmpIOp::create(b, arith::CmpIPredicate::eq, code,
                                   wordsOf(value));
    };
    Value bits = arith::ShLIOp::create(b, code, wordsOf(23));
    bits = arith::SelectOp::create(b, isCode(0), wordsOf(0x00400000), bits);
    bits = arith::SelectOp::create(b, isCode(255), wordsOf(0x7fc00000), bits);
    return arith::BitcastOp::create(b, real, bits);
  }
  case numerics::ScaleType::E4M3FN: {
    // Seven bits up, E4M3 is an f16 whose exponent is biased by 15 instead of
    // 7: 2^-8 of the value, denormals included. Scales are finite and positive.
    auto halves = VectorType::get({rows}, b.getI16Type());
    Value code = arith::ExtUIOp::create(
        b, halves, arith::BitcastOp::create(b, bytes, loaded));
    Value seven = arith::ConstantOp::create(
        b, DenseElementsAttr::get(halves, b.getI16IntegerAttr(7)));
    Value half =
        arith::BitcastOp::create(b, VectorType::get({rows}, b.getF16Type()),
                                 arith::ShLIOp::create(b, code, seven));
    Value factor = arith::ConstantOp::create(
        b, DenseElementsAttr::get(real, b.getF32FloatAttr(256.0f)));
    return arith::MulFOp::create(b, arith::ExtFOp::create(b, real, half),
                                 factor);
  }
  }
  llvm_unreachable("unknown scale type");
}
