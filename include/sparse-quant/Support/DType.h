//===- DType.h - Element types of safetensors files -------------*- C++ -*-===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef SPARSE_QUANT_SUPPORT_DTYPE_H
#define SPARSE_QUANT_SUPPORT_DTYPE_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringRef.h"

#include <cstdint>
#include <optional>
#include <string>

namespace mlir::sq {

/// The element types that the safetensors format names.
enum class DType : uint8_t {
  BOOL,
  F4,
  F6_E2M3,
  F6_E3M2,
  U8,
  I8,
  F8_E5M2,
  F8_E4M3,
  F8_E8M0,
  I16,
  U16,
  F16,
  BF16,
  I32,
  U32,
  F32,
  C64,
  F64,
  I64,
  U64
};

/// The spelling in a file's header: "BF16".
llvm::StringRef getDTypeName(DType type);
std::optional<DType> parseDType(llvm::StringRef name);
unsigned getBitWidth(DType type);

/// Bytes of a packed tensor; nullopt where an extent is negative, the product
/// overflows, or the elements don't fill the last byte.
std::optional<uint64_t> getByteSize(DType type, llvm::ArrayRef<int64_t> shape);

/// "F32[2, 3]", for messages.
std::string describe(DType type, llvm::ArrayRef<int64_t> shape);

} // namespace mlir::sq

#endif // SPARSE_QUANT_SUPPORT_DTYPE_H
