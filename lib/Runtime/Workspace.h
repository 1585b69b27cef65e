//===- Workspace.h - Temporaries that stay from call to call ------*- C -*-===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef SPARSE_QUANT_LIB_RUNTIME_WORKSPACE_H
#define SPARSE_QUANT_LIB_RUNTIME_WORKSPACE_H

#include <setjmp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/// Memory that calls have used and may use again.
typedef struct sq_block {
  void *data;
  size_t capacity;
  bool used;
} sq_block;

/// How many blocks a workspace keeps; what is beyond goes back to malloc.
enum { SQ_WORKSPACE_BLOCKS = 32 };

/// The temporaries of a context: one for each that a call has at a time.
typedef struct sq_workspace {
  sq_block blocks[SQ_WORKSPACE_BLOCKS];
  size_t num_blocks;
  /// Where a call goes on when there is no memory, and what was asked for.
  jmp_buf out_of_memory;
  uint64_t wanted;
  /// Of the call that this call is made in, on the same thread.
  struct sq_workspace *outer;
} sq_workspace;

/// Between these two, `workspace` serves what this thread allocates.
void sq_workspace_enter(sq_workspace *workspace);
void sq_workspace_leave(sq_workspace *workspace);
void sq_workspace_free(sq_workspace *workspace);

/// What generated code allocates with (lib/CodeGen/Artifact/Emit.cpp). Without
/// memory, sq_allocate leaves the call by `out_of_memory`; outside of a
/// workspace it returns NULL.
void *sq_allocate(uint64_t alignment, uint64_t size);
void sq_release(void *data);

#ifdef __cplusplus
}
#endif

#endif // SPARSE_QUANT_LIB_RUNTIME_WORKSPACE_H
