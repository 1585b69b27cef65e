//===- HalfFloat.cpp - Widen f16 and bf16 arrays --------------------------===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "sparse-quant/Support/HalfFloat.h"
#include "llvm/Support/Endian.h"

#include <cassert>

using namespace mlir::sq;

void mlir::sq::widenF16(llvm::ArrayRef<uint8_t> bytes,
                        llvm::MutableArrayRef<float> out) {
  assert(bytes.size() == 2 * out.size() && "sizes differ");
  for (size_t i = 0, e = out.size(); i < e; ++i)
    out[i] = widenF16(llvm::support::endian::read16le(bytes.data() + 2 * i));
}

void mlir::sq::widenBF16(llvm::ArrayRef<uint8_t> bytes,
                         llvm::MutableArrayRef<float> out) {
  assert(bytes.size() == 2 * out.size() && "sizes differ");
  for (size_t i = 0, e = out.size(); i < e; ++i)
    out[i] = widenBF16(llvm::support::endian::read16le(bytes.data() + 2 * i));
}
