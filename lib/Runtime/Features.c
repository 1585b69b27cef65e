//===- Features.c - Does this CPU have what the code needs? -------*- C -*-===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Runs before any generated code, so that a model on the wrong machine is a
// message instead of a SIGILL. A name that the table lacks is refused: it may
// stand for instructions that this runtime has never heard of.
//
//===----------------------------------------------------------------------===//

#include "Common.h"

#include <string.h>

/// A comma-separated list under construction, in a fixed space.
typedef struct name_list {
  char text[200];
  size_t size;
} name_list;

static void append(name_list *list, const char *name, size_t size) {
  const char *separator = list->size ? ", " : "";
  size_t needed = size + strlen(separator);
  // What doesn't fit is dropped; the list is never cut within a name.
  if (list->size + needed + 1 > sizeof list->text)
    return;
  memcpy(list->text + list->size, separator, strlen(separator));
  memcpy(list->text + list->size + strlen(separator), name, size);
  list->size += needed;
  list->text[list->size] = 0;
}

static const sq_feature *find(const sq_feature_table *table, const char *name,
                              size_t size) {
  for (size_t i = 0; i < table->size; ++i) {
    const sq_feature *feature = &table->features[i];
    if (strlen(feature->name) == size && !memcmp(feature->name, name, size))
      return feature;
  }
  return NULL;
}

sq_status sq_check_features(const char *required, const sq_cpu *cpu,
                            const sq_feature_table *table, sq_message message) {
  name_list missing = {{0}, 0}, disabled = {{0}, 0}, unknown = {{0}, 0};
  for (const char *name = required; *name;) {
    size_t size = strcspn(name, ",");
    const sq_feature *feature = find(table, name, size);
    if (size == 0)
      ; // An empty list, or a stray comma.
    else if (!feature)
      append(&unknown, name, size);
    else if ((cpu->words[feature->word] & feature->mask) != feature->mask)
      append(&missing, name, size);
    else if ((cpu->words[0] & feature->os_mask) != feature->os_mask)
      append(&disabled, name, size);
    name += size;
    name += *name == ',';
  }

  if (missing.size)
    return sq_fail(message, SQ_ERROR_CPU_FEATURES,
                   "this CPU lacks features that the model was compiled for: "
                   "%s; compile it for this CPU",
                   missing.text);
  if (disabled.size)
    return sq_fail(message, SQ_ERROR_CPU_FEATURES,
                   "the operating system has not enabled the registers of: %s; "
                   "enable them, or compile the model without these features",
                   disabled.text);
  if (unknown.size)
    return sq_fail(message, SQ_ERROR_CPU_FEATURES,
                   "the model needs CPU features that this runtime cannot "
                   "check: %s; compile it without them, or with a newer "
                   "sparse-quant",
                   unknown.text);
  return SQ_OK;
}

#if !defined(__x86_64__) && !defined(__aarch64__)
// Elsewhere nothing can be checked, so only code without features is let in.
sq_cpu sq_host_cpu(const sq_feature_table **table) {
  static const sq_feature_table none = {NULL, 0};
  *table = &none;
  return (sq_cpu){{0}};
}
#endif
