//===- AttentionKernel.h - Rows of attention in vector code -----*- C++ -*-===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A block of rows (tokens times query heads of a group) goes through the
// positions of one head in chunks, with a running maximum m, a running sum l
// and a running mixture o ("online softmax"):
//
//   S   = scale * q K^T of the chunk       lanes are positions
//   m'  = max(m, max S),  c = exp(m - m'),  P = exp(S - m')
//   l   = c * l + sum P
//   o   = c * o + P V                      lanes are features
//
// so a row of scores is never in memory, and a chunk of keys and values is
// loaded once for all rows of the block. Nothing here depends on a target:
// vectors are 16 f32, which narrower registers take in parts.
//
//===----------------------------------------------------------------------===//
#ifndef SPARSE_QUANT_LIB_CODEGEN_CPU_ATTENTIONKERNEL_H
#define SPARSE_QUANT_LIB_CODEGEN_CPU_ATTENTIONKERNEL_H

#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "sparse-quant/Dialect/SQ/IR/SQ.h"

namespace mlir::sq::cpu {

/// What the rows of one head need, as memrefs and indices.
struct AttentionInputs {
  Value query, out;
  /// Of keys and values, and with codes their scales.
  SmallVector<Value> caches;
  float scale;
  Value layer, head;
  /// Position of token 0, and the first token of the block.
  Value position, token;
};

/// Tokens that a block of rows should have for a group of `groupSize` heads.
int64_t getTokenBlock(int64_t groupSize);

/// out[token .. token + numTokens, head, :, :], whose keys and values are in
/// the caches.
void emitAttention(ImplicitLocOpBuilder &builder, const AttentionInputs &inputs,
                   int64_t numTokens);

} // namespace mlir::sq::cpu

#endif // SPARSE_QUANT_LIB_CODEGEN_CPU_ATTENTIONKERNEL_H
