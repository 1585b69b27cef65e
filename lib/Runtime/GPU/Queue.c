//===- Queue.c - Calls of a model on a GPU --------------------------------===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// All work of a context goes to one stream, in order, so memory of a temporary
// can be used again as soon as the code that launches has released it.
//
//===----------------------------------------------------------------------===//

#include "GPU.h"

#include <stdio.h>
#include <stdlib.h>

/// Of the call that this thread is in.
static _Thread_local sq_gpu_queue *current;

/// Leaves the call unless `result` is success.
static void check(sq_gpu_queue *queue, sq_cu_result result, const char *what) {
  queue->status =
      sq_cuda_check(&queue->model->cuda, result, what, queue->message);
  if (queue->status != SQ_OK)
    longjmp(queue->failed, 1);
}

static _Noreturn void leave(sq_gpu_queue *queue, sq_status status) {
  queue->status = status;
  longjmp(queue->failed, 1);
}

/// An unused block with room, the smallest; a new one if there is none.
static sq_gpu_block *take_block(sq_gpu_queue *queue, size_t size) {
  sq_gpu_block *found = NULL;
  for (size_t i = 0; i < queue->num_blocks; ++i) {
    sq_gpu_block *block = &queue->blocks[i];
    if (!block->used && block->capacity >= size &&
        (!found || block->capacity < found->capacity))
      found = block;
  }
  if (!found) {
    sq_gpu_block *grown =
        realloc(queue->blocks, (queue->num_blocks + 1) * sizeof *queue->blocks);
    if (!grown)
      leave(queue,
            sq_fail(queue->message, SQ_ERROR_OUT_OF_MEMORY, "out of memory"));
    queue->blocks = grown;
    found = &queue->blocks[queue->num_blocks];
    *found = (sq_gpu_block){0};
    check(queue, queue->model->cuda.allocate(&found->address, size),
          "allocate temporaries on the GPU");
    found->capacity = size;
    ++queue->num_blocks;
  }
  found->used = true;
  return found;
}

void *sq_gpu_allocate(uint64_t alignment, uint64_t size) {
  // The driver aligns to 256 bytes, more than generated code asks for.
  (void)alignment;
  return (void *)(uintptr_t)take_block(current, size ? size : 1)->address;
}

void sq_gpu_release(void *address) {
  for (size_t i = 0; i < current->num_blocks; ++i)
    if (current->blocks[i].address == (uintptr_t)address)
      current->blocks[i].used = false;
}

void sq_gpu_launch(int32_t kernel, int64_t grid_x, int64_t grid_y,
                   int64_t grid_z, int64_t block_x, int64_t block_y,
                   int64_t block_z, int32_t shared, void **args) {
  // Nothing to compute; the driver would reject it.
  if (grid_x <= 0 || grid_y <= 0 || grid_z <= 0)
    return;
  sq_gpu_queue *queue = current;
  const char *name = queue->model->desc->kernels[kernel];
  if (grid_x > INT32_MAX || grid_y > UINT16_MAX || grid_z > UINT16_MAX)
    leave(queue, sq_fail(queue->message, SQ_ERROR_GPU,
                         "cannot launch '%s': %lld x %lld x %lld blocks are "
                         "more than a GPU has; call with less at a time",
                         name, (long long)grid_x, (long long)grid_y,
                         (long long)grid_z));
  char what[160];
  snprintf(what, sizeof what, "run '%s' on the GPU", name);
  // A function has to ask for more shared memory than every GPU has for a
  // block; once is enough, but costs little.
  const int32_t granted = 48 << 10;
  if (shared > granted)
    check(queue,
          queue->model->cuda.function_attribute(queue->model->functions[kernel],
                                                SQ_CU_MAX_SHARED_SIZE, shared),
          what);
  check(queue,
        queue->model->cuda.launch(
            queue->model->functions[kernel], (unsigned)grid_x, (unsigned)grid_y,
            (unsigned)grid_z, (unsigned)block_x, (unsigned)block_y,
            (unsigned)block_z, (unsigned)shared, queue->stream, args, NULL),
        what);
}

void sq_gpu_read(void *to, const void *from, int64_t size) {
  sq_gpu_queue *queue = current;
  const sq_cuda *cuda = &queue->model->cuda;
  check(queue, cuda->copy_out(to, (uintptr_t)from, (size_t)size, queue->stream),
        "copy from the GPU");
  check(queue, cuda->stream_wait(queue->stream), "compute on the GPU");
}

//===----------------------------------------------------------------------===//
// Calls
//===----------------------------------------------------------------------===//

static size_t tensor_size(const sq_tensor_desc *desc, const sq_tensor *tensor) {
  size_t size = sq_element_size(desc->bits, desc->lanes);
  for (uint32_t i = 0; i < desc->rank; ++i)
    size *= (size_t)tensor->shape[i];
  return size;
}

/// Gives `memref` memory on the device, whose address is returned.
static sq_cu_address move_memref(sq_gpu_queue *queue, void *memref,
                                 size_t size) {
  sq_cu_address address = take_block(queue, size ? size : 1)->address;
  int64_t *words = memref;
  words[0] = words[1] = (int64_t)address;
  return address;
}

static bool is_on_device(const sq_tensor *tensor) {
  return tensor->device.type == SQ_DEVICE_CUDA;
}

/// Runs the entry on memrefs of the device in place of the CPU's.
static void run(const sq_call *call, sq_gpu_queue *queue) {
  const sq_function_desc *f = call->function;
  const sq_cuda *cuda = &queue->model->cuda;
  void **args = call->context->args;
  int64_t *weights = *args++;
  weights[0] = weights[1] = (int64_t)queue->model->weights;
  const sq_tensor *const *input = call->inputs;
  // A stream of its own nobody else can wait for.
  bool waits = queue->owns_stream;
  for (uint32_t i = 0; i < f->num_args; ++i, ++args) {
    if (f->args[i].kind == SQ_TENSOR_STATE)
      continue;
    const sq_tensor *tensor = *input++;
    if (is_on_device(tensor))
      continue;
    waits = true;
    size_t size = tensor_size(&f->args[i], tensor);
    sq_cu_address address = move_memref(queue, *args, size);
    if (size)
      check(queue,
            cuda->copy_in(address, sq_tensor_data(tensor), size, queue->stream),
            "copy an input to the GPU");
  }
  for (uint32_t i = 0; i < f->num_results; ++i)
    if (!is_on_device(call->outputs[i]))
      move_memref(queue, args[i],
                  tensor_size(&f->results[i], call->outputs[i]));
  f->entry(call->context->args);
  for (uint32_t i = 0; i < f->num_results; ++i) {
    if (is_on_device(call->outputs[i]))
      continue;
    waits = true;
    size_t size = tensor_size(&f->results[i], call->outputs[i]);
    const int64_t *words = args[i];
    if (size)
      check(queue,
            cuda->copy_out(sq_tensor_data(call->outputs[i]),
                           (sq_cu_address)words[1], size, queue->stream),
            "copy a result from the GPU");
  }
  if (waits)
    check(queue, cuda->stream_wait(queue->stream), "compute on the GPU");
}

static sq_status call_on_gpu(const sq_call *call) {
  sq_gpu_queue *queue = call->context->gpu;
  const sq_cuda *cuda = &queue->model->cuda;
  sq_cu_context ignored;
  queue->message = call->message;
  queue->status = SQ_OK;
  queue->outer = current;
  current = queue;
  cuda->context_push(queue->model->context);
  if (setjmp(queue->failed) == 0)
    run(call, queue);
  else
    // Nothing may be under way in memory that the next call uses.
    cuda->stream_wait(queue->stream);
  cuda->context_pop(&ignored);
  current = queue->outer;
  for (size_t i = 0; i < queue->num_blocks; ++i)
    queue->blocks[i].used = false;
  return queue->status;
}

//===----------------------------------------------------------------------===//
// Contexts
//===----------------------------------------------------------------------===//

static sq_status reset(sq_context *context, sq_message message) {
  sq_gpu_queue *queue = context->gpu;
  const sq_cuda *cuda = &queue->model->cuda;
  const sq_artifact_desc *artifact = context->model->artifact;
  sq_cu_context ignored;
  sq_status status = SQ_OK;
  cuda->context_push(queue->model->context);
  for (uint32_t i = 0; status == SQ_OK && i < artifact->num_states; ++i)
    if (sq_state_size(&artifact->states[i]))
      status = sq_cuda_check(cuda,
                             cuda->fill((uintptr_t)context->states[i], 0,
                                        sq_state_size(&artifact->states[i]),
                                        queue->stream),
                             "clear the states on the GPU", message);
  if (status == SQ_OK)
    status = sq_cuda_check(cuda, cuda->stream_wait(queue->stream),
                           "clear the states on the GPU", message);
  cuda->context_pop(&ignored);
  return status;
}

static sq_status create(sq_context *context, sq_message message) {
  const sq_gpu_model *model = context->model->gpu;
  const sq_artifact_desc *artifact = context->model->artifact;
  sq_gpu_queue *queue = calloc(1, sizeof *queue);
  if (!queue)
    return sq_fail(message, SQ_ERROR_OUT_OF_MEMORY, "out of memory");
  queue->model = model;
  queue->owns_stream = true;
  context->gpu = queue;
  sq_cu_context ignored;
  model->cuda.context_push(model->context);
  sq_status status =
      sq_cuda_check(&model->cuda, model->cuda.stream_create(&queue->stream, 0),
                    "make a stream on the GPU", message);
  for (uint32_t i = 0; status == SQ_OK && i < artifact->num_states; ++i) {
    sq_cu_address address = 0;
    size_t size = sq_state_size(&artifact->states[i]);
    status = sq_cuda_check(&model->cuda,
                           model->cuda.allocate(&address, size ? size : 1),
                           "allocate the states on the GPU", message);
    context->states[i] = (void *)(uintptr_t)address;
  }
  model->cuda.context_pop(&ignored);
  return status;
}

/// What is queued comes first: streams share the states and the temporaries.
static sq_status set_stream(sq_context *context, void *stream,
                            sq_message message) {
  sq_gpu_queue *queue = context->gpu;
  const sq_cuda *cuda = &queue->model->cuda;
  sq_cu_context ignored;
  cuda->context_push(queue->model->context);
  sq_status status = sq_cuda_check(cuda, cuda->stream_wait(queue->stream),
                                   "compute on the GPU", message);
  if (status == SQ_OK) {
    if (queue->owns_stream)
      cuda->stream_destroy(queue->stream);
    queue->stream = stream;
    queue->owns_stream = false;
  }
  cuda->context_pop(&ignored);
  return status;
}

static void destroy(sq_context *context) {
  sq_gpu_queue *queue = context->gpu;
  if (!queue)
    return;
  const sq_cuda *cuda = &queue->model->cuda;
  sq_cu_context ignored;
  cuda->context_push(queue->model->context);
  // Calls on the caller's stream may be under way.
  if (!queue->owns_stream)
    cuda->stream_wait(queue->stream);
  for (uint32_t i = 0; i < context->model->artifact->num_states; ++i)
    if (context->states[i])
      cuda->release((uintptr_t)context->states[i]);
  for (size_t i = 0; i < queue->num_blocks; ++i)
    cuda->release(queue->blocks[i].address);
  if (queue->owns_stream && queue->stream)
    cuda->stream_destroy(queue->stream);
  cuda->context_pop(&ignored);
  free(queue->blocks);
  free(queue);
  context->gpu = NULL;
}

const sq_gpu_hooks sq_gpu_runtime = {
    .open = sq_gpu_model_open,
    .close = sq_gpu_model_close,
    .create = create,
    .destroy = destroy,
    .reset = reset,
    .set_stream = set_stream,
    .call = call_on_gpu,
};
