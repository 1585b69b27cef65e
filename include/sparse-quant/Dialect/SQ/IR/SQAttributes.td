//===----------------------------------------------------------------------===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef SPARSE_QUANT_DIALECT_SQ_IR_SQATTRIBUTES_TD
#define SPARSE_QUANT_DIALECT_SQ_IR_SQATTRIBUTES_TD

include "mlir/IR/AttrTypeBase.td"
include "sparse-quant/Dialect/SQ/IR/SQBase.td"
include "sparse-quant/Dialect/SQ/IR/SQInterfaces.td"

class SQ_Attr<string name, string attrMnemonic, list<Trait> traits>
    : AttrDef<SQ_Dialect, name, traits> {
  let mnemonic = attrMnemonic;
  let genVerifyDecl = 1;
}

//===----------------------------------------------------------------------===//
// Sparsity patterns
//===----------------------------------------------------------------------===//

class SQ_Pattern<string name, string mnemonic>
    : SQ_Attr<name, mnemonic,
        [DeclareAttrInterfaceMethods<SQ_SparsityPatternAttrInterface>]>;

def SQ_NMAttr : SQ_Pattern<"NM", "nm"> {
  let summary = "N of each M consecutive elements stay";
  let description = [{
    ```
    for each run of m consecutive elements along the axis:
      keep the n with the largest scores     // ties: the lower index
    ```

    A last group that the edge cuts short counts as padded with zeros, which
    compete: of the scores (-1, -2) the pattern `nm<2:4>` keeps none.

    ```mlir
    #sq.nm<2:4>    // half stays: the pattern of NVIDIA's sparse tensor cores
    #sq.nm<16:32>  // half stays, with more freedom
    ```

    Rule: SQ-NM-1 1 <= n <= m <= 64.
  }];
  let parameters = (ins "int64_t":$n, "int64_t":$m);
  let assemblyFormat = "`<` $n `` `:` `` $m `>`";
}

def SQ_UnstructuredAttr : SQ_Pattern<"Unstructured", "unstructured"> {
  let summary = "A fraction of the elements of a row or of the tensor is dropped";
  let description = [{
    ```
    for each row (scope row), or for the tensor (scope tensor), of n elements:
      drop the floor(sparsity * n) with the smallest scores
                                             // ties: the lower index stays
    ```

    A row is all elements along the axis. Over a tensor, index means position
    in row-major order with the axis moved last.

    ```mlir
    #sq.unstructured<0.5, row>     // half of each output's weights
    #sq.unstructured<0.9, tensor>  // a tenth stays, anywhere
    ```

    Rules: SQ-UNSTRUCTURED-1 the fraction lies in [0, 1]; SQ-UNSTRUCTURED-2 the
    scope is `row` or `tensor`.
  }];
  let parameters = (ins APFloatParameter<"dropped fraction">:$sparsity,
                        EnumParameter<SQ_Scope>:$scope);
  let assemblyFormat = "`<` custom<Fraction>($sparsity) `` `,` $scope `>`";
}

def SQ_BlockAttr : SQ_Pattern<"Block", "block"> {
  let summary = "Whole blocks stay or go";
  let description = [{
    ```
    cut the matrix into blocks of rows x cols; the edge cuts the last ones
    for each row of blocks:
      drop the floor(sparsity * blocks) with the smallest sums of scores
                                             // ties: the lower index stays
    ```

    Matrices only (SQ-MASK-4). `cols` counts along the axis, `rows` along the
    other one.

    ```mlir
    #sq.block<16x4, 0.75>  // blocks of 16 outputs by 4 inputs, a quarter stays
    ```

    Rules: SQ-BLOCK-1 both extents are positive; SQ-BLOCK-2 the fraction lies in
    [0, 1].
  }];
  let parameters = (ins "int64_t":$rows, "int64_t":$cols,
                        APFloatParameter<"dropped fraction">:$sparsity);
  let assemblyFormat = "`<` custom<BlockDims>($rows, $cols) `` `,` custom<Fraction>($sparsity) `` `>`";
}

//===----------------------------------------------------------------------===//
// Formats
//===----------------------------------------------------------------------===//

class SQ_Format<string name, string mnemonic>
    : SQ_Attr<name, mnemonic,
        [DeclareAttrInterfaceMethods<SQ_QuantFormatAttrInterface>]>;

def SQ_IntAttr : SQ_Format<"Int", "int"> {
  let summary = "Integer codes with a real scale";
  let description = [{
    ```
    symmetric   Q = 2^(bits-1) - 1     codes -Q..Q, i<bits>
                scale = max|x| / Q     value = code * scale
    asymmetric  Q = 2^bits - 1         codes 0..Q, i<bits>, read as unsigned
                scale = (hi - lo) / Q  value = (code - zeroPoint) * scale
                with lo = min(0, x...), hi = max(0, x...)
    ```

    One scale for the tensor (`tensor`), for all elements along the axis
    (`row`), or for `group = G` of them; f32, or f16 where `scale = f16` is
    given. `asymmetric` adds an i32 zero point per scale, represents 0.0
    exactly, and is meant for activations.

    ```mlir
    #sq.int<8, row>                      // one f32 scale per output
    #sq.int<4, group = 64, scale = f16>  // 4.25 bits a weight
    #sq.int<8, row, asymmetric>          // activations, per token
    ```

    Rules: SQ-INT-1 2 to 8 bits; SQ-INT-2 a group size is positive; SQ-INT-3 the
    scale type is f32 or f16; SQ-INT-4 asymmetric formats have an f32 scale per
    tensor or row.
  }];
  let parameters = (ins "unsigned":$bits, "::mlir::sq::Scope":$scope,
                        "int64_t":$groupSize, "::mlir::Type":$scaleType,
                        "bool":$symmetric);
  let assemblyFormat = [{
    `<` $bits `,` custom<Grouping>($scope, $groupSize) ``
        custom<IntOptions>($scaleType, $symmetric) `` `>`
  }];
}

def SQ_Fp8Attr : SQ_Format<"Fp8", "fp8"> {
  let summary = "OCP FP8 codes with a real scale";
  let description = [{
    ```
    scale = max|x| / Q     Q = 448 (f8E4M3FN) or 57344 (f8E5M2)
    value = element * scale
    ```

    The scale is an f32 for the tensor or for each row.

    ```mlir
    #sq.fp8<f8E4M3FN, row>
    ```

    Rules: SQ-FP8-1 the element type is f8E4M3FN or f8E5M2; SQ-FP8-2 the scope
    is `tensor` or `row`.
  }];
  let parameters = (ins "::mlir::Type":$element, "::mlir::sq::Scope":$scope,
                        "int64_t":$groupSize);
  let assemblyFormat = "`<` $element `,` custom<Grouping>($scope, $groupSize) `` `>`";
}

def SQ_MxAttr : SQ_Format<"Mx", "mx"> {
  let summary = "OCP Microscaling: 32 elements share a power of two";
  let description = [{
    OCP MX v1.0. Elements are f8E4M3FN, f8E5M2, f6E2M3FN, f6E3M2FN, f4E2M1FN, or
    i8 in units of 1/64; 32 along the axis share a scale, an f8E8M0FNU.

    ```
    scale = 2^(floor(log2 max|x|) - emax)   emax = exponent of the largest element
    value = element * scale
    ```

    NaN or infinity in a block makes the block's scale NaN (byte 0xFF) and its
    codes 0.

    ```mlir
    #sq.mx<f4E2M1FN>  // MXFP4: 4.25 bits a weight
    #sq.mx<i8>        // MXINT8
    ```

    Rule: SQ-MX-1 the element type is one of these six.
  }];
  let parameters = (ins "::mlir::Type":$element);
  let assemblyFormat = "`<` $element `>`";
}

def SQ_NvFp4Attr : SQ_Format<"NvFp4", "nvfp4"> {
  let summary = "E2M1 codes, an E4M3 scale per 16, an f32 scale per tensor";
  let description = [{
    ```
    tensorScale = max|x| / (6 * 448)                 f32, one per tensor
    scale       = E4M3FN(max|block| / 6 / tensorScale)   one per 16 along the axis
    value       = element * scale * tensorScale
    ```

    ```mlir
    #sq.nvfp4  // 4.5 bits a weight
    ```
  }];
  let genVerifyDecl = 0;
}

def SQ_HbfpAttr : SQ_Format<"Hbfp", "hbfp"> {
  let summary = "Hybrid block floating point: integer mantissas, shared exponent";
  let description = [{
    m = `mantissaBits` magnitude bits and a sign (HBFP8: 7, HBFP6: 5, HBFP4: 3);
    the scale is the step of the group, a power of two, an f8E8M0FNU.

    ```
    scale = 2^(ceil(log2 max|x|) - m)
    value = code * scale                   codes -(2^m - 1)..2^m - 1, i<m+1>
    ```

    A maximum that is a power of two saturates (1.0 becomes 127/128 at m = 7).
    Hence this is the one family for which quantizing a second time can change
    a value (NUM-F11).

    ```mlir
    #sq.hbfp<7, group = 64>
    ```

    Rules: SQ-HBFP-1 2 to 7 magnitude bits; SQ-HBFP-2 the scope is a group of
    positive size.
  }];
  let parameters = (ins "unsigned":$mantissaBits, "::mlir::sq::Scope":$scope,
                        "int64_t":$groupSize);
  let assemblyFormat = "`<` $mantissaBits `,` custom<Grouping>($scope, $groupSize) `` `>`";
}

def SQ_Nf4Attr : SQ_Format<"Nf4", "nf4"> {
  let summary = "NormalFloat4: 16 values of a codebook with a real scale";
  let description = [{
    The codebook of QLoRA (arXiv 2305.14314): quantiles of a normal
    distribution, seven below zero and eight above, the largest being -1 and 1.
    Codes are i4: 0 is the value 0, 1 to 8 are the positive values as they
    ascend, and -1 to -7 the negative ones as they descend (NUM-F15).

    ```
    scale = max|x|
    code  = that of the value nearest to x / scale
    value = codebook[code] * scale
    ```

    One scale for the tensor (`tensor`), for all elements along the axis
    (`row`), or for `group = G` of them; f32, or f16 where `scale = f16` is
    given.

    ```mlir
    #sq.nf4<group = 64>               // as published: 4.5 bits a weight
    #sq.nf4<group = 64, scale = f16>  // 4.25 bits
    ```

    Rules: SQ-NF4-1 a group size is positive; SQ-NF4-2 the scale type is f32 or
    f16.
  }];
  let parameters = (ins "::mlir::sq::Scope":$scope, "int64_t":$groupSize,
                        "::mlir::Type":$scaleType);
  let assemblyFormat = [{
    `<` custom<Grouping>($scope, $groupSize) ``
        custom<ScaleOption>($scaleType) `` `>`
  }];
}

def SQ_HalfAttr : SQ_Format<"Half", "half"> {
  let summary = "Floats of 16 bits, without a scale";
  let description = [{
    What is stored are the values, rounded to f16 or bf16 (to nearest even).
    There is nothing to quantize, so no op makes or decodes them: it is the
    format of weights of `sq.matmul` that a mask has thinned out and that tensor
    cores multiply as they are.

    ```mlir
    #sq.half<bf16>
    ```

    Rule: SQ-HALF-1 the element type is f16 or bf16.
  }];
  let parameters = (ins "::mlir::Type":$element);
  let assemblyFormat = "`<` $element `>`";
}

//===----------------------------------------------------------------------===//
// Predictions
//===----------------------------------------------------------------------===//

def SQ_CostAttr : SQ_Attr<"Cost", "cost", []> {
  let summary = "What a product is expected to take on the module's target";
  let description = [{
    A prediction of `sq-select-kernels`, for `inputs` rows of activations: the
    time on all cores of the target, the bytes that come from memory, the ops
    that are computed (a multiplication and its addition are two; those that a
    kernel skips don't count), and which of the two decides.

    ```mlir
    #sq.cost<inputs = 1, ns = 5120, bytes = 4231168, ops = 8388608, bound = memory>
    ```

    Rule: SQ-COST-1 `inputs` is above zero, the others aren't below it.
  }];
  let parameters = (ins "int64_t":$inputs, "int64_t":$ns, "int64_t":$bytes,
                        "int64_t":$ops, EnumParameter<SQ_Bound>:$bound);
  let assemblyFormat = "`<` struct(params) `>`";
}

#endif // SPARSE_QUANT_DIALECT_SQ_IR_SQATTRIBUTES_TD
