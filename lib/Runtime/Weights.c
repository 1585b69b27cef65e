//===- Weights.c - Map and check the weight file --------------------------===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The file is mapped, never read into memory: opening a model costs as much as
// hashing the header, and processes that run the same model share its pages.
// (A file that is truncated *while* mapped raises SIGBUS, as with any mapping;
// replace weight files by renaming, not by writing.)
//
//===----------------------------------------------------------------------===//

#ifndef _GNU_SOURCE
#define _GNU_SOURCE // dladdr
#endif

#include "Internal.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

/// Bytes in front of a safetensors header: its length.
enum { LENGTH_SIZE = 8 };

/// Finds the default path: that of the file the descriptor is in, with `.so`
/// replaced by `.sqw`; `.sqw` is appended to other names.
static sq_status default_path(const sq_artifact_desc *artifact, char *path,
                              size_t size, sq_message message) {
  static const char suffix[] = ".sqw";
  Dl_info info;
  ssize_t length = -1;
  if (dladdr(artifact, &info) && info.dli_fname) {
    if (strchr(info.dli_fname, '/')) {
      length = (ssize_t)strlen(info.dli_fname);
      if ((size_t)length < size)
        memcpy(path, info.dli_fname, (size_t)length);
    } else {
      // The program itself, by the name that a shell found on its path.
      length = readlink("/proc/self/exe", path, size);
    }
  }
  if (length < 0 || (size_t)length + sizeof suffix > size)
    return sq_fail(message, SQ_ERROR_WEIGHTS_OPEN,
                   "cannot tell where the artifact lies; pass the path of its "
                   "weight file");
  if (length > 3 && !memcmp(path + length - 3, ".so", 3))
    length -= 3;
  memcpy(path + length, suffix, sizeof suffix);
  return SQ_OK;
}

/// Maps a whole file. An empty one gets no mapping and no error.
static sq_status map_file(const char *path, sq_weights *weights,
                          sq_message message) {
  int file = open(path, O_RDONLY | O_CLOEXEC);
  if (file < 0)
    return sq_fail(
        message, SQ_ERROR_WEIGHTS_OPEN,
        "cannot open the weight file '%s': %s; it belongs beside the "
        "artifact, or its path has to be given",
        path, strerror(errno));
  struct stat info;
  sq_status status = SQ_OK;
  if (fstat(file, &info) != 0) {
    status = sq_fail(message, SQ_ERROR_WEIGHTS_OPEN,
                     "cannot examine the weight file '%s': %s", path,
                     strerror(errno));
  } else if (!S_ISREG(info.st_mode)) {
    status = sq_fail(message, SQ_ERROR_WEIGHTS_OPEN,
                     "the weight file '%s' isn't a regular file", path);
  } else if (info.st_size > 0) {
    void *data =
        mmap(NULL, (size_t)info.st_size, PROT_READ, MAP_SHARED, file, 0);
    if (data == MAP_FAILED)
      status =
          sq_fail(message, SQ_ERROR_WEIGHTS_OPEN,
                  "cannot map the weight file '%s': %s", path, strerror(errno));
    else
      *weights = (sq_weights){data, (size_t)info.st_size, true};
  }
  close(file);
  return status;
}

/// Checks that this looks like safetensors and returns where the data starts.
static sq_status check_header(const sq_weights *weights, const char *path,
                              size_t *data_start, sq_message message) {
  if (weights->size < LENGTH_SIZE + 2)
    return sq_fail(message, SQ_ERROR_WEIGHTS_FORMAT,
                   "'%s' is no safetensors file: it has only %zu bytes", path,
                   weights->size);
  uint64_t length = 0;
  for (unsigned i = 0; i < LENGTH_SIZE; ++i)
    length |= (uint64_t)weights->data[i] << (8 * i);
  const char *text = (const char *)weights->data + LENGTH_SIZE;
  if (length < 2 || *text != '{')
    return sq_fail(message, SQ_ERROR_WEIGHTS_FORMAT,
                   "'%s' is no safetensors file: no JSON header at byte 8",
                   path);
  if (length > weights->size - LENGTH_SIZE)
    return sq_fail(message, SQ_ERROR_WEIGHTS_FORMAT,
                   "'%s' is no safetensors file, or truncated: a header of "
                   "%" PRIu64 " bytes in a file of %zu",
                   path, length, weights->size);
  *data_start = LENGTH_SIZE + (size_t)length;
  return SQ_OK;
}

static sq_status check_weights(const sq_artifact_desc *artifact,
                               const char *path, bool verify,
                               const sq_weights *weights, sq_message message) {
  size_t data_start = 0;
  sq_status status = check_header(weights, path, &data_start, message);
  if (status != SQ_OK)
    return status;
  if (weights->size != artifact->weights_size)
    return sq_fail(message, SQ_ERROR_WEIGHTS_SIZE,
                   "'%s' has %zu bytes, but model '%s' was compiled with "
                   "%" PRIu64 ": truncated, or of another model",
                   path, weights->size, artifact->model_name,
                   artifact->weights_size);
  if (sq_hash(weights->data, data_start) != artifact->weights_header_hash)
    return sq_fail(message, SQ_ERROR_WEIGHTS_HASH,
                   "'%s' has another header than the weights that model '%s' "
                   "was compiled with: take the file from the same compilation",
                   path, artifact->model_name);
  if (verify &&
      sq_hash(weights->data + data_start, weights->size - data_start) !=
          artifact->weights_data_hash)
    return sq_fail(message, SQ_ERROR_WEIGHTS_HASH,
                   "'%s' is damaged: its data doesn't have the hash that model "
                   "'%s' was compiled with",
                   path, artifact->model_name);
  return SQ_OK;
}

sq_status sq_weights_open(const sq_artifact_desc *artifact, const char *path,
                          bool verify, sq_weights *weights,
                          sq_message message) {
  *weights = (sq_weights){NULL, 0, false};
  if (artifact->weights_size == 0)
    return SQ_OK;
  char buffer[4096];
  sq_status status = SQ_OK;
  if (artifact->embedded_weights) {
    path = "embedded weights";
    *weights = (sq_weights){artifact->embedded_weights,
                            (size_t)artifact->weights_size, false};
  } else {
    if (!path) {
      status = default_path(artifact, buffer, sizeof buffer, message);
      path = buffer;
    }
    if (status == SQ_OK)
      status = map_file(path, weights, message);
  }
  if (status == SQ_OK)
    status = check_weights(artifact, path, verify, weights, message);
  if (status != SQ_OK)
    sq_weights_close(weights);
  return status;
}

void sq_weights_close(sq_weights *weights) {
  if (weights->mapped)
    munmap((void *)weights->data, weights->size);
  *weights = (sq_weights){NULL, 0, false};
}
