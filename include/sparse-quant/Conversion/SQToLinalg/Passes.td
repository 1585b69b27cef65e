//===----------------------------------------------------------------------===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef SPARSE_QUANT_CONVERSION_SQTOLINALG_PASSES_TD
#define SPARSE_QUANT_CONVERSION_SQTOLINALG_PASSES_TD

include "mlir/Pass/PassBase.td"

def ConvertSQToLinalgPass : Pass<"convert-sq-to-linalg"> {
  let summary = "The reference lowering: sq ops to linalg on tensors";
  let description = [{
    Rewrites every `sq` op but `sq.parameter` to `linalg`, `tensor`, `scf` and
    `arith` ops that compute the same bits as `lib/Numerics`, for every format,
    pattern, axis and (dynamic) shape.

    Needs: ops on tensors, so it runs before bufferization; an `sq.matmul` on
    memrefs is an error.

    Guarantees: no `sq` op is left but `sq.parameter` and, with `keep-kernels`,
    `sq.matmul` ops that another code generator takes; the result bufferizes
    with `one-shot-bufferize` and lowers to LLVM for any CPU with upstream
    passes and without library calls (codes of eight and fewer bits, f16
    scales, and rounding are integer arithmetic).

    * `sq.dequantize` is one elementwise `linalg.generic`; so is the encoding
      half of `sq.quantize`, after a reduction per scale group.
    * `sq.unpack` is one elementwise `linalg.generic` that reads the payload at
      the rank of its element: a directory of the ranks at which the bytes of
      the bitmap begin, made by a small loop nest, plus a population count.
    * `sq.pack` is a loop nest; packing belongs to compile time
      (`sq-pack-weights`), and this is its meaning, not its speed.
    * `sq.mask` counts, for each element, those that go before it: of its M for
      `nm`, but of its whole row or tensor for `unstructured`, and of its block
      row for `block`. The cost is quadratic in that number.
    * `sq.matmul` unpacks and dequantizes the weights in front of a
      `linalg.matmul`. Where weights and activations are integers, the product
      of a scale group is exact in i32 (i64 where i32 could overflow) and is
      then scaled in f32.
    * `sq.attention` becomes its definition, one `linalg.generic` a line, with
      all scores in memory at once.

    Before:

    ```mlir
    %x = sq.dequantize %q, %s from int<4, group = 32>
        : tensor<8x64xi4>, tensor<8x2xf32> -> tensor<8x64xf32>
    ```

    After:

    ```mlir
    #group = affine_map<(d0, d1) -> (d0, d1 floordiv 32)>
    %0 = tensor.empty() : tensor<8x64xf32>
    %x = linalg.generic {indexing_maps = [#id, #group, #id],
                         iterator_types = ["parallel", "parallel"]}
        ins(%q, %s : tensor<8x64xi4>, tensor<8x2xf32>)
        outs(%0 : tensor<8x64xf32>) {
    ^bb0(%code: i4, %scale: f32, %out: f32):
      %1 = arith.extsi %code : i4 to i32
      %2 = arith.sitofp %1 : i32 to f32
      %3 = arith.mulf %2, %scale : f32
      linalg.yield %3 : f32
    } -> tensor<8x64xf32>
    ```
  }];
  let options = [
    ListOption<"keepKernels", "keep-kernels", "std::string",
               "Leave an sq.matmul whose `kernel` is one of these to the code "
               "generator that has it">,
    Option<"keepAttention", "keep-attention", "bool", /*default=*/"false",
           "Leave sq.attention to sq-lower-attention">,
  ];
  let dependentDialects = [
    "::mlir::affine::AffineDialect", "::mlir::arith::ArithDialect",
    "::mlir::linalg::LinalgDialect", "::mlir::math::MathDialect",
    "::mlir::scf::SCFDialect", "::mlir::tensor::TensorDialect"];
}

#endif // SPARSE_QUANT_CONVERSION_SQTOLINALG_PASSES_TD
