//===- ByteISA.cpp - What the instruction sets share ----------------------===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "ByteISA.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "llvm/ADT/Sequence.h"

using namespace mlir;
using namespace mlir::sq;
using namespace mlir::sq::cpu;

static constexpr int64_t kVectorBytes = 64;

const ByteISA *ByteISA::get(VectorISA isa) {
  if (const ByteISA *x86 = getX86ByteISA(isa))
    return x86;
  return getNEONByteISA(isa);
}

Value mlir::sq::cpu::callIntrinsic(ImplicitLocOpBuilder &b, StringRef name,
                                   Type type, ValueRange operands) {
  return LLVM::CallIntrinsicOp::create(b, type, b.getStringAttr(name), operands)
      .getResult(0);
}

Value mlir::sq::cpu::splatBytes(ImplicitLocOpBuilder &b, int8_t value) {
  auto type = VectorType::get({kVectorBytes}, b.getI8Type());
  return arith::ConstantOp::create(
      b, DenseElementsAttr::get(type, b.getI8IntegerAttr(value)));
}

Value mlir::sq::cpu::keepInRegister(ImplicitLocOpBuilder &b, Value bytes) {
  auto type = cast<VectorType>(bytes.getType());
  int64_t lanes = type.getDimSize(0) * type.getElementTypeBitWidth() / 32;
  auto floats = VectorType::get({lanes}, b.getF32Type());
  Value cast = vector::BitCastOp::create(b, floats, bytes);
  return vector::BitCastOp::create(
      b, type,
      callIntrinsic(b,
                    "llvm.arithmetic.fence.v" + std::to_string(lanes) + "f32",
                    floats, cast));
}

/// The first and the third byte of each four as words of 16 bits, and the other
/// two.
static SmallVector<Value> widenBytes(ImplicitLocOpBuilder &b, Value bytes) {
  auto words = VectorType::get({kVectorBytes / 2}, b.getI16Type());
  Value eight = arith::ConstantOp::create(
      b, DenseElementsAttr::get(words, b.getI16IntegerAttr(8)));
  Value odd = vector::BitCastOp::create(b, words, bytes);
  Value even = arith::ShLIOp::create(b, odd, eight);
  SmallVector<Value> wide;
  for (Value high : {even, odd})
    wide.push_back(vector::BitCastOp::create(
        b, bytes.getType(), arith::ShRSIOp::create(b, high, eight)));
  return wide;
}

Value mlir::sq::cpu::mapRegisters(
    ImplicitLocOpBuilder &b, int64_t registerBytes, ArrayRef<Value> operands,
    function_ref<Value(ArrayRef<Value> registers)> body) {
  int64_t count = kVectorBytes / registerBytes;
  if (count == 1)
    return body(operands);
  SmallVector<Value> parts;
  for (int64_t part = 0; part < count; ++part) {
    SmallVector<Value> registers;
    for (Value operand : operands) {
      int64_t lanes = cast<VectorType>(operand.getType()).getDimSize(0) / count;
      registers.push_back(vector::ShuffleOp::create(
          b, operand, operand,
          llvm::to_vector(llvm::seq(part * lanes, (part + 1) * lanes))));
    }
    parts.push_back(body(registers));
  }
  while (parts.size() > 1) {
    SmallVector<Value> wider;
    for (size_t i = 0; i < parts.size(); i += 2) {
      int64_t lanes = cast<VectorType>(parts[i].getType()).getDimSize(0);
      wider.push_back(vector::ShuffleOp::create(
          b, parts[i], parts[i + 1],
          llvm::to_vector(llvm::seq<int64_t>(0, 2 * lanes))));
    }
    parts = wider;
  }
  return parts.front();
}

Value ByteISA::loadTable(ImplicitLocOpBuilder &b, Value memref, Value row,
                         Value col) const {
  int64_t size = tableBytes();
  Value table = vector::LoadOp::create(
      b, VectorType::get({size}, b.getI8Type()), memref, ValueRange{row, col});
  if (size == kVectorBytes)
    return table;
  SmallVector<int64_t> lanes;
  for (int64_t i = 0; i < kVectorBytes; ++i)
    lanes.push_back(i % size);
  return vector::ShuffleOp::create(b, table, table, lanes);
}

Value ByteISA::lookUp(ImplicitLocOpBuilder &b, ArrayRef<Value> tables,
                      Value indices) const {
  Value result = lookUpOne(b, tables.front(), indices);
  for (auto [i, table] : llvm::enumerate(tables.drop_front())) {
    Value isBeyond = arith::CmpIOp::create(
        b, arith::CmpIPredicate::sge, indices,
        splatBytes(b, static_cast<int8_t>((i + 1) * tableBytes())));
    result = arith::SelectOp::create(b, isBeyond, lookUpOne(b, table, indices),
                                     result);
  }
  return result;
}

SmallVector<Value> ByteISA::makePanelActivations(ImplicitLocOpBuilder &b,
                                                 const PanelForm &form,
                                                 Value x) const {
  if (form.kind == PanelForm::Kind::Words)
    return widenBytes(b, x);
  if (form.kind == PanelForm::Kind::Pairs)
    return {arith::XOrIOp::create(b, x, splatBytes(b, -128))};
  return {prepareActivations(b, x)};
}

SmallVector<Value> ByteISA::makePanelWeights(ImplicitLocOpBuilder &b,
                                             const PanelForm &form,
                                             Value weights) const {
  if (form.kind == PanelForm::Kind::Words)
    return widenBytes(b, weights);
  if (form.shift == 0)
    return {weights};
  // There is no shift of bytes: of words, and then the sign of what is left.
  auto words = VectorType::get({kVectorBytes / 2}, b.getI16Type());
  Value amount = arith::ConstantOp::create(
      b, DenseElementsAttr::get(words, b.getI16IntegerAttr(form.shift)));
  Value shifted = arith::ShRUIOp::create(
      b, vector::BitCastOp::create(b, words, weights), amount);
  Value sign = splatBytes(b, static_cast<int8_t>(0x80 >> form.shift));
  Value bits = arith::AndIOp::create(
      b, vector::BitCastOp::create(b, weights.getType(), shifted),
      splatBytes(b, static_cast<int8_t>(0xff >> form.shift)));
  return {arith::SubIOp::create(b, arith::XOrIOp::create(b, bits, sign), sign)};
}

Value ByteISA::dotPanel(ImplicitLocOpBuilder &b, const PanelForm &form,
                        Value sums, ArrayRef<Value> activations,
                        ArrayRef<Value> weights) const {
  assert(form.kind == PanelForm::Kind::Bytes && "an ISA's own form");
  for (auto [x, w] : llvm::zip_equal(activations, weights))
    sums = dotBytes(b, sums, x, w);
  return sums;
}
