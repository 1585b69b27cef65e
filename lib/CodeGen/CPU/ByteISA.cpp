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
  auto floats = VectorType::get({kVectorBytes / 4}, b.getF32Type());
  Value cast = vector::BitCastOp::create(b, floats, bytes);
  return vector::BitCastOp::create(
      b, bytes.getType(),
      callIntrinsic(b, "llvm.arithmetic.fence.v16f32", floats, cast));
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
