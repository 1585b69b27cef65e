//===- DecodeRow.cpp - Packed rows to f32 vectors ---------------*- C++ -*-===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "DecodeRow.h"
#include "Loops.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace mlir::sq;
using namespace mlir::sq::cpu;

static Value splat(ImplicitLocOpBuilder &b, VectorType type,
                   Attribute element) {
  return arith::ConstantOp::create(b, DenseElementsAttr::get(type, element));
}

/// All values of a code, as a constant global of the module.
static Value makeTable(ImplicitLocOpBuilder &b, MatmulOp op, StringRef name,
                       const numerics::Format &format, unsigned bits) {
  auto module = op->getParentOfType<ModuleOp>();
  auto type = MemRefType::get({int64_t(1) << bits}, b.getF32Type());
  if (!module.lookupSymbol(name)) {
    SmallVector<float> values;
    for (unsigned code = 0; code < 1u << bits; ++code)
      values.push_back(numerics::decodeElement(format, code));
    auto data = DenseElementsAttr::get(
        RankedTensorType::get(type.getShape(), b.getF32Type()),
        ArrayRef<float>(values));
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(module.getBody());
    memref::GlobalOp::create(b, name, b.getStringAttr("private"), type, data,
                             /*constant=*/true, /*alignment=*/IntegerAttr());
  }
  return memref::GetGlobalOp::create(b, type, name);
}

RowDecoder::RowDecoder(ImplicitLocOpBuilder &b, MatmulOp op, unsigned lanes)
    : op(op), format(op.getFormat().getFormat()), lanes(lanes),
      extent(op.getReductionExtent()), padded(llvm::alignTo(extent, lanes)) {
  auto payload = cast<MemRefType>(op.getPayload().getType());
  storedCodes = op.getBitmap()
                    ? payload.getDimSize(1) * 8 / int64_t(format.bits)
                    : extent;
  paddedCodes = llvm::alignTo(storedCodes, lanes);
  if (format.element != numerics::Element::Int)
    table =
        makeTable(b, op, "__sq_values_" + format.str(), format, format.bits);
  if (format.scaleType == numerics::ScaleType::E4M3FN)
    scaleTable = makeTable(b, op, "__sq_values_scale_e4m3fn",
                           numerics::Format::fp8(numerics::Element::E4M3FN,
                                                 numerics::GroupScope::Row),
                           8);
}

void RowDecoder::makeScratch(ImplicitLocOpBuilder &b) {
  if (op.getBitmap())
    kept = memref::AllocaOp::create(
        b, MemRefType::get({paddedCodes}, b.getF32Type()));
}

/// `lanes` codes from `byte` of payload row `n`, sign- or zero-extended to
/// i32. Only the first `validBytes` bytes exist; the others read as zero.
Value RowDecoder::loadCodes(ImplicitLocOpBuilder &b, Value n, Value byte,
                            int64_t validBytes) {
  int64_t bits = format.bits;
  auto loadBytes = [&](Value at, int64_t count, int64_t valid,
                       int64_t width) -> Value {
    auto type = VectorType::get({width}, b.getI8Type());
    if (valid >= count && count == width)
      return vector::LoadOp::create(b, type, op.getPayload(),
                                    ValueRange{n, at});
    Value mask = vector::ConstantMaskOp::create(
        b, VectorType::get({width}, b.getI1Type()),
        ArrayRef<int64_t>{std::clamp<int64_t>(valid, 0, count)});
    return vector::MaskedLoadOp::create(b, type, op.getPayload(),
                                        ValueRange{n, at}, mask,
                                        splat(b, type, b.getI8IntegerAttr(0)));
  };
  bool isSigned = format.element == numerics::Element::Int;
  auto wide = VectorType::get({lanes}, b.getI32Type());
  auto extendTo32 = [&](Value codes) -> Value {
    return isSigned ? Value(arith::ExtSIOp::create(b, wide, codes))
                    : Value(arith::ExtUIOp::create(b, wide, codes));
  };
  if (bits == 8)
    return extendTo32(loadBytes(byte, lanes, validBytes, lanes));

  // Eight codes are `bits` bytes: one 64-bit word, shifted apart by lane.
  auto words = VectorType::get({8}, b.getI64Type());
  auto oneWord = VectorType::get({1}, b.getI64Type());
  auto narrow = VectorType::get({8}, b.getI8Type());
  SmallVector<int64_t> shifts;
  for (int64_t lane = 0; lane < 8; ++lane)
    shifts.push_back(64 - bits * (lane + 1));
  Value left = arith::ConstantOp::create(
      b, DenseElementsAttr::get(words, ArrayRef<int64_t>(shifts)));
  Value right = splat(b, words, b.getI64IntegerAttr(64 - bits));
  Value codes =
      splat(b, VectorType::get({lanes}, b.getI8Type()), b.getI8IntegerAttr(0));
  for (int64_t part = 0; part * 8 < lanes; ++part) {
    Value at = arith::AddIOp::create(b, byte, constantIndex(b, part * bits));
    Value bytes = loadBytes(at, bits, validBytes - part * bits, 8);
    Value word = vector::ExtractOp::create(
        b, vector::BitCastOp::create(b, oneWord, bytes), int64_t(0));
    Value spread = vector::BroadcastOp::create(b, words, word);
    // The code's top bit goes to bit 63, then down with or without the sign.
    spread = arith::ShLIOp::create(b, spread, left);
    spread = isSigned ? Value(arith::ShRSIOp::create(b, spread, right))
                      : Value(arith::ShRUIOp::create(b, spread, right));
    Value eight = arith::TruncIOp::create(b, narrow, spread);
    codes = vector::InsertStridedSliceOp::create(
        b, eight, codes, ArrayRef<int64_t>{part * 8}, ArrayRef<int64_t>{1});
  }
  return extendTo32(codes);
}

/// Element values of codes, before any scale.
Value RowDecoder::toReal(ImplicitLocOpBuilder &b, Value codes) {
  auto type = VectorType::get({lanes}, b.getF32Type());
  if (!table) {
    Value real = arith::SIToFPOp::create(b, type, codes);
    // MXINT8 codes count in 1/64.
    float unit = numerics::decodeElement(format, 1);
    if (unit != 1.0f)
      real = arith::MulFOp::create(b, real,
                                   splat(b, type, b.getF32FloatAttr(unit)));
    return real;
  }
  Value all = vector::ConstantMaskOp::create(
      b, VectorType::get({lanes}, b.getI1Type()), ArrayRef<int64_t>{lanes});
  Value none = splat(b, type, b.getF32FloatAttr(0.0f));
  return vector::GatherOp::create(
      b, type, table, ValueRange{constantIndex(b, 0)}, codes, all, none);
}

Value RowDecoder::decodeScaleValue(ImplicitLocOpBuilder &b, Value stored) {
  auto f32 = b.getF32Type();
  auto i32 = b.getI32Type();
  switch (format.scaleType) {
  case numerics::ScaleType::F32:
    return stored;
  case numerics::ScaleType::F16:
    return arith::ExtFOp::create(b, f32, stored);
  case numerics::ScaleType::E8M0: {
    // 2^(c-127): the exponent field, but for 2^-127 (a denormal) and NaN.
    auto constant = [&](int32_t value) -> Value {
      return arith::ConstantOp::create(b, b.getI32IntegerAttr(value));
    };
    Value byte = arith::BitcastOp::create(b, b.getI8Type(), stored);
    Value code = arith::ExtUIOp::create(b, i32, byte);
    Value bits = arith::ShLIOp::create(b, code, constant(23));
    Value isLow =
        arith::CmpIOp::create(b, arith::CmpIPredicate::eq, code, constant(0));
    Value isNaN =
        arith::CmpIOp::create(b, arith::CmpIPredicate::eq, code, constant(255));
    bits = arith::SelectOp::create(b, isLow, constant(0x00400000), bits);
    bits = arith::SelectOp::create(b, isNaN, constant(0x7fc00000), bits);
    return arith::BitcastOp::create(b, f32, bits);
  }
  case numerics::ScaleType::E4M3FN: {
    Value byte = arith::BitcastOp::create(b, b.getI8Type(), stored);
    Value index = arith::IndexCastUIOp::create(b, b.getIndexType(), byte);
    return memref::LoadOp::create(b, scaleTable, ValueRange{index});
  }
  }
  llvm_unreachable("unknown scale type");
}

/// The scale of the vector at column `k` of row `n`.
Value RowDecoder::loadScale(ImplicitLocOpBuilder &b, Value n, Value k) {
  Value scales = op.getScales().front();
  Value zero = constantIndex(b, 0);
  Value row = format.scope == numerics::GroupScope::Tensor ? zero : n;
  Value group = zero;
  if (format.scope == numerics::GroupScope::Group)
    group = arith::DivUIOp::create(b, k, constantIndex(b, format.groupSize));
  Value scale = decodeScaleValue(
      b, memref::LoadOp::create(b, scales, ValueRange{row, group}));
  return scale;
}

/// Spreads kept values over the columns of the `lanes` bitmap bits at `byte`.
Value RowDecoder::expand(ImplicitLocOpBuilder &b, Value n, Value byte,
                         int64_t validBytes, Value position,
                         Value &nextPosition) {
  int64_t bytes = lanes / 8;
  auto type = VectorType::get({bytes}, b.getI8Type());
  Value bits;
  if (validBytes >= bytes) {
    bits = vector::LoadOp::create(b, type, op.getBitmap(), ValueRange{n, byte});
  } else {
    Value valid = vector::ConstantMaskOp::create(
        b, VectorType::get({bytes}, b.getI1Type()),
        ArrayRef<int64_t>{validBytes});
    bits = vector::MaskedLoadOp::create(b, type, op.getBitmap(),
                                        ValueRange{n, byte}, valid,
                                        splat(b, type, b.getI8IntegerAttr(0)));
  }
  auto maskType = VectorType::get({lanes}, b.getI1Type());
  Value mask = vector::BitCastOp::create(b, maskType, bits);
  auto word = b.getIntegerType(bytes * 8);
  Value packed = vector::ExtractOp::create(
      b, vector::BitCastOp::create(b, VectorType::get({1}, word), bits),
      int64_t(0));
  Value count = arith::IndexCastUIOp::create(b, b.getIndexType(),
                                             math::CtPopOp::create(b, packed));
  auto real = VectorType::get({lanes}, b.getF32Type());
  nextPosition = arith::AddIOp::create(b, position, count);
  return vector::ExpandLoadOp::create(b, real, kept, ValueRange{position}, mask,
                                      splat(b, real, b.getF32FloatAttr(0.0f)));
}

void RowDecoder::decode(ImplicitLocOpBuilder &b, Value n, Value block,
                        Value r) {
  Value zero = constantIndex(b, 0);
  Value step = constantIndex(b, lanes);
  auto vectorType = VectorType::get({lanes}, b.getF32Type());
  int64_t rowBytes = cast<MemRefType>(op.getPayload().getType()).getDimSize(1);
  // Bytes of a vector of codes; 8 lanes or more, so it is whole.
  int64_t vectorBytes = lanes * format.bits / 8;
  Value tensorScale;
  if (format.hasTensorScale())
    tensorScale = memref::LoadOp::create(b, op.getScales().back(),
                                         ValueRange{zero, zero});

  auto storeScaled = [&](Value real, Value k) {
    // (element * scale) * tensorScale, each rounded: what Numerics does.
    real = arith::MulFOp::create(
        b, real,
        vector::BroadcastOp::create(b, vectorType, loadScale(b, n, k)));
    if (tensorScale)
      real = arith::MulFOp::create(
          b, real, vector::BroadcastOp::create(b, vectorType, tensorScale));
    vector::StoreOp::create(b, real, block, ValueRange{r, k});
  };
  auto decodeAt = [&](Value k, int64_t validBytes) {
    Value byte = arith::DivUIOp::create(
        b, arith::MulIOp::create(b, k, constantIndex(b, vectorBytes)), step);
    Value real = toReal(b, loadCodes(b, n, byte, validBytes));
    if (op.getBitmap())
      vector::StoreOp::create(b, real, kept, ValueRange{k});
    else
      storeScaled(real, k);
  };
  // Whole vectors of codes, then the one that the row's end cuts short.
  int64_t whole = rowBytes / vectorBytes * lanes;
  if (!op.getBitmap())
    whole = std::min(whole, extent / lanes * lanes);
  emitLoop(b, zero, constantIndex(b, whole), lanes,
           [&](Value k) { decodeAt(k, vectorBytes); });
  if (whole < paddedCodes)
    decodeAt(constantIndex(b, whole), rowBytes - whole * format.bits / 8);
  if (!op.getBitmap())
    return;

  int64_t bitmapBytes =
      cast<MemRefType>(op.getBitmap().getType()).getDimSize(1);
  auto expandAt = [&](Value k, Value position, int64_t validBytes) -> Value {
    Value byte = arith::DivUIOp::create(b, k, constantIndex(b, 8));
    Value next;
    storeScaled(expand(b, n, byte, validBytes, position, next), k);
    return next;
  };
  int64_t wholeBits = bitmapBytes / (lanes / 8) * lanes;
  wholeBits = std::min(wholeBits, padded);
  SmallVector<Value> positions =
      emitLoop(b, zero, constantIndex(b, wholeBits), lanes, zero,
               [&](Value k, ArrayRef<Value> carried) -> SmallVector<Value> {
                 return {expandAt(k, carried.front(), lanes / 8)};
               });
  if (wholeBits < padded)
    expandAt(constantIndex(b, wholeBits), positions.front(),
             bitmapBytes - wholeBits / 8);
}
