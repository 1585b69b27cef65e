//===- Handlers.h - Who runs which instruction ------------------*- C++ -*-===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef SPARSE_QUANT_TEST_PTX_HANDLERS_H
#define SPARSE_QUANT_TEST_PTX_HANDLERS_H

#include "Machine.h"

namespace ptx {

// Each sets `run`, and what it needs, of an instruction that it knows, and
// leaves others alone.
void decodeArithmetic(Instruction &instruction);
void decodeConversion(Instruction &instruction);
void decodeMemory(Instruction &instruction);
void decodeControl(Instruction &instruction);
void decodeMatrix(Instruction &instruction);

inline bool hasPart(const Instruction &instruction, const char *part) {
  for (const std::string &own : instruction.parts)
    if (own == part)
      return true;
  return false;
}

/// Bits of "u32", "bf16x2", "pred", "v4"'s elements; 0 for what is no type.
inline int bitsOfType(const std::string &type) {
  if (type == "pred")
    return 1;
  if (type == "f16x2" || type == "bf16x2")
    return 32;
  size_t digits = type.find_first_of("0123456789");
  if (digits == std::string::npos || !std::strchr("subf", type[0]))
    return 0;
  return std::atoi(type.c_str() + digits);
}

} // namespace ptx

#endif // SPARSE_QUANT_TEST_PTX_HANDLERS_H
