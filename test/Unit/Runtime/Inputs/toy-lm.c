//===- toy-lm.c - A language model in 80 lines, as an artifact ------------===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What sq-compile makes of a language model, written by hand, so that the
// runtime and sq-run can be tested without the compiler. The weights are one
// tensor f32[270] that maps a token to the token after it. The logits are 4 for
// that one, and 1 more for the one that followed the token before (which comes
// from the cache, so wrong positions and stale caches change the result).
//
//===----------------------------------------------------------------------===//

#include "sparse-quant-c/artifact.h"

#include <string.h>

enum { VOCAB = 270, CAPACITY = 24, CHUNK = 16 };

typedef struct memref1 {
  void *allocated, *aligned;
  int64_t offset, sizes[1], strides[1];
} memref1;

/// args: weights, tokens i32[T], pos i64, k_cache, v_cache, logits f32[T, 270].
/// Rank decides only where a descriptor ends, so memref1 reads them all.
static void forward(void **args) {
  const memref1 *weights = args[0], *tokens = args[1], *pos = args[2];
  const memref1 *k_cache = args[3], *v_cache = args[4], *logits = args[5];
  uint64_t header;
  memcpy(&header, weights->aligned, sizeof header);
  const float *next =
      (const float *)((const char *)weights->aligned + 8 + header);
  int64_t start = *(const int64_t *)pos->aligned;
  float *keys = k_cache->aligned, *values = v_cache->aligned;

  for (int64_t t = 0; t < tokens->sizes[0]; ++t) {
    int32_t token = ((const int32_t *)tokens->aligned)[t];
    float *row = (float *)logits->aligned + t * VOCAB;
    keys[start + t] = (float)token;
    values[start + t] = next[token];
    memset(row, 0, VOCAB * sizeof *row);
    row[(int)next[token]] += 4;
    if (start + t > 0)
      row[(int)values[start + t - 1]] += 1;
  }
}

static const int64_t any_tokens[] = {-1}, one_token[] = {1};
static const int64_t any_logits[] = {-1, VOCAB}, one_logits[] = {1, VOCAB};
static const int64_t cache[] = {CAPACITY};

#define TENSOR(name, code, bits, shape, rank, kind, state, bound)              \
  {name, code, bits, 1, rank, shape, kind, state, bound}
#define ARGS(tokens, shape)                                                    \
  {                                                                            \
      TENSOR(tokens, SQ_TYPE_INT, 32, shape, 1, SQ_TENSOR_INPUT, 0, VOCAB),    \
      TENSOR("pos", SQ_TYPE_INT, 64, NULL, 0, SQ_TENSOR_INPUT, 0, CAPACITY),   \
      TENSOR("k_cache", SQ_TYPE_FLOAT, 32, cache, 1, SQ_TENSOR_STATE, 0, 0),   \
      TENSOR("v_cache", SQ_TYPE_FLOAT, 32, cache, 1, SQ_TENSOR_STATE, 1, 0),   \
  }
#define RESULTS(shape)                                                         \
  {TENSOR("logits", SQ_TYPE_FLOAT, 32, shape, 2, SQ_TENSOR_RESULT, 0, 0)}

static const sq_tensor_desc prefill_args[] = ARGS("tokens", any_tokens);
static const sq_tensor_desc decode_args[] = ARGS("token", one_token);
static const sq_tensor_desc prefill_results[] = RESULTS(any_logits);
static const sq_tensor_desc decode_results[] = RESULTS(one_logits);
static const sq_symbol_desc symbols[] = {{"T", 1, CHUNK}};

static const sq_function_desc functions[] = {
    {"prefill", 4, 1, prefill_args, prefill_results, 1, 1, symbols, 0, 0, 0,
     CAPACITY, forward},
    {"decode", 4, 1, decode_args, decode_results, 0, 1, NULL, -1, 0, 1,
     CAPACITY, forward},
};
static const sq_state_desc states[] = {
    {"k_cache", SQ_TYPE_FLOAT, 32, 1, 1, cache},
    {"v_cache", SQ_TYPE_FLOAT, 32, 1, 1, cache},
};
static const sq_layer_desc layers[] = {
    {"head", "2:4", "int4 g64", "spmv-vnni", "given", "", 270, 64, 69120, 7020,
     0.0625},
    {"embedding", "dense", "f32", "gather", "", "a lookup has no zeros to skip",
     270, 1, 1080, 1080, -1},
};

__attribute__((visibility("hidden"))) const sq_artifact_desc sq_artifact = {
    .abi_version = SQ_ABI_VERSION,
    .producer = "hand",
    .model_name = "toy-lm",
    .target_triple = "any",
    .target_cpu = "generic",
    .target_features = "",
    .weights_size = 1208,
    .weights_header_hash = 0xc790d52369f13514,
    .weights_data_hash = 0xd208b21808e19d1b,
    .num_functions = 2,
    .num_states = 2,
    .num_layers = 2,
    .functions = functions,
    .states = states,
    .layers = layers,
};
