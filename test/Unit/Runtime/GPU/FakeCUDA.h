//===- FakeCUDA.h - A driver that has no device -----------------*- C -*-===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The part of NVIDIA's driver that the runtime calls, as a library of the same
// name. Memory of the device is memory of the process, what is queued happens
// at once, and a kernel is a function that the test names. Every call is
// recorded, and each can be made to fail.
//
//===----------------------------------------------------------------------===//
#ifndef SPARSE_QUANT_TEST_UNIT_RUNTIME_GPU_FAKECUDA_H
#define SPARSE_QUANT_TEST_UNIT_RUNTIME_GPU_FAKECUDA_H

#include <stddef.h>

typedef struct fake_cuda {
  int devices;
  /// 10 * major + minor.
  int capability;
  /// 12080 is CUDA 12.8.
  int driver;
  /// Bytes that can be allocated, and those that are.
  size_t memory, used;
  /// The call that fails, and with what.
  const char *failing;
  int result;
  /// The kernel of that name; it gets its grid and its arguments.
  const char *kernel;
  void (*code)(unsigned grid, unsigned block, void **args);
  /// Names of the calls, each with a blank behind it.
  char log[4096];
} fake_cuda;

/// The symbol of the only instance.
#define FAKE_CUDA_STATE "fake_cuda_state"

#endif // SPARSE_QUANT_TEST_UNIT_RUNTIME_GPU_FAKECUDA_H
