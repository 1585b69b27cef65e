//===- PanelDecoder.h - Panels of weights as dense bytes --------*- C++ -*-===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef SPARSE_QUANT_LIB_CODEGEN_CPU_PANELDECODER_H
#define SPARSE_QUANT_LIB_CODEGEN_CPU_PANELDECODER_H

#include "KernelBuilder.h"
#include "PanelPlan.h"
#include "sparse-quant/Dialect/SQ/IR/SQ.h"

namespace mlir::sq::cpu {

class ByteISA;
class TileReader;

/// Decodes weights to signed bytes with zeros for what was dropped, and what
/// products with them need: scales, and the corrections of a bias.
class PanelDecoder : KernelBuilder {
public:
  PanelDecoder(ImplicitLocOpBuilder &builder, MatmulOp op,
               const numerics::TileLayout &layout, const SumGroups &groups,
               const ByteISA &isa, const PanelPlan &plan,
               const PanelBuffers &buffers)
      : KernelBuilder(builder), op(op), layout(layout), groups(groups),
        isa(isa), plan(plan), buffers(buffers) {}

  /// Tile `t` of the block.
  void emit(const PanelPlace &place, int64_t t);

private:
  /// Vectors [v, v + count) of the panel, `count` at most a run.
  void decodeRun(TileReader &reader, Value panelStart, Value v, int64_t count,
                 int64_t t);

  MatmulOp op;
  const numerics::TileLayout &layout;
  const SumGroups &groups;
  const ByteISA &isa;
  const PanelPlan &plan;
  const PanelBuffers &buffers;
  VectorType bytes =
      VectorType::get({numerics::TileLayout::kVector}, b.getI8Type());
  VectorType i32s =
      VectorType::get({numerics::TileLayout::kRows}, b.getI32Type());
};

} // namespace mlir::sq::cpu

#endif // SPARSE_QUANT_LIB_CODEGEN_CPU_PANELDECODER_H
