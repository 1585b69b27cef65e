//===- Driver.h - NVIDIA's driver, found when it is needed --------*- C -*-===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The driver's library is loaded by name, so an artifact with code for GPUs
// depends on nothing that a machine without one lacks. The types are those of
// cuda.h, under names of our own: no header of the toolkit is needed.
//
//===----------------------------------------------------------------------===//
#ifndef SPARSE_QUANT_LIB_RUNTIME_GPU_DRIVER_H
#define SPARSE_QUANT_LIB_RUNTIME_GPU_DRIVER_H

#include "../Common.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef int sq_cu_result;
typedef int sq_cu_device;
typedef unsigned long long sq_cu_address;
typedef struct sq_cu_context_t *sq_cu_context;
typedef struct sq_cu_module_t *sq_cu_module;
typedef struct sq_cu_function_t *sq_cu_function;
typedef struct sq_cu_stream_t *sq_cu_stream;

/// What we use of CUresult, CUdevice_attribute and CUfunction_attribute.
enum {
  SQ_CU_SUCCESS = 0,
  SQ_CU_OUT_OF_MEMORY = 2,
  SQ_CU_CAPABILITY_MAJOR = 75,
  SQ_CU_CAPABILITY_MINOR = 76,
  SQ_CU_MAX_SHARED_SIZE = 8
};

typedef struct sq_cuda {
  sq_cu_result (*init)(unsigned flags);
  sq_cu_result (*driver_version)(int *version);
  sq_cu_result (*device_count)(int *count);
  sq_cu_result (*device_get)(sq_cu_device *device, int ordinal);
  sq_cu_result (*device_name)(char *name, int size, sq_cu_device device);
  sq_cu_result (*device_attribute)(int *value, int attribute,
                                   sq_cu_device device);
  sq_cu_result (*context_retain)(sq_cu_context *context, sq_cu_device device);
  sq_cu_result (*context_release)(sq_cu_device device);
  sq_cu_result (*context_push)(sq_cu_context context);
  sq_cu_result (*context_pop)(sq_cu_context *context);
  sq_cu_result (*module_load)(sq_cu_module *module, const void *image,
                              unsigned num_options, int *options,
                              void **values);
  sq_cu_result (*module_unload)(sq_cu_module module);
  sq_cu_result (*module_function)(sq_cu_function *function, sq_cu_module module,
                                  const char *name);
  sq_cu_result (*function_attribute)(sq_cu_function function, int attribute,
                                     int value);
  sq_cu_result (*stream_create)(sq_cu_stream *stream, unsigned flags);
  sq_cu_result (*stream_destroy)(sq_cu_stream stream);
  sq_cu_result (*stream_wait)(sq_cu_stream stream);
  sq_cu_result (*allocate)(sq_cu_address *address, size_t size);
  sq_cu_result (*release)(sq_cu_address address);
  sq_cu_result (*copy_in)(sq_cu_address to, const void *from, size_t size,
                          sq_cu_stream stream);
  sq_cu_result (*copy_out)(void *to, sq_cu_address from, size_t size,
                           sq_cu_stream stream);
  sq_cu_result (*fill)(sq_cu_address to, unsigned char byte, size_t size,
                       sq_cu_stream stream);
  sq_cu_result (*launch)(sq_cu_function function, unsigned grid_x,
                         unsigned grid_y, unsigned grid_z, unsigned block_x,
                         unsigned block_y, unsigned block_z, unsigned shared,
                         sq_cu_stream stream, void **args, void **extra);
  sq_cu_result (*error_name)(sq_cu_result result, const char **name);
  void *library;
} sq_cuda;

/// Loads the driver and initializes it; fails where there is none, or a symbol
/// is missing that every driver since CUDA 11 has.
sq_status sq_cuda_load(sq_cuda *cuda, sq_message message);

/// SQ_OK, or a failure of the driver as a status and a message: "cannot WHAT:
/// CUDA_ERROR_...".
sq_status sq_cuda_check(const sq_cuda *cuda, sq_cu_result result,
                        const char *what, sq_message message);

#ifdef __cplusplus
}
#endif

#endif // SPARSE_QUANT_LIB_RUNTIME_GPU_DRIVER_H
