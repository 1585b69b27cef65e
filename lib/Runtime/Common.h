//===- Common.h - Messages, hashing, CPU features -----------------*- C -*-===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The runtime is plain C11 over libc: it is linked into every artifact, and an
// artifact must not drag in a C++ library. Everything here has hidden
// visibility; sq_get_api alone is exported.
//
// This file knows nothing of models; the unit tests, in C++, include it too.
//
//===----------------------------------------------------------------------===//
#ifndef SPARSE_QUANT_LIB_RUNTIME_COMMON_H
#define SPARSE_QUANT_LIB_RUNTIME_COMMON_H

#include "sparse-quant-c/artifact.h"
#include "sparse-quant-c/runtime.h"

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

//===----------------------------------------------------------------------===//
// Message.c
//===----------------------------------------------------------------------===//

/// Where a message goes; `text` may be NULL.
typedef struct sq_message {
  char *text;
  size_t size;
} sq_message;

/// Writes the message, cut to the space there is, and returns `status`: so a
/// check is `return sq_fail(...)`.
sq_status sq_fail(sq_message message, sq_status status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/// "SQ_ERROR_SHAPE" and so on; "unknown status" for other numbers.
const char *sq_status_name(sq_status status);

/// Room for any name that sq_type_name makes.
enum { SQ_TYPE_NAME_SIZE = 40 };

/// Writes MLIR's spelling, such as "f32" or "i8", and returns `text`.
const char *sq_type_name(sq_dtype type, char text[SQ_TYPE_NAME_SIZE]);

//===----------------------------------------------------------------------===//
// Hash.c
//===----------------------------------------------------------------------===//

/// XXH64 with seed 0, which is llvm::xxHash64.
uint64_t sq_hash(const void *data, size_t size);

//===----------------------------------------------------------------------===//
// Features.c, FeaturesX86.c, FeaturesAArch64.c
//===----------------------------------------------------------------------===//

enum { SQ_CPU_WORDS = 12 };

/// The words that a CPU describes itself with. Which is which is up to the
/// architecture's file; a test makes its own.
typedef struct sq_cpu {
  uint32_t words[SQ_CPU_WORDS];
} sq_cpu;

/// One feature: present if all bits of `mask` are set in the word, and so are
/// those of `os_mask` in word 0, which is what the operating system enabled.
typedef struct sq_feature {
  const char *name;
  uint32_t word;
  uint32_t mask;
  uint32_t os_mask;
} sq_feature;

typedef struct sq_feature_table {
  const sq_feature *features;
  size_t size;
} sq_feature_table;

extern const sq_feature_table sq_x86_features;
extern const sq_feature_table sq_aarch64_features;

/// Describes the CPU that this runs on, and the table that reads it.
sq_cpu sq_host_cpu(const sq_feature_table **table);

/// Checks a comma-separated list of feature names.
sq_status sq_check_features(const char *required, const sq_cpu *cpu,
                            const sq_feature_table *table, sq_message message);

#ifdef __cplusplus
}
#endif

#endif // SPARSE_QUANT_LIB_RUNTIME_COMMON_H
