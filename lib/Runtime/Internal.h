//===- Internal.h - What the runtime's files share ----------------*- C -*-===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The runtime is plain C11 over libc: it is linked into every artifact, and an
// artifact must not drag in a C++ library. Everything here has hidden
// visibility; sq_get_api alone is exported.
//
//===----------------------------------------------------------------------===//
#ifndef SPARSE_QUANT_LIB_RUNTIME_INTERNAL_H
#define SPARSE_QUANT_LIB_RUNTIME_INTERNAL_H

#include "sparse-quant-c/artifact.h"
#include "sparse-quant-c/runtime.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

//===----------------------------------------------------------------------===//
// Message.c
//===----------------------------------------------------------------------===//

/// Where a message goes; `text` may be NULL.
typedef struct sq_message {
  char *text;
  size_t size;
} sq_message;

/// Writes the message, cut to the space there is, and returns `status`: so a
/// check is `return sq_fail(...)`.
sq_status sq_fail(sq_message message, sq_status status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/// "SQ_ERROR_SHAPE" and so on; "unknown status" for other numbers.
const char *sq_status_name(sq_status status);

/// Room for any name that sq_type_name makes.
enum { SQ_TYPE_NAME_SIZE = 40 };

/// Writes MLIR's spelling, such as "f32" or "i8", and returns `text`.
const char *sq_type_name(sq_dtype type, char text[SQ_TYPE_NAME_SIZE]);

//===----------------------------------------------------------------------===//
// Hash.c
//===----------------------------------------------------------------------===//

/// XXH64 with seed 0, which is llvm::xxHash64.
uint64_t sq_hash(const void *data, size_t size);

//===----------------------------------------------------------------------===//
// Features.c, FeaturesX86.c, FeaturesAArch64.c
//===----------------------------------------------------------------------===//

enum { SQ_CPU_WORDS = 12 };

/// The words that a CPU describes itself with. Which is which is up to the
/// architecture's file; a test makes its own.
typedef struct sq_cpu {
  uint32_t words[SQ_CPU_WORDS];
} sq_cpu;

/// One feature: present if all bits of `mask` are set in the word, and so are
/// those of `os_mask` in word 0, which is what the operating system enabled.
typedef struct sq_feature {
  const char *name;
  uint32_t word;
  uint32_t mask;
  uint32_t os_mask;
} sq_feature;

typedef struct sq_feature_table {
  const sq_feature *features;
  size_t size;
} sq_feature_table;

extern const sq_feature_table sq_x86_features;
extern const sq_feature_table sq_aarch64_features;

/// Describes the CPU that this runs on, and the table that reads it.
sq_cpu sq_host_cpu(const sq_feature_table **table);

/// Checks a comma-separated list of feature names.
sq_status sq_check_features(const char *required, const sq_cpu *cpu,
                            const sq_feature_table *table, sq_message message);

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
};

enum { SQ_MESSAGE_SIZE = 512 };

struct sq_context {
  const sq_model *model;
  /// One buffer per state of the artifact.
  void **states;
  /// Scratch for a call, large enough for any function of the model: the
  /// symbols' values, the argument pointers, and the memref descriptors that
  /// those point to. Calls don't allocate.
  int64_t *symbols;
  void **args;
  int64_t *descriptors;
  int32_t threads;
  /// Set during a call.
  atomic_flag busy;
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

/// The first element.
static inline uint8_t *sq_tensor_data(const sq_tensor *tensor) {
  return (uint8_t *)tensor->data + tensor->byte_offset;
}

#endif // SPARSE_QUANT_LIB_RUNTIME_INTERNAL_H
