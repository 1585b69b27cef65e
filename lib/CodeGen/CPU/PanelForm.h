//===- PanelForm.h - How panels are multiplied ------------------*- C++ -*-===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef SPARSE_QUANT_LIB_CODEGEN_CPU_PANELFORM_H
#define SPARSE_QUANT_LIB_CODEGEN_CPU_PANELFORM_H

#include <cstdint>

namespace mlir::sq::cpu {

/// What an instruction set makes of the weights of a panel, which are decoded
/// once, and of the activations beside them, so that few instructions are left
/// for each product (ByteISA::getPanelForm).
struct PanelForm {
  enum class Kind {
    /// Bytes, four products at once: vpdpbusd, sdot.
    Bytes,
    /// Four bytes become two words of 32 bits, of two 16-bit integers each:
    /// pmaddwd.
    Words,
    /// Bytes, two rows of activations by two of weights over eight columns:
    /// smmla. Two vectors of weights become eight columns of rows 0 to 7 and of
    /// rows 8 to 15; activations lie eight columns at a time, and sums of two
    /// rows two by two.
    Matrix,
    /// Bytes, products of pairs in 16 bits: pmaddubsw. Weights are so small
    /// that sums of `steps` such products don't saturate.
    Pairs,
  };

  Kind kind = Kind::Bytes;
  /// Rows of activations and tiles whose sums are in registers at once.
  int64_t rows = 8, tiles = 3;
  /// Words of 32 bits that four weights or activations take.
  int64_t words = 1;
  /// Vectors that `dotPanel` takes at once.
  int64_t steps = 1;
  /// Pairs: decoded weights are shifted right by so many bits, and sums left.
  int64_t shift = 0;
  /// Whether products take a lane of a register of activations, so that those
  /// of all rows are loaded at once.
  bool takesLanes = false;
  /// Whether activations are biased, so that sums start at corrections.
  bool isBiased = true;

  /// How many times as many products as `dotBytes` an instruction computes: on
  /// targets without vpdpbusd that takes five for a register (CPUFacts.cpp), on
  /// AArch64 an sdot.
  double getGain() const {
    constexpr double instructions = 5;
    switch (kind) {
    case Kind::Bytes:
      return 1;
    case Kind::Matrix:
      return 2;
    case Kind::Words:
      return instructions / 4;
    case Kind::Pairs:
      return instructions * double(steps) / double(2 * steps + 1);
    }
    return 1;
  }
};

} // namespace mlir::sq::cpu

#endif // SPARSE_QUANT_LIB_CODEGEN_CPU_PANELFORM_H
