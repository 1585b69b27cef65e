//===- Multiplier.h - What tensor cores multiply ----------------*- C++ -*-===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The four ways of a product through tensor cores, as data: the type of both
// multiplicands, how codes of weights become registers of it, and how the
// instruction is spelled. Everything else of a kernel counts bytes.
//
//   s8     integer codes of weights and activations; sums are exact
//   f16    weights that f16 holds (integer codes, floats of 16 bits and fewer
//          but bf16) and f16 activations: products are exact, and sums are
//          f32's
//   bf16   the same of bf16; also of f32 activations, as a sum of three bf16,
//          which is all of their 24 bits
//   fp8    E4M3 and E5M2 of both
//
//===----------------------------------------------------------------------===//
#ifndef SPARSE_QUANT_LIB_CODEGEN_GPU_MULTIPLIER_H
#define SPARSE_QUANT_LIB_CODEGEN_GPU_MULTIPLIER_H

#include "DeviceBuilder.h"
#include "sparse-quant/Dialect/SQ/IR/SQ.h"

namespace mlir::sq::cuda {

enum class MultiplierKind { S8, F16, BF16, FP8 };

struct Multiplier {
  MultiplierKind kind = MultiplierKind::S8;
  /// PTX's names of the types of weights and activations.
  StringRef weightType = "s8", activationType = "s8";
  /// Matrices of activations that are added up.
  int64_t planes = 1;

  /// Of an op whose formats have one (KernelTable).
  static Multiplier get(MatmulOp op);
  /// Of f32 activations, or, with a plane, of bf16.
  static Multiplier getBF16(int64_t planes = 3) {
    return {MultiplierKind::BF16, "bf16", "bf16", planes};
  }
  bool isInteger() const { return kind == MultiplierKind::S8; }
  bool isHalf() const {
    return kind == MultiplierKind::F16 || kind == MultiplierKind::BF16;
  }
};

/// A lane's four accumulators.
using Fragment = SmallVector<Value, 4>;

class MultiplierBuilder : protected DeviceBuilder {
protected:
  MultiplierBuilder(ImplicitLocOpBuilder &builder,
                    const numerics::FragmentLayout &layout,
                    const Multiplier &multiplier)
      : DeviceBuilder(builder), layout(layout), multiplier(multiplier) {}

  Type accumulatorType() { return multiplier.isInteger() ? i32() : f32(); }
  Value zero() {
    return multiplier.isInteger() ? constant(int64_t(0)) : constant(0.0f);
  }
  /// The four registers of a step, from the words of a unit.
  Fragment decode(ArrayRef<Value> words, int64_t step);
  /// acc + weights * activations; `metadata` and its selector with 2:4 alone.
  Fragment multiply(const Fragment &weights, ArrayRef<Value> activations,
                    const Fragment &acc, Value metadata, int64_t selector);
  /// An accumulator as f32, in units of what codes stand for but for scales.
  Value toFloat(Value acc);
  /// A scale in f32, from `index` of the scales of a tile and its group.
  Value loadScale(Value pointer);
  Value loadE8M0(Value pointer);
  Value permute(Value low, Value high, Value selector);
  Value doubleE2M1(Value codes);

  const numerics::FragmentLayout &layout;
  const Multiplier &multiplier;

private:
  /// Of a half: bits of the fraction, and the exponent's bias.
  struct HalfTraits {
    int fraction, bias;
  };
  HalfTraits half() {
    return multiplier.kind == MultiplierKind::F16 ? HalfTraits{10, 15}
                                                  : HalfTraits{7, 127};
  }
  VectorType pairOfHalves() {
    return VectorType::get({2}, multiplier.kind == MultiplierKind::F16
                                    ? Type(b.getF16Type())
                                    : Type(b.getBF16Type()));
  }
  /// Two halves in a register, and the other way round.
  Value toHalves(Value word) {
    return LLVM::BitcastOp::create(b, pairOfHalves(), word);
  }
  Value toWord(Value halves) {
    return LLVM::BitcastOp::create(b, i32(), halves);
  }
  Value splat(double value);
  Value addToBoth(Value word, double value);
  Value scaleByPower(Value word, int exponent);
  Value integersToHalves(Value word, int64_t half);
  Value floatsToHalves(Value word, int64_t half);
  Value nibblesToHalves(Value nibbles);
  Value e2m1ToHalves(Value nibbles);
  Value decodeHalves(ArrayRef<Value> words,
                     const numerics::FragmentLayout::Place &place);
  Value decodeRegister(ArrayRef<Value> words, int64_t step, int64_t r);
  Fragment emitAssembly(const Fragment &weights, ArrayRef<Value> activations,
                        const Fragment &acc, Value metadata);
};

} // namespace mlir::sq::cuda

#endif // SPARSE_QUANT_LIB_CODEGEN_GPU_MULTIPLIER_H
