//===- Quantize.h - Encode and decode matrices ------------------*- C++ -*-===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The bit-exact meaning of sq.quantize and sq.dequantize on a row-major
// [rows, cols] matrix whose scale groups run along cols.
//
//===----------------------------------------------------------------------===//
#ifndef SPARSE_QUANT_NUMERICS_QUANTIZE_H
#define SPARSE_QUANT_NUMERICS_QUANTIZE_H

#include "sparse-quant/Numerics/Format.h"

#include <span>
#include <vector>

namespace mlir::sq::numerics {

/// A quantized matrix in its *semantic* form: one byte per code, nothing
/// packed. All arrays are row-major.
struct Encoded {
  /// rows*cols codes in the low `bits`; signed integer codes are sign-extended
  /// to the byte.
  std::vector<uint8_t> codes;
  /// Scale bytes, little endian, `scaleBytes(type)` each; layout
  /// [scaleRows, scaleCols], where scaleRows is `rows` (1 for Tensor scope)
  /// and scaleCols is format.numGroups(cols).
  std::vector<uint8_t> scales;
  /// Asymmetric only: a zero point a scale.
  std::vector<int32_t> zeroPoints;
  /// NVFP4 only.
  float tensorScale = 1.0f;
};

/// Bytes of one stored scale: 4, 2, 1, 1.
int64_t scaleBytes(ScaleType type);
float decodeScale(ScaleType type, const uint8_t *bytes);

/// NaN or infinity in `values` is an error that names [row, col]; the caller
/// adds the tensor's name. mx alone has no such error: it turns the block's
/// scale into 0xFF (NaN) and its codes into 0, as OCP MX v1.0 says.
///
/// encode(decode(encode(x))) = encode(x), bytes of codes and scales, for every
/// format but hbfp (Format::isIdempotent).
Error encode(const Format &format, std::span<const float> values, int64_t rows,
             int64_t cols, Encoded &out);

/// As `encode`, with the scales (and zero points, tensor scale) already in
/// `inout`: the static-scale form of sq.quantize. A scale of zero gives codes
/// of zero. NaN or infinity is an error, unless the block's scale is NaN.
Error encodeWithScales(const Format &format, std::span<const float> values,
                       int64_t rows, int64_t cols, Encoded &inout);

/// value = element(code) * scale [* tensorScale], or (code - zp) * scale,
/// each product rounded once to f32, from left to right. `out` has rows*cols
/// elements.
void decode(const Format &format, const Encoded &encoded, int64_t rows,
            int64_t cols, std::span<float> out);

} // namespace mlir::sq::numerics

#endif // SPARSE_QUANT_NUMERICS_QUANTIZE_H
