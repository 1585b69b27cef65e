//===----------------------------------------------------------------------===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef SPARSE_QUANT_CONVERSION_SQTOQUANT_PASSES_TD
#define SPARSE_QUANT_CONVERSION_SQTOQUANT_PASSES_TD

include "mlir/Pass/PassBase.td"

def ConvertSQToQuantPass : Pass<"convert-sq-to-quant"> {
  let summary = "sq quantizers with constant scales to upstream's quant";
  let description = [{
    `sq.quantize static(...)` becomes `quant.qcast`, `sq.dequantize` becomes
    `quant.dcast`, and `quant.scast` stands where codes are used as integers.
    Types of functions stay: they are tensors of codes.

    Needs: integer formats and constant scales. A scale for the tensor gives the
    per-layer type, a scale for each index of one dimension the per-axis type,
    and everything else the sub-channel type.
    Guarantees: `convert-quant-to-sq` gets back the same format, axis and
    scales, except that a matrix with one row or one group has fewer ways to say
    the same. What `!quant.uniform` can't express stays, with a missed remark of
    the category `convert-sq-to-quant` that says why: scales that are computed,
    formats other than `int`, a zero scale, a last group that is short.

    Do not canonicalize the result before it is lowered: upstream folds
    `quant.dcast(quant.qcast(x))` to `x`, and `lower-quant-ops` truncates
    where sq rounds (see `convert-quant-to-sq`).

    Before:
    ```mlir
    %s = arith.constant dense<[[0.5], [0.25]]> : tensor<2x1xf32>
    %x = sq.dequantize %q, %s from int<8, row>
        : tensor<2x4xi8>, tensor<2x1xf32> -> tensor<2x4xf32>
    ```
    After:
    ```mlir
    %0 = quant.scast %q : tensor<2x4xi8>
        to tensor<2x4x!quant.uniform<i8<-127:127>:f32:0, {0.5, 0.25}>>
    %x = quant.dcast %0
        : tensor<2x4x!quant.uniform<i8<-127:127>:f32:0, {0.5, 0.25}>>
        to tensor<2x4xf32>
    ```
  }];
  let dependentDialects = ["::mlir::quant::QuantDialect"];
}

#endif // SPARSE_QUANT_CONVERSION_SQTOQUANT_PASSES_TD
