//===- TileReader.cpp - Vectors of weights of a tile ----------------------===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "TileReader.h"
#include "ByteISA.h"
#include "TileFloats.h"
#include "X86Vector.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace mlir::sq;
using namespace mlir::sq::cpu;
using numerics::TileLayout;

/// How many codes ahead of the loads memory is asked for those of a tile. The
/// prefetcher of the hardware stops at the end of a page of 4 KiB, and one
/// stream a core doesn't keep the memory busy. Weights that are read for
/// several rows of activations, or decoded to a panel, come from memory all the
/// same.
static constexpr int64_t kPrefetchCodes = 16384;

bool TileReader::isCodebook() const {
  return layout.storedBits() == 4 &&
         layout.format.element != numerics::Element::Int;
}

/// Whether codes of six bits are indices of a table.
static bool looksUpSixes(const TileLayout &layout) {
  return layout.storedBits() == 6 &&
         layout.format.element != numerics::Element::Int &&
         layout.format.integerFactor();
}

TileReader::TileReader(ImplicitLocOpBuilder &builder, MatmulOp op,
                       const TileLayout &layout, const ByteISA &isa, Value tile)
    : b(builder), op(op), layout(layout), isa(isa), tile(tile) {
  if (layout.hasBitmap())
    tileStart = arith::IndexCastUIOp::create(
        b, b.getIndexType(),
        loadInteger(64, arith::ConstantIndexOp::create(b, 0), 0));
}

int TileReader::getWeightFactor(const TileLayout &layout) {
  // An integer of fewer bits is read as the upper bits of a byte, which gives
  // it its sign for free and makes it a power of two as large.
  bool isInt = layout.format.element == numerics::Element::Int;
  return isInt ? 1 << (8 - layout.storedBits()) : 1;
}

void TileReader::prefetchBytes(Value memref, Value row, Value at,
                               unsigned bits) {
  // Tiles follow each other, so this runs into the next one; after the last it
  // asks for what isn't there, which a prefetch may do.
  Value ahead =
      arith::ConstantIndexOp::create(b, kPrefetchCodes * int64_t(bits) / 8);
  memref::PrefetchOp::create(
      b, memref, ValueRange{row, arith::AddIOp::create(b, at, ahead)},
      /*isWrite=*/false, /*localityHint=*/3, /*isDataCache=*/true);
}

Value TileReader::loadBytes(Value memref, Value offset, int64_t extra,
                            unsigned bits) {
  Value at = arith::AddIOp::create(b, offset,
                                   arith::ConstantIndexOp::create(b, extra));
  prefetchBytes(memref, tile, at, bits);
  return vector::LoadOp::create(
      b, VectorType::get({TileLayout::kVector}, b.getI8Type()), memref,
      ValueRange{tile, at});
}

Value TileReader::loadInteger(unsigned bits, Value offset, int64_t extra) {
  Value at = arith::AddIOp::create(b, offset,
                                   arith::ConstantIndexOp::create(b, extra));
  Value bytes =
      vector::LoadOp::create(b, VectorType::get({bits / 8}, b.getI8Type()),
                             op.getBitmap(), ValueRange{tile, at});
  return vector::ExtractOp::create(
      b,
      vector::BitCastOp::create(b, VectorType::get({1}, b.getIntegerType(bits)),
                                bytes),
      int64_t(0));
}

Value TileReader::shiftBytes(Value bytes, int left) {
  if (left == 0)
    return bytes;
  auto words = VectorType::get({TileLayout::kVector / 2}, b.getI16Type());
  Value wide = vector::BitCastOp::create(b, words, bytes);
  Value amount = arith::ConstantOp::create(
      b, DenseElementsAttr::get(
             words, b.getI16IntegerAttr(static_cast<int16_t>(std::abs(left)))));
  Value shifted = left > 0 ? arith::ShLIOp::create(b, wide, amount).getResult()
                           : arith::ShRUIOp::create(b, wide, amount);
  return vector::BitCastOp::create(b, bytes.getType(), shifted);
}

Value TileReader::maskBytes(Value bytes, unsigned bits) {
  return arith::AndIOp::create(b, bytes,
                               splatBytes(b, static_cast<int8_t>(bits)));
}

Value TileReader::extractField(Value bytes, unsigned shift, unsigned bits) {
  return maskBytes(shiftBytes(bytes, -static_cast<int>(shift)),
                   (1u << bits) - 1);
}

void TileReader::start(Value first) {
  // A unit starts at a byte of its own.
  auto scaled = [&](unsigned bits) -> Value {
    Value size = arith::ConstantIndexOp::create(b, TileLayout::kVector *
                                                       int64_t(bits) / 8);
    return arith::MulIOp::create(b, first, size);
  };
  if (layout.hasBitmap()) {
    Value unit = arith::DivUIOp::create(
        b, first, arith::ConstantIndexOp::create(b, TileLayout::kUnitVectors));
    Value at =
        arith::MulIOp::create(b, unit,
                              arith::ConstantIndexOp::create(
                                  b, layout.offsetAt(1) - layout.offsetAt(0)));
    Value offset = arith::IndexCastUIOp::create(
        b, b.getIndexType(), loadInteger(32, at, layout.offsetAt(0)));
    cursor = arith::AddIOp::create(b, tileStart, offset);
    positionStart = arith::MulIOp::create(
        b, first,
        arith::ConstantIndexOp::create(b, layout.maskAt(1) - layout.maskAt(0)));
    return;
  }
  payloadStart = scaled(layout.storedBits());
  if (layout.hasPositions())
    positionStart = scaled(layout.positionBits());
}

void TileReader::seek(Value col, Value at) {
  int64_t maskBytes = layout.maskAt(1) - layout.maskAt(0);
  Value vector = arith::DivUIOp::create(
      b, col, arith::ConstantIndexOp::create(b, layout.vectorCols()));
  positionStart = arith::MulIOp::create(
      b, vector, arith::ConstantIndexOp::create(b, maskBytes));
  cursor = at;
}

Value TileReader::makeTable(function_ref<int64_t(int64_t)> getCode) {
  SmallVector<int8_t> values;
  for (int64_t lane = 0; lane < TileLayout::kVector; ++lane)
    values.push_back(static_cast<int8_t>(
        numerics::decodeElement(layout.format,
                                static_cast<uint8_t>(getCode(lane))) *
        *layout.format.integerFactor()));
  return arith::ConstantOp::create(
      b, DenseElementsAttr::get(
             VectorType::get({TileLayout::kVector}, b.getI8Type()),
             ArrayRef<int8_t>(values)));
}

Value TileReader::makeNibbleTable() {
  return makeTable([](int64_t lane) { return lane % 16; });
}

/// The value of a code of six bits for each index whose lower four bits are the
/// code's upper ones. Of an index wider tables count six bits, and for others
/// no more are set.
Value TileReader::lookUpSixes(Value indices) {
  auto getCode = [](int64_t index) { return index % 16 << 2 | index / 16; };
  SmallVector<Value> tables;
  constexpr int64_t codes = 64;
  for (int64_t first = 0; first < codes; first += isa.tableBytes())
    tables.push_back(makeTable([&](int64_t lane) {
      return getCode(first + lane % isa.tableBytes());
    }));
  return isa.lookUp(b, tables, indices);
}

Value TileReader::readSixes(int64_t i) {
  constexpr int64_t bytes = TileLayout::kVector, bits = 6;
  int64_t within = i % layout.sharingVectors();
  int64_t at = i / layout.sharingVectors() * layout.sharedBytes();
  if (within % 2 == 0)
    nibbles =
        loadBytes(op.getPayload(), payloadStart, at + within / 2 * bytes, bits);
  if (within == 0)
    lowBits = loadBytes(op.getPayload(), payloadStart,
                        at + layout.sharedBytes() - bytes, bits);
  int nibbleBit = within % 2 * 4, lowBit = static_cast<int>(within) * 2;
  if (looksUpSixes(layout)) {
    Value low = shiftBytes(lowBits, 4 - lowBit);
    bool isWide = isa.tableBytes() == TileLayout::kVector;
    return lookUpSixes(arith::OrIOp::create(
        b, maskBytes(shiftBytes(nibbles, -nibbleBit), 0x0f),
        maskBytes(low, isWide ? 0xf0 : 0x30)));
  }
  return arith::OrIOp::create(
      b, maskBytes(shiftBytes(nibbles, 4 - nibbleBit), 0xf0),
      maskBytes(shiftBytes(lowBits, 2 - lowBit), 0x0c));
}

Value TileReader::readWeights(int64_t i) {
  if (layout.hasBitmap())
    return expandWeights(i);
  if (layout.storedBits() == 6)
    return readSixes(i);
  constexpr int64_t bytes = TileLayout::kVector;
  if (layout.storedBits() == 8)
    return loadBytes(op.getPayload(), payloadStart, i * bytes, 8);
  if (i % 2 == 0)
    nibbles = loadBytes(op.getPayload(), payloadStart, i / 2 * bytes, 4);
  if (isCodebook()) {
    Value table = makeNibbleTable();
    return isa.shuffleBytes(b, table, extractField(nibbles, i % 2 * 4, 4));
  }
  return maskBytes(shiftBytes(nibbles, i % 2 ? 0 : 4), 0xf0);
}

Value TileReader::readWeightsAt(Value vector) {
  if (layout.storedBits() == 8) {
    start(vector);
    return readWeights(0);
  }
  constexpr int64_t bytes = TileLayout::kVector;
  auto constant = [&](int64_t value) -> Value {
    return arith::ConstantIndexOp::create(b, value);
  };
  Value pair = arith::DivUIOp::create(b, vector, constant(2));
  Value loaded = loadBytes(
      op.getPayload(), arith::MulIOp::create(b, pair, constant(bytes)), 0, 4);
  Value isOdd = arith::CmpIOp::create(
      b, arith::CmpIPredicate::ne,
      arith::RemUIOp::create(b, vector, constant(2)), constant(0));
  auto words = VectorType::get({bytes / 2}, b.getI16Type());
  auto shift = [&](int16_t even, int16_t odd) -> Value {
    auto amount = [&](int16_t bits) -> Value {
      return arith::ConstantOp::create(b, b.getI16IntegerAttr(bits));
    };
    return vector::BroadcastOp::create(
        b, words, arith::SelectOp::create(b, isOdd, amount(odd), amount(even)));
  };
  Value wide = vector::BitCastOp::create(b, words, loaded);
  if (isCodebook()) {
    Value low = vector::BitCastOp::create(
        b, loaded.getType(), arith::ShRUIOp::create(b, wide, shift(0, 4)));
    return isa.shuffleBytes(b, makeNibbleTable(),
                            arith::AndIOp::create(b, low, splatBytes(b, 15)));
  }
  Value high = vector::BitCastOp::create(
      b, loaded.getType(), arith::ShLIOp::create(b, wide, shift(4, 0)));
  return arith::AndIOp::create(b, high, splatBytes(b, int8_t(0xf0)));
}

Value TileReader::readIndices(int64_t i, int64_t span) {
  unsigned bits = layout.positionBits();
  int64_t fields = 8 / bits;
  if (i % fields == 0)
    positions = loadBytes(op.getBitmap(), positionStart,
                          i / fields * TileLayout::kVector, bits);
  Value position =
      extractField(positions, static_cast<unsigned>(i % fields * bits), bits);
  // The first column of each code's group, within its span.
  SmallVector<int8_t> base;
  for (int64_t lane = 0; lane < TileLayout::kVector; ++lane) {
    int64_t kept = i * TileLayout::kDepth + lane % TileLayout::kDepth;
    base.push_back(static_cast<int8_t>(kept / layout.n * layout.m % span));
  }
  Value bases = arith::ConstantOp::create(
      b, DenseElementsAttr::get(cast<VectorType>(position.getType()),
                                ArrayRef<int8_t>(base)));
  return arith::OrIOp::create(b, position, bases);
}

void TileReader::startDense(Value first) {
  // A unit is a whole number of vectors both as stored and dense.
  if (layout.hasPositions())
    first = arith::DivUIOp::create(
        b,
        arith::MulIOp::create(b, first,
                              arith::ConstantIndexOp::create(b, layout.n)),
        arith::ConstantIndexOp::create(b, layout.m));
  start(first);
}

/// Columns whose codes lie in the same stored vectors: of a vector, or of a
/// group where a vector holds less.
static int64_t getSpanCols(const TileLayout &layout) {
  return std::max(layout.vectorCols(), layout.m);
}

/// The same without instructions for it: each code of a lane is compared with
/// the four columns.
Value TileReader::expandByColumn(Value weights, Value indices, int64_t part) {
  constexpr int64_t depth = TileLayout::kDepth;
  auto bytes = cast<VectorType>(weights.getType());
  int64_t span = getSpanCols(layout);
  SmallVector<int8_t> column;
  for (int64_t lane = 0; lane < TileLayout::kVector; ++lane)
    column.push_back(static_cast<int8_t>(part * depth + lane % depth));
  Value columns = arith::ConstantOp::create(
      b, DenseElementsAttr::get(bytes, ArrayRef<int8_t>(column)));
  Value local = arith::AndIOp::create(
      b, indices, splatBytes(b, static_cast<int8_t>(span - 1)));
  Value result = splatBytes(b, 0);
  for (int64_t code = 0; code < depth; ++code) {
    // Groups of at most four columns lie within one part.
    if (layout.m <= depth && code / layout.n * layout.m / depth != part)
      continue;
    SmallVector<int64_t> spread;
    for (int64_t lane = 0; lane < TileLayout::kVector; ++lane)
      spread.push_back(lane / depth * depth + code);
    auto toAll = [&](Value vector) -> Value {
      return vector::ShuffleOp::create(b, vector, vector, spread);
    };
    Value isHere = arith::CmpIOp::create(b, arith::CmpIPredicate::eq,
                                         toAll(local), columns);
    result = arith::SelectOp::create(b, isHere, toAll(weights), result);
  }
  return result;
}

/// Dense vector `part` of those that a stored vector holds codes of. In each
/// lane, these codes lie side by side; where each of the four columns finds its
/// own among them, or that it has none, is looked up by which of the columns
/// are kept.
Value TileReader::expand(Value weights, Value indices, int64_t part) {
  if (!isa.expandsBytes())
    return expandByColumn(weights, indices, part);
  constexpr int64_t lanes = TileLayout::kRows, depth = TileLayout::kDepth;
  auto words = VectorType::get({lanes}, b.getI32Type());
  auto constant = [&](VectorType type, auto values) -> Value {
    return arith::ConstantOp::create(
        b, DenseElementsAttr::get(type, ArrayRef(values)));
  };
  auto bytes = cast<VectorType>(weights.getType());
  // With M = 4, the codes of earlier parts are N each; otherwise they are
  // counted, by eights so that the count is one of bits.
  bool isCounted = layout.m > depth && part > 0;
  int64_t before = layout.m > depth ? 0 : part * layout.n;
  SmallVector<int8_t> weight;
  for (int64_t column = 0; column < TileLayout::kWindow; ++column) {
    int64_t local = column % getSpanCols(layout);
    weight.push_back(
        static_cast<int8_t>(local / depth == part ? 1 << local % depth
                            : isCounted && local / depth < part ? 8 << depth
                                                                : 0));
  }
  Value kept = x86::dotBytes(
      b, constant(words, SmallVector<int32_t>(lanes, 0)),
      x86::permuteBytes(b, constant(bytes, weight), indices), splatBytes(b, 1));
  if (isCounted) {
    Value count = arith::ShRUIOp::create(
        b, kept, constant(words, SmallVector<int32_t>(lanes, depth)));
    weights = vector::BitCastOp::create(
        b, bytes,
        x86::shiftWordsRight(b, vector::BitCastOp::create(b, words, weights),
                             count));
  }
  // For each of the 16 subsets of four columns, the four bytes that vpshufb
  // wants; 0x80 makes a zero.
  SmallVector<int32_t> controls;
  SmallVector<int32_t> laneStarts;
  for (uint32_t subset = 0; subset < lanes; ++subset) {
    uint32_t control = 0;
    for (int64_t i = 0, next = before; i < depth; ++i)
      control |= (subset >> i & 1 ? uint32_t(next++) : 0x80u) << 8 * i;
    controls.push_back(static_cast<int32_t>(control));
    laneStarts.push_back(
        static_cast<int32_t>(subset % depth * depth * 0x01010101u));
  }
  Value control = arith::OrIOp::create(
      b, x86::permuteWords(b, constant(words, controls), kept),
      constant(words, laneStarts));
  return x86::shuffleBytes(b, weights,
                           vector::BitCastOp::create(b, bytes, control));
}

Value TileReader::readDense(int64_t i) {
  if (!layout.hasPositions())
    return readWeights(i);
  int64_t parts = getSpanCols(layout) / TileLayout::kDepth;
  int64_t vectors = getSpanCols(layout) / layout.vectorCols();
  if (i % parts == 0) {
    stored.clear();
    for (int64_t v = i / parts * vectors, e = v + vectors; v < e; ++v) {
      Value weights = readWeights(v);
      stored.push_back({weights, readIndices(v, TileLayout::kWindow)});
    }
  }
  Value result;
  for (auto [weights, indices] : stored) {
    Value part = expand(weights, indices, i % parts);
    result = result ? arith::OrIOp::create(b, result, part) : part;
  }
  return result;
}

Value TileReader::readScales(Value group) {
  return readTileScales(b, op, layout, tile, group);
}
