//===- KernelTable.cpp - Which kernels exist, and what each can do -*- C++
//-*-===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "sparse-quant/CodeGen/CPU/KernelTable.h"

using namespace mlir;
using namespace mlir::sq;
using namespace mlir::sq::cpu;

/// The decoded block is on the stack of each thread.
static constexpr int64_t kMaxDecodedExtent = 32768;

static std::string checkDecodeRows(MatmulOp op, unsigned lanes) {
  numerics::Format format = op.getFormat().getFormat();
  if (lanes % 8 != 0)
    return "vectors of " + std::to_string(lanes) +
           " lanes don't fill a byte of the bitmap";
  if (op.getActivationFormatAttr())
    return "quantized activations have no vector kernel";
  if (format.scope == numerics::GroupScope::Group &&
      format.groupSize % lanes != 0)
    return "a scale group of " + std::to_string(format.groupSize) +
           " is not a multiple of the " + std::to_string(lanes) +
           " lanes of a register";
  if (op.getReductionExtent() > kMaxDecodedExtent)
    return "a row of " + std::to_string(op.getReductionExtent()) +
           " elements does not fit the decode buffer of " +
           std::to_string(kMaxDecodedExtent);
  return "";
}

static std::string checkAlways(MatmulOp, unsigned) { return ""; }

namespace {
struct KernelRow {
  StringRef name;
  /// "" if the kernel fits.
  std::string (*check)(MatmulOp op, unsigned lanes);
};
} // namespace

static const KernelRow kernelTable[] = {
    {kDecodeRows, checkDecodeRows},
    {kReference, checkAlways},
};

KernelChoice mlir::sq::cpu::selectKernel(MatmulOp op, unsigned lanes) {
  std::string reason;
  for (const KernelRow &row : kernelTable) {
    std::string missing = row.check(op, lanes);
    if (missing.empty())
      return {row.name, reason};
    reason = missing;
  }
  llvm_unreachable("the last row fits everything");
}

std::string mlir::sq::cpu::checkKernel(StringRef kernel, MatmulOp op,
                                       unsigned lanes) {
  std::string names;
  for (const KernelRow &row : kernelTable) {
    if (row.name == kernel)
      return row.check(op, lanes);
    names += (names.empty() ? "'" : ", '") + row.name.str() + "'";
  }
  return "it is none of " + names;
}
