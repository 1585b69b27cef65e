//===- Image.c - Which code a GPU can run ---------------------------------===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// NVIDIA's rules. Machine code runs on its architecture, and on later ones of
// the same major version. PTX runs on its architecture and all later ones, if
// the driver knows that version of PTX. What is for an architecture alone
// ("sm_90a") runs there and nowhere else.
//
//===----------------------------------------------------------------------===//

#include "GPU.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/// NVIDIA's variable, for the same purpose: machine code isn't taken, so that
/// the driver compiles PTX.
static bool is_ptx_forced(void) {
  const char *value = getenv("CUDA_FORCE_PTX_JIT");
  return value && !strcmp(value, "1");
}

static bool fits(const sq_gpu_image *image, const sq_gpu_facts *facts) {
  int capability = (int)image->capability;
  if (image->flags & SQ_GPU_IMAGE_EXACT)
    return capability == facts->capability;
  if (image->flags & SQ_GPU_IMAGE_PTX)
    return capability <= facts->capability;
  return capability <= facts->capability &&
         capability / 10 == facts->capability / 10;
}

/// Machine code is loaded by any driver of its CUDA's major version.
static bool driver_knows(const sq_gpu_image *image, const sq_gpu_facts *facts) {
  int needed = (int)image->cuda;
  if (!(image->flags & SQ_GPU_IMAGE_PTX))
    needed -= needed % 1000;
  return facts->driver >= needed;
}

/// Whether `a` is better than `b`.
static bool is_better(const sq_gpu_image *a, const sq_gpu_image *b) {
  if (!b)
    return true;
  bool a_ptx = a->flags & SQ_GPU_IMAGE_PTX, b_ptx = b->flags & SQ_GPU_IMAGE_PTX;
  return a_ptx != b_ptx ? b_ptx : a->capability > b->capability;
}

static void list_archs(const sq_gpu_desc *desc, char *text, size_t size) {
  size_t length = 0;
  *text = 0;
  for (uint32_t i = 0; i < desc->num_images; ++i) {
    const char *arch = desc->images[i].arch;
    // Machine code and PTX of one architecture stand together.
    if (i > 0 && !strcmp(arch, desc->images[i - 1].arch))
      continue;
    int written = snprintf(text + length, size - length, "%s%s",
                           length ? ", " : "", arch);
    if (written < 0 || (size_t)written >= size - length)
      return;
    length += (size_t)written;
  }
}

sq_status sq_gpu_choose_image(const sq_gpu_desc *desc,
                              const sq_gpu_facts *facts,
                              const sq_gpu_image **image, sq_message message) {
  *image = NULL;
  const sq_gpu_image *too_new = NULL;
  for (uint32_t i = 0; i < desc->num_images; ++i) {
    const sq_gpu_image *candidate = &desc->images[i];
    if (!fits(candidate, facts) ||
        (is_ptx_forced() && !(candidate->flags & SQ_GPU_IMAGE_PTX)))
      continue;
    const sq_gpu_image **best =
        driver_knows(candidate, facts) ? image : &too_new;
    if (is_better(candidate, *best))
      *best = candidate;
  }
  if (*image)
    return SQ_OK;
  if (too_new)
    return sq_fail(message, SQ_ERROR_GPU_IMAGE,
                   "the GPU's driver is too old for the code: it supports CUDA "
                   "%d.%d, the code needs %u.%u; update the driver",
                   facts->driver / 1000, facts->driver % 1000 / 10,
                   too_new->cuda / 1000, too_new->cuda % 1000 / 10);
  char archs[128];
  list_archs(desc, archs, sizeof archs);
  return sq_fail(message, SQ_ERROR_GPU_IMAGE,
                 "the model has no code for this GPU, %s (sm_%d), but for %s; "
                 "compile it with --target=cuda:sm_%d or an older one",
                 facts->name, facts->capability, archs, facts->capability);
}
