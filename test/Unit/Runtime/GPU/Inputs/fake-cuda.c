//===- fake-cuda.c - A driver that has no device --------------------------===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "../FakeCUDA.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

fake_cuda fake_cuda_state;

typedef unsigned long long address;

/// Records the call; whether it shall fail.
static int call(const char *name) {
  size_t length = strlen(fake_cuda_state.log);
  if (length + strlen(name) + 2 < sizeof fake_cuda_state.log) {
    strcpy(fake_cuda_state.log + length, name);
    strcat(fake_cuda_state.log, " ");
  }
  const char *failing = fake_cuda_state.failing;
  return failing && !strcmp(failing, name) ? fake_cuda_state.result : 0;
}

#define CALL(name)                                                             \
  do {                                                                         \
    int result = call(name);                                                   \
    if (result)                                                                \
      return result;                                                           \
  } while (0)

int cuInit(unsigned flags) {
  (void)flags;
  CALL("init");
  return 0;
}

int cuDriverGetVersion(int *version) {
  *version = fake_cuda_state.driver;
  return 0;
}

int cuDeviceGetCount(int *count) {
  *count = fake_cuda_state.devices;
  return 0;
}

int cuDeviceGet(int *device, int ordinal) {
  *device = ordinal;
  return 0;
}

int cuDeviceGetName(char *name, int size, int device) {
  (void)device;
  strncpy(name, "Fake GPU", (size_t)size);
  return 0;
}

int cuDeviceGetAttribute(int *value, int attribute, int device) {
  (void)device;
  *value = attribute == 75 ? fake_cuda_state.capability / 10
                           : fake_cuda_state.capability % 10;
  return 0;
}

int cuDevicePrimaryCtxRetain(void **context, int device) {
  (void)device;
  CALL("retain");
  *context = &fake_cuda_state;
  return 0;
}

int cuDevicePrimaryCtxRelease_v2(int device) {
  (void)device;
  CALL("release");
  return 0;
}

int cuCtxPushCurrent_v2(void *context) {
  (void)context;
  CALL("push");
  return 0;
}

int cuCtxPopCurrent_v2(void **context) {
  *context = &fake_cuda_state;
  CALL("pop");
  return 0;
}

int cuModuleLoadDataEx(void **module, const void *image, unsigned count,
                       int *options, void **values) {
  (void)count, (void)options, (void)values;
  CALL("load");
  *module = (void *)(uintptr_t)image;
  return 0;
}

int cuModuleUnload(void *module) {
  (void)module;
  CALL("unload");
  return 0;
}

int cuModuleGetFunction(void **function, void *module, const char *name) {
  (void)module;
  CALL("function");
  if (!fake_cuda_state.kernel || strcmp(name, fake_cuda_state.kernel))
    return 500; // CUDA_ERROR_NOT_FOUND
  *function = &fake_cuda_state.code;
  return 0;
}

int cuStreamCreate(void **stream, unsigned flags) {
  (void)flags;
  CALL("stream");
  *stream = &fake_cuda_state.log;
  return 0;
}

int cuStreamDestroy_v2(void *stream) {
  (void)stream;
  CALL("end-stream");
  return 0;
}

int cuStreamSynchronize(void *stream) {
  (void)stream;
  CALL("wait");
  return 0;
}

/// The size stands in front of the memory.
int cuMemAlloc_v2(address *result, size_t size) {
  CALL("alloc");
  if (fake_cuda_state.used + size > fake_cuda_state.memory)
    return 2; // CUDA_ERROR_OUT_OF_MEMORY
  fake_cuda_state.used += size;
  // A device's memory holds what was there before.
  size_t *memory = malloc(64 + size);
  memset(memory, 0xcd, 64 + size);
  *memory = size;
  *result = (address)(uintptr_t)memory + 64;
  return 0;
}

int cuMemFree_v2(address memory) {
  CALL("free");
  size_t *start = (size_t *)(uintptr_t)(memory - 64);
  fake_cuda_state.used -= *start;
  free(start);
  return 0;
}

int cuMemcpyHtoDAsync_v2(address to, const void *from, size_t size,
                         void *stream) {
  (void)stream;
  CALL("in");
  memcpy((void *)(uintptr_t)to, from, size);
  return 0;
}

int cuMemcpyDtoHAsync_v2(void *to, address from, size_t size, void *stream) {
  (void)stream;
  CALL("out");
  memcpy(to, (void *)(uintptr_t)from, size);
  return 0;
}

int cuMemsetD8Async(address to, unsigned char byte, size_t size, void *stream) {
  (void)stream;
  CALL("fill");
  memset((void *)(uintptr_t)to, byte, size);
  return 0;
}

int cuFuncSetAttribute(void *function, int attribute, int value) {
  (void)function, (void)attribute, (void)value;
  CALL("attribute");
  return 0;
}

int cuLaunchKernel(void *function, unsigned grid_x, unsigned grid_y,
                   unsigned grid_z, unsigned block_x, unsigned block_y,
                   unsigned block_z, unsigned shared, void *stream, void **args,
                   void **extra) {
  (void)grid_y, (void)grid_z, (void)block_y, (void)block_z, (void)shared,
      (void)stream, (void)extra;
  CALL("launch");
  if (fake_cuda_state.code)
    fake_cuda_state.code(grid_x, block_x, args);
  return 0;
}

int cuGetErrorName(int result, const char **name) {
  *name = result == 2     ? "CUDA_ERROR_OUT_OF_MEMORY"
          : result == 100 ? "CUDA_ERROR_NO_DEVICE"
          : result == 500 ? "CUDA_ERROR_NOT_FOUND"
          : result == 700 ? "CUDA_ERROR_ILLEGAL_ADDRESS"
                          : NULL;
  return *name ? 0 : 1;
}
