//===- KernelRow.h - A row of the kernel table ------------------*- C++ -*-===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A kernel for tensor cores as data: what its multiplicands stand for. The
// checks say "" where there is nothing in the way, otherwise what is.
//
//===----------------------------------------------------------------------===//
#ifndef SPARSE_QUANT_LIB_CODEGEN_GPU_KERNELROW_H
#define SPARSE_QUANT_LIB_CODEGEN_GPU_KERNELROW_H

#include "sparse-quant/CodeGen/KernelTable.h"
#include "sparse-quant/Target/GPUTarget.h"

namespace mlir::sq::cuda {

/// What a lane holds of activations when it multiplies.
enum class InputClass { Codes, BF16, F16 };

struct KernelRow {
  StringLiteral name;
  InputClass input;
  /// Of weights: integers, in disguise or not, floats of 8 and 6 bits, and what
  /// a half of the kernel's type is.
  bool takesIntegers, takesFloats, takesHalves;
};

ArrayRef<KernelRow> getKernelRows();

/// Of a product that `checkDense` has nothing against.
const KernelRow &findRow(const Product &product);

/// Whether tensor cores of `targets` multiply the codes of both sides as they
/// are.
std::string checkCodes(const numerics::Format &weights,
                       const numerics::Format &activations,
                       ArrayRef<const GPUTarget *> targets);

/// Whether tensor cores multiply `product`, were it dense.
std::string checkDense(const Product &product,
                       ArrayRef<const GPUTarget *> targets);

/// Whether they skip dropped weights of such a product.
std::string checkSkipping(const Product &product);

/// Whether what is kept and bitmaps are enough fewer bytes than dense weights
/// to be worth putting zeros in between.
bool isSmallWithBitmaps(const Product &product);

} // namespace mlir::sq::cuda

#endif // SPARSE_QUANT_LIB_CODEGEN_GPU_KERNELROW_H
