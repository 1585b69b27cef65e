//===- Sampler.h - Choose the next token ------------------------*- C++ -*-===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef SPARSE_QUANT_TOOLS_SQ_RUN_SAMPLER_H
#define SPARSE_QUANT_TOOLS_SQ_RUN_SAMPLER_H

#include "llvm/ADT/ArrayRef.h"

#include <cstdint>

namespace sqrun {

struct SamplerOptions {
  /// 0 takes the token with the largest logit.
  float temperature = 0;
  /// Samples from the smallest set of tokens whose probabilities sum to more
  /// than this; 0 or 1 samples from all.
  float topP = 0.9f;
  uint64_t seed = 1;
};

/// Draws as llama2.c does, random numbers included: equal seeds and logits give
/// equal tokens.
class Sampler {
public:
  explicit Sampler(const SamplerOptions &options);
  int32_t next(llvm::ArrayRef<float> logits);

private:
  float random();
  SamplerOptions options;
  uint64_t state;
};

} // namespace sqrun

#endif // SPARSE_QUANT_TOOLS_SQ_RUN_SAMPLER_H
