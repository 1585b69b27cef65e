//===- Sampler.cpp - Choose the next token --------------------------------===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Sampler.h"

#include "llvm/ADT/STLExtras.h"

#include <cmath>
#include <vector>

using namespace llvm;
using namespace sqrun;

namespace {
struct Choice {
  float probability;
  int32_t token;
};
} // namespace

Sampler::Sampler(const SamplerOptions &options)
    : options(options), state(options.seed) {
  // Zero is the one state that the generator never leaves.
  if (state == 0)
    state = 1;
}

/// xorshift64*, the upper 24 of whose bits make a float in [0, 1).
float Sampler::random() {
  state ^= state >> 12;
  state ^= state << 25;
  state ^= state >> 27;
  auto high = static_cast<uint32_t>((state * 0x2545F4914F6CDD1Dull) >> 32);
  return static_cast<float>(high >> 8) / 16777216.0f;
}

/// The probabilities of softmax(logits / temperature).
static std::vector<Choice> softmax(ArrayRef<float> logits, float temperature) {
  std::vector<Choice> choices;
  float largest = *llvm::max_element(logits) / temperature, sum = 0;
  for (auto [token, logit] : llvm::enumerate(logits)) {
    choices.push_back(
        {std::exp(logit / temperature - largest), static_cast<int32_t>(token)});
    sum += choices.back().probability;
  }
  for (Choice &choice : choices)
    choice.probability /= sum;
  return choices;
}

/// Keeps the nucleus, likeliest first, and returns its probability.
static float keepTop(std::vector<Choice> &choices, float topP) {
  // Fewer than this can't be in it, so they needn't be sorted.
  float cutoff = (1 - topP) / static_cast<float>(choices.size() - 1);
  std::vector<Choice> kept;
  for (const Choice &choice : choices)
    if (choice.probability >= cutoff)
      kept.push_back(choice);
  llvm::sort(kept, [](const Choice &a, const Choice &b) {
    return a.probability != b.probability ? a.probability > b.probability
                                          : a.token < b.token;
  });
  float sum = 0;
  for (size_t i = 0; i < kept.size(); ++i) {
    sum += kept[i].probability;
    if (sum > topP) {
      kept.resize(i + 1);
      break;
    }
  }
  choices = std::move(kept);
  return sum;
}

int32_t Sampler::next(ArrayRef<float> logits) {
  if (options.temperature <= 0)
    return static_cast<int32_t>(llvm::max_element(logits) - logits.begin());
  std::vector<Choice> choices = softmax(logits, options.temperature);
  float point = random();
  if (options.topP > 0 && options.topP < 1 && choices.size() > 1)
    point *= keepTop(choices, options.topP);
  float sum = 0;
  for (const Choice &choice : choices) {
    sum += choice.probability;
    if (point < sum)
      return choice.token;
  }
  // Rounding, or logits that aren't numbers.
  return choices.empty() ? 0 : choices.back().token;
}
