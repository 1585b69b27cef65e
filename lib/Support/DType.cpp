//===- DType.cpp - Element types of safetensors files ---------------------===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "sparse-quant/Support/DType.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir::sq;

namespace {
struct Row {
  llvm::StringLiteral name;
  unsigned bits;
};
} // namespace

/// In the order of the enum.
static constexpr Row table[] = {
    {"BOOL", 8}, {"F4", 4},      {"F6_E2M3", 6}, {"F6_E3M2", 6}, {"U8", 8},
    {"I8", 8},   {"F8_E5M2", 8}, {"F8_E4M3", 8}, {"F8_E8M0", 8}, {"I16", 16},
    {"U16", 16}, {"F16", 16},    {"BF16", 16},   {"I32", 32},    {"U32", 32},
    {"F32", 32}, {"C64", 64},    {"F64", 64},    {"I64", 64},    {"U64", 64}};
static_assert(std::size(table) == static_cast<size_t>(DType::U64) + 1);

llvm::StringRef mlir::sq::getDTypeName(DType type) {
  return table[static_cast<size_t>(type)].name;
}

unsigned mlir::sq::getBitWidth(DType type) {
  return table[static_cast<size_t>(type)].bits;
}

std::optional<DType> mlir::sq::parseDType(llvm::StringRef name) {
  for (size_t i = 0; i < std::size(table); ++i)
    if (table[i].name == name)
      return static_cast<DType>(i);
  return std::nullopt;
}

std::optional<uint64_t> mlir::sq::getByteSize(DType type,
                                              llvm::ArrayRef<int64_t> shape) {
  uint64_t bits = getBitWidth(type);
  bool overflowed = false;
  // An empty tensor is empty however large its other extents are.
  if (llvm::is_contained(shape, 0))
    bits = 0;
  for (int64_t extent : shape) {
    if (extent < 0)
      return std::nullopt;
    bits = llvm::SaturatingMultiply(bits, static_cast<uint64_t>(extent),
                                    &overflowed);
    if (overflowed)
      return std::nullopt;
  }
  if (bits % 8)
    return std::nullopt;
  return bits / 8;
}

std::string mlir::sq::describe(DType type, llvm::ArrayRef<int64_t> shape) {
  std::string text = getDTypeName(type).str() + "[";
  text += llvm::join(
      llvm::map_range(shape,
                      [](int64_t extent) { return std::to_string(extent); }),
      ", ");
  return text + "]";
}
