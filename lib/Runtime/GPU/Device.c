//===- Device.c - A model's code and weights on a GPU ---------------------===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "GPU.h"

#include <stdio.h>
#include <stdlib.h>

/// The facts about the first device.
static sq_status find_device(sq_gpu_model *model, sq_gpu_facts *facts,
                             char *name, int size, sq_message message) {
  const sq_cuda *cuda = &model->cuda;
  int count = 0, major = 0, minor = 0;
  if (cuda->device_count(&count) != SQ_CU_SUCCESS || count == 0)
    return sq_fail(message, SQ_ERROR_NO_GPU,
                   "this model runs on an NVIDIA GPU, and the driver finds "
                   "none; see nvidia-smi and CUDA_VISIBLE_DEVICES, or compile "
                   "the model for the CPU");
  if (cuda->driver_version(&facts->driver) != SQ_CU_SUCCESS ||
      cuda->device_get(&model->device, 0) != SQ_CU_SUCCESS ||
      cuda->device_name(name, size, model->device) != SQ_CU_SUCCESS ||
      cuda->device_attribute(&major, SQ_CU_CAPABILITY_MAJOR, model->device) !=
          SQ_CU_SUCCESS ||
      cuda->device_attribute(&minor, SQ_CU_CAPABILITY_MINOR, model->device) !=
          SQ_CU_SUCCESS)
    return sq_fail(message, SQ_ERROR_GPU,
                   "the GPU's driver doesn't describe its first device");
  facts->name = name;
  facts->capability = 10 * major + minor;
  return SQ_OK;
}

/// With the context current.
static sq_status load(sq_gpu_model *model, const sq_gpu_image *image,
                      const sq_weights *weights, sq_message message) {
  const sq_cuda *cuda = &model->cuda;
  sq_status status = sq_cuda_check(
      cuda, cuda->module_load(&model->module, image->data, 0, NULL, NULL),
      "load the code onto the GPU", message);
  for (uint32_t i = 0; status == SQ_OK && i < model->desc->num_kernels; ++i) {
    char what[160];
    snprintf(what, sizeof what, "find the kernel '%s' in the code for %s",
             model->desc->kernels[i], image->arch);
    status =
        sq_cuda_check(cuda,
                      cuda->module_function(&model->functions[i], model->module,
                                            model->desc->kernels[i]),
                      what, message);
  }
  if (status != SQ_OK || !weights->size)
    return status;
  char what[80];
  snprintf(what, sizeof what, "put %zu bytes of weights onto the GPU",
           weights->size);
  status = sq_cuda_check(cuda, cuda->allocate(&model->weights, weights->size),
                         what, message);
  // The default stream: done when the copy from pageable memory returns.
  if (status == SQ_OK)
    status = sq_cuda_check(
        cuda, cuda->copy_in(model->weights, weights->data, weights->size, NULL),
        what, message);
  if (status == SQ_OK)
    status = sq_cuda_check(cuda, cuda->stream_wait(NULL), what, message);
  return status;
}

sq_status sq_gpu_model_open(const sq_gpu_desc *desc, const sq_weights *weights,
                            sq_gpu_model **model, sq_message message) {
  *model = NULL;
  if (desc->abi_version != SQ_ABI_VERSION)
    return sq_fail(message, SQ_ERROR_ABI_VERSION,
                   "the artifact's code for GPUs has ABI version %u, its "
                   "runtime %u: compile the model again",
                   desc->abi_version, SQ_ABI_VERSION);
  sq_gpu_model *result = calloc(1, sizeof *result);
  if (result)
    result->functions = calloc(desc->num_kernels ? desc->num_kernels : 1,
                               sizeof *result->functions);
  if (!result || !result->functions) {
    free(result);
    return sq_fail(message, SQ_ERROR_OUT_OF_MEMORY, "out of memory");
  }
  result->desc = desc;
  char name[96] = "";
  sq_gpu_facts facts = {0};
  const sq_gpu_image *image = NULL;
  sq_status status = sq_cuda_load(&result->cuda, message);
  if (status == SQ_OK)
    status = find_device(result, &facts, name, sizeof name, message);
  if (status == SQ_OK)
    status = sq_gpu_choose_image(desc, &facts, &image, message);
  if (status == SQ_OK)
    status = sq_cuda_check(
        &result->cuda,
        result->cuda.context_retain(&result->context, result->device),
        "use the GPU", message);
  if (status == SQ_OK) {
    sq_cu_context ignored;
    result->cuda.context_push(result->context);
    status = load(result, image, weights, message);
    result->cuda.context_pop(&ignored);
  }
  if (status != SQ_OK) {
    sq_gpu_model_close(result);
    return status;
  }
  *model = result;
  return SQ_OK;
}

void sq_gpu_model_close(sq_gpu_model *model) {
  if (!model)
    return;
  const sq_cuda *cuda = &model->cuda;
  if (model->context) {
    sq_cu_context ignored;
    cuda->context_push(model->context);
    if (model->weights)
      cuda->release(model->weights);
    if (model->module)
      cuda->module_unload(model->module);
    cuda->context_pop(&ignored);
    cuda->context_release(model->device);
  }
  free(model->functions);
  free(model);
}
