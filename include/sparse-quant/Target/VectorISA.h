//===- VectorISA.h - Vector instructions that kernels know ------*- C++ -*-===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Generators of kernels ask for instructions that LLVM has no generic form of.
// A target has one of these sets, the best that all of its features make up.
//
//===----------------------------------------------------------------------===//
#ifndef SPARSE_QUANT_TARGET_VECTORISA_H
#define SPARSE_QUANT_TARGET_VECTORISA_H

#include "llvm/Support/CommandLine.h"
#include <optional>
#include <string>

namespace mlir::sq {

enum class VectorISA {
  /// Nothing beyond what LLVM makes of generic vectors.
  None,
  /// 256 bits: AVX2, FMA and F16C (Haswell, Zen 1 to 3).
  AVX2,
  /// AVX2 and AVX_VNNI (Alder Lake).
  AVXVNNI,
  /// 512 bits: AVX512F, BW, DQ and VL (Skylake-SP).
  AVX512,
  /// AVX512 and AVX512_VNNI (Cascade Lake).
  AVX512VNNI,
  /// AVX512VNNI, AVX512_VBMI and AVX512_VBMI2 (Ice Lake, Zen 4).
  AVX512VBMI2,
  /// AArch64, 128 bits: Advanced SIMD and its dot products of bytes (Armv8.4;
  /// Cortex-A76, Neoverse N1).
  NEONDotProd,
  /// NEONDotProd and I8MM (Neoverse V1, N2; Cortex-A710).
  NEONI8MM,
};

/// The values of a pass option of this type.
inline llvm::cl::ValuesClass getVectorISAValues() {
  return llvm::cl::values(
      clEnumValN(VectorISA::None, "none", "generic vectors only"),
      clEnumValN(VectorISA::AVX2, "avx2", "AVX2, FMA, F16C"),
      clEnumValN(VectorISA::AVXVNNI, "avx-vnni", "avx2 and AVX_VNNI"),
      clEnumValN(VectorISA::AVX512, "avx512", "AVX512F, BW, DQ, VL"),
      clEnumValN(VectorISA::AVX512VNNI, "avx512-vnni",
                 "avx512 and AVX512_VNNI"),
      clEnumValN(VectorISA::AVX512VBMI2, "avx512-vbmi2",
                 "avx512-vnni, AVX512_VBMI and AVX512_VBMI2"),
      clEnumValN(VectorISA::NEONDotProd, "neon-dotprod",
                 "AArch64: Advanced SIMD and DotProd"),
      clEnumValN(VectorISA::NEONI8MM, "neon-i8mm", "neon-dotprod and I8MM"));
}

/// The names of `getVectorISAValues`, there and back.
llvm::StringRef stringifyVectorISA(VectorISA isa);
std::optional<VectorISA> parseVectorISA(llvm::StringRef name);
/// "'none', 'avx2', ...".
std::string listVectorISAs();

} // namespace mlir::sq

#endif // SPARSE_QUANT_TARGET_VECTORISA_H
