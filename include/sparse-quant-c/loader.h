//===- loader.h - dlopen for compiled models ----------------------*- C -*-===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A program that is linked against model.so calls sq_get_api itself. One that
// picks models at run time uses sq_load_artifact, which is here, inline, so
// that nothing has to be linked.
//
//===----------------------------------------------------------------------===//
#ifndef SPARSE_QUANT_C_LOADER_H
#define SPARSE_QUANT_C_LOADER_H

#include "sparse-quant-c/runtime.h"

#include <dlfcn.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#ifdef __cplusplus
extern "C" {
#endif

/// Writes what fits of a message; snprintf would make GCC warn that it may not.
static inline void sq_loader_message(char *message, size_t size,
                                     const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(message, size, format, arguments);
  va_end(arguments);
}

/// Loads the artifact at `path`. On success `*api` is its API and `*library`
/// the handle for sq_unload_artifact. On failure both are NULL and `message`
/// (may be NULL) has the reason.
static inline sq_status sq_load_artifact(const char *path, void **library,
                                         const sq_api **api, char *message,
                                         size_t message_size) {
  *library = NULL;
  *api = NULL;
  if (!message)
    message_size = 0;
  // Without a slash dlopen would search the library path, not the folder.
  char local[4096];
  if (!strchr(path, '/') &&
      snprintf(local, sizeof local, "./%s", path) < (int)sizeof local)
    path = local;
  void *handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);
  if (!handle) {
    const char *reason = dlerror();
    sq_loader_message(message, message_size, "cannot load '%s': %s", path,
                      reason ? reason : "unknown reason");
    return SQ_ERROR_LOAD;
  }
  sq_get_api_fn get_api;
  // ISO C has no conversion from an object to a function pointer.
  void *symbol = dlsym(handle, "sq_get_api");
  memcpy(&get_api, &symbol, sizeof get_api);
  if (!symbol) {
    sq_loader_message(
        message, message_size,
        "'%s' is no sparse-quant artifact: it doesn't export sq_get_api", path);
    dlclose(handle);
    return SQ_ERROR_LOAD;
  }
  *api = get_api(SQ_ABI_VERSION);
  if (!*api) {
    sq_loader_message(
        message, message_size,
        "'%s' doesn't speak version %u of the runtime's interface: compile "
        "the model again, or rebuild this program",
        path, (unsigned)SQ_ABI_VERSION);
    dlclose(handle);
    return SQ_ERROR_ABI_VERSION;
  }
  *library = handle;
  return SQ_OK;
}

/// Unloads an artifact whose models have been closed. NULL is fine.
static inline void sq_unload_artifact(void *library) {
  if (library)
    dlclose(library);
}

#ifdef __cplusplus
}
#endif

#endif // SPARSE_QUANT_C_LOADER_H
