//===- GPU.h - A model's kernels and memory on a GPU --------------*- C -*-===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What stands beside a model and a context where the code is for GPUs:
//
//   sq_gpu_model  the driver, the code that was loaded, the weights on the
//                 device: once for a model
//   sq_gpu_queue  a stream, and the memory of temporaries: once for a context
//
// The states of such a context are addresses on the device. A call copies
// inputs there and results back whose tensors are in the memory of the CPU.
//
//===----------------------------------------------------------------------===//
#ifndef SPARSE_QUANT_LIB_RUNTIME_GPU_GPU_H
#define SPARSE_QUANT_LIB_RUNTIME_GPU_GPU_H

#include "../Internal.h"
#include "Driver.h"

#ifdef __cplusplus
extern "C" {
#endif

//===----------------------------------------------------------------------===//
// Image.c
//===----------------------------------------------------------------------===//

/// What decides which code can run.
typedef struct sq_gpu_facts {
  const char *name;
  /// 10 * major + minor: 89, 90, 120.
  int capability;
  /// CUDA's version that the driver supports: 12080 is 12.8.
  int driver;
} sq_gpu_facts;

/// The image to load: machine code before PTX, a newer architecture before an
/// older one.
sq_status sq_gpu_choose_image(const sq_gpu_desc *desc,
                              const sq_gpu_facts *facts,
                              const sq_gpu_image **image, sq_message message);

//===----------------------------------------------------------------------===//
// Device.c
//===----------------------------------------------------------------------===//

typedef struct sq_gpu_model {
  sq_cuda cuda;
  const sq_gpu_desc *desc;
  sq_cu_device device;
  sq_cu_context context;
  sq_cu_module module;
  /// One for each kernel of `desc`.
  sq_cu_function *functions;
  sq_cu_address weights;
} sq_gpu_model;

sq_status sq_gpu_model_open(const sq_gpu_desc *desc, const sq_weights *weights,
                            sq_gpu_model **model, sq_message message);
void sq_gpu_model_close(sq_gpu_model *model);

//===----------------------------------------------------------------------===//
// Queue.c
//===----------------------------------------------------------------------===//

/// A temporary's memory, kept from call to call.
typedef struct sq_gpu_block {
  sq_cu_address address;
  size_t capacity;
  bool used;
} sq_gpu_block;

typedef struct sq_gpu_queue {
  const sq_gpu_model *model;
  /// Its own, until the caller gives another.
  sq_cu_stream stream;
  bool owns_stream;
  sq_gpu_block *blocks;
  size_t num_blocks;
  /// Where a call goes on when something fails in generated code.
  jmp_buf failed;
  sq_status status;
  sq_message message;
  /// Of the call that this call is made in, on the same thread.
  struct sq_gpu_queue *outer;
} sq_gpu_queue;

/// What generated code calls (lib/CodeGen/GPU/LowerLaunches.cpp). Whatever
/// fails leaves the call.
void *sq_gpu_allocate(uint64_t alignment, uint64_t size);
void sq_gpu_release(void *address);
void sq_gpu_launch(int32_t kernel, int64_t grid_x, int64_t grid_y,
                   int64_t grid_z, int64_t block_x, int64_t block_y,
                   int64_t block_z, int32_t shared, void **args);
/// Waits for what has been launched, and copies to the CPU's memory.
void sq_gpu_read(void *to, const void *from, int64_t size);

#ifdef __cplusplus
}
#endif

#endif // SPARSE_QUANT_LIB_RUNTIME_GPU_GPU_H
