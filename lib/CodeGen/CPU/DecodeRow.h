//===- DecodeRow.h - Packed rows to f32 vectors -----------------*- C++ -*-===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Generates the code that turns one packed row of weights into f32 in a stack
// buffer. Two steps, both straight from the layout (numerics.md, NUM-L):
//
//   1. payload -> kept values: a group of `lanes` codes is `lanes * bits`
//      bits from a byte boundary, so it is loaded as 64-bit words of 8 codes
//      and shifted apart in lanes. Integers are converted, float codes looked
//      up in a table of all codes.
//   2. sparse only: bitmap -> positions: `lanes` bits of the bitmap are the
//      mask of an expanding load from the kept values.
//
// Each value is then multiplied by its group's scale, which `KernelTable`
// guarantees to be one per vector.
//
//===----------------------------------------------------------------------===//
#ifndef SPARSE_QUANT_LIB_CODEGEN_CPU_DECODEROW_H
#define SPARSE_QUANT_LIB_CODEGEN_CPU_DECODEROW_H

#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "sparse-quant/Dialect/SQ/IR/SQ.h"

namespace mlir::sq::cpu {

class RowDecoder {
public:
  /// `op` is on memrefs. Makes what all rows share (the look-up table) at the
  /// builder's insertion point.
  RowDecoder(ImplicitLocOpBuilder &builder, MatmulOp op, unsigned lanes);

  /// Extent of a decoded row: K rounded up to whole vectors.
  int64_t getPaddedExtent() const { return padded; }
  /// Makes the buffer of step 1; call it once per thread-private scope.
  void makeScratch(ImplicitLocOpBuilder &builder);
  /// Decodes row `n` into row `r` of `block` (memref<?xPADDEDxf32>).
  void decode(ImplicitLocOpBuilder &builder, Value n, Value block, Value r);

private:
  Value loadCodes(ImplicitLocOpBuilder &builder, Value n, Value byte,
                  int64_t validBytes);
  Value toReal(ImplicitLocOpBuilder &builder, Value codes);
  Value loadScale(ImplicitLocOpBuilder &builder, Value n, Value k);
  Value decodeScaleValue(ImplicitLocOpBuilder &builder, Value stored);
  Value expand(ImplicitLocOpBuilder &builder, Value n, Value byte,
               int64_t validBytes, Value position, Value &nextPosition);

  MatmulOp op;
  numerics::Format format;
  int64_t lanes, extent, padded;
  /// Codes that a payload row holds, and the same in whole vectors.
  int64_t storedCodes, paddedCodes;
  Value table, scaleTable, kept;
};

} // namespace mlir::sq::cpu

#endif // SPARSE_QUANT_LIB_CODEGEN_CPU_DECODEROW_H
