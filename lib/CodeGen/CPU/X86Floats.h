//===- X86Floats.h - AVX-512 permutations of floats as ops ------*- C++ -*-===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Table look-ups that the vector dialect has no op for. Each function is one
// instruction of AVX512F on vector<16xf32>.
//
//===----------------------------------------------------------------------===//
#ifndef SPARSE_QUANT_LIB_CODEGEN_CPU_X86FLOATS_H
#define SPARSE_QUANT_LIB_CODEGEN_CPU_X86FLOATS_H

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"

namespace mlir::sq::cpu::x86 {

/// table[indices[i]] for each of 16 lanes; of an index (vector<16xi32>) the low
/// four bits count, so that nothing above them has to be masked away (vpermps).
inline Value permuteFloats(ImplicitLocOpBuilder &b, Value table,
                           Value indices) {
  return LLVM::CallIntrinsicOp::create(
             b, table.getType(),
             b.getStringAttr("llvm.x86.avx512.permvar.sf.512"),
             ValueRange{table, indices})
      .getResult(0);
}

} // namespace mlir::sq::cpu::x86

#endif // SPARSE_QUANT_LIB_CODEGEN_CPU_X86FLOATS_H
