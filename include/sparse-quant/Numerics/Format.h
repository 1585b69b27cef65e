//===- Format.h - Quantized number formats as data --------------*- C++ -*-===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A quantized tensor is three things: an *element* code per value, a *scale*
// per group of values, and the *shape of the group*. `Format` holds those
// choices as plain data, so that the encoder, the packer, the constant folder
// and the lowering read one description instead of each having a switch of
// their own. The rules carry the IDs of docs/numerics.md (NUM-F*).
//
//===----------------------------------------------------------------------===//
#ifndef SPARSE_QUANT_NUMERICS_FORMAT_H
#define SPARSE_QUANT_NUMERICS_FORMAT_H

#include <cstdint>
#include <optional>
#include <string>

namespace mlir::sq::numerics {

/// nullopt is success; otherwise a one-line, lower-case message.
using Error = std::optional<std::string>;

/// How one stored code is read. `Int` is two's complement (symmetric) or
/// unsigned (asymmetric) of `Format::bits` bits; NF4 is a codebook (NUM-F15);
/// F16 and BF16 are floats of 16 bits (NUM-F16); the others are the OCP float
/// encodings of the same names.
enum class Element : uint8_t {
  Int,
  E4M3FN,
  E5M2,
  E2M3FN,
  E3M2FN,
  E2M1FN,
  NF4,
  F16,
  BF16
};

/// The rule that derives a group's scale from its values; Half has none.
enum class Family : uint8_t { Int, Fp8, Mx, NvFp4, Hbfp, Nf4, Half };

/// What shares a scale: the tensor, all elements along the axis ("row"), or
/// `groupSize` consecutive elements along the axis.
enum class GroupScope : uint8_t { Tensor, Row, Group };

enum class ScaleType : uint8_t { F32, F16, E8M0, E4M3FN };

struct Format {
  Family family = Family::Int;
  Element element = Element::Int;
  /// Bits of one element code, 2..8; 16 of Half.
  unsigned bits = 8;
  /// Asymmetric (activations only): unsigned codes and a zero point a group.
  bool symmetric = true;
  GroupScope scope = GroupScope::Row;
  /// Elements per scale when `scope` is Group; 0 otherwise.
  int64_t groupSize = 0;
  ScaleType scaleType = ScaleType::F32;

  static Format integer(unsigned bits, GroupScope scope, int64_t groupSize = 0,
                        ScaleType scaleType = ScaleType::F32);
  static Format asymmetric(unsigned bits, GroupScope scope);
  static Format fp8(Element element, GroupScope scope);
  /// `element` Int means MXINT8. The group is 32, the scale E8M0.
  static Format mx(Element element);
  static Format nvfp4();
  /// `mantissaBits` (2..7) magnitude bits plus a sign: HBFP8 is 7. The scale is
  /// the step 2^(e-m), stored as E8M0.
  static Format hbfp(unsigned mantissaBits, int64_t groupSize = 64);
  static Format nf4(GroupScope scope = GroupScope::Group,
                    int64_t groupSize = 64,
                    ScaleType scaleType = ScaleType::F32);
  /// Values themselves, rounded to f16 or bf16. Kernels alone take them as a
  /// format: nothing here encodes them.
  static Format half(Element element);

  bool isHalf() const { return family == Family::Half; }
  /// NVFP4 alone has a second, per-tensor f32 scale.
  bool hasTensorScale() const { return family == Family::NvFp4; }
  bool hasZeroPoint() const { return !symmetric; }
  /// The code that decodes to +0.0 under every scale; only symmetric formats
  /// have one, and only they may follow a mask without changing its zeros.
  bool isZeroPreserving() const { return symmetric; }
  /// Whether -x gets the value of x, negated. NF4 has eight values above zero
  /// and seven below, so that an order of magnitudes may change (NUM-F15).
  bool isSignSymmetric() const { return symmetric && element != Element::NF4; }
  /// Whether quantizing what was quantized changes nothing (NUM-C3). False for
  /// hbfp, whose largest element may round to a power of two and then saturate
  /// in the next smaller binade (NUM-F11).
  bool isIdempotent() const { return family != Family::Hbfp; }
  /// A power-of-two scale is exact in f32 whatever it multiplies.
  bool hasPowerOfTwoScale() const { return scaleType == ScaleType::E8M0; }
  /// What makes elements integers: decodeElement(code) * integerFactor is an
  /// integer that fits int8 (uint8 when asymmetric), see NUM-F14, "integers in
  /// disguise". nullopt for E4M3, E5M2, E3M2, NF4 and halves.
  std::optional<int> integerFactor() const;
  /// Largest finite magnitude of the element, in element units (127 for int8
  /// symmetric, 255 for uint8, 127/64 for MXINT8, 448 for E4M3FN, 6 for E2M1FN,
  /// 2^m-1 for HBFP, 1 for NF4).
  double maxElement() const;
  /// Scales along an axis of extent `extent`: 1 for Tensor/Row,
  /// ceil(extent/groupSize) for Group.
  int64_t numGroups(int64_t extent) const;
  /// Elements that share a scale along an axis of extent `extent`.
  int64_t effectiveGroup(int64_t extent) const;
  /// "int8.row", "int4.g64.f16", "mx.e4m3fn", "nf4.g64", ... for messages,
  /// reports and test names. `parseFormat` reads it back.
  std::string str() const;
  /// Checks that the members fit together.
  Error verify() const;

  bool operator==(const Format &) const = default;
};

std::optional<Format> parseFormat(const std::string &text);

/// Value of one element code (low `bits` of `code`), before any scale. Total
/// over all codes; E4M3FN 0x7F is NaN, E5M2 has infinities.
float decodeElement(const Format &format, uint8_t code);
/// Nearest element code, ties to even, saturating, and never a negative zero
/// (NUM-F3); `value` is in element units and not NaN. Signed integer codes are
/// sign-extended to the byte.
uint8_t encodeElement(const Format &format, float value);

/// E8M0: 2^(code-127); 0xFF is NaN.
float decodeE8M0(uint8_t code);
/// IEEE half <-> float, round to nearest even.
float decodeF16(uint16_t bits);
uint16_t encodeF16(float value);

} // namespace mlir::sq::numerics

#endif // SPARSE_QUANT_NUMERICS_FORMAT_H
