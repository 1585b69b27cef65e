//===- Internal.h - Pieces that the numerics sources share ------*- C++ -*-===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef SPARSE_QUANT_LIB_NUMERICS_INTERNAL_H
#define SPARSE_QUANT_LIB_NUMERICS_INTERNAL_H

#include "sparse-quant/Numerics/Quantize.h"

#include <array>

namespace mlir::sq::numerics {

/// "[row, col]" of the flat index, for messages.
std::string position(int64_t index, int64_t cols);

/// "expected 6 <what> for a 2x3 matrix, got 5", or success.
Error checkSize(const char *what, size_t size, int64_t rows, int64_t cols);

//===----------------------------------------------------------------------===//
// Elements
//===----------------------------------------------------------------------===//

/// codes[i] = encodeElement(values[i] / scale), for a finite scale > 0.
void encodeElements(const Format &format, const float *values, int64_t count,
                    float scale, uint8_t *codes);

/// codes[i] = clamp(rne(values[i] / scale) + zeroPoint) (NUM-F8).
void encodeAsymmetric(const Format &format, const float *values, int64_t count,
                      float scale, int32_t zeroPoint, uint8_t *codes);

/// decodeElement for every byte; bits above the format's are ignored.
std::array<float, 256> decodeTable(const Format &format);

//===----------------------------------------------------------------------===//
// Scales
//===----------------------------------------------------------------------===//

/// A scale as it is stored, and the value that it stands for.
struct GroupScale {
  uint32_t stored = 0;
  float value = 0.0f;
  int32_t zeroPoint = 0;
};

/// Largest magnitude, as the bits of an f32: ordered as the floats are, with
/// infinity and NaN above every finite value.
uint32_t maxMagnitudeBits(const float *values, int64_t count);
constexpr uint32_t infinityBits = 0x7f800000u;

/// The scale of a symmetric group, from its finite `maxAbs` >= 0. Only NVFP4
/// reads `tensorScale`.
GroupScale symmetricScale(const Format &format, float maxAbs,
                          float tensorScale);
/// The scale and zero point of an asymmetric group. An error when high - low
/// is beyond f32.
Error asymmetricScale(const Format &format, const float *values, int64_t count,
                      GroupScale &out);
/// NVFP4's second scale.
float nvfp4TensorScale(float maxAbs);

void storeScale(ScaleType type, uint32_t stored, uint8_t *bytes);

} // namespace mlir::sq::numerics

#endif // SPARSE_QUANT_LIB_NUMERICS_INTERNAL_H
