//===- KernelRow.h - A row of the kernel table ------------------*- C++ -*-===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A kernel as data: what it needs of the target, the weights, the activations
// and their number, and the function that generates it. Legality is one loop
// over these fields (`KernelRow::check`); a row has a function of its own only
// for what has to be computed from sizes. Adding a kernel is adding a row
// (KernelRows.cpp) and a generator.
//
//===----------------------------------------------------------------------===//
#ifndef SPARSE_QUANT_LIB_CODEGEN_CPU_KERNELROW_H
#define SPARSE_QUANT_LIB_CODEGEN_CPU_KERNELROW_H

#include "CostModel.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "sparse-quant/CodeGen/CPU/KernelTable.h"
#include "sparse-quant/Numerics/TileLayout.h"
#include "llvm/ADT/BitmaskEnum.h"

namespace mlir::sq::cpu {

LLVM_ENABLE_BITMASK_ENUMS_IN_NAMESPACE();

/// What a product needs of a target; KernelRows.cpp has how each is found out
/// and what is said where it is missing.
enum class Need : unsigned {
  None = 0,
  /// Look-ups of floats in a register.
  FloatTables = 1 << 0,
  /// Vectors of bytes (ByteISA).
  Bytes = 1 << 1,
  LLVM_MARK_AS_BITMASK_ENUM(/*LargestValue=*/Bytes)
};

/// Sets of numerics::TileStorage.
using StorageSet = unsigned;
constexpr StorageSet storages(std::initializer_list<numerics::TileStorage> of) {
  StorageSet set = 0;
  for (numerics::TileStorage storage : of)
    set |= 1u << static_cast<unsigned>(storage);
  return set;
}

/// Activations that a kernel takes.
enum class ActivationClass {
  /// f32, or of any format: sq-decode-activations makes them f32 in front of
  /// kernels that are generated.
  Any,
  /// Integers with a scale a row or tensor, without a zero point.
  Bytes,
  /// The same, and integers, in disguise or not, whose scales are powers of two
  /// and change along K.
  GroupedBytes,
};

struct KernelRow {
  StringLiteral name;
  /// What the kernel reads, and with tiles how these may be stored.
  Layout layout;
  StorageSet storage;
  Need needs;
  /// Elements that are integers, or integers in disguise (NUM-F14).
  bool wantsIntegers;
  ActivationClass activations;
  /// Who multiplies few rows of activations where their number is only known at
  /// run time; "" if the kernel itself does.
  StringLiteral kernelForFew = "";
  /// Why the sizes don't fit, "" if they do; null where all do.
  std::string (*checkSizes)(const Product &product, const KernelTarget &target);
  /// Emits the product of `op`, which is on memrefs, and doesn't erase it. Null
  /// for convert-sq-to-linalg.
  void (*emit)(ImplicitLocOpBuilder &b, MatmulOp op,
               const KernelTarget &target);
  /// How many times the unit's peak it may reach where it multiplies by other
  /// instructions; null where it doesn't.
  double (*getGain)(const Product &product,
                    const KernelTarget &target) = nullptr;
  CostParameters cost;
  /// Whether results may be written instead of added to.
  bool overwrites = false;

  /// Whether the generated kernel takes its activations in f32.
  bool multipliesFloats() const { return emit && !wantsIntegers; }
  bool multipliesBytes() const { return emit && wantsIntegers; }
  /// Why the kernel doesn't compute `product` were its weights in the kernel's
  /// layout; "" if it does.
  std::string check(const Product &product, const KernelTarget &target) const;
};

/// From the most specialized kernel to the one that computes everything.
ArrayRef<KernelRow> getKernelRows();

/// Null for a name that is none.
const KernelRow *findKernel(StringRef name);

} // namespace mlir::sq::cpu

#endif // SPARSE_QUANT_LIB_CODEGEN_CPU_KERNELROW_H
