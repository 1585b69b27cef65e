//===- Driver.c - NVIDIA's driver, found when it is needed ----------------===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Driver.h"

#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

static const char library_name[] = "libcuda.so.1";

/// A symbol and its place in sq_cuda.
typedef struct symbol {
  const char *name;
  size_t offset;
} symbol;

static const symbol symbols[] = {
    {"cuInit", offsetof(sq_cuda, init)},
    {"cuDriverGetVersion", offsetof(sq_cuda, driver_version)},
    {"cuDeviceGetCount", offsetof(sq_cuda, device_count)},
    {"cuDeviceGet", offsetof(sq_cuda, device_get)},
    {"cuDeviceGetName", offsetof(sq_cuda, device_name)},
    {"cuDeviceGetAttribute", offsetof(sq_cuda, device_attribute)},
    {"cuDevicePrimaryCtxRetain", offsetof(sq_cuda, context_retain)},
    {"cuDevicePrimaryCtxRelease_v2", offsetof(sq_cuda, context_release)},
    {"cuCtxPushCurrent_v2", offsetof(sq_cuda, context_push)},
    {"cuCtxPopCurrent_v2", offsetof(sq_cuda, context_pop)},
    {"cuModuleLoadDataEx", offsetof(sq_cuda, module_load)},
    {"cuModuleUnload", offsetof(sq_cuda, module_unload)},
    {"cuModuleGetFunction", offsetof(sq_cuda, module_function)},
    {"cuFuncSetAttribute", offsetof(sq_cuda, function_attribute)},
    {"cuStreamCreate", offsetof(sq_cuda, stream_create)},
    {"cuStreamDestroy_v2", offsetof(sq_cuda, stream_destroy)},
    {"cuStreamSynchronize", offsetof(sq_cuda, stream_wait)},
    {"cuMemAlloc_v2", offsetof(sq_cuda, allocate)},
    {"cuMemFree_v2", offsetof(sq_cuda, release)},
    {"cuMemcpyHtoDAsync_v2", offsetof(sq_cuda, copy_in)},
    {"cuMemcpyDtoHAsync_v2", offsetof(sq_cuda, copy_out)},
    {"cuMemsetD8Async", offsetof(sq_cuda, fill)},
    {"cuLaunchKernel", offsetof(sq_cuda, launch)},
    {"cuGetErrorName", offsetof(sq_cuda, error_name)},
};

sq_status sq_cuda_load(sq_cuda *cuda, sq_message message) {
  *cuda = (sq_cuda){0};
  // Never closed: the driver doesn't support being unloaded.
  cuda->library = dlopen(library_name, RTLD_NOW | RTLD_LOCAL);
  if (!cuda->library)
    return sq_fail(message, SQ_ERROR_NO_GPU,
                   "this model runs on an NVIDIA GPU, and there is no driver "
                   "for one: %s; install it, or compile the model for the CPU",
                   dlerror());
  for (size_t i = 0; i < sizeof symbols / sizeof *symbols; ++i) {
    void *address = dlsym(cuda->library, symbols[i].name);
    if (!address)
      return sq_fail(message, SQ_ERROR_NO_GPU,
                     "the GPU's driver, %s, has no %s: it is too old; update "
                     "it",
                     library_name, symbols[i].name);
    memcpy((char *)cuda + symbols[i].offset, &address, sizeof address);
  }
  sq_cu_result result = cuda->init(0);
  const char *name = NULL;
  if (result == SQ_CU_SUCCESS)
    return SQ_OK;
  cuda->error_name(result, &name);
  return sq_fail(message, SQ_ERROR_NO_GPU,
                 "the GPU's driver doesn't start: %s; see whether nvidia-smi "
                 "shows a GPU",
                 name ? name : "unknown error");
}

sq_status sq_cuda_check(const sq_cuda *cuda, sq_cu_result result,
                        const char *what, sq_message message) {
  if (result == SQ_CU_SUCCESS)
    return SQ_OK;
  const char *name = NULL;
  cuda->error_name(result, &name);
  return sq_fail(message,
                 result == SQ_CU_OUT_OF_MEMORY ? SQ_ERROR_OUT_OF_MEMORY
                                               : SQ_ERROR_GPU,
                 "cannot %s: %s%s", what, name ? name : "unknown error",
                 result == SQ_CU_OUT_OF_MEMORY
                     ? "; free memory of the GPU, or take a smaller model"
                     : "");
}
