//===- PanelSums.h - Products with a decoded panel --------------*- C++ -*-===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef SPARSE_QUANT_LIB_CODEGEN_CPU_PANELSUMS_H
#define SPARSE_QUANT_LIB_CODEGEN_CPU_PANELSUMS_H

#include "KernelBuilder.h"
#include "PanelPlan.h"
#include "TileOperands.h"

namespace mlir::sq::cpu {

class ByteISA;
class PanelPrefetch;

/// Multiplies blocks of rows of activations with a panel of the weights, and
/// adds what comes out of all panels to the result.
class PanelSums : KernelBuilder {
public:
  /// `activations`: as `operands` makes them in blocks for the plan's form, and
  /// their scales, null where none vary along K.
  PanelSums(ImplicitLocOpBuilder &builder, const ByteISA &isa,
            TileOperands &operands, const PanelPlan &plan,
            const SumGroups &groups, Value activations, Value activationScales,
            const PanelBuffers &buffers)
      : KernelBuilder(builder), isa(isa), operands(operands), plan(plan),
        groups(groups), rowBlock(plan.form.rows), activations(activations),
        activationScales(activationScales), buffers(buffers) {}

  /// `count` rows from `firstRow`, which starts a block, on; guarded if some
  /// may lie behind the last, where what comes out is dropped.
  void emit(const PanelPlace &place, Value firstRow, int64_t count,
            bool isGuarded, PanelPrefetch *prefetch = nullptr);

private:
  SmallVector<Value> accumulate(const PanelPlace &place, Value block,
                                int64_t count, Value from, Value to,
                                ArrayRef<Value> sums, PanelPrefetch *prefetch);
  SmallVector<Value> accumulateMatrix(const PanelPlace &place, Value block,
                                      int64_t count, Value from, Value to,
                                      ArrayRef<Value> sums,
                                      PanelPrefetch *prefetch);
  /// Adds all groups of the panel to `totals` in f32, for `rows`, with which a
  /// block begins. Anchored, an exact sum becomes a float by a subtraction, and
  /// is added: on Zen 4 and 5 neither takes a unit that multiplies.
  SmallVector<Value> addGroups(const PanelPlace &place, Value block,
                               ArrayRef<Value> rows, ArrayRef<Value> totals,
                               bool isAnchored, PanelPrefetch *prefetch);
  /// For each row and tile `start`, less the correction of a group.
  SmallVector<Value> correct(const PanelPlace &place, Value group,
                             ArrayRef<Value> start);
  Value loadFloats(Value buffer, Value group, int64_t tile);
  SmallVector<Value> loadPartial(const PanelPlace &place, Value localRow,
                                 int64_t count);
  Value readActivations(Value block, Value offset, int64_t row);

  const ByteISA &isa;
  TileOperands &operands;
  const PanelPlan &plan;
  const SumGroups &groups;
  int64_t rowBlock;
  Value activations, activationScales;
  const PanelBuffers &buffers;
  VectorType bytes =
      VectorType::get({numerics::TileLayout::kVector}, b.getI8Type());
  VectorType i32s =
      VectorType::get({numerics::TileLayout::kRows}, b.getI32Type());
  VectorType f32s =
      VectorType::get({numerics::TileLayout::kRows}, b.getF32Type());
};

} // namespace mlir::sq::cpu

#endif // SPARSE_QUANT_LIB_CODEGEN_CPU_PANELSUMS_H
