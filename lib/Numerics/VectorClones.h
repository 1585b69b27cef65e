//===- VectorClones.h - Loops for the vectors at hand -----------*- C++ -*-===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The compiler runs on any x86-64, whose vectors have four floats. Functions
// whose time is that of a loop over all weights are compiled for longer ones,
// too, and the dynamic linker takes what the CPU has. Results are the same:
// floats are neither reordered nor contracted in this folder.
//
//===----------------------------------------------------------------------===//
#ifndef SPARSE_QUANT_LIB_NUMERICS_VECTORCLONES_H
#define SPARSE_QUANT_LIB_NUMERICS_VECTORCLONES_H

#include <climits> // __GLIBC__

// Sanitizers instrument the function that chooses, which runs before they do.
#if defined(__has_feature)
#if __has_feature(address_sanitizer) ||                                        \
    __has_feature(undefined_behavior_sanitizer)
#define SQ_IS_SANITIZED
#endif
#endif
#ifdef __SANITIZE_ADDRESS__
#define SQ_IS_SANITIZED
#endif

#if defined(__x86_64__) && defined(__GLIBC__) && !defined(SQ_IS_SANITIZED)
#define SQ_VECTOR_CLONES                                                       \
  __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
#define SQ_VECTOR_CLONES
#endif

#endif // SPARSE_QUANT_LIB_NUMERICS_VECTORCLONES_H
