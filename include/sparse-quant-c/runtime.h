//===- runtime.h - The C ABI of compiled models -------------------*- C -*-===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// All that a program needs to run a model that sq-compile made. The header
// stands alone (C99 or C++11, nothing but <stddef.h> and <stdint.h>), so that a
// generated model.h can carry it along.
//
// A compiled model, `model.so`, exports one symbol, sq_get_api. It returns a
// table of functions:
//
//   model    immutable: code, descriptor, memory-mapped weights. Share it among
//            threads freely.
//   context  one user of a model: its states (KV caches), its thread count, its
//            last error. One call at a time; contexts are independent.
//
// Nothing here aborts, prints or throws: every failure is an sq_status and a
// one-line message that says what is wrong, where, and what to do about it.
//
//===----------------------------------------------------------------------===//
#ifndef SPARSE_QUANT_C_RUNTIME_H
#define SPARSE_QUANT_C_RUNTIME_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/// The version of everything in this file and in artifact.h. A change that an
/// old artifact or an old program cannot live with raises it.
#define SQ_ABI_VERSION 2u

//===----------------------------------------------------------------------===//
// Status codes
//===----------------------------------------------------------------------===//

/// A status is an int32_t that holds one of the codes below; the numbers are
/// part of the ABI and are never reused.
typedef int32_t sq_status;

enum {
  SQ_OK = 0,
  /// A pointer argument of the API is NULL where it must not be.
  SQ_ERROR_NULL_POINTER = 1,
  /// Program, runtime and artifact don't speak the same SQ_ABI_VERSION.
  SQ_ERROR_ABI_VERSION = 2,
  /// The descriptor in the artifact contradicts itself: a compiler bug.
  SQ_ERROR_DESCRIPTOR = 3,
  /// This CPU, or its operating system, lacks features that the code uses.
  SQ_ERROR_CPU_FEATURES = 4,
  /// The weight file can't be opened or mapped.
  SQ_ERROR_WEIGHTS_OPEN = 5,
  /// The weight file isn't a safetensors file.
  SQ_ERROR_WEIGHTS_FORMAT = 6,
  /// The weight file's size isn't the one the model was compiled with.
  SQ_ERROR_WEIGHTS_SIZE = 7,
  /// The weight file isn't the one the model was compiled with.
  SQ_ERROR_WEIGHTS_HASH = 8,
  SQ_ERROR_OUT_OF_MEMORY = 9,
  /// The model has no function of that name.
  SQ_ERROR_UNKNOWN_FUNCTION = 10,
  /// The number of inputs or outputs isn't the function's.
  SQ_ERROR_ARG_COUNT = 11,
  /// A tensor, or its data or shape pointer, is NULL.
  SQ_ERROR_NULL_DATA = 12,
  /// A tensor isn't in memory where the function can use it.
  SQ_ERROR_DEVICE = 13,
  SQ_ERROR_DTYPE = 14,
  SQ_ERROR_RANK = 15,
  /// An extent differs from the fixed one, or is outside a symbol's range.
  SQ_ERROR_SHAPE = 16,
  /// A tensor isn't compact row-major.
  SQ_ERROR_STRIDES = 17,
  /// A tensor's data isn't aligned to its element type.
  SQ_ERROR_ALIGNMENT = 18,
  /// Two extents that share a symbol differ.
  SQ_ERROR_SYMBOL = 19,
  /// An element of an integer input is outside its range.
  SQ_ERROR_VALUE = 20,
  /// position + length is beyond the capacity of the states.
  SQ_ERROR_CAPACITY = 21,
  /// An output's memory overlaps an input, another output, or a state.
  SQ_ERROR_ALIASING = 22,
  /// The context is inside another call, on another thread. Leaves last_error
  /// as it is, because that belongs to the other call.
  SQ_ERROR_BUSY = 23,
  /// Another argument that makes no sense, such as a negative thread count.
  SQ_ERROR_INVALID_ARGUMENT = 24,
  /// The shared library can't be loaded (loader.h only).
  SQ_ERROR_LOAD = 25,
  /// The model is for a GPU, and there is none, or no driver that works.
  SQ_ERROR_NO_GPU = 26,
  /// The artifact has no code that this GPU and its driver can run.
  SQ_ERROR_GPU_IMAGE = 27,
  /// The GPU's driver reports a failure.
  SQ_ERROR_GPU = 28
};

//===----------------------------------------------------------------------===//
// Tensors
//===----------------------------------------------------------------------===//
// These have the memory layout of DLPack's DLDevice, DLDataType and DLTensor
// (major version 1) under names of our own, so that a program may include
// dlpack.h beside this file and pass a DLTensor by casting its address.

enum { SQ_DEVICE_CPU = 1, SQ_DEVICE_CUDA = 2 };

/// DLPack's type codes, those that a model's interface can have.
enum {
  SQ_TYPE_INT = 0,
  SQ_TYPE_UINT = 1,
  SQ_TYPE_FLOAT = 2,
  SQ_TYPE_BFLOAT = 4,
  SQ_TYPE_BOOL = 6,
  SQ_TYPE_FLOAT8_E4M3FN = 10,
  SQ_TYPE_FLOAT8_E5M2 = 12,
  SQ_TYPE_FLOAT8_E8M0FNU = 14
};

typedef struct sq_device {
  int32_t type;
  int32_t id;
} sq_device;

typedef struct sq_dtype {
  uint8_t code;
  uint8_t bits;
  uint16_t lanes;
} sq_dtype;

typedef struct sq_tensor {
  void *data;
  sq_device device;
  int32_t ndim;
  sq_dtype dtype;
  /// `ndim` extents. May be NULL when ndim is 0.
  int64_t *shape;
  /// NULL, or `ndim` strides in elements, which must be compact row-major (the
  /// stride of an extent of 1 is free, as is every stride of an empty tensor).
  int64_t *strides;
  uint64_t byte_offset;
} sq_tensor;

//===----------------------------------------------------------------------===//
// Signatures
//===----------------------------------------------------------------------===//
// Read-only tables inside the artifact. They live as long as the model. Only
// fixed-width fields, pointers and NUL-terminated strings, because the compiler
// emits them as constants; the order of the fields is the ABI.

enum {
  /// Comes from the caller of a function.
  SQ_TENSOR_INPUT = 0,
  /// Comes from the context, is updated in place, and outlives the call.
  SQ_TENSOR_STATE = 1,
  /// Written by the function into memory of the caller.
  SQ_TENSOR_RESULT = 2
};

typedef struct sq_tensor_desc {
  const char *name;
  /// A DLPack data type; MLIR's `index` appears as a 64-bit integer.
  uint8_t type_code;
  uint8_t bits;
  uint16_t lanes;
  uint32_t rank;
  /// `rank` entries: an extent, or -1 - i for the function's symbol i.
  const int64_t *shape;
  /// SQ_TENSOR_*.
  uint32_t kind;
  /// Which of the artifact's states; 0 unless `kind` is SQ_TENSOR_STATE.
  uint32_t state;
  /// For integer inputs: every element x must be 0 <= x < bound. 0 means
  /// unchecked. Token IDs have the vocabulary size here, since an embedding
  /// lookup would read out of bounds otherwise.
  int64_t bound;
} sq_tensor_desc;

/// An extent that is known when the function is called. The inputs bind it.
typedef struct sq_symbol_desc {
  const char *name;
  int64_t min;
  /// The largest extent allowed; 0 means no limit.
  int64_t max;
} sq_symbol_desc;

/// One compiled function. Call it through sq_api::call, which checks.
typedef struct sq_function_desc {
  const char *name;
  /// Inputs and states, in the order of the function's declaration.
  uint32_t num_args;
  uint32_t num_results;
  const sq_tensor_desc *args;
  const sq_tensor_desc *results;
  uint32_t num_symbols;
  /// The rule that keeps writes inside the caches:
  ///   0 <= pos and pos + len <= capacity
  /// where pos is the value of the rank-0 integer argument `pos_arg` (an index
  /// into `args`, -1 for no rule), len is the extent of symbol `len_symbol` or,
  /// where that is -1, `fixed_len`.
  int32_t pos_arg;
  const sq_symbol_desc *symbols;
  int32_t len_symbol;
  /// How often a call starts threads and waits for them, at most; 0 for code of
  /// one thread, -1 if it depends on the inputs.
  int32_t parallel_regions;
  int64_t fixed_len;
  int64_t capacity;
  /// The generated code; see artifact.h for its calling convention.
  void (*entry)(void **args);
} sq_function_desc;

//===----------------------------------------------------------------------===//
// The API
//===----------------------------------------------------------------------===//

typedef struct sq_model sq_model;
typedef struct sq_context sq_context;
/// Everything the compiler recorded; artifact.h has the definition.
struct sq_artifact_desc;

enum {
  /// Read and check the whole weight file, not only its header.
  SQ_OPEN_VERIFY_WEIGHTS = 1
};

/// How to open a model. All zeros is the usual way.
typedef struct sq_open_options {
  /// The weight file; NULL means beside the artifact: the file that holds the
  /// descriptor, with `.so` replaced by (or otherwise followed by) `.sqw`.
  const char *weights_path;
  /// The artifact to open; NULL means the one that sq_get_api came with, the
  /// best variant that this CPU can run. A program that links several models
  /// statically names each; one that wants another variant gets it from
  /// sq_api::variant.
  const struct sq_artifact_desc *artifact;
  /// SQ_OPEN_*.
  uint32_t flags;
  uint32_t reserved;
} sq_open_options;

typedef struct sq_api {
  /// SQ_ABI_VERSION of the runtime, and sizeof(sq_api) there: a later runtime
  /// of the same version may have appended functions.
  uint32_t version;
  uint32_t size;

  /// The code's name, such as "SQ_ERROR_SHAPE".
  const char *(*status_name)(sq_status status);

  /// Opens a model: checks the ABI version, the CPU, the descriptor and the
  /// weights, in this order, and runs no generated code. `options` may be NULL.
  /// On failure *model is NULL and `message` (may be NULL) holds the reason.
  sq_status (*open)(const sq_open_options *options, sq_model **model,
                    char *message, size_t message_size);
  /// Releases a model. All of its contexts must have been destroyed. NULL is
  /// fine.
  void (*close)(sq_model *model);

  const struct sq_artifact_desc *(*descriptor)(const sq_model *model);
  uint32_t (*num_functions)(const sq_model *model);
  /// NULL if `index` is too large.
  const sq_function_desc *(*function)(const sq_model *model, uint32_t index);
  /// NULL if there is no such function.
  const sq_function_desc *(*find_function)(const sq_model *model,
                                           const char *name);

  /// Makes a context whose states are zero.
  sq_status (*context_create)(const sq_model *model, sq_context **context,
                              char *message, size_t message_size);
  /// NULL is fine.
  void (*context_destroy)(sq_context *context);
  /// Zeroes the states, as if the context were new.
  sq_status (*context_reset)(sq_context *context);
  /// Threads for the calls on this context; 0, the initial value, leaves the
  /// choice to the OpenMP runtime. Without OpenMP in the artifact it has no
  /// effect.
  sq_status (*context_set_threads)(sq_context *context, int32_t threads);
  /// Describes state `index` as a tensor in the context's own memory, for
  /// saving and restoring. Its shape belongs to the artifact.
  sq_status (*context_state)(sq_context *context, uint32_t index,
                             sq_tensor *tensor);
  /// The message of the last call on `context` that failed; "" if none has.
  /// Valid until the next call on the context.
  const char *(*last_error)(const sq_context *context);

  /// Runs `function` of the context's model. `inputs` are the arguments of kind
  /// SQ_TENSOR_INPUT in order (the context supplies the states), `outputs` the
  /// results; all memory is the caller's. If the status isn't SQ_OK, nothing
  /// has run and nothing has changed.
  ///
  /// Tensors are in the memory of the CPU. Where the model runs on a GPU, each
  /// may be in its memory instead ({SQ_DEVICE_CUDA, 0}) and isn't copied then,
  /// except inputs whose values are checked: those with a bound, booleans, and
  /// positions.
  sq_status (*call)(sq_context *context, const sq_function_desc *function,
                    const sq_tensor *const *inputs, uint32_t num_inputs,
                    const sq_tensor *const *outputs, uint32_t num_outputs);

  /// Appended to version 1: only there if `size` reaches this far.
  ///
  /// The code of variant `index`. An artifact has one variant for each CPU that
  /// it was compiled for, from the least to the best; `open` takes the last one
  /// that this CPU can run, or what sq_open_options::artifact says. Returns
  /// SQ_OK if this CPU can run it and SQ_ERROR_CPU_FEATURES if not, `message`
  /// (may be NULL) then says why; SQ_ERROR_INVALID_ARGUMENT, and *variant is
  /// NULL, if there is no such variant.
  sq_status (*variant)(uint32_t index, const struct sq_artifact_desc **variant,
                       char *message, size_t message_size);

  /// Appended to version 2: only there if `size` reaches this far.
  ///
  /// For a model on a GPU: calls of the context are queued on `stream` (a
  /// CUstream or cudaStream_t of the device's primary context, which outlives
  /// the context; NULL is CUDA's default stream) instead of one of its own. A
  /// call whose tensors are all in the memory of the GPU then returns before it
  /// has been executed, and what goes wrong there shows later; other calls
  /// wait, as always. SQ_ERROR_DEVICE if the model is for CPUs.
  sq_status (*context_set_stream)(sq_context *context, void *stream);
} sq_api;

/// The one exported symbol of an artifact. NULL if the runtime inside doesn't
/// speak `version` (pass SQ_ABI_VERSION).
const sq_api *sq_get_api(uint32_t version);
typedef const sq_api *(*sq_get_api_fn)(uint32_t version);

#ifdef __cplusplus
}
#endif

#endif // SPARSE_QUANT_C_RUNTIME_H
