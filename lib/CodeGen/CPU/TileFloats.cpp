//===- TileFloats.cpp - Weights of a tile as f32 --------------------------===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "TileFloats.h"
#include "ByteISA.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace mlir::sq;
using namespace mlir::sq::cpu;
using numerics::Element;
using numerics::TileLayout;

static constexpr int64_t kRows = TileLayout::kRows;

/// Whether `TileReader` makes bytes of what is stored first.
static bool readsBytes(const TileLayout &layout) {
  return layout.hasBitmap() || layout.storedBits() == 6;
}

/// Whether codes are looked up as they are stored, two in a byte.
static bool holdsNibbles(const TileLayout &layout) {
  return layout.storedBits() == 4 && !layout.hasBitmap();
}

/// Whether elements are nibbles that are converted: where a look-up in 16
/// floats takes five instructions (AVX2), and these are integers.
static bool convertsNibbles(const TileLayout &layout, const ByteISA &isa) {
  return holdsNibbles(layout) && layout.format.element == Element::Int &&
         isa.numFloatVectors() < 32;
}

/// Whether elements are looked up by nibbles, those that a bitmap spread over
/// bytes included.
static bool looksUpNibbles(const TileLayout &layout, const ByteISA &isa) {
  return layout.storedBits() == 4 && !convertsNibbles(layout, isa) &&
         (!layout.hasBitmap() || !layout.format.integerFactor());
}

/// Whether the bytes are codes of floats, not integers.
static bool holdsFloats(const TileLayout &layout) {
  return layout.storedBits() > 4 && !layout.format.integerFactor();
}

static Value splat(ImplicitLocOpBuilder &b, int64_t lanes, IntegerAttr value) {
  return arith::ConstantOp::create(
      b,
      DenseElementsAttr::get(VectorType::get({lanes}, value.getType()), value));
}

float TileFloats::getFactor(const TileLayout &layout, const ByteISA &isa) {
  if (looksUpNibbles(layout, isa))
    return 1.0f;
  if (convertsNibbles(layout, isa))
    return 0x1p-28f;
  if (std::optional<int> factor = layout.format.integerFactor()) {
    if (readsBytes(layout))
      *factor *= TileReader::getWeightFactor(layout);
    return 0x1p-24f / static_cast<float>(*factor);
  }
  // The biases are f16's 15 and the element's.
  switch (layout.format.element) {
  case Element::E4M3FN:
    return 0x1p8f;
  case Element::E3M2FN:
    return 0x1p12f;
  default:
    return 1.0f;
  }
}

void TileFloats::start(Value first) {
  if (readsBytes(layout))
    reader.start(first);
  if (layout.hasBitmap())
    return;
  auto scaled = [&](unsigned bits) -> Value {
    Value size = arith::ConstantIndexOp::create(b, TileLayout::kVector *
                                                       int64_t(bits) / 8);
    return arith::MulIOp::create(b, first, size);
  };
  payloadStart = scaled(layout.storedBits());
  if (layout.hasPositions())
    positionStart = scaled(layout.positionBits());
}

Value TileFloats::loadWords(Value memref, Value start, int64_t vector,
                            unsigned bits) {
  Value at = arith::AddIOp::create(
      b, start,
      arith::ConstantIndexOp::create(b, vector * TileLayout::kVector));
  reader.prefetchBytes(memref, tile, at, bits);
  Value bytes = vector::LoadOp::create(
      b, VectorType::get({TileLayout::kVector}, b.getI8Type()), memref,
      ValueRange{tile, at});
  return vector::BitCastOp::create(b, VectorType::get({kRows}, b.getI32Type()),
                                   bytes);
}

Value TileFloats::shiftDown(Value words, int64_t bit) {
  if (bit == 0)
    return words;
  return arith::ShRUIOp::create(b, words,
                                splat(b, kRows, b.getI32IntegerAttr(bit)));
}

/// The f16 of depths d and d + 1: vector<32xf16>.
Value TileFloats::decodeHalves(int64_t d) {
  constexpr int64_t bytes = TileLayout::kVector;
  auto byteVector = VectorType::get({bytes}, b.getI8Type());
  auto halfwords = VectorType::get({bytes / 2}, b.getI16Type());
  SmallVector<int64_t> order;
  for (int64_t depth : {d, d + 1})
    for (int64_t row = 0; row < kRows; ++row) {
      order.push_back(bytes); // A zero.
      order.push_back(row * TileLayout::kDepth + depth);
    }
  Value spread = vector::ShuffleOp::create(
      b, vector::BitCastOp::create(b, byteVector, codes),
      splat(b, bytes, b.getI8IntegerAttr(0)), order);
  Value half = vector::BitCastOp::create(b, halfwords, spread);
  auto constant = [&](int32_t value) {
    return splat(b, bytes / 2,
                 b.getI16IntegerAttr(static_cast<int16_t>(value)));
  };
  switch (layout.format.element) {
  case Element::E4M3FN:
    // seeeemmm 00000000 -> s0eeeemm m0000000
    half = arith::AndIOp::create(
        b, arith::ShRSIOp::create(b, half, constant(1)), constant(0xbf80));
    break;
  case Element::E3M2FN: {
    if (layout.storedBits() == 6) {
      // seeemm00 00000000 -> s00eeemm 00000000
      half = arith::AndIOp::create(
          b, arith::ShRSIOp::create(b, half, constant(2)), constant(0x9f00));
      break;
    }
    // 00seeemm 00000000 -> s00eeemm 00000000
    Value sign = arith::AndIOp::create(
        b, arith::ShLIOp::create(b, half, constant(2)), constant(0x8000));
    half = arith::OrIOp::create(
        b, arith::AndIOp::create(b, half, constant(0x1f00)), sign);
    break;
  }
  default: // E5M2 is the upper half of f16.
    break;
  }
  return vector::BitCastOp::create(
      b, VectorType::get({bytes / 2}, b.getF16Type()), half);
}

/// Byte d of each word, the highest of a word that is zero below.
Value TileFloats::isolateByte(int64_t d) {
  constexpr int64_t bytes = TileLayout::kVector, depth = TileLayout::kDepth;
  if (d == 0)
    return arith::ShLIOp::create(b, codes,
                                 splat(b, kRows, b.getI32IntegerAttr(24)));
  if (d == depth - 1)
    return arith::AndIOp::create(
        b, codes, splat(b, kRows, b.getI32IntegerAttr(-(1 << 24))));
  SmallVector<int64_t> order(bytes, bytes); // Zeros.
  for (int64_t row = 0; row < kRows; ++row)
    order[row * depth + depth - 1] = row * depth + d;
  Value moved = vector::ShuffleOp::create(
      b,
      vector::BitCastOp::create(b, VectorType::get({bytes}, b.getI8Type()),
                                codes),
      splat(b, bytes, b.getI8IntegerAttr(0)), order);
  return vector::BitCastOp::create(b, codes.getType(), moved);
}

Value TileFloats::readElements(int64_t i, int64_t d) {
  auto reals = VectorType::get({kRows}, b.getF32Type());
  bool isNibble = holdsNibbles(layout);
  int64_t perVector = isNibble ? 2 : 1;
  if (d == 0 && readsBytes(layout))
    codes = vector::BitCastOp::create(
        b, VectorType::get({kRows}, b.getI32Type()), reader.readWeights(i));
  else if (d == 0 && i % perVector == 0)
    codes = loadWords(op.getPayload(), payloadStart, i / perVector,
                      layout.storedBits());
  if (convertsNibbles(layout, isa)) {
    // The highest four bits of a word that is zero below.
    int64_t up = 28 - 8 * d - i % 2 * 4;
    Value word = codes;
    if (up)
      word = arith::ShLIOp::create(b, word,
                                   splat(b, kRows, b.getI32IntegerAttr(up)));
    word = arith::AndIOp::create(
        b, word, splat(b, kRows, b.getI32IntegerAttr(int32_t(0xf0000000))));
    return arith::SIToFPOp::create(b, reals, word);
  }
  if (looksUpNibbles(layout, isa)) {
    SmallVector<float> values;
    for (uint8_t code = 0; code < 16; ++code)
      values.push_back(numerics::decodeElement(layout.format, code));
    Value table = arith::ConstantOp::create(
        b, DenseElementsAttr::get(reals, ArrayRef<float>(values)));
    int64_t half = isNibble ? i % 2 : 0;
    return isa.lookUpFloats(b, table, shiftDown(codes, 8 * d + 4 * half),
                            /*period=*/16);
  }
  if (holdsFloats(layout)) {
    if (d % 2 == 0)
      halves = decodeHalves(d);
    Value half = vector::ExtractStridedSliceOp::create(
        b, halves, ArrayRef<int64_t>{d % 2 * kRows}, ArrayRef<int64_t>{kRows},
        ArrayRef<int64_t>{1});
    return arith::ExtFOp::create(b, reals, half);
  }
  return arith::SIToFPOp::create(b, reals, isolateByte(d));
}

Value TileFloats::readPositions(int64_t i, int64_t d) {
  unsigned bits = layout.positionBits();
  int64_t fields = 8 / bits;
  if (d == 0 && i % fields == 0)
    positions = loadWords(op.getBitmap(), positionStart, i / fields, bits);
  return shiftDown(positions, 8 * d + i % fields * bits);
}

Value mlir::sq::cpu::decodeE8M0(ImplicitLocOpBuilder &b, Value scales) {
  auto like = [&](Type element) -> Type {
    if (auto type = dyn_cast<VectorType>(scales.getType()))
      return type.clone(element);
    return element;
  };
  Type words = like(b.getI32Type());
  auto constant = [&](int32_t value) -> Value {
    TypedAttr attr = b.getI32IntegerAttr(value);
    if (auto type = dyn_cast<VectorType>(words))
      attr = DenseElementsAttr::get(type, Attribute(attr));
    return arith::ConstantOp::create(b, attr);
  };
  // The exponent field, but for 2^-127 (a denormal) and NaN.
  Value code = arith::ExtUIOp::create(
      b, words, arith::BitcastOp::create(b, like(b.getI8Type()), scales));
  auto isCode = [&](int32_t value) -> Value {
    return arith::CmpIOp::create(b, arith::CmpIPredicate::eq, code,
                                 constant(value));
  };
  Value bits = arith::ShLIOp::create(b, code, constant(23));
  bits = arith::SelectOp::create(b, isCode(0), constant(0x00400000), bits);
  bits = arith::SelectOp::create(b, isCode(255), constant(0x7fc00000), bits);
  return arith::BitcastOp::create(b, like(b.getF32Type()), bits);
}

Value mlir::sq::cpu::readTileScales(ImplicitLocOpBuilder &b, MatmulOp op,
                                    const TileLayout &layout, Value tile,
                                    Value group) {
  constexpr int64_t rows = TileLayout::kRows;
  Value scales = op.getScales().front();
  Type stored = cast<MemRefType>(scales.getType()).getElementType();
  Value at =
      arith::MulIOp::create(b, group, arith::ConstantIndexOp::create(b, rows));
  Value loaded = vector::LoadOp::create(b, VectorType::get({rows}, stored),
                                        scales, ValueRange{tile, at});
  auto real = VectorType::get({rows}, b.getF32Type());
  auto bytes = VectorType::get({rows}, b.getI8Type());
  switch (layout.format.scaleType) {
  case numerics::ScaleType::F32:
    return loaded;
  case numerics::ScaleType::F16:
    return arith::ExtFOp::create(b, real, loaded);
  case numerics::ScaleType::E8M0:
    return decodeE8M0(b, loaded);
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
