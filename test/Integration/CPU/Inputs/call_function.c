//===- call_function.c - Call a function of f32 tensors over pipes --------===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// usage: call_function model.so function extent < inputs > results
//
// Reads the inputs one after the other, raw, and writes the results; symbolic
// extents are all `extent`. For tests of artifacts that another program than
// Python has to load, such as an emulator.
//
//===----------------------------------------------------------------------===//

#include "sparse-quant-c/loader.h"

#include <stdio.h>
#include <stdlib.h>

static int fail(const char *what, const char *message) {
  fprintf(stderr, "%s: %s\n", what, message);
  return EXIT_FAILURE;
}

static size_t make_tensor(sq_tensor *tensor, const sq_tensor_desc *desc,
                          int64_t extent) {
  size_t size = desc->bits / 8;
  *tensor = (sq_tensor){.device = {SQ_DEVICE_CPU, 0},
                        .ndim = (int32_t)desc->rank,
                        .dtype = {desc->type_code, desc->bits, desc->lanes},
                        .shape = calloc(desc->rank + 1, sizeof(int64_t))};
  for (uint32_t i = 0; i < desc->rank; ++i) {
    tensor->shape[i] = desc->shape[i] < 0 ? extent : desc->shape[i];
    size *= (size_t)tensor->shape[i];
  }
  tensor->data = calloc(size, 1);
  return size;
}

int main(int argc, char **argv) {
  if (argc != 4)
    return fail(argv[0], "expected model.so, a function and an extent");
  char message[512] = "";
  void *library;
  const sq_api *api;
  sq_model *model;
  sq_context *context;
  if (sq_load_artifact(argv[1], &library, &api, message, sizeof message) ||
      api->open(NULL, &model, message, sizeof message) ||
      api->context_create(model, &context, message, sizeof message))
    return fail("cannot open the model", message);
  const sq_function_desc *f = api->find_function(model, argv[2]);
  if (!f)
    return fail(argv[2], "no such function");

  enum { MAX_TENSORS = 16 };
  sq_tensor tensors[MAX_TENSORS];
  const sq_tensor *pointers[MAX_TENSORS];
  if (f->num_args + f->num_results > MAX_TENSORS)
    return fail(argv[2], "too many tensors");
  for (uint32_t i = 0; i < f->num_args; ++i) {
    size_t size = make_tensor(&tensors[i], &f->args[i], atoll(argv[3]));
    if (fread(tensors[i].data, 1, size, stdin) != size)
      return fail(argv[2], "too little input");
  }
  sq_tensor *results = tensors + f->num_args;
  size_t sizes[MAX_TENSORS];
  for (uint32_t i = 0; i < f->num_results; ++i)
    sizes[i] = make_tensor(&results[i], &f->results[i], atoll(argv[3]));
  for (uint32_t i = 0; i < f->num_args + f->num_results; ++i)
    pointers[i] = &tensors[i];
  if (api->call(context, f, pointers, f->num_args, pointers + f->num_args,
                f->num_results))
    return fail(argv[2], api->last_error(context));
  for (uint32_t i = 0; i < f->num_results; ++i)
    fwrite(results[i].data, 1, sizes[i], stdout);
  return EXIT_SUCCESS;
}
