//===- X86Vector.h - AVX-512 instructions as ops ----------------*- C++ -*-===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// For code that knows no other instruction set, which is the expansion of tiles
// for panels (TileReader.cpp); everything else asks ByteISA.h. Each function is
// one instruction; vectors of bytes are vector<64xi8>, of words vector<16xi32>.
//
//===----------------------------------------------------------------------===//
#ifndef SPARSE_QUANT_LIB_CODEGEN_CPU_X86VECTOR_H
#define SPARSE_QUANT_LIB_CODEGEN_CPU_X86VECTOR_H

#include "ByteISA.h"

namespace mlir::sq::cpu::x86 {

/// sums[i] += the four products of bytes 4i..4i+3, unsigned times signed
/// (vpdpbusd, AVX512_VNNI).
inline Value dotBytes(ImplicitLocOpBuilder &b, Value sums, Value unsignedBytes,
                      Value signedBytes) {
  return callIntrinsic(b, "llvm.x86.avx512.vpdpbusd.512", sums.getType(),
                       {sums, unsignedBytes, signedBytes});
}

/// table[indices[i]] for each byte, the low six bits of an index counting
/// (vpermb, AVX512_VBMI).
inline Value permuteBytes(ImplicitLocOpBuilder &b, Value table, Value indices) {
  return callIntrinsic(b, "llvm.x86.avx512.permvar.qi.512", table.getType(),
                       {table, indices});
}

/// Within each 16 bytes, table[indices[i]] (vpshufb, AVX512BW).
inline Value shuffleBytes(ImplicitLocOpBuilder &b, Value table, Value indices) {
  return callIntrinsic(b, "llvm.x86.avx512.pshuf.b.512", table.getType(),
                       {table, indices});
}

/// table[indices[i]] for each of 16 words, the low four bits of an index
/// counting (vpermd, AVX512F).
inline Value permuteWords(ImplicitLocOpBuilder &b, Value table, Value indices) {
  return callIntrinsic(b, "llvm.x86.avx512.permvar.si.512", table.getType(),
                       {table, indices});
}

/// words[i] >> amounts[i], 0 where that is 32 and more (vpsrlvd, AVX512F).
inline Value shiftWordsRight(ImplicitLocOpBuilder &b, Value words,
                             Value amounts) {
  return callIntrinsic(b, "llvm.x86.avx512.psrlv.d.512", words.getType(),
                       {words, amounts});
}

} // namespace mlir::sq::cpu::x86

#endif // SPARSE_QUANT_LIB_CODEGEN_CPU_X86VECTOR_H
