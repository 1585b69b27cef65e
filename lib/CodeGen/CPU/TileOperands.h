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
#include "sparse-quant/Dialect/SQ/IR/SQ.h"
#include "sparse-quant/Numerics/TileLayout.h"

namespace mlir::sq::cpu {

class ByteISA;

class TileOperands : KernelBuilder {
public:
  TileOperands(ImplicitLocOpBuilder &builder, MatmulOp op,
               const numerics::TileLayout &layout, const ByteISA &isa)
      : KernelBuilder(builder), op(op), layout(layout), isa(isa) {}

  /// M, as an index.
  Value getNumInputs();
  /// M if it is known.
  std::optional<int64_t> getStaticNumInputs();

  /// As dot products take them, a row padded to whole windows and whole scale
  /// groups: a new memref<MxSTRIDExi8>, which the caller deallocates. What is
  /// beyond K meets weights that are zero. An unknown number of rows is rounded
  /// up to a multiple of `rowMultiple`; what the rows beyond M hold is
  /// unspecified.
  Value makeActivations(int64_t rowMultiple = 1, bool isParallel = false);
  /// out[row, rows of `tile`] += total * what all of it is scaled by. `total`
  /// is a vector<16xf32>.
  void update(Value tile, Value row, Value total);

private:
  void convertRow(Value row, Value into);

  MatmulOp op;
  const numerics::TileLayout &layout;
  const ByteISA &isa;
  VectorType bytes =
      VectorType::get({numerics::TileLayout::kVector}, b.getI8Type());
  VectorType f32s =
      VectorType::get({numerics::TileLayout::kRows}, b.getF32Type());
};

} // namespace mlir::sq::cpu

#endif // SPARSE_QUANT_LIB_CODEGEN_CPU_TILEOPERANDS_H
