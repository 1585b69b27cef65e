//===- NEONByteISA.cpp - Vectors of bytes on AArch64 ----------------------===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "ByteISA.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "llvm/ADT/Sequence.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace mlir::sq;
using namespace mlir::sq::cpu;

namespace {

class NEONByteISA final : public ByteISA {
public:
  explicit NEONByteISA(bool hasI8MM) : hasI8MM(hasI8MM) {}

  // 32 registers of 16 bytes.
  int64_t numVectors() const override { return 8; }

  // Both sides of a product are signed.
  bool biasesActivations() const override { return false; }

  Value prepareActivations(ImplicitLocOpBuilder &, Value x) const override {
    return x;
  }

  Value dotBytes(ImplicitLocOpBuilder &b, Value sums, Value activations,
                 Value weights) const override {
    return mapRegisters(
        b, kRegister, {sums, activations, weights}, [&](ArrayRef<Value> parts) {
          return callIntrinsic(b, "llvm.aarch64.neon.sdot.v4i32.v16i8",
                               parts[0].getType(), parts);
        });
  }

  // A tile is four registers of 32.
  PanelForm getPanelForm(int64_t, bool) const override {
    PanelForm form;
    form.rows = 4;
    form.tiles = 1;
    if (hasI8MM) {
      form.kind = PanelForm::Kind::Matrix;
      form.steps = 2;
    } else {
      form.takesLanes = true;
    }
    form.isBiased = false;
    return form;
  }

  Value dotPanel(ImplicitLocOpBuilder &b, const PanelForm &form, Value sums,
                 ArrayRef<Value> activations,
                 ArrayRef<Value> weights) const override {
    // Both sides are signed, and it is the right one that may be a lane.
    if (form.kind != PanelForm::Kind::Matrix)
      return ByteISA::dotPanel(b, form, sums, weights, activations);
    return mapRegisters(
        b, kRegister, {sums, activations.front(), weights.front()},
        [&](ArrayRef<Value> parts) {
          return callIntrinsic(b, "llvm.aarch64.neon.smmla.v4i32.v16i8",
                               parts[0].getType(), parts);
        });
  }

  // tbl takes up to four registers.
  int64_t tableBytes() const override { return 4 * kRegister; }

  Value shuffleBytes(ImplicitLocOpBuilder &b, Value table,
                     Value indices) const override {
    return mapRegisters(
        b, kRegister, {table, indices}, [&](ArrayRef<Value> parts) {
          return callIntrinsic(b, "llvm.aarch64.neon.tbl1.v16i8",
                               parts[0].getType(), {parts[0], parts[1]});
        });
  }

  int64_t numFloatVectors() const override { return 8; }

  bool looksUpFloats() const override { return true; }

  Value lookUpFloats(ImplicitLocOpBuilder &b, Value table, Value indices,
                     int64_t period) const override {
    // A float is the four bytes from 4 * index on. tbl takes as many registers
    // as a period has.
    int64_t registers = llvm::divideCeil(period, kRegister / 4);
    registers = registers == 3 ? 4 : registers;
    auto words = cast<VectorType>(indices.getType());
    auto constant = [&](int32_t value) -> Value {
      return arith::ConstantOp::create(
          b, DenseElementsAttr::get(words, b.getI32IntegerAttr(value)));
    };
    Value index = arith::AndIOp::create(
        b, indices, constant(static_cast<int32_t>(4 * registers - 1)));
    Value offsets = arith::AddIOp::create(
        b, arith::MulIOp::create(b, index, constant(0x04040404)),
        constant(0x03020100));
    auto bytes = VectorType::get({4 * kRegister}, b.getI8Type());
    Value tableBytes = vector::BitCastOp::create(b, bytes, table);
    Value found = lookUpIn(b, tableBytes, registers,
                           vector::BitCastOp::create(b, bytes, offsets));
    return vector::BitCastOp::create(b, table.getType(), found);
  }

  bool expandsBytes() const override { return false; }

  Value expandBytes(ImplicitLocOpBuilder &, Value, Value) const override {
    llvm_unreachable("no kernel asks for what expandsBytes denies");
  }

  Value shiftOutBytes(ImplicitLocOpBuilder &, Value, Value) const override {
    llvm_unreachable("no kernel asks for what expandsBytes denies");
  }

protected:
  Value lookUpOne(ImplicitLocOpBuilder &b, Value table,
                  Value indices) const override {
    // An index beyond the table gives zero, so only its low bits may be left;
    // where LLVM sees that they are all it has, there is no such instruction.
    indices = arith::AndIOp::create(b, indices, splatBytes(b, 63));
    return lookUpIn(b, table, 4, indices);
  }

private:
  /// Bytes of the first `count` registers of `table`: one, two or four.
  static Value lookUpIn(ImplicitLocOpBuilder &b, Value table, int64_t count,
                        Value indices) {
    SmallVector<Value> operands;
    for (int64_t part = 0; part < count; ++part)
      operands.push_back(vector::ShuffleOp::create(
          b, table, table,
          llvm::to_vector(
              llvm::seq(part * kRegister, (part + 1) * kRegister))));
    std::string name =
        "llvm.aarch64.neon.tbl" + std::to_string(count) + ".v16i8";
    return mapRegisters(b, kRegister, {indices}, [&](ArrayRef<Value> parts) {
      SmallVector<Value> all = operands;
      all.push_back(parts[0]);
      return callIntrinsic(b, name, parts[0].getType(), all);
    });
  }

  static constexpr int64_t kRegister = 16;
  bool hasI8MM;
};

} // namespace

const ByteISA *mlir::sq::cpu::getNEONByteISA(VectorISA isa) {
  static const NEONByteISA dotprod(false), i8mm(true);
  return isa == VectorISA::NEONDotProd ? &dotprod
         : isa == VectorISA::NEONI8MM  ? &i8mm
                                       : nullptr;
}
