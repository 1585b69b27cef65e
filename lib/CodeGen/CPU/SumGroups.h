//===- SumGroups.h - What integer products are summed up over ---*- C++ -*-===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Scales along K, of the weights, of the activations or of both, cut the sum of
// a product into parts within which neither changes:
//
//   y = sum over groups g of (sum over k in g of x[k] * w[k])
//                            * activation scale of g * weight scale of g
//
// The inner sums are exact.
//
//===----------------------------------------------------------------------===//
#ifndef SPARSE_QUANT_LIB_CODEGEN_CPU_SUMGROUPS_H
#define SPARSE_QUANT_LIB_CODEGEN_CPU_SUMGROUPS_H

#include "sparse-quant/Dialect/SQ/IR/SQ.h"
#include "sparse-quant/Numerics/TileLayout.h"
#include "llvm/Support/MathExtras.h"

namespace mlir::sq::cpu {

struct SumGroups {
  /// Columns of a group; 0 if no scale varies along K.
  int64_t size = 0;
  /// Groups that share a scale of the weights, and one of the activations; 0
  /// where one is for all of K.
  int64_t perWeightScale = 0, perActivationScale = 0;

  static SumGroups get(const numerics::TileLayout &layout,
                       const std::optional<numerics::Format> &activations);
  static SumGroups get(const numerics::TileLayout &layout, MatmulOp op);
  /// "" if one of the two is a multiple of the other, otherwise why not.
  static std::string check(const numerics::Format &weights,
                           const numerics::Format &activations);

  bool exist() const { return size != 0; }
  int64_t count(int64_t cols) const {
    return exist() ? int64_t(llvm::divideCeil(cols, size)) : 1;
  }
};

} // namespace mlir::sq::cpu

#endif // SPARSE_QUANT_LIB_CODEGEN_CPU_SUMGROUPS_H
