//===- Elements.cpp - One element code at a time, and in bulk -------------===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "ElementTraits.h"
#include "Internal.h"
#include "VectorClones.h"

#include <cassert>
#include <limits>

namespace mlir::sq::numerics {

/// MXINT8 has OCP's implied factor of 2^-6; other integers are themselves.
static float integerUnit(const Format &format) {
  return format.family == Family::Mx ? 0x1p-6f : 1.0f;
}

static float decodeFloat(Element element, uint8_t code) {
  FloatLayout layout = layoutOf(element);
  unsigned magnitude = code & ((1u << (layout.bits - 1)) - 1);
  float value = decodeMagnitude(layout, magnitude);
  if (magnitude > layout.maxCode) {
    // E4M3FN 0x7f; E5M2 0x7c is infinity and 0x7d..0x7f are NaN. The six and
    // four bit types end with their largest finite value.
    bool infinite = element == Element::E5M2 && magnitude == 0x7c;
    value = infinite ? std::numeric_limits<float>::infinity()
                     : std::numeric_limits<float>::quiet_NaN();
  }
  bool negative = (code >> (layout.bits - 1)) & 1;
  return negative ? -value : value;
}

float decodeElement(const Format &format, uint8_t code) {
  if (const Codebook *codebook = getCodebook(format.element))
    return codebook->decode(code);
  if (format.element != Element::Int)
    return decodeFloat(format.element, code);
  int32_t value = code & ((1 << format.bits) - 1);
  if (format.symmetric && (value >> (format.bits - 1)))
    value -= 1 << format.bits;
  return static_cast<float>(value) * integerUnit(format);
}

uint8_t encodeElement(const Format &format, float value) {
  uint8_t code = 0;
  if (format.symmetric)
    encodeElements(format, &value, 1, 1.0f, &code);
  else
    encodeAsymmetric(format, &value, 1, 1.0f, 0, &code);
  return code;
}

template <Element element>
static void encodeFloats(const float *values, int64_t count, float scale,
                         uint8_t *codes) {
  for (int64_t i = 0; i < count; ++i)
    codes[i] = static_cast<uint8_t>(encodeFloat<element>(values[i] / scale));
}

/// NUM-F15: counts the boundaries that a value has passed. Branch-free, so that
/// the loop vectorizes.
template <const Codebook &codebook>
static void encodeWithCodebook(const float *values, int64_t count, float scale,
                               uint8_t *codes) {
  constexpr auto boundaries = []() {
    std::array<float, Codebook::kSize - 1> result{};
    for (unsigned i = 0; i < result.size(); ++i)
      result[i] = codebook.boundary(i);
    return result;
  }();
  for (int64_t i = 0; i < count; ++i) {
    float value = values[i] / scale;
    uint32_t index = 0;
    for (float boundary : boundaries)
      index += value >= boundary ? 1 : 0;
    codes[i] = codebook.codeOf(index);
  }
}

SQ_VECTOR_CLONES static void encodeIntegers(const float *values, int64_t count,
                                            float unit, float limit,
                                            uint8_t *codes) {
  for (int64_t i = 0; i < count; ++i)
    codes[i] =
        static_cast<uint8_t>(encodeInteger(values[i] / unit, -limit, limit));
}

void encodeElements(const Format &format, const float *values, int64_t count,
                    float scale, uint8_t *codes) {
  switch (format.element) {
  case Element::Int: {
    float limit = static_cast<float>((1 << (format.bits - 1)) - 1);
    // Exact: a power of two, and only the E8M0 scales of mx are multiplied.
    float unit = scale * integerUnit(format);
    return encodeIntegers(values, count, unit, limit, codes);
  }
  case Element::E4M3FN:
    return encodeFloats<Element::E4M3FN>(values, count, scale, codes);
  case Element::E5M2:
    return encodeFloats<Element::E5M2>(values, count, scale, codes);
  case Element::E2M3FN:
    return encodeFloats<Element::E2M3FN>(values, count, scale, codes);
  case Element::E3M2FN:
    return encodeFloats<Element::E3M2FN>(values, count, scale, codes);
  case Element::E2M1FN:
    return encodeFloats<Element::E2M1FN>(values, count, scale, codes);
  case Element::NF4:
    return encodeWithCodebook<nf4Codebook>(values, count, scale, codes);
  case Element::F16:
  case Element::BF16:
    assert(false && "halves are no codes");
    return;
  }
}

void encodeAsymmetric(const Format &format, const float *values, int64_t count,
                      float scale, int32_t zeroPoint, uint8_t *codes) {
  // Clamping to [-zp, max - zp] before the zero point is added is the same as
  // clamping the sum, and rounds in one place.
  float low = static_cast<float>(-zeroPoint);
  float high = static_cast<float>((1 << format.bits) - 1 - zeroPoint);
  for (int64_t i = 0; i < count; ++i)
    codes[i] = static_cast<uint8_t>(
        encodeInteger(values[i] / scale, low, high) + zeroPoint);
}

std::array<float, 256> decodeTable(const Format &format) {
  std::array<float, 256> table;
  for (unsigned code = 0; code < 256; ++code)
    table[code] = decodeElement(format, static_cast<uint8_t>(code));
  return table;
}

//===----------------------------------------------------------------------===//
// Scale types
//===----------------------------------------------------------------------===//

float decodeE8M0(uint8_t code) {
  if (code == 0xff)
    return std::numeric_limits<float>::quiet_NaN();
  // 2^-127 is an f32 subnormal: half of 2^-126.
  uint32_t bits = code == 0 ? 0x00400000u : static_cast<uint32_t>(code) << 23;
  return std::bit_cast<float>(bits);
}

float decodeF16(uint16_t bits) {
  uint32_t sign = static_cast<uint32_t>(bits & 0x8000u) << 16;
  uint32_t exponent = (bits >> 10) & 0x1fu, fraction = bits & 0x3ffu;
  if (exponent == 0x1f)
    return std::bit_cast<float>(sign | 0x7f800000u | fraction << 13);
  if (exponent != 0)
    return std::bit_cast<float>(sign | (exponent + 112) << 23 | fraction << 13);
  float magnitude = static_cast<float>(fraction) * 0x1p-24f;
  return std::bit_cast<float>(sign | std::bit_cast<uint32_t>(magnitude));
}

uint16_t encodeF16(float value) {
  uint32_t bits = std::bit_cast<uint32_t>(value);
  uint32_t sign = (bits >> 16) & 0x8000u, magnitude = bits & 0x7fffffffu;
  uint32_t code;
  if (magnitude > 0x7f800000u) {
    code = 0x7e00u | ((magnitude >> 13) & 0x3ffu); // A quiet NaN.
  } else if (magnitude >= 0x477ff000u) {
    code = 0x7c00u; // 65520 and above round to infinity.
  } else if (magnitude < 0x38800000u) {
    // As in encodeFloat: 0.5 has a unit in the last place of 2^-24.
    code = std::bit_cast<uint32_t>(std::bit_cast<float>(magnitude) + 0.5f) -
           std::bit_cast<uint32_t>(0.5f);
  } else {
    code =
        ((magnitude + 0xfffu + ((magnitude >> 13) & 1u)) >> 13) - (112u << 10);
  }
  return static_cast<uint16_t>(sign | code);
}

} // namespace mlir::sq::numerics
