//===- SQNumericsTestShim.cpp - The numerics as C functions ---------------===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// For test_numerics.py, through ctypes. The caller allocates every array at the
// size that docs/numerics.md gives it. Functions return 0, or 1 with a message.
//
//===----------------------------------------------------------------------===//
#include "sparse-quant/Numerics/Error.h"
#include "sparse-quant/Numerics/Layout.h"

#include <algorithm>
#include <cstdio>

using namespace mlir::sq::numerics;

static constexpr int64_t messageSize = 256;

static int report(const Error &error, char *message) {
  if (!error)
    return 0;
  std::snprintf(message, messageSize, "%s", error->c_str());
  return 1;
}

template <typename T>
static void copyOut(const std::vector<T> &from, T *to) {
  std::copy(from.begin(), from.end(), to);
}

extern "C" {

/// With `fixedScales`, scales, zeroPoints and tensorScale are inputs.
int sq_test_encode(const char *name, const float *values, int64_t rows,
                   int64_t cols, int fixedScales, int64_t numScales,
                   uint8_t *codes, uint8_t *scales, int32_t *zeroPoints,
                   float *tensorScale, char *message) {
  std::optional<Format> format = parseFormat(name);
  if (!format)
    return report("unknown format", message);
  std::span<const float> span(values, rows * cols);
  Encoded encoded;
  Error error;
  if (fixedScales) {
    encoded.scales.assign(scales,
                          scales + numScales * scaleBytes(format->scaleType));
    if (format->hasZeroPoint())
      encoded.zeroPoints.assign(zeroPoints, zeroPoints + numScales);
    encoded.tensorScale = *tensorScale;
    error = encodeWithScales(*format, span, rows, cols, encoded);
  } else {
    error = encode(*format, span, rows, cols, encoded);
  }
  if (error)
    return report(error, message);
  copyOut(encoded.codes, codes);
  copyOut(encoded.scales, scales);
  copyOut(encoded.zeroPoints, zeroPoints);
  *tensorScale = encoded.tensorScale;
  return 0;
}

int sq_test_decode(const char *name, const uint8_t *codes,
                   const uint8_t *scales, const int32_t *zeroPoints,
                   float tensorScale, int64_t numScales, int64_t rows,
                   int64_t cols, float *out, char *message) {
  std::optional<Format> format = parseFormat(name);
  if (!format)
    return report("unknown format", message);
  Encoded encoded;
  encoded.codes.assign(codes, codes + rows * cols);
  encoded.scales.assign(scales,
                        scales + numScales * scaleBytes(format->scaleType));
  encoded.zeroPoints.assign(zeroPoints, zeroPoints + numScales);
  encoded.tensorScale = tensorScale;
  decode(*format, encoded, rows, cols, std::span(out, rows * cols));
  return 0;
}

int sq_test_mask(const char *name, const float *scores, int64_t rows,
                 int64_t cols, uint8_t *mask, char *message) {
  std::optional<Pattern> pattern = parsePattern(name);
  if (!pattern)
    return report("unknown pattern", message);
  return report(computeMask(*pattern, std::span(scores, rows * cols), rows,
                            cols, std::span(mask, rows * cols)),
                message);
}

void sq_test_wanda(const float *weights, const float *norms, int64_t rows,
                   int64_t cols, float *scores) {
  wandaScores(std::span(weights, rows * cols), std::span(norms, cols), rows,
              cols, std::span(scores, rows * cols));
}

/// `mask` may be null. `payload` has room for dense rows. Returns the stride.
int64_t sq_test_pack(unsigned bits, const uint8_t *codes, const uint8_t *mask,
                     int64_t rows, int64_t cols, uint8_t *payload,
                     uint8_t *bitmap) {
  Packed packed;
  std::span<const uint8_t> maskSpan;
  if (mask)
    maskSpan = {mask, static_cast<size_t>(rows * cols)};
  pack(bits, std::span(codes, rows * cols), maskSpan, rows, cols, packed);
  copyOut(packed.payload, payload);
  copyOut(packed.bitmap, bitmap);
  return packed.payloadStride;
}

/// The ten norms of OrderErrors in their order, `swapped` and `swapBound`.
int sq_test_order(const char *patternName, const char *formatName,
                  const float *weights, int64_t rows, int64_t cols, double *out,
                  char *message) {
  std::optional<Pattern> pattern = parsePattern(patternName);
  std::optional<Format> format = parseFormat(formatName);
  if (!pattern || !format)
    return report("unknown pattern or format", message);
  OrderErrors errors;
  if (Error error =
          measureOrder(&*pattern, *format, std::span(weights, rows * cols), {},
                       rows, cols, errors))
    return report(error, message);
  for (Norms norms :
       {errors.sparsity, errors.quantization, errors.sparsityFirst,
        errors.quantizationFirst, errors.threshold}) {
    *out++ = norms.l1;
    *out++ = norms.l2;
  }
  *out++ = static_cast<double>(errors.swapped);
  *out = errors.swapBound;
  return 0;
}

} // extern "C"
