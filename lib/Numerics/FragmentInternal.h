//===- FragmentInternal.h - What the packers of fragments share -*- C++ -*-===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef SPARSE_QUANT_LIB_NUMERICS_FRAGMENTINTERNAL_H
#define SPARSE_QUANT_LIB_NUMERICS_FRAGMENTINTERNAL_H

#include "sparse-quant/Numerics/FragmentLayout.h"

namespace mlir::sq::numerics {

/// FragmentStorage::Bitmap, payload and metadata alone.
void packFragmentBitmaps(const FragmentLayout &layout,
                         std::span<const uint8_t> codes,
                         std::span<const uint8_t> mask, PackedFragments &out,
                         int64_t firstByte);

} // namespace mlir::sq::numerics

#endif // SPARSE_QUANT_LIB_NUMERICS_FRAGMENTINTERNAL_H
