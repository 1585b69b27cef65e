//===- ElementCodec.h - Element codes as arith on any target ----*- C++ -*-===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Upstream can't lower `arith.extf` and `arith.truncf` of eight, six and four
// bit floats to a CPU, and f16 becomes a library call where the target lacks
// the instruction. So codes are read and written as integers here: a shift that
// moves exponent and mantissa into their f32 places and an addition that moves
// the bias; codebooks are selected from. No tables, no branches, no calls: LLVM
// vectorizes loops over it, and every step is exact or rounds once, as
// lib/Numerics does.
//
// The emitter works on scalars and, given a shape, on vectors of that shape.
//
//===----------------------------------------------------------------------===//
#ifndef SPARSE_QUANT_CONVERSION_SQTOLINALG_ELEMENTCODEC_H
#define SPARSE_QUANT_CONVERSION_SQTOLINALG_ELEMENTCODEC_H

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/BuiltinTypes.h"
#include "sparse-quant/Numerics/Codebook.h"

namespace mlir::sq {

/// Emits the arithmetic of one element (or of a vector of them).
class ElementCodec {
public:
  /// An empty `shape` means scalars.
  ElementCodec(OpBuilder &builder, Location loc, ArrayRef<int64_t> shape = {})
      : b(loc, builder), shape(shape) {}

  //===--------------------------------------------------------------------===//
  // Elements and scales
  //===--------------------------------------------------------------------===//

  /// numerics::decodeElement: the f32 that `code` (of the format's code type)
  /// stands for, before any scale.
  Value decodeElement(const numerics::Format &format, Value code);
  /// Element times integerFactor as an i8, or the element as an f16: `type`.
  Value widen(const numerics::Format &format, Value code, Type type);
  /// The integer that an `Element::Int` code stands for, as i32: MXINT8's
  /// factor of 2^-6 and the zero point are not applied.
  Value decodeInteger(const numerics::Format &format, Value code);
  /// sq.dequantize of one element. `scales` are the elements of the op's scale
  /// operands (scale, then zero point or tensor scale).
  Value dequantize(const numerics::Format &format, Value code,
                   ValueRange scales);
  /// sq.quantize of one element under given scales, to `codeType`.
  Value quantize(const numerics::Format &format, Value value, ValueRange scales,
                 Type codeType);
  /// A stored scale (f32, f16, f8E8M0FNU, f8E4M3FN) as f32.
  Value decodeScale(Value scale);

  //===--------------------------------------------------------------------===//
  // From a group's extremes to its scale
  //===--------------------------------------------------------------------===//

  /// The stored scale of a symmetric group, of type `scaleType`, from the bits
  /// of its largest magnitude. Only nvfp4 reads `tensorScale` (f32).
  Value symmetricScale(const numerics::Format &format, Value maxBits,
                       Value tensorScale, Type scaleType);
  /// NVFP4's second scale, from the bits of the tensor's largest magnitude.
  Value nvfp4TensorScale(Value maxBits);
  /// Scale (f32) and zero point (i32) of an asymmetric group, from its f32
  /// extremes low <= 0 <= high. Scalars only: it loops.
  std::pair<Value, Value> asymmetricScale(const numerics::Format &format,
                                          Value low, Value high);

  //===--------------------------------------------------------------------===//
  // Pieces
  //===--------------------------------------------------------------------===//

  Value i32(int64_t value);
  Value f32(float value);
  Value constant(TypedAttr value);
  Value toBits(Value f32Value);
  Value fromBits(Value i32Value);
  /// Bits of |value|: ordered as the magnitudes are, infinity and NaN on top.
  Value magnitudeBits(Value f32Value);
  /// `value` as i32, from an integer or float of at most 32 bits.
  Value zeroExtend(Value value);
  /// The low bits of an i32 as `elementType`, integer or float.
  Value truncate(Value bits, Type elementType);
  /// A small float (at most 16 bits) as f32. Total over all codes.
  Value decodeFloat(Value code, FloatType type);
  /// The nearest code of `type` as i32: ties to even, saturating, never a
  /// negative zero (NUM-F3).
  Value encodeFloat(Value value, FloatType type);
  /// The value of a code of a codebook, an integer of four bits or more.
  Value decodeCodebook(const numerics::Codebook &codebook, Value code);
  /// The code of the nearest value as i32 (NUM-F15).
  Value encodeCodebook(const numerics::Codebook &codebook, Value value);
  /// The nearest integer as i32: ties to even, clamped to [low, high] (f32,
  /// magnitudes below 2^21).
  Value encodeInteger(Value value, Value low, Value high);
  Value compare(arith::CmpIPredicate predicate, Value lhs, Value rhs);
  Value compare(arith::CmpFPredicate predicate, Value lhs, Value rhs);

  ImplicitLocOpBuilder &builder() { return b; }

private:
  /// `element`, or a vector of it.
  Type like(Type element);
  Value encodeUnscaled(const numerics::Format &format, Value quotient,
                       Type codeType);
  Value quotientScale(const numerics::Format &format, Value maxAbs,
                      FloatType scaleType);
  Value nvfp4Scale(Value maxAbs, Value tensorScale, FloatType scaleType);
  Value powerOfTwoScale(const numerics::Format &format, Value maxBits);

  ImplicitLocOpBuilder b;
  SmallVector<int64_t> shape;
};

} // namespace mlir::sq

#endif // SPARSE_QUANT_CONVERSION_SQTOLINALG_ELEMENTCODEC_H
