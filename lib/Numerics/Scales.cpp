//===- Scales.cpp - How a group's values choose its scale -----------------===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Every rule here is chosen so that quantizing is idempotent (NUM-C3): the
// largest code of a group, decoded, must choose the same scale again. That is
// why scales have a floor (NUM-F5) and a ceiling (NUM-F6), and why asymmetric
// scales have 16 significant bits (NUM-F8).
//
//===----------------------------------------------------------------------===//
#include "ElementTraits.h"
#include "Internal.h"
#include "VectorClones.h"

#include <cassert>
#include <cmath>
#include <limits>

namespace mlir::sq::numerics {

SQ_VECTOR_CLONES uint32_t maxMagnitudeBits(const float *values, int64_t count) {
  // Signed, because SSE2 compares 32-bit integers as signed ones only.
  int32_t largest = 0;
  for (int64_t i = 0; i < count; ++i) {
    int32_t bits = std::bit_cast<int32_t>(values[i]) & 0x7fffffff;
    largest = bits > largest ? bits : largest;
  }
  return static_cast<uint32_t>(largest);
}

/// Smallest scale of a format whose scale isn't a power of two (NUM-F5): from
/// there up, rounding a scale to its type moves the largest element by less
/// than half a code.
static float scaleFloor(const Format &format) {
  switch (format.scaleType) {
  case ScaleType::F16: // 2^(bits-1) units of 2^-24.
    return powerOfTwo(static_cast<int>(format.bits) - 25);
  case ScaleType::E4M3FN: // 4 units of 2^-9.
    return 0x1p-7f;
  case ScaleType::F32:
  case ScaleType::E8M0:
    break;
  }
  return 0x1p-126f;
}

static GroupScale quotientScale(const Format &format, float maxAbs) {
  float maxElement = static_cast<float>(format.maxElement());
  float scale = std::max(maxAbs / maxElement, scaleFloor(format));
  uint32_t stored;
  if (format.scaleType == ScaleType::F16) {
    scale = std::min(scale, 65504.0f);
    stored = encodeF16(scale);
    scale = decodeF16(static_cast<uint16_t>(stored));
  } else {
    // NUM-F6: the largest element must decode to a finite number.
    while (std::isinf(scale * maxElement))
      scale = std::nextafter(scale, 0.0f);
    stored = std::bit_cast<uint32_t>(scale);
  }
  return {stored, scale};
}

float nvfp4TensorScale(float maxAbs) {
  if (maxAbs == 0.0f)
    return 0.0f;
  constexpr float maxProduct =
      maxFinite(Element::E2M1FN) * maxFinite(Element::E4M3FN);
  return std::max(maxAbs / maxProduct, 0x1p-126f);
}

static GroupScale nvfp4Scale(const Format &format, float maxAbs,
                             float tensorScale) {
  if (tensorScale == 0.0f)
    return {};
  float quotient = maxAbs / maxFinite(Element::E2M1FN) / tensorScale;
  quotient = std::max(quotient, scaleFloor(format));
  uint32_t stored = encodeFloat<Element::E4M3FN>(quotient);
  float scale = decodeMagnitude(layoutOf(Element::E4M3FN), stored);
  return {stored, scale * tensorScale};
}

/// NUM-F9, NUM-F11: E = floor or ceil of log2, less the element's exponent.
static GroupScale powerOfTwoScale(const Format &format, float maxAbs) {
  uint32_t bits = std::bit_cast<uint32_t>(maxAbs);
  // f32 subnormals count as 2^-127 and below, where the clamp decides anyway.
  int exponent = static_cast<int>(bits >> 23) - 127;
  if (format.family == Family::Hbfp) {
    bool exactPower = (bits & 0x7fffffu) == 0;
    exponent += exactPower ? 0 : 1;
    exponent -= static_cast<int>(format.bits) - 1;
  } else {
    exponent -= maxExponent(format.element);
  }
  uint32_t stored =
      static_cast<uint32_t>(std::clamp(exponent, -127, 127) + 127);
  return {stored, decodeE8M0(static_cast<uint8_t>(stored))};
}

GroupScale symmetricScale(const Format &format, float maxAbs,
                          float tensorScale) {
  // NUM-F4: an all-zero group.
  if (maxAbs == 0.0f)
    return {};
  GroupScale result;
  switch (format.family) {
  case Family::Mx:
  case Family::Hbfp:
    return powerOfTwoScale(format, maxAbs);
  case Family::NvFp4:
    result = nvfp4Scale(format, maxAbs, tensorScale);
    break;
  case Family::Int:
  case Family::Fp8:
  case Family::Nf4:
    result = quotientScale(format, maxAbs);
    break;
  case Family::Half:
    assert(false && "halves have no scales");
    break;
  }
  // NUM-F4: a group that rounds to zeros altogether is an all-zero group.
  uint8_t largest = 0;
  float lowest = -maxAbs;
  if (result.value > 0.0f)
    encodeElements(format, &lowest, 1, result.value, &largest);
  return largest == 0 ? GroupScale() : result;
}

Error asymmetricScale(const Format &format, const float *values, int64_t count,
                      GroupScale &out) {
  float low = 0.0f, high = 0.0f;
  for (int64_t i = 0; i < count; ++i) {
    low = values[i] < low ? values[i] : low;
    high = values[i] > high ? values[i] : high;
  }
  float range = high - low;
  if (std::isinf(range))
    return "the range of an asymmetric group is beyond f32";

  // 16 significant bits, toward zero: code * scale is then exact for codes of
  // at most 8 bits, so that a decoded group gives the same range again.
  constexpr uint32_t unit = 0x100u;
  float maxCode = static_cast<float>((1 << format.bits) - 1);
  float scale = std::bit_cast<float>(std::bit_cast<uint32_t>(range / maxCode) &
                                     ~(unit - 1));
  int32_t above, below;
  while (true) {
    scale = std::max(scale, 0x1p-126f);
    above = encodeInteger(high / scale, 0.0f, maxCode);
    below = encodeInteger(-low / scale, 0.0f, maxCode);
    if (above + below >= static_cast<int32_t>(maxCode) || scale == 0x1p-126f)
      break;
    // Both ends were ties (or within rounding of one) and went to the even
    // code below: the next smaller scale moves them off the tie.
    scale = std::bit_cast<float>(std::bit_cast<uint32_t>(scale) - unit);
  }
  if (above == 0 && below == 0) {
    out = {};
    return std::nullopt;
  }
  out = {std::bit_cast<uint32_t>(scale), scale, below};
  return std::nullopt;
}

//===----------------------------------------------------------------------===//
// Stored scales
//===----------------------------------------------------------------------===//

int64_t scaleBytes(ScaleType type) {
  switch (type) {
  case ScaleType::F32:
    return 4;
  case ScaleType::F16:
    return 2;
  case ScaleType::E8M0:
  case ScaleType::E4M3FN:
    return 1;
  }
  return 0;
}

void storeScale(ScaleType type, uint32_t stored, uint8_t *bytes) {
  for (int64_t i = 0; i < scaleBytes(type); ++i)
    bytes[i] = static_cast<uint8_t>(stored >> (8 * i));
}

float decodeScale(ScaleType type, const uint8_t *bytes) {
  uint32_t stored = 0;
  for (int64_t i = 0; i < scaleBytes(type); ++i)
    stored |= static_cast<uint32_t>(bytes[i]) << (8 * i);
  switch (type) {
  case ScaleType::F32:
    return std::bit_cast<float>(stored);
  case ScaleType::F16:
    return decodeF16(static_cast<uint16_t>(stored));
  case ScaleType::E8M0:
    return decodeE8M0(static_cast<uint8_t>(stored));
  case ScaleType::E4M3FN:
    return decodeElement(Format::fp8(Element::E4M3FN, GroupScope::Row),
                         static_cast<uint8_t>(stored));
  }
  return 0.0f;
}

} // namespace mlir::sq::numerics
