//===- X86ByteISA.cpp - Vectors of bytes on x86-64 ------------------------===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "ByteISA.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace mlir::sq;
using namespace mlir::sq::cpu;

namespace {

class X86ByteISA final : public ByteISA {
public:
  X86ByteISA(int64_t registerBytes, bool hasAVX512, bool hasVNNI, bool hasVBMI)
      : registerBytes(registerBytes), hasAVX512(hasAVX512), hasVNNI(hasVNNI),
        hasVBMI(hasVBMI) {}

  // 32 registers of 64 bytes, or 16 of 32, or more.
  int64_t numVectors() const override { return registerBytes == 64 ? 32 : 8; }

  bool biasesActivations() const override { return hasVNNI; }

  Value prepareActivations(ImplicitLocOpBuilder &b, Value x) const override {
    if (hasVNNI)
      return arith::XOrIOp::create(b, x, splatBytes(b, -128));
    // multiplyAdd negates it, and 128 is no signed byte.
    return arith::MaxSIOp::create(b, x, splatBytes(b, -127));
  }

  Value dotBytes(ImplicitLocOpBuilder &b, Value sums, Value activations,
                 Value weights) const override {
    return mapRegisters(b, registerBytes, {sums, activations, weights},
                        [&](ArrayRef<Value> parts) {
                          return hasVNNI ? dotVNNI(b, parts)
                                         : multiplyAdd(b, parts);
                        });
  }

  PanelForm getPanelForm(int64_t largest, bool hasGroups) const override {
    if (hasVNNI)
      return getDotForm(hasGroups);
    PanelForm form;
    // Temporaries take registers, too: 16 sums of 32, or, two for a tile, 8 of
    // 16. Totals wait in memory while the sums of a group are added up.
    form.rows = hasAVX512 ? 8 : 4;
    form.tiles = hasAVX512 ? 2 : 1;
    // A pair of products with biased activations is at most 2 * 255 * largest.
    constexpr int64_t mostWeight = INT16_MAX / (2 * 255);
    if (largest > mostWeight) {
      form.kind = PanelForm::Kind::Words;
      form.words = 2;
      form.isBiased = false;
      return form;
    }
    form.kind = PanelForm::Kind::Pairs;
    for (int64_t most = hasAVX512 ? 4 : 2;
         form.steps * 2 <= most && largest * form.steps * 2 <= mostWeight;)
      form.steps *= 2;
    return form;
  }

  Value dotPanel(ImplicitLocOpBuilder &b, const PanelForm &form, Value sums,
                 ArrayRef<Value> activations,
                 ArrayRef<Value> weights) const override {
    if (form.kind == PanelForm::Kind::Bytes)
      return ByteISA::dotPanel(b, form, sums, activations, weights);
    SmallVector<Value> operands = {sums};
    llvm::append_range(operands, activations);
    llvm::append_range(operands, weights);
    return mapRegisters(
        b, hasAVX512 ? 64 : 32, operands, [&](ArrayRef<Value> parts) {
          ArrayRef<Value> x = parts.drop_front().take_front(form.steps),
                          w = parts.take_back(form.steps);
          return form.kind == PanelForm::Kind::Words
                     ? multiplyWords(b, parts.front(), x.front(), w.front())
                     : multiplyPairs(b, parts.front(), x, w, form.shift);
        });
  }

  int64_t tableBytes() const override { return hasVBMI ? 64 : 16; }

  Value shuffleBytes(ImplicitLocOpBuilder &b, Value table,
                     Value indices) const override {
    return mapRegisters(
        b, registerBytes, {table, indices}, [&](ArrayRef<Value> parts) {
          // pshufb.
          return callIntrinsic(b, name("avx2.pshuf.b", "avx512.pshuf.b.512"),
                               parts[0].getType(), {parts[0], parts[1]});
        });
  }

  int64_t numFloatVectors() const override { return hasAVX512 ? 32 : 8; }

  bool looksUpFloats() const override { return true; }

  Value lookUpFloats(ImplicitLocOpBuilder &b, Value table, Value indices,
                     int64_t period) const override {
    // vpermps, which counts the low four bits of an index, or three.
    if (hasAVX512)
      return callIntrinsic(b, "llvm.x86.avx512.permvar.sf.512", table.getType(),
                           {table, indices});
    constexpr int64_t half = 8, lanes = 2 * half;
    auto part = [&](Value vector, int64_t from) -> Value {
      return vector::ShuffleOp::create(
          b, vector, vector, llvm::to_vector(llvm::seq(from, from + half)));
    };
    auto lookUp = [&](Value eight) -> Value {
      SmallVector<Value> found;
      for (int64_t from : {int64_t(0), half})
        found.push_back(callIntrinsic(b, "llvm.x86.avx2.permps",
                                      eight.getType(),
                                      {eight, part(indices, from)}));
      return vector::ShuffleOp::create(b, found[0], found[1],
                                       llvm::to_vector(llvm::seq(lanes)));
    };
    Value low = lookUp(part(table, 0));
    if (period <= half)
      return low;
    // The fourth bit, as the sign that vblendvps goes by.
    auto words = cast<VectorType>(indices.getType());
    auto constant = [&](int32_t value) -> Value {
      return arith::ConstantOp::create(
          b, DenseElementsAttr::get(words, b.getI32IntegerAttr(value)));
    };
    Value isHigh = arith::CmpIOp::create(
        b, arith::CmpIPredicate::slt,
        arith::ShLIOp::create(b, indices, constant(28)), constant(0));
    return arith::SelectOp::create(b, isHigh, lookUp(part(table, half)), low);
  }

  bool expandsBytes() const override { return hasVBMI; }

  Value expandBytes(ImplicitLocOpBuilder &b, Value bytes,
                    Value mask) const override {
    // vpexpandb, AVX512_VBMI2.
    return callIntrinsic(b, "llvm.x86.avx512.mask.expand.v64i8",
                         bytes.getType(), {bytes, splatBytes(b, 0), mask});
  }

  Value shiftOutBytes(ImplicitLocOpBuilder &b, Value quadwords,
                      Value offsets) const override {
    // vpmultishiftqb, AVX512_VBMI.
    return callIntrinsic(b, "llvm.x86.avx512.pmultishift.qb.512",
                         offsets.getType(), {offsets, quadwords});
  }

protected:
  Value lookUpOne(ImplicitLocOpBuilder &b, Value table,
                  Value indices) const override {
    // pshufb counts the low four bits of an index whose highest bit is clear.
    if (!hasVBMI)
      return shuffleBytes(b, table, indices);
    // vpermb, the low six.
    return callIntrinsic(b, "llvm.x86.avx512.permvar.qi.512", table.getType(),
                         {table, indices});
  }

private:
  std::string name(StringRef name256, StringRef name512) const {
    return ("llvm.x86." + (registerBytes == 64 ? name512 : name256)).str();
  }

  PanelForm getDotForm(bool hasGroups) const {
    PanelForm form;
    if (hasAVX512) {
      // 24 sums of 32 registers, or 12 and their totals.
      form.rows = hasGroups ? 4 : 8;
      form.tiles = 3;
    } else {
      // A tile is two registers of 16: 12 sums, or 8 and some totals.
      form.rows = hasGroups ? 4 : 6;
      form.tiles = 1;
    }
    return form;
  }

  /// Panels take whole registers on AVX-512, with or without VNNI.
  std::string panelName(StringRef name256, StringRef name512) const {
    return ("llvm.x86." + (hasAVX512 ? name512 : name256)).str();
  }

  /// vpdpbusd: unsigned times signed.
  Value dotVNNI(ImplicitLocOpBuilder &b, ArrayRef<Value> parts) const {
    return callIntrinsic(b, name("avx512.vpdpbusd.256", "avx512.vpdpbusd.512"),
                         parts[0].getType(), parts);
  }

  /// pmaddubsw multiplies unsigned with signed bytes and adds pairs in signed
  /// words, which saturate. So
  ///
  ///   x * w = (x * sign w) * |w|,  |x| <= 127 and |w| <= 128:
  ///
  /// a pair is at most 2 * 127 * 128 = 32512 < 2^15 in magnitude, and exact.
  /// pmaddwd with ones then adds pairs of words. Registers are of 256 bits on
  /// AVX-512, too, which has no psignb; with a comparison and a masked
  /// subtraction in its place LLVM 22's instruction selection doesn't end where
  /// it sees that the signs of bytes are those of shifted words (nibbles).
  Value multiplyAdd(ImplicitLocOpBuilder &b, ArrayRef<Value> parts) const {
    Value sums = parts[0], x = parts[1], w = parts[2];
    // |-128| is -128, and that is 128 as an unsigned byte.
    Value magnitude = math::AbsIOp::create(b, w);
    Value flipped =
        callIntrinsic(b, "llvm.x86.avx2.psign.b", x.getType(), {x, w});
    auto words = VectorType::get({registerBytes / 2}, b.getI16Type());
    Value pairs = callIntrinsic(b, "llvm.x86.avx2.pmadd.ub.sw", words,
                                {magnitude, flipped});
    Value ones = arith::ConstantOp::create(
        b, DenseElementsAttr::get(words, b.getI16IntegerAttr(1)));
    Value products = callIntrinsic(b, "llvm.x86.avx2.pmadd.wd", sums.getType(),
                                   {pairs, ones});
    return keepInRegister(b, arith::AddIOp::create(b, sums, products));
  }

  /// pmaddwd adds the products of two words of 16 bits, and an addition.
  Value multiplyWords(ImplicitLocOpBuilder &b, Value sums, Value x,
                      Value w) const {
    auto words = VectorType::get(
        {2 * cast<VectorType>(sums.getType()).getDimSize(0)}, b.getI16Type());
    auto asWords = [&](Value value) -> Value {
      return vector::BitCastOp::create(b, words, value);
    };
    Value products =
        callIntrinsic(b, panelName("avx2.pmadd.wd", "avx512.pmaddw.d.512"),
                      sums.getType(), {asWords(x), asWords(w)});
    // LLVM would add products to each other first, and keep them for that in
    // more registers than there are.
    return keepInRegister(b, arith::AddIOp::create(b, sums, products));
  }

  /// The products of pairs of bytes (pmaddubsw) of all vectors in words of 16
  /// bits, which pmaddwd adds in pairs.
  Value multiplyPairs(ImplicitLocOpBuilder &b, Value sums, ArrayRef<Value> x,
                      ArrayRef<Value> w, int64_t shift) const {
    auto words = VectorType::get(
        {cast<VectorType>(x.front().getType()).getDimSize(0) / 2},
        b.getI16Type());
    Value pairs;
    for (auto [left, right] : llvm::zip_equal(x, w)) {
      Value products = callIntrinsic(
          b, panelName("avx2.pmadd.ub.sw", "avx512.pmaddubs.w.512"), words,
          {left, right});
      pairs = pairs ? arith::AddIOp::create(b, pairs, products) : products;
    }
    Value factor = arith::ConstantOp::create(
        b, DenseElementsAttr::get(words, b.getI16IntegerAttr(1 << shift)));
    return multiplyWords(b, sums, pairs, factor);
  }

  int64_t registerBytes;
  bool hasAVX512, hasVNNI, hasVBMI;
};

} // namespace

const ByteISA *mlir::sq::cpu::getX86ByteISA(VectorISA isa) {
  static const X86ByteISA avx2(32, false, false, false),
      avxVNNI(32, false, true, false), avx512(32, true, false, false),
      avx512VNNI(64, true, true, false), avx512VBMI2(64, true, true, true);
  switch (isa) {
  case VectorISA::AVX2:
    return &avx2;
  case VectorISA::AVXVNNI:
    return &avxVNNI;
  case VectorISA::AVX512:
    return &avx512;
  case VectorISA::AVX512VNNI:
    return &avx512VNNI;
  case VectorISA::AVX512VBMI2:
    return &avx512VBMI2;
  case VectorISA::None:
  case VectorISA::NEONDotProd:
  case VectorISA::NEONI8MM:
    return nullptr;
  }
  return nullptr;
}
