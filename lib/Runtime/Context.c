//===- Context.c - States, threads and scratch of one user of a model -----===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef _GNU_SOURCE
#define _GNU_SOURCE // posix_memalign
#endif

#include "Internal.h"

#include <stdlib.h>
#include <string.h>

/// States start at a cache line, so that no two share one.
enum { STATE_ALIGNMENT = 64 };

/// Words of the memref descriptors of all arguments of a function: pointers,
/// offset, sizes, strides.
static size_t descriptor_words(const sq_function_desc *function) {
  size_t words = 3 + 2; // The weights.
  for (uint32_t i = 0; i < function->num_args; ++i)
    words += 3 + 2 * function->args[i].rank;
  for (uint32_t i = 0; i < function->num_results; ++i)
    words += 3 + 2 * function->results[i].rank;
  return words;
}

/// calloc that never returns NULL for a size of zero.
static void *allocate_zeroed(size_t count, size_t size) {
  return calloc(count ? count : 1, size);
}

static bool allocate_scratch(sq_context *context) {
  const sq_artifact_desc *artifact = context->model->artifact;
  size_t symbols = 0, args = 0, words = 0;
  for (uint32_t i = 0; i < artifact->num_functions; ++i) {
    const sq_function_desc *f = &artifact->functions[i];
    size_t f_args = (size_t)1 + f->num_args + f->num_results;
    size_t f_words = descriptor_words(f);
    symbols = f->num_symbols > symbols ? f->num_symbols : symbols;
    args = f_args > args ? f_args : args;
    words = f_words > words ? f_words : words;
  }
  context->symbols = allocate_zeroed(symbols, sizeof *context->symbols);
  context->args = allocate_zeroed(args, sizeof *context->args);
  context->descriptors = allocate_zeroed(words, sizeof *context->descriptors);
  return context->symbols && context->args && context->descriptors;
}

sq_status sq_context_create(const sq_model *model, sq_context **context,
                            char *text, size_t size) {
  sq_message message = {text, size};
  if (!context || !model) {
    if (context)
      *context = NULL;
    return sq_fail(message, SQ_ERROR_NULL_POINTER,
                   "context_create needs a model and a place for the context");
  }
  *context = NULL;
  const sq_artifact_desc *artifact = model->artifact;
  sq_context *result = allocate_zeroed(1, sizeof *result);
  if (!result)
    return sq_fail(message, SQ_ERROR_OUT_OF_MEMORY, "out of memory");
  result->model = model;
  atomic_flag_clear(&result->busy);
  result->states = allocate_zeroed(artifact->num_states, sizeof(void *));
  bool complete = result->states && allocate_scratch(result);
  if (complete && model->gpu) {
    sq_status status = sq_gpu_runtime.create(result, message);
    if (status == SQ_OK)
      status = sq_gpu_runtime.reset(result, message);
    if (status != SQ_OK) {
      sq_context_destroy(result);
      return status;
    }
    *context = result;
    return SQ_OK;
  }
  for (uint32_t i = 0; complete && i < artifact->num_states; ++i) {
    size_t bytes = sq_state_size(&artifact->states[i]);
    if (posix_memalign(&result->states[i], STATE_ALIGNMENT,
                       bytes ? bytes : 1) != 0) {
      result->states[i] = NULL;
      sq_context_destroy(result);
      return sq_fail(message, SQ_ERROR_OUT_OF_MEMORY,
                     "out of memory: state '%s' takes %zu bytes",
                     artifact->states[i].name, bytes);
    }
  }
  if (!complete) {
    sq_context_destroy(result);
    return sq_fail(message, SQ_ERROR_OUT_OF_MEMORY, "out of memory");
  }
  sq_context_reset(result);
  *context = result;
  return SQ_OK;
}

void sq_context_destroy(sq_context *context) {
  if (!context)
    return;
  if (context->model->gpu)
    sq_gpu_runtime.destroy(context);
  else if (context->states)
    for (uint32_t i = 0; i < context->model->artifact->num_states; ++i)
      free(context->states[i]);
  free(context->states);
  free(context->symbols);
  free(context->args);
  free(context->descriptors);
  sq_workspace_free(&context->workspace);
  free(context);
}

sq_status sq_context_reset(sq_context *context) {
  if (!context)
    return SQ_ERROR_NULL_POINTER;
  if (atomic_flag_test_and_set(&context->busy))
    return SQ_ERROR_BUSY;
  const sq_artifact_desc *artifact = context->model->artifact;
  sq_status status = SQ_OK;
  if (context->gpu)
    status = sq_gpu_runtime.reset(
        context, (sq_message){context->message, SQ_MESSAGE_SIZE});
  else
    for (uint32_t i = 0; i < artifact->num_states; ++i)
      memset(context->states[i], 0, sq_state_size(&artifact->states[i]));
  atomic_flag_clear(&context->busy);
  return status;
}

sq_status sq_context_set_threads(sq_context *context, int32_t threads) {
  if (!context)
    return SQ_ERROR_NULL_POINTER;
  sq_message message = {context->message, SQ_MESSAGE_SIZE};
  if (threads < 0)
    return sq_fail(message, SQ_ERROR_INVALID_ARGUMENT,
                   "cannot run on %d threads; 0 means the default", threads);
  context->threads = threads;
  return SQ_OK;
}

sq_status sq_context_set_stream(sq_context *context, void *stream) {
  if (!context)
    return SQ_ERROR_NULL_POINTER;
  if (atomic_flag_test_and_set(&context->busy))
    return SQ_ERROR_BUSY;
  sq_message message = {context->message, SQ_MESSAGE_SIZE};
  sq_status status =
      context->gpu ? sq_gpu_runtime.set_stream(context, stream, message)
                   : sq_fail(message, SQ_ERROR_DEVICE,
                             "the model runs on the CPU, which has no streams");
  atomic_flag_clear(&context->busy);
  return status;
}

sq_status sq_context_state(sq_context *context, uint32_t index,
                           sq_tensor *tensor) {
  if (!context)
    return SQ_ERROR_NULL_POINTER;
  sq_message message = {context->message, SQ_MESSAGE_SIZE};
  const sq_artifact_desc *artifact = context->model->artifact;
  if (!tensor)
    return sq_fail(message, SQ_ERROR_NULL_POINTER,
                   "context_state needs a place for the tensor");
  if (index >= artifact->num_states)
    return sq_fail(message, SQ_ERROR_INVALID_ARGUMENT,
                   "the model has %u states; there is no state %u",
                   artifact->num_states, index);
  const sq_state_desc *state = &artifact->states[index];
  *tensor = (sq_tensor){
      .data = context->states[index],
      .device = {context->gpu ? SQ_DEVICE_CUDA : SQ_DEVICE_CPU, 0},
      .ndim = (int32_t)state->rank,
      .dtype = {state->type_code, state->bits, state->lanes},
      // DLPack's shapes aren't const; nobody writes to them.
      .shape = (int64_t *)(uintptr_t)state->shape,
  };
  return SQ_OK;
}

const char *sq_context_last_error(const sq_context *context) {
  return context ? context->message : "";
}
