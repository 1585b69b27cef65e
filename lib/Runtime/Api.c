//===- Api.c - The table of functions, and the one exported symbol --------===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Internal.h"

static const sq_api api = {
    .version = SQ_ABI_VERSION,
    .size = sizeof(sq_api),
    .status_name = sq_status_name,
    .open = sq_model_open,
    .close = sq_model_close,
    .descriptor = sq_model_descriptor,
    .num_functions = sq_model_num_functions,
    .function = sq_model_function,
    .find_function = sq_model_find_function,
    .context_create = sq_context_create,
    .context_destroy = sq_context_destroy,
    .context_reset = sq_context_reset,
    .context_set_threads = sq_context_set_threads,
    .context_state = sq_context_state,
    .last_error = sq_context_last_error,
    .call = sq_context_call,
    .variant = sq_model_variant,
    .context_set_stream = sq_context_set_stream,
};

__attribute__((visibility("default"))) const sq_api *
sq_get_api(uint32_t version) {
  return version == SQ_ABI_VERSION ? &api : NULL;
}
