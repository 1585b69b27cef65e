//===- Workspace.c - Temporaries that stay from call to call --------------===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// malloc gives megabytes back to the operating system when a call ends, and the
// next call pays a page fault for every 4 KiB of them again. So a context keeps
// what its calls have allocated.
//
//===----------------------------------------------------------------------===//

#ifndef _GNU_SOURCE
#define _GNU_SOURCE // posix_memalign
#endif

#include "Workspace.h"

#include <stdlib.h>

/// At least a cache line, which is more than generated code asks for.
enum { BLOCK_ALIGNMENT = 64 };

/// Of the call that this thread is in. Threads that OpenMP started have none.
static _Thread_local sq_workspace *current;

static void *allocate(size_t alignment, size_t size) {
  void *data;
  if (alignment < BLOCK_ALIGNMENT)
    alignment = BLOCK_ALIGNMENT;
  return posix_memalign(&data, alignment, size ? size : 1) == 0 ? data : NULL;
}

/// Up to a page, sizes are alike.
enum { PAGE = 4096 };

/// Whether a block is of about that size. Where a few bytes got the block of
/// megabytes that the call before had made, the megabytes needed a new one.
static bool is_alike(size_t capacity, size_t size) {
  size_t a = capacity < PAGE ? PAGE : capacity, b = size < PAGE ? PAGE : size;
  return a / 4 <= b && b / 4 <= a;
}

/// An unused block of `size` or, if there is none, one that can grow: the
/// smallest with room, else the largest; NULL if there is none. Without `alike`
/// any will do.
static sq_block *find_unused(sq_workspace *workspace, size_t size, bool alike) {
  sq_block *found = NULL;
  for (size_t i = 0; i < workspace->num_blocks; ++i) {
    sq_block *block = &workspace->blocks[i];
    if (block->used || (alike && !is_alike(block->capacity, size)))
      continue;
    bool fits = block->capacity >= size;
    bool found_fits = found && found->capacity >= size;
    if (!found || (fits && !found_fits) ||
        (fits == found_fits && fits == (block->capacity < found->capacity)))
      found = block;
  }
  return found;
}

/// An unused block, or a new one. NULL if there is no place for that.
static sq_block *find_block(sq_workspace *workspace, size_t size) {
  sq_block *found = find_unused(workspace, size, /*alike=*/true);
  if (!found && workspace->num_blocks < SQ_WORKSPACE_BLOCKS) {
    found = &workspace->blocks[workspace->num_blocks++];
    *found = (sq_block){0};
  }
  return found ? found : find_unused(workspace, size, /*alike=*/false);
}

static void *take(sq_workspace *workspace, size_t size) {
  sq_block *block = find_block(workspace, size);
  if (!block)
    return allocate(BLOCK_ALIGNMENT, size);
  if (!block->data || block->capacity < size) {
    free(block->data);
    block->capacity = 0;
    block->data = allocate(BLOCK_ALIGNMENT, size);
    if (!block->data)
      return NULL;
    block->capacity = size;
  }
  block->used = true;
  return block->data;
}

void *sq_allocate(uint64_t alignment, uint64_t size) {
  sq_workspace *workspace = current;
  void *data = workspace && alignment <= BLOCK_ALIGNMENT
                   ? take(workspace, size)
                   : allocate(alignment, size);
  if (!data && workspace) {
    workspace->wanted = size;
    longjmp(workspace->out_of_memory, 1);
  }
  return data;
}

void sq_release(void *data) {
  sq_workspace *workspace = current;
  for (size_t i = 0; workspace && i < workspace->num_blocks; ++i) {
    sq_block *block = &workspace->blocks[i];
    if (block->data != data)
      continue;
    block->used = false;
    return;
  }
  free(data);
}

void sq_workspace_enter(sq_workspace *workspace) {
  workspace->outer = current;
  current = workspace;
}

void sq_workspace_leave(sq_workspace *workspace) {
  current = workspace->outer;
  // All is free, unless memory ran out within the call.
  for (size_t i = 0; i < workspace->num_blocks; ++i)
    workspace->blocks[i].used = false;
}

void sq_workspace_free(sq_workspace *workspace) {
  for (size_t i = 0; i < workspace->num_blocks; ++i)
    free(workspace->blocks[i].data);
  workspace->num_blocks = 0;
}
