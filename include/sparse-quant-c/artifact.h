//===- artifact.h - What the compiler puts into a model -----------*- C -*-===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The contract between sq-compile, which emits these tables as LLVM constants,
// and lib/Runtime, which reads them. Programs that only run models need no more
// than runtime.h; tools that report on a model read sq_artifact_desc.
//
// == Linking ==
// The compiler emits one object: the functions and the constant
// `sq_artifact` (hidden visibility). `model.so` is that object and
// libSQRuntime.a, linked with `-shared -Wl,-u,sq_get_api` (nothing in the
// object refers to the runtime) and, if the code uses OpenMP, libomp. An object
// meant for static linking beside others has its descriptor under another,
// external name, which the program passes in sq_open_options::artifact.
//
// With several targets there is a table in place of `sq_artifact`: the constant
// `sq_variants` (hidden), and a whole descriptor for each of them. They share
// the weight file, and differ in the target, the code, and the layers' kernels.
//
// A model for GPUs has the constant `sq_gpu` (hidden) beside `sq_artifact`: the
// code of its kernels, which the runtime loads onto the device when the model
// is opened. Its functions run on the CPU and only launch: all memory that they
// are given is the device's.
//
// == Calling convention ==
// `entry(args)` has one args[i] per memref, in this order:
//   args[0]              the weights: memref<?xi8>, the whole .sqw file
//   then num_args        inputs and states as sq_function_desc::args has them
//   then num_results     the results, whose memory the caller made
// Each points to MLIR's descriptor of a strided memref of that rank:
//   { T *allocated; T *aligned; int64_t offset;
//     int64_t sizes[rank]; int64_t strides[rank]; }
// which is what a function with `llvm.emit_c_interface` takes. All are compact
// row-major with offset 0. The weights start at a page boundary, states at 64
// bytes; inputs and results only have the alignment of their element type.
// Inputs and weights may be read-only memory. No two overlap, except that
// inputs may overlap inputs. Scalars are memrefs of rank 0.
//
// == The weight file ==
// A safetensors file: u64 little-endian length of the header, the header (JSON,
// padded with spaces so that the data starts at a multiple of 64), the data.
//   weights_header_hash = XXH64, seed 0, of the length and the header
//   weights_data_hash   = XXH64, seed 0, of all the bytes after the header
// (llvm::xxHash64). The header's `__metadata__` must hold the latter as text
// under SQ_WEIGHTS_HASH_KEY, 16 lower-case hex digits: then the header's hash,
// which opening a model always checks, tells apart files of equal shape.
//
// == Target features ==
// `target_features` lists, comma-separated and by LLVM's names without '+', the
// features whose instructions the code may contain: "avx2,fma,avx512f,...".
// Opening a model fails where one is missing *or unknown to the runtime*.
// Tuning flags (prefer-256-bit, fast-gather, ...) don't belong there.
//
//===----------------------------------------------------------------------===//
#ifndef SPARSE_QUANT_C_ARTIFACT_H
#define SPARSE_QUANT_C_ARTIFACT_H

#include "sparse-quant-c/runtime.h"

#ifdef __cplusplus
extern "C" {
#endif

/// The descriptor's name in a model.so for one target.
#define SQ_ARTIFACT_SYMBOL "sq_artifact"
/// The table's name in a model.so for several.
#define SQ_VARIANTS_SYMBOL "sq_variants"
/// Where the weight file's own header keeps the hash of its data.
#define SQ_WEIGHTS_HASH_KEY "sq.data_hash"

/// The kernels' name in a model.so for GPUs.
#define SQ_GPU_SYMBOL "sq_gpu"

enum {
  /// Text for the driver to compile; else machine code.
  SQ_GPU_IMAGE_PTX = 1,
  /// For the architecture alone, not for later ones: "sm_90a".
  SQ_GPU_IMAGE_EXACT = 2
};

/// All kernels, for one architecture.
typedef struct sq_gpu_image {
  const char *arch;
  /// 10 * major + minor: 89, 90, 120.
  uint32_t capability;
  uint32_t flags;
  /// CUDA's version that a driver has to support: 12050 is 12.5.
  uint32_t cuda;
  uint32_t reserved;
  const void *data;
  uint64_t size;
} sq_gpu_image;

typedef struct sq_gpu_desc {
  /// SQ_ABI_VERSION of the compiler.
  uint32_t abi_version;
  uint32_t num_images;
  const sq_gpu_image *images;
  /// What generated code launches, by their place in this table.
  const char *const *kernels;
  uint32_t num_kernels;
  uint32_t reserved;
} sq_gpu_desc;

/// A buffer that lives in the context. Its extents are fixed.
typedef struct sq_state_desc {
  const char *name;
  uint8_t type_code;
  uint8_t bits;
  uint16_t lanes;
  uint32_t rank;
  const int64_t *shape;
} sq_state_desc;

/// What became of one layer; strings are "" where there is nothing to say.
typedef struct sq_layer_desc {
  const char *name;
  /// "nm2:4", "dense", ...
  const char *pattern;
  /// "int4.g64", "f32", "int8.row x int8.row" with quantized activations, ...
  const char *format;
  /// The kernel that was selected; where functions differ, all, joined by "+".
  const char *kernel;
  /// How sparsity came before quantization: "given", "commuted", "rescaled",
  /// "mask recomputed", ...
  const char *order;
  /// Why the layer stays dense, or why no faster kernel computes it.
  const char *why_dense;
  int64_t rows;
  int64_t columns;
  /// Bytes as f32, and as packed, metadata and scales included.
  uint64_t dense_bytes;
  uint64_t packed_bytes;
  /// ||W - decode(packed)|| / ||W||, Frobenius; negative if not measured.
  double relative_error;
  /// Function by function, the kernel and what it is expected to take.
  const char *cost;
} sq_layer_desc;

typedef struct sq_artifact_desc {
  /// SQ_ABI_VERSION of the compiler.
  uint32_t abi_version;
  /// 0; no flags are defined.
  uint32_t flags;
  /// "sq-compile 0.1.0 (LLVM 22.1.8)".
  const char *producer;
  const char *model_name;
  const char *target_triple;
  const char *target_cpu;
  const char *target_features;
  /// Bytes of the weight file; 0 for a model without weights.
  uint64_t weights_size;
  uint64_t weights_header_hash;
  uint64_t weights_data_hash;
  /// NULL, or the weight file's bytes inside the artifact itself, aligned to
  /// 64. Then there is no file to open.
  const void *embedded_weights;
  uint32_t num_functions;
  uint32_t num_states;
  uint32_t num_layers;
  uint32_t reserved;
  const sq_function_desc *functions;
  const sq_state_desc *states;
  const sq_layer_desc *layers;
} sq_artifact_desc;

/// The same model for several CPUs, from the least to the best.
typedef struct sq_variants_desc {
  /// SQ_ABI_VERSION of the compiler.
  uint32_t abi_version;
  uint32_t num_variants;
  const sq_artifact_desc *const *variants;
} sq_variants_desc;

#ifdef __cplusplus
}
#endif

#endif // SPARSE_QUANT_C_ARTIFACT_H
