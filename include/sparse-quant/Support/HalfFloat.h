//===- HalfFloat.h - Widen f16 and bf16 arrays ------------------*- C++ -*-===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Exact, and branch-free so that the loops over whole weight matrices
// vectorize without target features; APFloat is three orders slower.
//
//===----------------------------------------------------------------------===//
#ifndef SPARSE_QUANT_SUPPORT_HALFFLOAT_H
#define SPARSE_QUANT_SUPPORT_HALFFLOAT_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/bit.h"

#include <cstdint>

namespace mlir::sq {

/// The value of an IEEE half. A NaN keeps its payload, and stays quiet or
/// signaling.
inline float widenF16(uint16_t half) {
  uint32_t sign = static_cast<uint32_t>(half & 0x8000u) << 16;
  uint32_t magnitude = static_cast<uint32_t>(half & 0x7fffu) << 13;
  // The exponents' biases differ by 112. The multiplication also normalizes
  // subnormals.
  uint32_t finite =
      llvm::bit_cast<uint32_t>(llvm::bit_cast<float>(magnitude) * 0x1p112f);
  uint32_t special = magnitude | 0x7f800000u;
  return llvm::bit_cast<float>((magnitude >= 0x0f800000u ? special : finite) |
                               sign);
}

inline float widenBF16(uint16_t bits) {
  return llvm::bit_cast<float>(static_cast<uint32_t>(bits) << 16);
}

/// The nearest bf16, ties to even. A NaN stays one.
inline uint16_t narrowBF16(float value) {
  uint32_t bits = llvm::bit_cast<uint32_t>(value);
  if ((bits & 0x7fffffffu) > 0x7f800000u)
    return static_cast<uint16_t>(bits >> 16 | 0x40u);
  return static_cast<uint16_t>((bits + 0x7fffu + (bits >> 16 & 1u)) >> 16);
}

/// As above, for little-endian arrays without alignment; `out` has an element
/// for every two bytes.
void widenF16(llvm::ArrayRef<uint8_t> bytes, llvm::MutableArrayRef<float> out);
void widenBF16(llvm::ArrayRef<uint8_t> bytes, llvm::MutableArrayRef<float> out);

} // namespace mlir::sq

#endif // SPARSE_QUANT_SUPPORT_HALFFLOAT_H
