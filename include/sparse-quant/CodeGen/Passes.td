//===----------------------------------------------------------------------===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef SPARSE_QUANT_CODEGEN_PASSES_TD
#define SPARSE_QUANT_CODEGEN_PASSES_TD

include "mlir/Pass/PassBase.td"

def SelectKernels : Pass<"sq-select-kernels", "::mlir::ModuleOp"> {
  let summary = "Write the kernel that each sq.matmul gets onto the op";
  let description = [{
    Sets `kernel` on each `sq.matmul` to the row of the kernel table of the
    module's target (`sq-attach-target`) that fits best: of a CPU's
    (`lib/CodeGen/CPU/KernelRows.cpp`) the one that is expected to take the least
    time, of a GPU's (`lib/CodeGen/GPU/KernelRows.cpp`) the one for the op's
    formats, if all of the module's architectures have it.

    On a CPU, `cost` is the prediction: for the op's M, or for 1 and 128 rows of
    activations where M is dynamic, which count alike. There a kernel for many
    rows comes with `manyInputs`, the first number of them for which it is
    expected to be the faster one. On a GPU, an input that was widened from f16
    or bf16 is read without being widened, as tensor cores multiply both.

    A remark has the prediction and that of the next best kernel: passed, or
    missed, with the reason, where a kernel that is expected to be as fast or
    faster doesn't fit, or weights are stored or multiplied that are zeros. A
    decision that is already there is kept if the table allows it, and is an
    error with the reason if not.

    Needs: the packed level (`sq-pack-weights`).
    Guarantees: every `sq.matmul` has a legal `kernel`, on a CPU with a `cost`.

    Before:
    ```mlir
    sq.matmul ... {format = #sq.int<8, row>, pattern = #sq.nm<2:4>}
    ```
    After:
    ```mlir
    sq.matmul ... {cost = [#sq.cost<inputs = 1, ns = 5120, ..., bound = memory>],
        format = #sq.int<8, row>, kernel = "cpu.decode-rows", pattern = #sq.nm<2:4>}
    ```
  }];
  let dependentDialects = ["::mlir::sq::SQDialect"];
  let options = [
    Option<"lanes", "lanes", "unsigned", /*default=*/"16",
           "f32 lanes of a vector register of the target, for a module that "
           "has none">,
    Option<"isa", "isa", "::mlir::sq::VectorISA",
           /*default=*/"::mlir::sq::VectorISA::None",
           "what the target has beyond generic vectors, for a module that "
           "has none",
           [{::mlir::sq::getVectorISAValues()}]>,
    Option<"prefer", "prefer", "std::string", /*default=*/"",
           "kernel to take wherever it fits, whatever it is expected to take, "
           "such as cpu.tile-dot or cpu.tile-panel:48 (from 48 rows of "
           "activations on)">,
  ];
}

#endif // SPARSE_QUANT_CODEGEN_PASSES_TD
