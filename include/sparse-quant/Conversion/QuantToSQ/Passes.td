//===----------------------------------------------------------------------===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef SPARSE_QUANT_CONVERSION_QUANTTOSQ_PASSES_TD
#define SPARSE_QUANT_CONVERSION_QUANTTOSQ_PASSES_TD

include "mlir/Pass/PassBase.td"

def ConvertQuantToSQPass : Pass<"convert-quant-to-sq", "::mlir::ModuleOp"> {
  let summary = "quant ops and `!quant.uniform` types to sq";
  let description = [{
    `quant.qcast` becomes an `sq.quantize` with static scales, `quant.dcast` an
    `sq.dequantize` with the same, `quant.scast` nothing. A tensor of
    `!quant.uniform` elements becomes a tensor of their storage type; so do
    function signatures, calls, `scf` results, and what ops of the `tensor`
    dialect carry. The scales become constants:

    | type | format | axis |
    | --- | --- | --- |
    | per layer | `int<b, tensor>` | |
    | per axis d | `int<b, row>` | one other than d, the last if it can be |
    | sub-channel | `int<b, row>` or `int<b, group = G>` | the last dimension if its blocks are longer than one element |

    Where a block spans several rows, each gets a copy of its scale. Signed
    storage becomes the symmetric format; unsigned storage the asymmetric one,
    with i32 zero points.

    Needs: to run before canonicalization, which folds
    `quant.dcast(quant.qcast(x))` to `x`.
    Guarantees: no quant op and no quantized type is left, or the pass fails and
    the first op that can't be expressed has an error that says why:

    * an expressed type other than f32, scalars, unranked tensors, storage wider
      than 8 bits: sq has none of them;
    * a nonzero zero point of signed storage: sq has zero points for unsigned
      codes only; and unsigned codes with a scale for each group;
    * encoding to a range other than the format's: `i8` means [-128, 127], but
      `int<8>` has no -128. Write `i8<-127:127>`, or set `allow-narrow-range`
      where nothing saturates at -128. Decoding reads any code, -128 too;
    * an op other than those above that computes on quantized values.

    Numbers: scales are rounded from f64 to f32, as `lower-quant-ops` does.
    `quant` leaves rounding open; sq rounds the quotient to the nearest, ties to
    even, adds the zero point and saturates. `lower-quant-ops` truncates toward
    zero and converts before it clamps, so that out of range its result is
    undefined. Where x / scale is an integer in range, and in all of decoding,
    the two agree bit for bit.

    Before:
    ```mlir
    %q = quant.qcast %x : tensor<2x4xf32>
        to tensor<2x4x!quant.uniform<i8<-127:127>:f32:0, {0.5, 0.25}>>
    ```
    After:
    ```mlir
    %s = arith.constant dense<[[0.5], [0.25]]> : tensor<2x1xf32>
    %q = sq.quantize %x static(%s : tensor<2x1xf32>) to int<8, row>
        : tensor<2x4xf32> -> tensor<2x4xi8>
    ```
  }];
  let options = [
    Option<"allowNarrowRange", "allow-narrow-range", "bool", /*default=*/"false",
           "Encode to [-2^(b-1), 2^(b-1)-1] as to the symmetric format, which "
           "has one code less">,
  ];
  let dependentDialects = ["::mlir::arith::ArithDialect",
                           "::mlir::quant::QuantDialect",
                           "::mlir::sq::SQDialect"];
}

#endif // SPARSE_QUANT_CONVERSION_QUANTTOSQ_PASSES_TD
