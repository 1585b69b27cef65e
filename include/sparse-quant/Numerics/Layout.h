//===- Layout.h - The reference packed layout -------------------*- C++ -*-===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The layout that every legal (pattern, format) pair has, and that target
// layouts are tested against. A matrix of codes [rows, cols] and its mask
// become
//
//   payload [rows, payloadStride]  the kept codes of a row, in order, as a
//                                  little-endian bit string of `bits` a code,
//                                  from bit 0 of byte 0; a row starts a byte;
//                                  the tail is zero
//   bitmap  [rows, ceil(cols/8)]   bit k%8 of byte k/8 says "column k is kept";
//                                  absent for a dense matrix
//
// payloadStride is the widest row's, so that a row is found by a multiply.
// (2:4 and any 50 % mask: bits/2 + 1 bits a weight.)
//
//===----------------------------------------------------------------------===//
#ifndef SPARSE_QUANT_NUMERICS_LAYOUT_H
#define SPARSE_QUANT_NUMERICS_LAYOUT_H

#include "sparse-quant/Numerics/Format.h"

#include <span>
#include <vector>

namespace mlir::sq::numerics {

struct Packed {
  int64_t payloadStride = 0;
  std::vector<uint8_t> payload;
  /// Empty for a dense matrix.
  std::vector<uint8_t> bitmap;
};

/// Bytes of a payload row that holds `kept` codes of `bits` bits.
int64_t payloadRowBytes(int64_t kept, unsigned bits);
/// Bytes of a bitmap row.
int64_t bitmapRowBytes(int64_t cols);

/// An empty `mask` means dense.
void pack(unsigned bits, std::span<const uint8_t> codes,
          std::span<const uint8_t> mask, int64_t rows, int64_t cols,
          Packed &out);

/// Inverse: dropped codes come back as `zeroCode`; `signExtend` widens integer
/// codes to the byte. `mask` may be empty when it is not wanted. An error when
/// a row's bitmap counts more codes than the payload's stride can hold.
Error unpack(unsigned bits, bool signExtend, uint8_t zeroCode,
             const Packed &packed, int64_t rows, int64_t cols,
             std::span<uint8_t> codes, std::span<uint8_t> mask);

} // namespace mlir::sq::numerics

#endif // SPARSE_QUANT_NUMERICS_LAYOUT_H
