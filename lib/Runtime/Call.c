//===- Call.c - Call a compiled function ----------------------------------===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Internal.h"

#include <inttypes.h>

// The artifact has OpenMP only if its code is parallel.
extern void omp_set_num_threads(int) __attribute__((weak));
extern int omp_get_max_threads(void) __attribute__((weak));

/// Writes one strided memref descriptor (artifact.h has the layout) at `words`
/// and returns where the next one goes.
static int64_t *write_memref(int64_t *words, const void *data,
                             const int64_t *shape, uint32_t rank) {
  words[0] = (int64_t)(intptr_t)data;
  words[1] = (int64_t)(intptr_t)data;
  words[2] = 0;
  int64_t *sizes = words + 3, *strides = sizes + rank;
  // Unsigned: an empty tensor may have extents whose product overflows.
  uint64_t stride = 1;
  for (uint32_t i = rank; i-- > 0;) {
    sizes[i] = shape[i];
    strides[i] = (int64_t)stride;
    stride *= (uint64_t)shape[i];
  }
  return strides + rank;
}

_Static_assert(sizeof(void *) == sizeof(int64_t),
               "memref descriptors are written as 64-bit words");

/// Lays out the arguments of the entry point in the context's scratch.
static void write_args(const sq_call *call) {
  const sq_function_desc *f = call->function;
  sq_context *context = call->context;
  const sq_weights *weights = &context->model->weights;
  void **args = context->args;
  int64_t *words = context->descriptors;

  int64_t weights_size = (int64_t)weights->size;
  *args++ = words;
  words = write_memref(words, weights->data, &weights_size, 1);
  const sq_tensor *const *input = call->inputs;
  for (uint32_t i = 0; i < f->num_args; ++i) {
    const sq_tensor_desc *desc = &f->args[i];
    *args++ = words;
    if (desc->kind == SQ_TENSOR_STATE) {
      words = write_memref(words, context->states[desc->state], desc->shape,
                           desc->rank);
      continue;
    }
    const sq_tensor *tensor = *input++;
    words =
        write_memref(words, sq_tensor_data(tensor), tensor->shape, desc->rank);
  }
  for (uint32_t i = 0; i < f->num_results; ++i) {
    const sq_tensor *tensor = call->outputs[i];
    *args++ = words;
    words = write_memref(words, sq_tensor_data(tensor), tensor->shape,
                         f->results[i].rank);
  }
}

/// The function must come from the context's own model: its tables are what
/// the scratch was sized for.
static bool belongs_to(const sq_function_desc *function,
                       const sq_artifact_desc *artifact) {
  for (uint32_t i = 0; i < artifact->num_functions; ++i)
    if (function == &artifact->functions[i])
      return true;
  return false;
}

static sq_status check_count(const sq_call *call, const char *what,
                             uint32_t expected, uint32_t got,
                             const void *tensors) {
  if (got != expected)
    return sq_fail(call->message, SQ_ERROR_ARG_COUNT,
                   "function '%s' has %" PRIu32 " %s, got %" PRIu32,
                   call->function->name, expected, what, got);
  if (expected && !tensors)
    return sq_fail(call->message, SQ_ERROR_NULL_POINTER,
                   "function '%s': the array of %s is NULL",
                   call->function->name, what);
  return SQ_OK;
}

static sq_status run_entry(const sq_call *call) {
  sq_workspace *workspace = &call->context->workspace;
  sq_status status = SQ_OK;
  sq_workspace_enter(workspace);
  if (setjmp(workspace->out_of_memory) == 0)
    call->function->entry(call->context->args);
  else
    status = sq_fail(call->message, SQ_ERROR_OUT_OF_MEMORY,
                     "out of memory: function '%s' needs %" PRIu64
                     " more bytes for temporaries; call it with less at a time",
                     call->function->name, workspace->wanted);
  sq_workspace_leave(workspace);
  return status;
}

static sq_status check_and_run(const sq_call *call, uint32_t num_inputs,
                               uint32_t num_outputs) {
  const sq_function_desc *f = call->function;
  sq_context *context = call->context;
  if (!f)
    return sq_fail(call->message, SQ_ERROR_UNKNOWN_FUNCTION,
                   "the function is NULL: find_function didn't find it");
  if (!belongs_to(f, context->model->artifact))
    return sq_fail(call->message, SQ_ERROR_INVALID_ARGUMENT,
                   "the function isn't of this context's model, '%s'",
                   context->model->artifact->model_name);
  uint32_t expected_inputs = 0;
  for (uint32_t i = 0; i < f->num_args; ++i)
    expected_inputs += f->args[i].kind == SQ_TENSOR_INPUT;
  sq_status status =
      check_count(call, "inputs", expected_inputs, num_inputs, call->inputs);
  if (status == SQ_OK)
    status = check_count(call, "results", f->num_results, num_outputs,
                         call->outputs);
  if (status == SQ_OK)
    status = sq_check_call(call);
  if (status != SQ_OK)
    return status;

  write_args(call);
  if (context->gpu)
    return sq_gpu_runtime.call(call);
  // The setting belongs to the calling thread, so it is put back.
  bool set_threads =
      context->threads > 0 && omp_set_num_threads && omp_get_max_threads;
  int old_threads = set_threads ? omp_get_max_threads() : 0;
  if (set_threads)
    omp_set_num_threads(context->threads);
  status = run_entry(call);
  if (set_threads)
    omp_set_num_threads(old_threads);
  return status;
}

sq_status sq_context_call(sq_context *context, const sq_function_desc *function,
                          const sq_tensor *const *inputs, uint32_t num_inputs,
                          const sq_tensor *const *outputs,
                          uint32_t num_outputs) {
  if (!context)
    return SQ_ERROR_NULL_POINTER;
  // The message belongs to the call that is running, so it isn't touched.
  if (atomic_flag_test_and_set_explicit(&context->busy, memory_order_acquire))
    return SQ_ERROR_BUSY;
  sq_call call = {
      context, function, inputs, outputs, {context->message, SQ_MESSAGE_SIZE}};
  sq_status status = check_and_run(&call, num_inputs, num_outputs);
  atomic_flag_clear_explicit(&context->busy, memory_order_release);
  return status;
}
