//===- X86Vector.h - AVX-512 instructions as ops ----------------*- C++ -*-===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What the vector and x86vector dialects have no op for. Each function is one
// instruction; vectors of bytes are vector<64xi8>, of sums vector<16xi32>.
//
//===----------------------------------------------------------------------===//
#ifndef SPARSE_QUANT_LIB_CODEGEN_CPU_X86VECTOR_H
#define SPARSE_QUANT_LIB_CODEGEN_CPU_X86VECTOR_H

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"

namespace mlir::sq::cpu::x86 {

inline Value callIntrinsic(ImplicitLocOpBuilder &b, StringRef name, Type type,
                           ValueRange operands) {
  return LLVM::CallIntrinsicOp::create(b, type, b.getStringAttr(name), operands)
      .getResult(0);
}

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

/// Byte j of each quadword becomes the eight bits of `quadwords` from bit
/// offsets[j] on, counted around (vpmultishiftqb, AVX512_VBMI).
inline Value shiftOutBytes(ImplicitLocOpBuilder &b, Value quadwords,
                           Value offsets) {
  return callIntrinsic(b, "llvm.x86.avx512.pmultishift.qb.512",
                       offsets.getType(), {offsets, quadwords});
}

/// `bytes`, which were loaded, without the load becoming an operand of what
/// uses them. LLVM has such a fence for floats; it is no instruction, and keeps
/// all bits.
inline Value keepInRegister(ImplicitLocOpBuilder &b, Value bytes) {
  auto floats = VectorType::get({16}, b.getF32Type());
  Value cast = vector::BitCastOp::create(b, floats, bytes);
  return vector::BitCastOp::create(
      b, bytes.getType(),
      callIntrinsic(b, "llvm.arithmetic.fence.v16f32", floats, cast));
}

/// The first bytes go, in order, to where `mask` (vector<64xi1>) is set, and
/// zeros elsewhere (vpexpandb, AVX512_VBMI2). Several times slower on Zen 5
/// with a memory operand: see `keepInRegister`.
inline Value expandBytes(ImplicitLocOpBuilder &b, Value bytes, Value mask,
                         Value zeros) {
  return callIntrinsic(b, "llvm.x86.avx512.mask.expand.v64i8", bytes.getType(),
                       {bytes, zeros, mask});
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
