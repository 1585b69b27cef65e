//===----------------------------------------------------------------------===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef SPARSE_QUANT_TARGET_PASSES_TD
#define SPARSE_QUANT_TARGET_PASSES_TD

include "mlir/Pass/PassBase.td"

def AttachTarget : Pass<"sq-attach-target", "::mlir::ModuleOp"> {
  let summary = "Write what the module is compiled for onto it";
  let description = [{
    Looks a CPU up and describes it in `dlti.target_system_spec`, which
    `sq-select-kernels` and `sq-lower-linear` read. An existing description is
    replaced. Of the device "CPU" they read these keys, and no others:

    | key | what |
    | --- | --- |
    | `sq.isa` | the instructions for bytes that kernels may use, a name as in the options of `sq-lower-linear`; has to be there |
    | `max_vector_op_width` | bits of a vector of the kernels, a multiple of 256; has to be there |
    | `L1_cache_size_in_bytes`, `L2_...`, `L3_...` | first-level data, second level, a core's share of the third |
    | `sq.cores` | that a product runs on |
    | `sq.frequency_mhz` | |
    | `sq.core_read_mb_per_s`, `sq.read_mb_per_s` | what one core reads from memory, and all of them |
    | `sq.int8_ops_per_cycle`, `sq.f32_ops_per_cycle` | of a core: int8 dot products and f32 multiply-adds, which count as two |
    | `sq.expand_cycles` | that 64 nibbles take to be expanded by a bitmap, beyond what kernels' costs say; bytes take half of it; none if left out |

    What is left out is taken from the slowest CPU that has such vectors. The
    numbers are those of `lib/Target/CPUFacts.cpp`, where each has its source.

    `cuda:sm_80,sm_90a` describes GPUs, as the device "GPU" beside others that
    the module has. Of it passes read `sq.archs`, the architectures;
    `sq.shared_bytes` of a block and `sq.multiprocessors` are what all of them
    have (`lib/Target/GPUTarget.cpp`).

    Before:
    ```mlir
    module {}
    ```
    After:
    ```mlir
    module attributes {dlti.target_system_spec = #dlti.target_system_spec<
      "CPU" = #dlti.target_device_spec<
        "sq.isa" = "avx512-vbmi2", "max_vector_op_width" = 512, ...>>} {}
    ```
  }];
  let options = [
    Option<"target", "target", "std::string", /*default=*/"",
           "What sq-compile takes as --target: 'native', a CPU, or triple:cpu; "
           "or 'cuda:' and a list of GPU architectures">,
  ];
  let dependentDialects = ["::mlir::DLTIDialect"];
}

#endif // SPARSE_QUANT_TARGET_PASSES_TD
