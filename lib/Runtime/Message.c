//===- Message.c - Status names and one-line messages -------------*- C -*-===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Common.h"

#include <stdarg.h>
#include <stdio.h>

sq_status sq_fail(sq_message message, sq_status status, const char *format,
                  ...) {
  if (!message.text || message.size == 0)
    return status;
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(message.text, message.size, format, arguments);
  va_end(arguments);
  return status;
}

static const char *const status_names[] = {
    [SQ_OK] = "SQ_OK",
    [SQ_ERROR_NULL_POINTER] = "SQ_ERROR_NULL_POINTER",
    [SQ_ERROR_ABI_VERSION] = "SQ_ERROR_ABI_VERSION",
    [SQ_ERROR_DESCRIPTOR] = "SQ_ERROR_DESCRIPTOR",
    [SQ_ERROR_CPU_FEATURES] = "SQ_ERROR_CPU_FEATURES",
    [SQ_ERROR_WEIGHTS_OPEN] = "SQ_ERROR_WEIGHTS_OPEN",
    [SQ_ERROR_WEIGHTS_FORMAT] = "SQ_ERROR_WEIGHTS_FORMAT",
    [SQ_ERROR_WEIGHTS_SIZE] = "SQ_ERROR_WEIGHTS_SIZE",
    [SQ_ERROR_WEIGHTS_HASH] = "SQ_ERROR_WEIGHTS_HASH",
    [SQ_ERROR_OUT_OF_MEMORY] = "SQ_ERROR_OUT_OF_MEMORY",
    [SQ_ERROR_UNKNOWN_FUNCTION] = "SQ_ERROR_UNKNOWN_FUNCTION",
    [SQ_ERROR_ARG_COUNT] = "SQ_ERROR_ARG_COUNT",
    [SQ_ERROR_NULL_DATA] = "SQ_ERROR_NULL_DATA",
    [SQ_ERROR_DEVICE] = "SQ_ERROR_DEVICE",
    [SQ_ERROR_DTYPE] = "SQ_ERROR_DTYPE",
    [SQ_ERROR_RANK] = "SQ_ERROR_RANK",
    [SQ_ERROR_SHAPE] = "SQ_ERROR_SHAPE",
    [SQ_ERROR_STRIDES] = "SQ_ERROR_STRIDES",
    [SQ_ERROR_ALIGNMENT] = "SQ_ERROR_ALIGNMENT",
    [SQ_ERROR_SYMBOL] = "SQ_ERROR_SYMBOL",
    [SQ_ERROR_VALUE] = "SQ_ERROR_VALUE",
    [SQ_ERROR_CAPACITY] = "SQ_ERROR_CAPACITY",
    [SQ_ERROR_ALIASING] = "SQ_ERROR_ALIASING",
    [SQ_ERROR_BUSY] = "SQ_ERROR_BUSY",
    [SQ_ERROR_INVALID_ARGUMENT] = "SQ_ERROR_INVALID_ARGUMENT",
    [SQ_ERROR_LOAD] = "SQ_ERROR_LOAD",
    [SQ_ERROR_NO_GPU] = "SQ_ERROR_NO_GPU",
    [SQ_ERROR_GPU_IMAGE] = "SQ_ERROR_GPU_IMAGE",
    [SQ_ERROR_GPU] = "SQ_ERROR_GPU",
};

const char *sq_status_name(sq_status status) {
  if (status < 0 ||
      (size_t)status >= sizeof status_names / sizeof *status_names)
    return "unknown status";
  return status_names[status];
}

/// The name of a type that has one width only, or NULL.
static const char *fixed_name(sq_dtype type) {
  if (type.bits != 8 || type.lanes != 1)
    return NULL;
  switch (type.code) {
  case SQ_TYPE_BOOL:
    return "bool";
  case SQ_TYPE_FLOAT8_E4M3FN:
    return "f8E4M3FN";
  case SQ_TYPE_FLOAT8_E5M2:
    return "f8E5M2";
  case SQ_TYPE_FLOAT8_E8M0FNU:
    return "f8E8M0FNU";
  default:
    return NULL;
  }
}

/// What precedes the width in a type's name, or NULL.
static const char *name_prefix(uint8_t code) {
  switch (code) {
  case SQ_TYPE_INT:
    return "i";
  case SQ_TYPE_UINT:
    return "ui";
  case SQ_TYPE_FLOAT:
    return "f";
  case SQ_TYPE_BFLOAT:
    return "bf";
  default:
    return NULL;
  }
}

const char *sq_type_name(sq_dtype type, char text[SQ_TYPE_NAME_SIZE]) {
  const char *fixed = fixed_name(type), *prefix = name_prefix(type.code);
  if (fixed)
    snprintf(text, SQ_TYPE_NAME_SIZE, "%s", fixed);
  else if (!prefix)
    snprintf(text, SQ_TYPE_NAME_SIZE, "DLPack type code %u of %u bits",
             (unsigned)type.code, (unsigned)type.bits);
  else if (type.lanes == 1)
    snprintf(text, SQ_TYPE_NAME_SIZE, "%s%u", prefix, (unsigned)type.bits);
  else
    snprintf(text, SQ_TYPE_NAME_SIZE, "%ux%s%u", (unsigned)type.lanes, prefix,
             (unsigned)type.bits);
  return text;
}
