//===- TileReaderBitmap.cpp - Vectors of weights with bitmaps -------------===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "ByteISA.h"
#include "TileReader.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace mlir::sq;
using namespace mlir::sq::cpu;
using numerics::TileLayout;

Value TileReader::readKept() {
  Value zero = arith::ConstantIndexOp::create(b, 0);
  prefetchBytes(op.getPayload(), zero, cursor, layout.storedBits());
  auto bytes = VectorType::get({TileLayout::kVector}, b.getI8Type());
  if (layout.storedBits() == 8)
    return keepInRegister(b, vector::LoadOp::create(b, bytes, op.getPayload(),
                                                    ValueRange{zero, cursor}));
  // Four bytes of nibbles to a quadword, then nibble j of it to its byte j.
  constexpr int64_t half = TileLayout::kVector / 2;
  Value loaded =
      vector::LoadOp::create(b, VectorType::get({half}, b.getI8Type()),
                             op.getPayload(), ValueRange{zero, cursor});
  Value words = vector::BitCastOp::create(
      b, VectorType::get({half / 4}, b.getI32Type()), loaded);
  Value quadwords = vector::BitCastOp::create(
      b, bytes,
      arith::ExtUIOp::create(b, VectorType::get({half / 4}, b.getI64Type()),
                             words));
  // An integer becomes the high half of its byte.
  int first = isCodebook() ? 0 : -4;
  SmallVector<int8_t> shifts;
  for (int64_t lane = 0; lane < TileLayout::kVector; ++lane)
    shifts.push_back(static_cast<int8_t>((lane % 8 * 4 + first) & 63));
  Value nibbles = isa.shiftOutBytes(
      b, quadwords,
      arith::ConstantOp::create(
          b, DenseElementsAttr::get(bytes, ArrayRef<int8_t>(shifts))));
  if (!layout.format.integerFactor())
    return nibbles;
  if (isCodebook())
    return isa.lookUp(b, makeNibbleTable(), nibbles);
  return nibbles;
}

/// For each 16 lanes the next 16 codes, a byte each, from where the codes end
/// that `bits` says the lanes before them keep.
Value TileReader::readKeptParts(Value bits) {
  constexpr int64_t parts = 4, lanes = TileLayout::kVector / parts;
  Value zero = arith::ConstantIndexOp::create(b, 0);
  prefetchBytes(op.getPayload(), zero, cursor, layout.storedBits());
  auto constant = [&](int64_t value) -> Value {
    return arith::ConstantOp::create(b, b.getI64IntegerAttr(value));
  };
  auto load = [&](Value offset, int64_t count) -> Value {
    Value at = arith::AddIOp::create(
        b, cursor, arith::IndexCastUIOp::create(b, b.getIndexType(), offset));
    return vector::LoadOp::create(b, VectorType::get({count}, b.getI8Type()),
                                  op.getPayload(), ValueRange{zero, at});
  };
  SmallVector<Value> loaded;
  for (int64_t part = 0; part < parts; ++part) {
    Value before = constant(0);
    if (part)
      before = math::CtPopOp::create(
          b, arith::AndIOp::create(b, bits,
                                   constant((int64_t(1) << part * lanes) - 1)));
    loaded.push_back(layout.storedBits() == 8 ? load(before, lanes)
                                              : readNibbles(before, load));
  }
  auto join = [&](Value low, Value high) -> Value {
    int64_t count = cast<VectorType>(low.getType()).getDimSize(0);
    return vector::ShuffleOp::create(
        b, low, high, llvm::to_vector(llvm::seq<int64_t>(0, 2 * count)));
  };
  Value joined = join(join(loaded[0], loaded[1]), join(loaded[2], loaded[3]));
  if (layout.storedBits() == 8)
    return joined;
  // A byte of two nibbles becomes two bytes; an integer the high half of its.
  auto words = VectorType::get({TileLayout::kVector / 2}, b.getI16Type());
  Value wide = arith::ExtUIOp::create(b, words, joined);
  auto shift = [&](int64_t by) -> Value {
    return arith::ShLIOp::create(
        b, wide,
        arith::ConstantOp::create(
            b, DenseElementsAttr::get(words, b.getI16IntegerAttr(by))));
  };
  Value spread = isCodebook() ? arith::OrIOp::create(b, wide, shift(4))
                              : arith::OrIOp::create(b, shift(4), shift(8));
  auto bytes = VectorType::get({TileLayout::kVector}, b.getI8Type());
  Value nibbles = arith::AndIOp::create(
      b, vector::BitCastOp::create(b, bytes, spread),
      splatBytes(b, static_cast<int8_t>(isCodebook() ? 0x0f : 0xf0)));
  if (isCodebook() && layout.format.integerFactor())
    return isa.shuffleBytes(b, makeNibbleTable(), nibbles);
  return nibbles;
}

/// 16 nibbles, the first of which is number `first`: two words from neighboring
/// bytes have them all, shifted.
Value TileReader::readNibbles(Value first,
                              function_ref<Value(Value, int64_t)> load) {
  Type i64 = b.getI64Type();
  constexpr int64_t size = 8;
  auto constant = [&](int64_t value) -> Value {
    return arith::ConstantOp::create(b, b.getI64IntegerAttr(value));
  };
  auto word = [&](Value offset) -> Value {
    return vector::ExtractOp::create(
        b,
        vector::BitCastOp::create(b, VectorType::get({1}, i64),
                                  load(offset, size)),
        int64_t(0));
  };
  Value at = arith::ShRUIOp::create(b, first, constant(1));
  Value even = word(at);
  Value odd = arith::OrIOp::create(
      b, arith::ShRUIOp::create(b, even, constant(4)),
      arith::ShLIOp::create(b, word(arith::AddIOp::create(b, at, constant(1))),
                            constant(4)));
  Value isOdd = arith::TruncIOp::create(b, b.getI1Type(), first);
  Value nibbles = arith::SelectOp::create(b, isOdd, odd, even);
  return vector::BitCastOp::create(
      b, VectorType::get({size}, b.getI8Type()),
      vector::BroadcastOp::create(b, VectorType::get({1}, i64), nibbles));
}

/// What `readKeptParts` read, where `bits` says: in each 16 lanes, a kept one
/// takes the byte whose number is that of the kept ones before it. These are
/// counted by four additions of a vector to itself, further and further
/// shifted.
Value TileReader::expandParts(Value kept, Value bits) {
  constexpr int64_t vector = TileLayout::kVector, lanes = vector / 4;
  auto bytes = VectorType::get({vector}, b.getI8Type());
  SmallVector<int64_t> sources;
  SmallVector<int8_t> bit;
  for (int64_t lane = 0; lane < vector; ++lane) {
    sources.push_back(lane / 8);
    bit.push_back(static_cast<int8_t>(1u << lane % 8));
  }
  Value mask = vector::BitCastOp::create(
      b, VectorType::get({8}, b.getI8Type()),
      vector::BroadcastOp::create(b, VectorType::get({1}, b.getI64Type()),
                                  bits));
  Value ones = arith::ConstantOp::create(
      b, DenseElementsAttr::get(bytes, ArrayRef<int8_t>(bit)));
  // Kept as a vector: as a condition it would make a blend of the `and` below.
  Value isKept = keepInRegister(
      b,
      arith::ExtSIOp::create(
          b, bytes,
          arith::CmpIOp::create(
              b, arith::CmpIPredicate::eq,
              arith::AndIOp::create(
                  b, vector::ShuffleOp::create(b, mask, mask, sources), ones),
              ones)));
  // A kept lane is -1, so the sum up to it and with it is less by one than the
  // negative number of those before it: what its complement is.
  Value sum = isKept, zero = splatBytes(b, 0);
  for (int64_t step = 1; step < lanes; step *= 2) {
    SmallVector<int64_t> shifted;
    for (int64_t lane = 0; lane < vector; ++lane)
      shifted.push_back(lane % lanes < step ? vector + lane : lane - step);
    sum = arith::AddIOp::create(
        b, sum, vector::ShuffleOp::create(b, sum, zero, shifted));
  }
  Value control = arith::XOrIOp::create(
      b, arith::AndIOp::create(b, sum, isKept), splatBytes(b, -1));
  return isa.shuffleBytes(b, kept, control);
}

Value TileReader::expandWeights(int64_t i) {
  // A line of masks serves so many vectors.
  if (i % (TileLayout::kVector / 8) == 0)
    prefetchBytes(op.getBitmap(), tile,
                  arith::AddIOp::create(
                      b, positionStart,
                      arith::ConstantIndexOp::create(b, layout.maskAt(i))),
                  /*bits=*/1);
  Value bits = loadInteger(64, positionStart, layout.maskAt(i));
  Value weights;
  if (isa.expandsBytes()) {
    Value mask = vector::BitCastOp::create(
        b, VectorType::get({TileLayout::kVector}, b.getI1Type()),
        vector::BroadcastOp::create(b, VectorType::get({1}, b.getI64Type()),
                                    bits));
    weights = isa.expandBytes(b, readKept(), mask);
  } else {
    weights = expandParts(readKeptParts(bits), bits);
  }
  // Behind the expansion, where one instruction may make them unsigned, too.
  if (getWeightFactor(layout) == 16)
    weights = arith::AndIOp::create(b, weights, splatBytes(b, int8_t(0xf0)));
  Value count = arith::IndexCastUIOp::create(b, b.getIndexType(),
                                             math::CtPopOp::create(b, bits));
  if (layout.storedBits() == 4) {
    Value one = arith::ConstantIndexOp::create(b, 1);
    count =
        arith::ShRUIOp::create(b, arith::AddIOp::create(b, count, one), one);
  }
  cursor = arith::AddIOp::create(b, cursor, count);
  return weights;
}
