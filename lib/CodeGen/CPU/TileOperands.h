//===- TileOperands.h - Around the products on tiles ------------*- C++ -*-===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What the kernels on tiles do before and after their products: unsigned
// activations (TileKernel.h says why), and the update of the result.
//
//===----------------------------------------------------------------------===//
#ifndef SPARSE_QUANT_LIB_CODEGEN_CPU_TILEOPERANDS_H
#define SPARSE_QUANT_LIB_CODEGEN_CPU_TILEOPERANDS_H

#include "KernelBuilder.h"
#include "SumGroups.h"
#include "sparse-quant/Dialect/SQ/IR/SQ.h"
#include "sparse-quant/Numerics/TileLayout.h"

namespace mlir::sq::cpu {

class ByteISA;
struct PanelForm;

class TileOperands : KernelBuilder {
public:
  TileOperands(ImplicitLocOpBuilder &builder, MatmulOp op,
               const numerics::TileLayout &layout, const ByteISA &isa)
      : KernelBuilder(builder), op(op), layout(layout), isa(isa),
        groups(SumGroups::get(layout, op)) {}

  /// M, as an index.
  Value getNumInputs();
  /// M if it is known.
  std::optional<int64_t> getStaticNumInputs();

  /// As dot products take them, a row padded to whole windows and whole scale
  /// groups: a new memref<MxSTRIDExi8>, which the caller deallocates. What is
  /// beyond K meets weights that are zero.
  Value makeActivations();
  /// As they are, rows padded with zeros in the same way, for products with
  /// prepared weights: a memref<MxSTRIDExi8>, and for each scale group
  /// -128 * sum x, a memref<MxGROUPSxi32>. The caller deallocates both.
  std::pair<Value, Value> makeSignedActivations();
  /// Activations in blocks of `form.rows` rows, so that all that a block reads
  /// is one stream: of each block the first four columns of its rows, the next
  /// four, and so on; eight for products of matrices; with several words, of
  /// four columns first one of each row, then the next. `form.rows *
  /// form.words` is at most 16. A new memref<BLOCKSx?xi8>, whose last block has
  /// the last row for rows beyond M.
  Value makeBlockedActivations(const PanelForm &form);
  /// The scales of activations that have groups: a new memref<MxGROUPSxf32>,
  /// which the caller deallocates; null of others.
  Value makeActivationScales();
  /// One of them, in all lanes, for a group of sums.
  Value readActivationScale(Value scales, Value row, Value group);
  /// out[row, rows of `tile`] += total * what all of it is scaled by. `total`
  /// is a vector<16xf32>.
  void update(Value tile, Value row, Value total);

private:
  /// Columns of a row with its padding.
  int64_t getPaddedCols();
  /// Calls `body` with each 64 activations of `rows` and their first column;
  /// zeros follow the last.
  void readRows(ArrayRef<Value> rows,
                function_ref<void(ArrayRef<Value>, Value)> body);
  /// The same as dot products take them.
  void convertRow(Value row, Value into);
  /// A new memref<MxSTRIDExi8>, STRIDE being the padded columns or more.
  Value allocateRows();
  /// -128 * sum x of the columns of a scale group of a row.
  Value sumGroup(Value values, Value row, Value group);
  /// Calls `body` for each row of activations.
  void forEachInput(function_ref<void(Value)> body);

  MatmulOp op;
  const numerics::TileLayout &layout;
  const ByteISA &isa;
  SumGroups groups;
  VectorType bytes =
      VectorType::get({numerics::TileLayout::kVector}, b.getI8Type());
  VectorType f32s =
      VectorType::get({numerics::TileLayout::kRows}, b.getF32Type());
};

} // namespace mlir::sq::cpu

#endif // SPARSE_QUANT_LIB_CODEGEN_CPU_TILEOPERANDS_H
