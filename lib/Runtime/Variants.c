//===- Variants.c - Which of an artifact's variants runs here -------------===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Internal.h"

/// What a model.so has: one descriptor, or a table of several. Weak, because a
/// program that links models statically has none of these names.
extern const sq_artifact_desc sq_artifact
    __attribute__((weak, visibility("hidden")));
extern const sq_variants_desc sq_variants
    __attribute__((weak, visibility("hidden")));

static const sq_artifact_desc *get_variant(uint32_t index) {
  const sq_artifact_desc *single = &sq_artifact;
  const sq_variants_desc *table = &sq_variants;
  if (single)
    return index == 0 ? single : NULL;
  if (table && table->abi_version == SQ_ABI_VERSION &&
      index < table->num_variants)
    return table->variants[index];
  return NULL;
}

sq_status sq_check_cpu(const sq_artifact_desc *artifact, sq_message message) {
  if (!artifact->target_features)
    return SQ_OK;
  const sq_feature_table *table;
  sq_cpu cpu = sq_host_cpu(&table);
  return sq_check_features(artifact->target_features, &cpu, table, message);
}

sq_status sq_model_variant(uint32_t index, const sq_artifact_desc **variant,
                           char *text, size_t size) {
  sq_message message = {text, size};
  if (!variant)
    return sq_fail(message, SQ_ERROR_NULL_POINTER,
                   "variant needs a place for its result: 'variant' is NULL");
  *variant = get_variant(index);
  if (!*variant)
    return sq_fail(message, SQ_ERROR_INVALID_ARGUMENT,
                   "the artifact has no variant %u", index);
  return sq_check_cpu(*variant, message);
}

sq_status sq_choose_variant(const sq_artifact_desc **variant,
                            sq_message message) {
  *variant = get_variant(0);
  if (!*variant)
    return sq_fail(message, SQ_ERROR_NULL_POINTER,
                   "no model is linked with this runtime: set 'artifact'");
  uint32_t count = 1;
  while (get_variant(count))
    ++count;
  // A single one is checked like any other that was asked for.
  if (count == 1)
    return SQ_OK;
  char reason[SQ_MESSAGE_SIZE] = "";
  sq_message ignored = {reason, sizeof reason};
  for (uint32_t i = count; i-- > 0;) {
    *variant = get_variant(i);
    if (sq_check_cpu(*variant, ignored) == SQ_OK)
      return SQ_OK;
  }
  return sq_fail(message, SQ_ERROR_CPU_FEATURES,
                 "none of the %u variants runs here; the least, %s: %s", count,
                 (*variant)->target_cpu, reason);
}
