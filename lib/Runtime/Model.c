//===- Model.c - Open and close models ------------------------------------===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Internal.h"

#include <stdlib.h>
#include <string.h>

static sq_status check_artifact(const sq_artifact_desc *artifact,
                                sq_message message) {
  // The version stands first: other fields only mean something if it fits.
  if (artifact->abi_version != SQ_ABI_VERSION)
    return sq_fail(message, SQ_ERROR_ABI_VERSION,
                   "the artifact has ABI version %u, its runtime %u: compile "
                   "the model again",
                   artifact->abi_version, SQ_ABI_VERSION);
  sq_status status = sq_check_cpu(artifact, message);
  if (status != SQ_OK)
    return status;
  return sq_check_descriptor(artifact, message);
}

sq_status sq_model_open(const sq_open_options *options, sq_model **model,
                        char *text, size_t size) {
  static const sq_open_options defaults;
  sq_message message = {text, size};
  if (!options)
    options = &defaults;
  if (!model)
    return sq_fail(message, SQ_ERROR_NULL_POINTER,
                   "open needs a place for the model: 'model' is NULL");
  *model = NULL;
  if (options->flags & ~(uint32_t)SQ_OPEN_VERIFY_WEIGHTS)
    return sq_fail(message, SQ_ERROR_INVALID_ARGUMENT,
                   "open got unknown flags, 0x%x", options->flags);
  const sq_artifact_desc *artifact = options->artifact;
  sq_status status = artifact ? SQ_OK : sq_choose_variant(&artifact, message);
  if (status == SQ_OK)
    status = check_artifact(artifact, message);
  if (status != SQ_OK)
    return status;
  sq_model *result = malloc(sizeof *result);
  if (!result)
    return sq_fail(message, SQ_ERROR_OUT_OF_MEMORY, "out of memory");
  result->artifact = artifact;
  status = sq_weights_open(artifact, options->weights_path,
                           options->flags & SQ_OPEN_VERIFY_WEIGHTS,
                           &result->weights, message);
  result->gpu = NULL;
  const sq_gpu_desc *gpu = &sq_gpu;
  const sq_gpu_hooks *runtime = &sq_gpu_runtime;
  if (status == SQ_OK && gpu && runtime) {
    status = runtime->open(gpu, &result->weights, &result->gpu, message);
    if (status != SQ_OK)
      sq_weights_close(&result->weights);
  }
  if (status != SQ_OK) {
    free(result);
    return status;
  }
  *model = result;
  return SQ_OK;
}

void sq_model_close(sq_model *model) {
  if (!model)
    return;
  if (model->gpu)
    sq_gpu_runtime.close(model->gpu);
  sq_weights_close(&model->weights);
  free(model);
}

const sq_artifact_desc *sq_model_descriptor(const sq_model *model) {
  return model ? model->artifact : NULL;
}

uint32_t sq_model_num_functions(const sq_model *model) {
  return model ? model->artifact->num_functions : 0;
}

const sq_function_desc *sq_model_function(const sq_model *model,
                                          uint32_t index) {
  if (!model || index >= model->artifact->num_functions)
    return NULL;
  return &model->artifact->functions[index];
}

const sq_function_desc *sq_model_find_function(const sq_model *model,
                                               const char *name) {
  if (!model || !name)
    return NULL;
  for (uint32_t i = 0; i < model->artifact->num_functions; ++i)
    if (!strcmp(model->artifact->functions[i].name, name))
      return &model->artifact->functions[i];
  return NULL;
}
