//===- Multiplier.cpp - What tensor cores multiply ------------------------===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "Multiplier.h"
#include "mlir/IR/TypeUtilities.h"
#include <cmath>

using namespace mlir;
using namespace mlir::sq;
using namespace mlir::sq::cuda;
using numerics::FragmentLayout;

static StringRef getFP8Name(const numerics::Format &format) {
  return format.element == numerics::Element::E5M2 ? "e5m2" : "e4m3";
}

Multiplier Multiplier::get(MatmulOp op) {
  QuantFormatAttrInterface activations = op.getActivationFormatAttr();
  Type input = getElementTypeOrSelf(op.getInput().getType());
  if (input.isF16())
    return {MultiplierKind::F16, "f16", "f16", /*planes=*/1};
  if (!activations)
    return input.isBF16() ? getBF16(/*planes=*/1) : getBF16();
  numerics::Format weights = op.getFormat().getFormat();
  if (weights.integerFactor())
    return {};
  return {MultiplierKind::FP8, getFP8Name(weights),
          getFP8Name(activations.getFormat()), /*planes=*/1};
}

//===----------------------------------------------------------------------===//
// Codes to registers
//===----------------------------------------------------------------------===//

Value MultiplierBuilder::splat(double value) {
  Type type = pairOfHalves().getElementType();
  return arith::ConstantOp::create(
      b, DenseElementsAttr::get(pairOfHalves(), b.getFloatAttr(type, value)));
}

/// `value` added to both halves of `word`.
Value MultiplierBuilder::addToBoth(Value word, double value) {
  return toWord(arith::AddFOp::create(b, toHalves(word), splat(value)));
}

/// Both halves of `word` times a power of two, which is exact.
Value MultiplierBuilder::scaleByPower(Value word, int exponent) {
  if (exponent == 0)
    return word;
  return toWord(arith::MulFOp::create(b, toHalves(word),
                                      splat(std::ldexp(1.0, exponent))));
}

/// The bytes 2 * half and 2 * half + 1 of `word`, integers of 8 bits.
Value MultiplierBuilder::integersToHalves(Value word, int64_t half) {
  if (multiplier.kind == MultiplierKind::F16) {
    // f16 has ten bits behind the point, so with those of 1024 the lowest eight
    // are an integer's, which is 128 too large where the sign is flipped.
    Value biased = bitXor(word, constant(int64_t(0x80808080)));
    Value halves = permute(biased, constant(int64_t(0x64646464)),
                           constant(int64_t(half ? 0x4342 : 0x4140)));
    return addToBoth(halves, -1152.0);
  }
  // bf16 has as many bits as they, and is the upper half of their f32.
  auto convert = [&](int64_t byte) -> Value {
    Value top = shiftLeft(word, 24 - 8 * byte);
    Value value = arith::ShRSIOp::create(b, top, constant(int64_t(24)));
    Value single = arith::SIToFPOp::create(b, f32(), value);
    return arith::BitcastOp::create(b, i32(), single);
  };
  Value low = shiftRight(convert(2 * half), 16);
  Value high = bitAnd(convert(2 * half + 1), int64_t(0xFFFF0000));
  return arith::OrIOp::create(b, low, high);
}

/// The same of floats of 8 and 6 bits: exponent and fraction at a half's place
/// are those of a half that is too small by what the biases differ in, for
/// values that are subnormal, too.
Value MultiplierBuilder::floatsToHalves(Value word, int64_t index) {
  // Bits of fraction and of both, and the bias.
  auto [fraction, magnitude, bias] =
      layout.format.element == numerics::Element::E4M3FN ? std::tuple(3, 7, 7)
      : layout.format.element == numerics::Element::E5M2 ? std::tuple(2, 7, 15)
                                                         : std::tuple(2, 5, 3);
  // Bytes 2 * index and 2 * index + 1 as the upper bytes of two halfwords.
  Value upper = permute(constant(int64_t(0)), word,
                        constant(int64_t(index ? 0x7060 : 0x5040)));
  Value sign = bitAnd(magnitude == 7 ? upper : shiftLeft(upper, 7 - magnitude),
                      int64_t(0x80008000));
  // From bit 8 to where the half's fraction starts.
  int up = half().fraction - fraction;
  int64_t ones = ((int64_t(1) << magnitude) - 1) << up;
  Value shifted = up == 8 ? upper : shiftRight(upper, 8 - up);
  Value bits = bitAnd(shifted, ones << 16 | ones);
  return scaleByPower(arith::OrIOp::create(b, sign, bits), half().bias - bias);
}

/// Four bytes of eight, by the lowest four nibbles of `selector`.
Value MultiplierBuilder::permute(Value low, Value high, Value selector) {
  return LLVM::CallIntrinsicOp::create(b, i32(),
                                       b.getStringAttr("llvm.nvvm.prmt"),
                                       ValueRange{low, high, selector})
      .getResult(0);
}

/// Four codes of E2M1, the lowest nibbles of `codes`, to bytes: twice their
/// values, 0, 1, 2, 3, 4, 6, 8, 12, or these below zero.
Value MultiplierBuilder::doubleE2M1(Value codes) {
  Value magnitudes = bitAnd(codes, 0x7777);
  Value above = permute(constant(int64_t(0x03020100)),
                        constant(int64_t(0x0C080604)), magnitudes);
  Value below = permute(constant(int64_t(0xFDFEFF00)),
                        constant(int64_t(0xF4F8FAFC)), magnitudes);
  Value isBelow = permute(constant(int64_t(0x0000FF00)), constant(int64_t(0)),
                          bitAnd(shiftRight(codes, 3), 0x1111));
  // Of two values that a mask chooses between.
  Value differing = bitXor(above, below);
  return bitXor(above, arith::AndIOp::create(b, differing, isBelow));
}

/// Two halves from bits 0 to 3 and 16 to 19 of `nibbles`, which are integers:
/// with the bits of 2^(bits of fraction) the lowest four are an integer's,
/// which is 8 too large where the sign is flipped.
Value MultiplierBuilder::nibblesToHalves(Value nibbles) {
  auto [fraction, bias] = half();
  int64_t one = int64_t(bias + fraction) << fraction | 8;
  Value biased = bitXor(bitAnd(nibbles, 0x000F000F), constant(one << 16 | one));
  return addToBoth(biased, -8.0 - std::ldexp(1.0, fraction));
}

/// The same of E2M1: its exponent and fraction are those of a half that is too
/// small by what the biases differ in, for values that are subnormal too.
Value MultiplierBuilder::e2m1ToHalves(Value nibbles) {
  auto [fraction, bias] = half();
  int64_t ones = int64_t(7) << (fraction - 1);
  Value sign = bitAnd(shiftLeft(nibbles, 12), int64_t(0x80008000));
  Value magnitude = bitAnd(shiftLeft(nibbles, fraction - 1), ones << 16 | ones);
  return scaleByPower(arith::OrIOp::create(b, sign, magnitude), bias - 1);
}

/// A register of halves, from its first code on.
Value MultiplierBuilder::decodeHalves(ArrayRef<Value> words,
                                      const FragmentLayout::Place &place) {
  Value word = words[place.byte / 4];
  int64_t shift = place.byte % 4 * 8 + place.shift;
  switch (layout.storedBits()) {
  case 16:
    return word;
  case 8:
    return layout.format.integerFactor()
               ? integersToHalves(word, place.byte % 4 / 2)
               : floatsToHalves(word, place.byte % 4 / 2);
  default:
    Value nibbles = shift ? shiftRight(word, shift) : word;
    return layout.hasTableCodes() ? e2m1ToHalves(nibbles)
                                  : nibblesToHalves(nibbles);
  }
}

Value MultiplierBuilder::decodeRegister(ArrayRef<Value> words, int64_t step,
                                        int64_t r) {
  FragmentLayout::Place place = layout.findCode(step, r, 0);
  if (multiplier.isHalf())
    return decodeHalves(words, place);
  Value word = words[place.byte / 4];
  int64_t shift = place.byte % 4 * 8 + place.shift;
  if (layout.storedBits() == 8)
    return word;
  if (layout.hasTableCodes())
    return doubleE2M1(shift ? shiftRight(word, shift) : word);
  // Nibbles stay in the upper half: 16 times the code.
  return bitAnd(shift ? word : shiftLeft(word, 4), int64_t(0xF0F0F0F0));
}

Fragment MultiplierBuilder::decode(ArrayRef<Value> words, int64_t step) {
  Fragment registers;
  for (int64_t r = 0; r < FragmentLayout::kRegisters; ++r)
    registers.push_back(decodeRegister(words, step, r));
  return registers;
}

//===----------------------------------------------------------------------===//
// Instructions
//===----------------------------------------------------------------------===//

static Fragment unpack(ImplicitLocOpBuilder &b, Value result) {
  Fragment values;
  for (int64_t i = 0; i < 4; ++i)
    values.push_back(LLVM::ExtractValueOp::create(b, result, i));
  return values;
}

/// The NVVM dialect's ops don't take the types of fp8.
Fragment MultiplierBuilder::emitAssembly(const Fragment &weights,
                                         ArrayRef<Value> activations,
                                         const Fragment &acc, Value metadata) {
  SmallVector<Value> operands(weights.begin(), weights.end());
  llvm::append_range(operands, activations);
  llvm::append_range(operands, acc);
  std::string text, constraints = "=f,=f,=f,=f";
  llvm::raw_string_ostream os(text);
  os << (metadata ? "mma.sp::ordered_metadata" : "mma")
     << ".sync.aligned.m16n8k" << layout.stepCols() << ".row.col.f32."
     << multiplier.weightType << "." << multiplier.activationType
     << ".f32 {$0, $1, $2, $3}, ";
  int next = 4;
  auto list = [&](size_t count, StringRef constraint) {
    os << "{";
    for (size_t i = 0; i < count; ++i) {
      os << (i ? ", $" : "$") << next++;
      constraints += ",";
      constraints += constraint;
    }
    os << "}";
  };
  list(weights.size(), "r");
  os << ", ";
  list(activations.size(), "r");
  os << ", ";
  list(acc.size(), "f");
  if (metadata) {
    os << ", $" << next << ", 0x0";
    constraints += ",r";
    operands.push_back(metadata);
  }
  os << ";";
  auto type = LLVM::LLVMStructType::getLiteral(b.getContext(),
                                               SmallVector<Type>(4, f32()));
  auto assembly = LLVM::InlineAsmOp::create(
      b, type, operands, text, constraints, /*has_side_effects=*/false,
      /*is_align_stack=*/false, LLVM::TailCallKind::None,
      /*asm_dialect=*/LLVM::AsmDialectAttr(), /*operand_attrs=*/ArrayAttr());
  return unpack(b, assembly.getResult(0));
}

Fragment MultiplierBuilder::multiply(const Fragment &weights,
                                     ArrayRef<Value> activations,
                                     const Fragment &acc, Value metadata,
                                     int64_t selector) {
  if (multiplier.kind == MultiplierKind::FP8)
    return emitAssembly(weights, activations, acc, metadata);
  auto type = LLVM::LLVMStructType::getLiteral(
      b.getContext(), SmallVector<Type>(4, accumulatorType()));
  std::optional<NVVM::MMAIntOverflow> overflow;
  NVVM::MMATypes element = NVVM::MMATypes::bf16;
  Fragment first = weights;
  SmallVector<Value> second(activations);
  if (multiplier.isInteger()) {
    overflow = NVVM::MMAIntOverflow::wrapped;
    element = NVVM::MMATypes::s8;
  } else if (multiplier.kind == MultiplierKind::F16) {
    // Of all types, registers of this one are no integers in the dialect.
    element = NVVM::MMATypes::f16;
    for (Value &word : first)
      word = toHalves(word);
    for (Value &word : second)
      word = toHalves(word);
  }
  std::array<NVVM::MMATypes, 2> elements = {element, element};
  SmallVector<int64_t> shape = {16, 8, layout.stepCols()};
  if (!metadata)
    return unpack(b, NVVM::MmaOp::create(b, type, first, second, acc, shape,
                                         std::nullopt, overflow, elements,
                                         std::array{NVVM::MMALayout::row,
                                                    NVVM::MMALayout::col}));
  Value which = LLVM::ConstantOp::create(b, i32(), int32_t(selector));
  auto product = NVVM::MmaSpOp::create(b, type, first, second, acc, metadata,
                                       which, shape, overflow, elements);
  product.setOrderedMetadata(true);
  return unpack(b, product);
}

//===----------------------------------------------------------------------===//
// Scales
//===----------------------------------------------------------------------===//

Value MultiplierBuilder::toFloat(Value acc) {
  double factor = layout.format.integerFactor().value_or(1);
  if (multiplier.isInteger())
    acc = arith::SIToFPOp::create(b, f32(), acc);
  bool isInteger = multiplier.isInteger() || layout.isExpanded;
  if (layout.hasTableCodes() && !isInteger)
    factor = 1;
  if (isInteger && layout.format.bits <= 4 && !layout.hasTableCodes())
    factor *= 16;
  if (factor == 1)
    return acc;
  // A power of two: exact.
  return arith::MulFOp::create(b, acc, constant(float(1 / factor)));
}

Value MultiplierBuilder::loadScale(Value pointer) {
  switch (layout.format.scaleType) {
  case numerics::ScaleType::F32:
    return load(f32(), pointer, 4);
  case numerics::ScaleType::F16:
    return arith::ExtFOp::create(b, f32(), load(b.getF16Type(), pointer, 2));
  default:
    return loadE8M0(pointer);
  }
}

/// The exponent of an f32; of the smallest, 2^-127, its first bit.
Value MultiplierBuilder::loadE8M0(Value pointer) {
  Value code = arith::ExtUIOp::create(b, i32(), load(i8(), pointer, 1));
  Value isLeast = arith::CmpIOp::create(b, arith::CmpIPredicate::eq, code,
                                        constant(int64_t(0)));
  Value bits = arith::SelectOp::create(
      b, isLeast, constant(int64_t(0x00400000)), shiftLeft(code, 23));
  return arith::BitcastOp::create(b, f32(), bits);
}
