//===- main.c - Call a compiled model from C ------------------------------===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// usage: sq-example model.so [function]
//
// Calls the function (the first one, by default) on zeros and prints what comes
// out. It knows nothing about the model but what the model says; a program that
// is written for one model is shorter, see docs/artifact.md.
//
// With -DSQ_LINKED_MODEL the program is linked against the model instead of
// loading it, and the first argument goes away.
//
//===----------------------------------------------------------------------===//

#include "sparse-quant-c/runtime.h"
#ifndef SQ_LINKED_MODEL
#include "sparse-quant-c/loader.h"
#endif

#include <stdio.h>
#include <stdlib.h>

/// Makes a tensor of zeros for `desc`. Symbolic extents become as small as the
/// function allows, so they agree with each other.
static sq_tensor make_tensor(const sq_function_desc *function,
                             const sq_tensor_desc *desc) {
  sq_tensor tensor = {0};
  size_t count = 1;
  tensor.device.type = SQ_DEVICE_CPU;
  tensor.ndim = (int32_t)desc->rank;
  tensor.dtype.code = desc->type_code;
  tensor.dtype.bits = desc->bits;
  tensor.dtype.lanes = desc->lanes;
  tensor.shape = calloc(desc->rank + 1, sizeof *tensor.shape);
  if (!tensor.shape)
    return tensor;
  for (uint32_t i = 0; i < desc->rank; ++i) {
    int64_t extent = desc->shape[i];
    tensor.shape[i] = extent >= 0 ? extent : function->symbols[-1 - extent].min;
    count *= (size_t)tensor.shape[i];
  }
  // The runtime refuses a tensor without data, so that case needs no check.
  tensor.data = calloc(count + 1, (size_t)desc->bits / 8 * desc->lanes);
  return tensor;
}

static void print_tensor(const sq_tensor_desc *desc, const sq_tensor *tensor) {
  size_t count = 1;
  printf("%s: [", desc->name);
  for (int32_t i = 0; i < tensor->ndim; ++i) {
    printf(i ? ", %lld" : "%lld", (long long)tensor->shape[i]);
    count *= (size_t)tensor->shape[i];
  }
  printf("]");
  if (desc->type_code == SQ_TYPE_FLOAT && desc->bits == 32)
    for (size_t i = 0; i < count && i < 8; ++i)
      printf(" %g", ((const float *)tensor->data)[i]);
  printf("\n");
}

/// Returns an exit status.
static int call(const sq_api *api, sq_context *context,
                const sq_function_desc *function) {
  uint32_t num_inputs = 0, num_results = function->num_results;
  size_t num_tensors = (size_t)function->num_args + num_results + 1;
  sq_tensor *tensors = calloc(num_tensors, sizeof *tensors);
  const sq_tensor **pointers = calloc(num_tensors, sizeof *pointers);
  sq_status status = SQ_ERROR_OUT_OF_MEMORY;
  if (tensors && pointers) {
    // The states among the arguments belong to the context.
    for (uint32_t i = 0; i < function->num_args; ++i)
      if (function->args[i].kind == SQ_TENSOR_INPUT)
        tensors[num_inputs++] = make_tensor(function, &function->args[i]);
    for (uint32_t i = 0; i < num_results; ++i)
      tensors[num_inputs + i] = make_tensor(function, &function->results[i]);
    for (uint32_t i = 0; i < num_inputs + num_results; ++i)
      pointers[i] = &tensors[i];
    status = api->call(context, function, pointers, num_inputs,
                       pointers + num_inputs, num_results);
    if (status != SQ_OK)
      fprintf(stderr, "%s: %s\n", api->status_name(status),
              api->last_error(context));
    for (uint32_t i = 0; i < num_results && status == SQ_OK; ++i)
      print_tensor(&function->results[i], &tensors[num_inputs + i]);
    for (uint32_t i = 0; i < num_inputs + num_results; ++i) {
      free(tensors[i].data);
      free(tensors[i].shape);
    }
  }
  free(tensors);
  free(pointers);
  return status == SQ_OK ? EXIT_SUCCESS : EXIT_FAILURE;
}

static int run(const sq_api *api, const char *name) {
  char message[512];
  sq_model *model;
  sq_context *context;
  int result = EXIT_FAILURE;
  // NULL: the weights lie beside the model.
  if (api->open(NULL, &model, message, sizeof message) != SQ_OK) {
    fprintf(stderr, "%s\n", message);
    return EXIT_FAILURE;
  }
  if (api->context_create(model, &context, message, sizeof message) != SQ_OK) {
    fprintf(stderr, "%s\n", message);
  } else {
    const sq_function_desc *function =
        name ? api->find_function(model, name) : api->function(model, 0);
    if (function)
      result = call(api, context, function);
    else
      fprintf(stderr, "the model has no such function\n");
    api->context_destroy(context);
  }
  api->close(model);
  return result;
}

#ifdef SQ_LINKED_MODEL

int main(int argc, char **argv) {
  const sq_api *api = sq_get_api(SQ_ABI_VERSION);
  if (!api) {
    fprintf(stderr, "the model was compiled for another runtime.h\n");
    return EXIT_FAILURE;
  }
  return run(api, argc > 1 ? argv[1] : NULL);
}

#else

int main(int argc, char **argv) {
  char message[512];
  void *library;
  const sq_api *api;
  if (argc < 2) {
    fprintf(stderr, "usage: %s model.so [function]\n", argv[0]);
    return EXIT_FAILURE;
  }
  if (sq_load_artifact(argv[1], &library, &api, message, sizeof message) !=
      SQ_OK) {
    fprintf(stderr, "%s\n", message);
    return EXIT_FAILURE;
  }
  int result = run(api, argc > 2 ? argv[2] : NULL);
  sq_unload_artifact(library);
  return result;
}

#endif
