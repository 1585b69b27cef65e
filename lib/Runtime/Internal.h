//===- Internal.h - Models, contexts and calls --------------------*- C -*-===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What the parts of the runtime that know about models share.
//
//===----------------------------------------------------------------------===//
#ifndef SPARSE_QUANT_LIB_RUNTIME_INTERNAL_H
#define SPARSE_QUANT_LIB_RUNTIME_INTERNAL_H

#include "Common.h"
#include "Workspace.h"

#include <stdbool.h>

#ifdef __cplusplus
#include <atomic>
typedef std::atomic_flag sq_atomic_flag;
extern "C" {
#else
#include <stdatomic.h>
typedef atomic_flag sq_atomic_flag;
#endif

//===----------------------------------------------------------------------===//
// Descriptor.c
//===----------------------------------------------------------------------===//

/// Checks that the tables are consistent, so that later code may trust them.
sq_status sq_check_descriptor(const sq_artifact_desc *artifact,
                              sq_message message);

/// Bytes of one element.
static inline uint32_t sq_element_size(uint8_t bits, uint16_t lanes) {
  return (uint32_t)bits * lanes / 8;
}

/// Bytes of a whole state. The descriptor check has ruled out overflow.
size_t sq_state_size(const sq_state_desc *state);

/// The largest rank of a tensor.
enum { SQ_MAX_RANK = 16 };

//===----------------------------------------------------------------------===//
// Variants.c
//===----------------------------------------------------------------------===//

/// Whether this CPU can run the code of `artifact`.
sq_status sq_check_cpu(const sq_artifact_desc *artifact, sq_message message);
/// The last variant that this CPU can run.
sq_status sq_choose_variant(const sq_artifact_desc **variant,
                            sq_message message);
sq_status sq_model_variant(uint32_t index, const sq_artifact_desc **variant,
                           char *text, size_t size);

//===----------------------------------------------------------------------===//
// Weights.c
//===----------------------------------------------------------------------===//

typedef struct sq_weights {
  const uint8_t *data;
  size_t size;
  /// Whether `data` has to be unmapped.
  bool mapped;
} sq_weights;

sq_status sq_weights_open(const sq_artifact_desc *artifact, const char *path,
                          bool verify, sq_weights *weights, sq_message message);
void sq_weights_close(sq_weights *weights);

//===----------------------------------------------------------------------===//
// Model.c, Context.c, Call.c
//===----------------------------------------------------------------------===//

struct sq_model {
  const sq_artifact_desc *artifact;
  sq_weights weights;
  /// NULL, unless the code is for a GPU.
  struct sq_gpu_model *gpu;
};

enum { SQ_MESSAGE_SIZE = 512 };

struct sq_context {
  const sq_model *model;
  /// NULL, unless the code is for a GPU.
  struct sq_gpu_queue *gpu;
  /// One buffer per state of the artifact, on the GPU if there is one.
  void **states;
  /// Scratch for a call, large enough for any function of the model: the
  /// symbols' values, the argument pointers, and the memref descriptors that
  /// those point to.
  int64_t *symbols;
  void **args;
  int64_t *descriptors;
  sq_workspace workspace;
  int32_t threads;
  /// Set during a call.
  sq_atomic_flag busy;
  char message[SQ_MESSAGE_SIZE];
};

sq_status sq_model_open(const sq_open_options *options, sq_model **model,
                        char *text, size_t size);
void sq_model_close(sq_model *model);
const sq_artifact_desc *sq_model_descriptor(const sq_model *model);
uint32_t sq_model_num_functions(const sq_model *model);
const sq_function_desc *sq_model_function(const sq_model *model,
                                          uint32_t index);
const sq_function_desc *sq_model_find_function(const sq_model *model,
                                               const char *name);

sq_status sq_context_create(const sq_model *model, sq_context **context,
                            char *text, size_t size);
void sq_context_destroy(sq_context *context);
sq_status sq_context_reset(sq_context *context);
sq_status sq_context_set_threads(sq_context *context, int32_t threads);
sq_status sq_context_state(sq_context *context, uint32_t index,
                           sq_tensor *tensor);
sq_status sq_context_set_stream(sq_context *context, void *stream);
const char *sq_context_last_error(const sq_context *context);

sq_status sq_context_call(sq_context *context, const sq_function_desc *function,
                          const sq_tensor *const *inputs, uint32_t num_inputs,
                          const sq_tensor *const *outputs,
                          uint32_t num_outputs);

//===----------------------------------------------------------------------===//
// Check.c
//===----------------------------------------------------------------------===//

/// A call in the making.
typedef struct sq_call {
  sq_context *context;
  const sq_function_desc *function;
  const sq_tensor *const *inputs;
  const sq_tensor *const *outputs;
  sq_message message;
} sq_call;

/// Checks everything about the tensors of a call, and binds the symbols.
sq_status sq_check_call(const sq_call *call);

//===----------------------------------------------------------------------===//
// GPU/Queue.c
//===----------------------------------------------------------------------===//

/// What is done otherwise where the code is for a GPU.
typedef struct sq_gpu_hooks {
  sq_status (*open)(const sq_gpu_desc *desc, const sq_weights *weights,
                    struct sq_gpu_model **model, sq_message message);
  void (*close)(struct sq_gpu_model *model);
  /// Makes the context's queue and states. What a failure leaves, `destroy`
  /// cleans up.
  sq_status (*create)(sq_context *context, sq_message message);
  void (*destroy)(sq_context *context);
  sq_status (*reset)(sq_context *context, sq_message message);
  sq_status (*set_stream)(sq_context *context, void *stream,
                          sq_message message);
  sq_status (*call)(const sq_call *call);
} sq_gpu_hooks;

/// Weak: an artifact for CPUs has neither the kernels nor what runs them.
extern const sq_gpu_desc sq_gpu __attribute__((weak, visibility("hidden")));
extern const sq_gpu_hooks sq_gpu_runtime
    __attribute__((weak, visibility("hidden")));

/// The first element.
static inline uint8_t *sq_tensor_data(const sq_tensor *tensor) {
  return (uint8_t *)tensor->data + tensor->byte_offset;
}

#ifdef __cplusplus
}
#endif

#endif // SPARSE_QUANT_LIB_RUNTIME_INTERNAL_H
