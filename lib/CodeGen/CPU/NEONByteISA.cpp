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

using namespace mlir;
using namespace mlir::sq;
using namespace mlir::sq::cpu;

namespace {

class NEONByteISA final : public ByteISA {
public:
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
    form.isBiased = false;
    return form;
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

  bool looksUpFloats() const override { return false; }

  Value lookUpFloats(ImplicitLocOpBuilder &, Value, Value,
                     int64_t) const override {
    llvm_unreachable("no kernel asks for what looksUpFloats denies");
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
    SmallVector<Value> operands;
    for (int64_t part = 0; part < 4; ++part)
      operands.push_back(vector::ShuffleOp::create(
          b, table, table,
          llvm::to_vector(
              llvm::seq(part * kRegister, (part + 1) * kRegister))));
    return mapRegisters(b, kRegister, {indices}, [&](ArrayRef<Value> parts) {
      SmallVector<Value> all = operands;
      all.push_back(parts[0]);
      return callIntrinsic(b, "llvm.aarch64.neon.tbl4.v16i8",
                           parts[0].getType(), all);
    });
  }

private:
  static constexpr int64_t kRegister = 16;
};

} // namespace

const ByteISA *mlir::sq::cpu::getNEONByteISA(VectorISA isa) {
  static const NEONByteISA dotprod;
  return isa == VectorISA::NEONDotProd ? &dotprod : nullptr;
}
