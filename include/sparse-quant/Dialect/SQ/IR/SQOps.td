//===----------------------------------------------------------------------===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef SPARSE_QUANT_DIALECT_SQ_IR_SQOPS_TD
#define SPARSE_QUANT_DIALECT_SQ_IR_SQOPS_TD

include "mlir/IR/OpAsmInterface.td"
include "mlir/Interfaces/DestinationStyleOpInterface.td"
include "mlir/Interfaces/InferTypeOpInterface.td"
include "mlir/Interfaces/SideEffectInterfaces.td"
include "sparse-quant/Dialect/SQ/IR/SQAttributes.td"

class SQ_Op<string mnemonic, list<Trait> traits = []>
    : Op<SQ_Dialect, mnemonic, traits>;

def SQ_ReifiesShapes : DeclareOpInterfaceMethods<
    ReifyRankedShapedTypeOpInterface, ["reifyResultShapes"]>;

def SQ_AnyPattern : Attr<
    CPred<"::mlir::isa_and_present<::mlir::sq::SparsityPatternAttrInterface>($_self)">,
    "a sparsity pattern"> {
  let storageType = "::mlir::sq::SparsityPatternAttrInterface";
  let returnType = "::mlir::sq::SparsityPatternAttrInterface";
  let convertFromStorage = "$_self";
}

def SQ_AnyFormat : Attr<
    CPred<"::mlir::isa_and_present<::mlir::sq::QuantFormatAttrInterface>($_self)">,
    "a quantized format"> {
  let storageType = "::mlir::sq::QuantFormatAttrInterface";
  let returnType = "::mlir::sq::QuantFormatAttrInterface";
  let convertFromStorage = "$_self";
}

def SQ_F32Tensor : RankedTensorOf<[F32]>;
def SQ_MaskTensor : RankedTensorOf<[I1]>;
def SQ_ByteTensor : RankedTensorOf<[I8]>;
def SQ_Axis : DefaultValuedProp<I64Prop, "-1">;

//===----------------------------------------------------------------------===//
// sq.parameter
//===----------------------------------------------------------------------===//

def SQ_ParameterOp : SQ_Op<"parameter", [
    Pure, DeclareOpInterfaceMethods<OpAsmOpInterface, ["getAsmResultNames"]>]> {
  let summary = "A named tensor of a weight file";
  let description = [{
    A constant whose elements stay in a file, row-major and little-endian.

    | form | the elements are |
    | --- | --- |
    | `"n" from "f"` | entry `n` of the safetensors file `f` |
    | `"n" from "f" at B` | at byte B of the raw file `f` (llama2.c checkpoints); `n` is a name only |
    | `"n" at B` | at byte B of the artifact's own weight file, which `sq-pack-weights` writes |
    | `"n"` | in the artifact's own weight file, at an offset that isn't known yet |

    `f` is relative to the directory of weights, an option of the pass that
    reads it. An entry may be narrower than the result (f16 or bf16 for f32);
    widening is exact. In the artifact's own file it stays narrow where all
    readers can widen elements themselves: products, and `tensor.extract`. Passes map the file into memory; the bytes never become
    text or attributes, so a module of gigabytes stays a page long.

    The op is pure: it can be duplicated, moved and erased like a constant.

    ```mlir
    %w = sq.parameter "model.norm.weight" from "model.safetensors" : tensor<64xf32>
    %v = sq.parameter "wq.0" from "stories.bin" at 131100 : tensor<64x64xf32>
    %p = sq.parameter "fc.payload" at 448 : tensor<32x32xi8>
    ```

    Rules: SQ-PARAM-1 the name is not empty; SQ-PARAM-2 the type is static;
    SQ-PARAM-3 `at` is not negative.
  }];
  let arguments = (ins StrAttr:$name, OptionalAttr<StrAttr>:$source,
                       OptionalAttr<I64Attr>:$offset);
  let results = (outs AnyRankedTensor:$result);
  let assemblyFormat = [{
    $name (`from` $source^)? (`at` $offset^)? attr-dict `:` type($result)
  }];
  let hasVerifier = 1;
}

//===----------------------------------------------------------------------===//
// Masking
//===----------------------------------------------------------------------===//

def SQ_MaskOp : SQ_Op<"mask", [Pure, SQ_ReifiesShapes,
    TypesMatchWith<"mask has the input's shape and element type i1", "input",
                   "mask", "::mlir::sq::detail::getMaskType($_self)">]> {
  let summary = "Chooses the elements that stay";
  let description = [{
    Computes which elements of `input` the pattern keeps; `true` is "keep".

    ```
    score[i] = |input[i]|                  // magnitude(%w); -0.0 scores 0
    score[i] = |input[i]| * norms[i_axis]  // wanda(%w, %norms)
    score[i] = input[i]                    // scores(%s)
    mask[i]  = pattern keeps i, given score along axis
    ```

    `norms[k]` is the L2 norm of input k over calibration data (Sun et al.,
    arXiv 2306.11695). `axis` is the dimension that groups and rows run along:
    -1, the last, unless given; for a weight [N, K] that is K. A tensor of
    another rank is a matrix whose rows are the runs along the axis.

    The op only decides; `sq.apply_mask` zeroes. Its scores must not come from
    quantized values, which `sq-verify-order` proves before code is generated.

    A NaN score is undefined behavior at run time and an error where the
    compiler evaluates weights. Tileable along all dimensions but the axis for
    `nm` and `unstructured<s, row>`; along none for the other patterns.

    ```mlir
    %m = sq.mask magnitude(%w) nm<2:4> : tensor<8x16xf32>
    %n = sq.mask wanda(%w, %norms) nm<2:4> : tensor<8x16xf32>, tensor<16xf32>
    %b = sq.mask scores(%s) block<4x4, 0.5> : tensor<8x16xf32>
    %t = sq.mask magnitude(%w) unstructured<0.5, row> axis = 0 : tensor<8x16xf32>
    ```

    Rules: SQ-MASK-1 `norms` are given for wanda and only for it; SQ-MASK-2
    norms are one f32 per element of the axis; SQ-MASK-3 the axis lies in the
    rank; SQ-MASK-4 block patterns take rank 2.
  }];
  let arguments = (ins SQ_Criterion:$criterion, SQ_F32Tensor:$input,
                       Optional<SQ_F32Tensor>:$norms, SQ_AnyPattern:$pattern,
                       SQ_Axis:$axis);
  let results = (outs SQ_MaskTensor:$mask);
  let assemblyFormat = [{
    $criterion `(` $input (`,` $norms^)? `)` custom<Bare>($pattern) (`axis` `=` $axis^)?
    attr-dict `:` type($input) (`,` type($norms)^)?
  }];
  let hasVerifier = 1;
  let hasFolder = 1;
  let hasCanonicalizer = 1;
}

def SQ_ApplyMaskOp : SQ_Op<"apply_mask", [Pure, SQ_ReifiesShapes,
    AllTypesMatch<["input", "result"]>,
    TypesMatchWith<"mask has the input's shape and element type i1 [SQ-APPLY-1]", "input",
                   "mask", "::mlir::sq::detail::getMaskType($_self)">]> {
  let summary = "Zeroes the elements that a mask drops";
  let description = [{
    ```
    result[i] = mask[i] ? input[i] : zero
    ```

    `zero` is +0.0, also where the input is -0.0 or NaN; for codes it is code 0.
    A `select`, not a multiplication: an infinity that is dropped leaves no NaN.
    Tileable along every dimension.

    ```mlir
    %s = sq.apply_mask %w, %m : tensor<8x16xf32>
    ```

    On codes (`tensor<8x16xi4>`) the op is legal, so that foreign models can be
    described and repaired, but it breaks the order that this dialect is for:
    `sq-enforce-order` moves it in front of the quantizer.

    Rules: SQ-APPLY-1 input, mask and result have one shape, and the mask's
    elements are i1; SQ-APPLY-2 the elements are integers, or floats that have a
    zero.
  }];
  let arguments = (ins AnyRankedTensor:$input, SQ_MaskTensor:$mask);
  let results = (outs AnyRankedTensor:$result);
  let assemblyFormat = "$input `,` $mask attr-dict `:` type($input)";
  let hasVerifier = 1;
  let hasFolder = 1;
  let hasCanonicalizer = 1;
}

//===----------------------------------------------------------------------===//
// Quantizing
//===----------------------------------------------------------------------===//

def SQ_QuantizeOp : SQ_Op<"quantize", [Pure, SQ_ReifiesShapes]> {
  let summary = "Real values to codes and scales";
  let description = [{
    ```
    scale[g] = scaleRule(format, { input[i] : i in group g })
    values[i] = encode(input[i] / scale[group(i)])    // nearest even, saturating
    ```

    Results: the codes, in the input's shape; the scales; then the zero points
    (asymmetric) or the scale of the tensor (nvfp4). A scale tensor keeps the
    rank, so that scales broadcast against values. For an input [N, K] and the
    axis K:

    | scope | scales |
    | --- | --- |
    | `tensor` | [1, 1] |
    | `row` | [N, 1] |
    | `group = G` | [N, ceil(K/G)], the last group of a row may be short |

    With `static(...)` the scales are operands and the op has the codes as its
    only result: calibrated scales, which no mask can change. They are finite
    and not negative; a scale of 0 gives the code of 0.0.

    ```mlir
    %q, %s = sq.quantize %x to int<8, row>
        : tensor<?x64xf32> -> tensor<?x64xi8>, tensor<?x1xf32>
    %a, %t, %z = sq.quantize %x to int<8, row, asymmetric>
        : tensor<?x64xf32> -> tensor<?x64xi8>, tensor<?x1xf32>, tensor<?x1xi32>
    %c = sq.quantize %w static(%u : tensor<8x1xf32>) to int<8, row>
        : tensor<8x64xf32> -> tensor<8x64xi8>
    ```

    NaN or infinity in the input is undefined behavior at run time, except for
    `mx`, whose block scale becomes NaN. Where the compiler evaluates weights,
    NaN is an error for every format, infinity for every one but `mx`. Tileable
    along all dimensions but the axis; along none where the scales are computed
    and one of them belongs to the tensor; along all where static scales don't
    vary along the axis.

    Rules: SQ-QUANT-1 the codes have the input's shape and the format's code
    type; SQ-QUANT-2 the scales have the types that the format asks for;
    SQ-QUANT-3 the axis lies in the rank.
  }];
  let arguments = (ins SQ_F32Tensor:$input,
                       Variadic<AnyRankedTensor>:$staticScales,
                       SQ_AnyFormat:$format, SQ_Axis:$axis);
  let results = (outs AnyRankedTensor:$values,
                      Variadic<AnyRankedTensor>:$scales);
  let assemblyFormat = [{
    $input (`static` `(` $staticScales^ `:` type($staticScales) `)`)?
    `to` custom<Bare>($format) (`axis` `=` $axis^)? attr-dict
    `:` type($input) `->` type($values) (`,` type($scales)^)?
  }];
  let builders = [
    OpBuilder<(ins "::mlir::Value":$input,
                   "::mlir::sq::QuantFormatAttrInterface":$format,
                   CArg<"int64_t", "-1">:$axis)>];
  let extraClassDeclaration = [{
    bool isStatic() { return !getStaticScales().empty(); }
    /// The scales in force, whether computed or given.
    ::mlir::ValueRange getUsedScales() {
      return isStatic() ? ::mlir::ValueRange(getStaticScales())
                        : ::mlir::ValueRange(getScales());
    }
  }];
  let hasVerifier = 1;
  let hasFolder = 1;
  let hasCanonicalizer = 1;
}

def SQ_DequantizeOp : SQ_Op<"dequantize", [Pure, SQ_ReifiesShapes]> {
  let summary = "Codes and scales to real values";
  let description = [{
    ```
    result[i] = decode(values[i]) * scale[group(i)]                  // symmetric
    result[i] = (values[i] - zeroPoint[group(i)]) * scale[group(i)]  // asymmetric
    result[i] = decode(values[i]) * scale[group(i)] * tensorScale    // nvfp4
    ```

    Each product is rounded once to f32, from left to right. Every code has a
    value, also those that `sq.quantize` never emits. Scales are finite and not
    negative, but for `mx`, where a NaN scale makes its block NaN; others are
    undefined behavior. `sq.dequantize` with format and scales of
    `sq.quantize` is not the identity: it gives the rounded values.

    ```mlir
    %x = sq.dequantize %q, %s from int<8, row>
        : tensor<8x64xi8>, tensor<8x1xf32> -> tensor<8x64xf32>
    %y = sq.dequantize %c, %s2, %t from nvfp4
        : tensor<8x64xf4E2M1FN>, tensor<8x4xf8E4M3FN>, tensor<1x1xf32> -> tensor<8x64xf32>
    ```

    Tileable along all dimensions, but not along the axis where the scope is a
    group.

    Rules: SQ-DEQUANT-1 codes and result have one shape, and the codes the
    format's code type; SQ-DEQUANT-2 the scales have the types that the format
    asks for; SQ-DEQUANT-3 the axis lies in the rank.
  }];
  let arguments = (ins AnyRankedTensor:$values, Variadic<AnyRankedTensor>:$scales,
                       SQ_AnyFormat:$format, SQ_Axis:$axis);
  let results = (outs SQ_F32Tensor:$result);
  let assemblyFormat = [{
    $values `,` $scales `from` custom<Bare>($format) (`axis` `=` $axis^)? attr-dict
    `:` type($values) `,` type($scales) `->` type($result)
  }];
  let hasVerifier = 1;
  let hasFolder = 1;
}

def SQ_WidenOp : SQ_Op<"widen", [Pure, SQ_ReifiesShapes]> {
  let summary = "Codes as bytes or as f16, for kernels that multiply these";
  let description = [{
    ```
    i8    result[i] = decode(values[i]) * integerFactor   // exact, -128..127
    f16   result[i] = decode(values[i])                   // exact
    ```

    `integerFactor` is 2 for E2M1, 8 for E2M3, 64 for MXINT8, and 1 for integers
    (numerics.md, NUM-F14), so a widened code times its scale is `integerFactor`
    times the value. Kernels that multiply bytes take activations so; where codes
    are bytes of integers already, there is nothing to widen. Tensor cores that
    don't multiply the codes of both sides multiply them as f16, which holds the
    elements of all formats without a zero point but NF4.

    ```mlir
    %i = sq.widen %c from mx<f4E2M1FN> : tensor<4x64xf4E2M1FN> -> tensor<4x64xi8>
    %h = sq.widen %e from fp8<f8E4M3FN, row> : tensor<4x64xf8E4M3FN> -> tensor<4x64xf16>
    ```

    Rules: SQ-WIDEN-1 codes and result have one shape, and the codes the format's
    code type; SQ-WIDEN-2 the format has no zero point, and an integer factor for
    i8, elements that f16 holds for f16.
  }];
  let arguments = (ins AnyRankedTensor:$values, SQ_AnyFormat:$format);
  let results = (outs TensorOf<[I8, F16]>:$result);
  let assemblyFormat = [{
    $values `from` custom<Bare>($format) attr-dict
    `:` type($values) `->` type($result)
  }];
  let hasVerifier = 1;
}

//===----------------------------------------------------------------------===//
// Packing
//===----------------------------------------------------------------------===//

def SQ_PackOp : SQ_Op<"pack", [Pure]> {
  let summary = "Codes to the reference packed layout";
  let description = [{
    Keeps the codes that the mask keeps, as a little-endian bit string per row,
    and the mask as a bitmap (numerics.md, NUM-L rules). For codes [N, K] of
    `bits` bits:

    ```
    payload : [N, P]          i8   the kept codes of row n, in order: code j in
                                   bits j*bits.. of the row, from bit 0 of byte 0
                                   upwards; the rest of the row is zero
    bitmap  : [N, ceil(K/8)]  i8   bit k%8 of byte k/8 is mask[n, k]; the bits
                                   behind column K-1 are zero
    ```

    P is chosen by whoever builds the op: ceil(kept * bits / 8) for the row that
    keeps most, which the pattern tells (2 of each 4, K = 64, i8: 32). Without a
    mask the matrix is dense and there is no bitmap.

    ```mlir
    %p, %b = sq.pack %q mask(%m) : tensor<8x16xi4>, tensor<8x16xi1>
        -> tensor<8x4xi8>, tensor<8x2xi8>
    %d = sq.pack %q : tensor<8x16xi4> -> tensor<8x8xi8>
    ```

    A row that keeps more codes than P holds is undefined behavior, and isn't
    folded.

    Rules: SQ-PACK-1 codes are of rank 2 and at most 8 bits wide; SQ-PACK-2 a
    bitmap comes with a mask, and only with it; SQ-PACK-3 the payload has a row
    for each row and at most ceil(K*bits/8) bytes in it (exactly, when dense);
    SQ-PACK-4 the bitmap is [N, ceil(K/8)]; SQ-PACK-5 mask and codes have one
    shape.
  }];
  let arguments = (ins AnyRankedTensor:$values, Optional<SQ_MaskTensor>:$mask);
  let results = (outs SQ_ByteTensor:$payload, Optional<SQ_ByteTensor>:$bitmap);
  let assemblyFormat = [{
    $values (`mask` `(` $mask^ `)`)? attr-dict `:` type($values) (`,` type($mask)^)?
    `->` type($payload) (`,` type($bitmap)^)?
  }];
  let hasVerifier = 1;
  let hasFolder = 1;
}

def SQ_UnpackOp : SQ_Op<"unpack", [Pure]> {
  let summary = "The reference packed layout back to codes";
  let description = [{
    ```
    values[n, k] = bit k%8 of bitmap[n, k/8]
                 ? code number (kept columns of row n before k) of payload row n
                 : 0
    ```

    The inverse of `sq.pack`; dropped elements get code 0. A bitmap that keeps
    more codes than a payload row holds, or columns behind the last one, is
    undefined behavior, and isn't folded.

    ```mlir
    %q = sq.unpack %p bitmap(%b) : tensor<8x4xi8>, tensor<8x2xi8> -> tensor<8x16xi4>
    %d = sq.unpack %r : tensor<8x8xi8> -> tensor<8x16xi4>
    ```

    Rules: SQ-UNPACK-1 codes are of rank 2 and at most 8 bits wide; SQ-UNPACK-2
    the payload has a row for each row and at most ceil(K*bits/8) bytes in it
    (exactly, when dense); SQ-UNPACK-3 the bitmap is [N, ceil(K/8)].
  }];
  let arguments = (ins SQ_ByteTensor:$payload, Optional<SQ_ByteTensor>:$bitmap);
  let results = (outs AnyRankedTensor:$values);
  let assemblyFormat = [{
    $payload (`bitmap` `(` $bitmap^ `)`)? attr-dict
    `:` type($payload) (`,` type($bitmap)^)? `->` type($values)
  }];
  let hasVerifier = 1;
  let hasFolder = 1;
}

//===----------------------------------------------------------------------===//
// sq.matmul
//===----------------------------------------------------------------------===//

def SQ_TensorOrMemRef : AnyTypeOf<[AnyRankedTensor, AnyNon0RankedMemRef],
                                  "ranked tensor or memref">;

def SQ_MatmulOp : SQ_Op<"matmul", [
    AttrSizedOperandSegments, DestinationStyleOpInterface,
    DeclareOpInterfaceMethods<MemoryEffectsOpInterface>, SQ_ReifiesShapes]> {
  let summary = "Matrix product with packed, quantized, perhaps sparse weights";
  let description = [{
    ```
    W[n, k]   = decode(weights)                       // 0 where dropped
    X[m, k]   = input, or decode(input codes)         // with activationFormat
    out[m, n] = init[m, n] + sum over k of X[m, k] * W[n, k]
    ```

    | operand | shape | what |
    | --- | --- | --- |
    | input | [M, K] | f32, f16 or bf16, or with `activationFormat` codes |
    | input scales | of `activationFormat`, axis K | none without one; per token means [M, 1] |
    | payload | [N, P] i8 | the codes of W as `sq.pack` lays them out |
    | bitmap | [N, ceil(K/8)] i8 | which elements are stored; none for dense weights |
    | scales | of `format`, axis K | the scales (and the tensor scale) of W; `half` has none |
    | outs | [M, N] f32 | what the product is added to |

    `layout` says how the weights lie in memory. `rows`, the default, is the
    table's. `tiles` (numerics.md, NUM-L5 to L9) is for dot-product
    instructions: 16 rows of codes interleaved by four bytes, the positions of
    N:M weights in place of a bitmap, the scales of 16 rows beside each other.
    Then payload, bitmap and scales have ceil(N/16) rows. Where the pattern keeps
    a varying number of weights, the payload has one row, the codes of all tiles
    behind each other, and the bitmap's rows say where a tile's codes start.
    `blocks` (NUM-L10) is like `tiles`, but stores of a pattern whose blocks are
    16 rows high, or a multiple of that, only the vectors that are kept; the
    bitmap's place take their indices.
    `fragments` (NUM-L11) is for the tensor cores of GPUs: the registers of a
    warp, with metadata for 2:4 in the bitmap's place; what they are multiplied
    as depends on the activations. Weights of 16 bits (`half`) are stored so
    alone, dense or 2:4. Kernels alone read these three; they have no
    reference lowering and can't be tiled along N.

    The order of summation is unspecified within f32 rounding; where both
    formats are integers, sums over a scale group are exact.

    `pattern` says how the bitmap was made; it is a promise to kernels (a kernel
    for `nm<2:4>` may rely on it) and absent for dense weights. A pattern without
    a bitmap says that dropped weights are stored, too, as zeros: where that is
    faster, the pattern is a fact about the weights and none about memory.
    `kernel` is the
    decision of `sq-select-kernels`, `cost` what it expects that to take: for
    the op's M, or for one of decoding and one of prefill where M is dynamic.
    There `kernel` may be one for many rows of activations: fewer than
    `manyInputs` then go to the one for few that the kernel table names beside it.

    With `overwrites` the product is not added to `outs` but to zeros, and what
    `outs` holds doesn't matter.

    Destination style: on tensors the result takes the place of `outs`, and
    bufferization reuses its buffer; on memrefs there is no result. Tileable
    along M by any size, and along N by sizes that divide it, since N is static.
    Not along K: where a column of a sparse row starts in the payload is known
    only by counting the bitmap's bits in front of it, and a tile would have to
    begin at a scale group, a bitmap byte and a payload byte at once. Kernels
    walk K inside.

    ```mlir
    %y = sq.matmul ins(%x : tensor<4x64xf32>)
        weights(%p, bitmap(%b), scales(%s) : tensor<8x32xi8>, tensor<8x8xi8>, tensor<8x1xf32>)
        outs(%init : tensor<4x8xf32>) {format = #sq.int<8, row>, pattern = #sq.nm<2:4>}
        -> tensor<4x8xf32>
    %z = sq.matmul ins(%c, %t : tensor<4x64xi8>, tensor<4x1xf32>)   // int8 activations
        weights(%d, scales(%u) : tensor<8x64xi8>, tensor<8x1xf32>)  // dense
        outs(%init : tensor<4x8xf32>)
        {format = #sq.int<8, row>, activationFormat = #sq.int<8, row>} -> tensor<4x8xf32>
    ```

    Rules: SQ-MM-1 operands are of rank 2, their M, N, K agree, N and K are
    static, `outs` is f32 and the payload i8; SQ-MM-2 payload and bitmap have
    the sizes that SQ-PACK-3 and SQ-PACK-4 give them; SQ-MM-3 weight scales have
    the types that the format asks for; SQ-MM-4 a bitmap comes with a pattern;
    SQ-MM-5 the input is f32, f16 or bf16 without an activation format, and with
    one, which has codes, of its code type, or i8 or f16 where those codes were
    widened (`sq.widen`), and has its scales;
    SQ-MM-6 activation scales that vary along K are powers of two (others could
    not leave the sum); SQ-MM-7 weights are symmetric; SQ-MM-8 all operands are
    tensors and there is a result, or all are memrefs and there is none; SQ-MM-9
    weights in tiles and fragments have their sizes, and in tiles with bitmaps a
    payload that is neither larger than that of dense weights nor smaller than
    what follows its last code; SQ-MM-10
    weights in the layout `blocks` have a pattern of blocks of whole tiles, and
    those in `fragments` a format and a pattern that fragments can have; `half`
    is stored in fragments alone;
    SQ-MM-11 `manyInputs` is above zero, and there only where there is a `kernel`
    and M is dynamic.
  }];
  let arguments = (ins
      SQ_TensorOrMemRef:$input, Variadic<SQ_TensorOrMemRef>:$inputScales,
      SQ_TensorOrMemRef:$payload, Optional<SQ_TensorOrMemRef>:$bitmap,
      Variadic<SQ_TensorOrMemRef>:$scales, SQ_TensorOrMemRef:$init,
      SQ_AnyFormat:$format, OptionalAttr<SQ_AnyFormat>:$activationFormat,
      OptionalAttr<SQ_AnyPattern>:$pattern, OptionalAttr<StrAttr>:$kernel,
      OptionalAttr<I64Attr>:$manyInputs, UnitAttr:$overwrites,
      OptionalAttr<TypedArrayAttrBase<SQ_CostAttr, "predicted costs">>:$cost,
      DefaultValuedAttr<SQ_LayoutAttr, "::mlir::sq::Layout::Rows">:$layout);
  let results = (outs Optional<AnyRankedTensor>:$result);
  let assemblyFormat = [{
    `ins` `(` $input (`,` $inputScales^)? `:` type($input) (`,` type($inputScales)^)? `)`
    `weights` `(` custom<Weights>($payload, $bitmap, $scales, type($payload),
                                  type($bitmap), type($scales)) `)`
    `outs` `(` $init `:` type($init) `)` attr-dict (`->` type($result)^)?
  }];
  let extraClassDeclaration = [{
    /// Reduction extent K, from the input.
    int64_t getReductionExtent() {
      return ::llvm::cast<::mlir::ShapedType>(getInput().getType()).getDimSize(1);
    }
    /// Whether the input is what codes stand for (sq.widen).
    bool hasWidenedInput() {
      ::mlir::sq::QuantFormatAttrInterface format = getActivationFormatAttr();
      return format && ::llvm::cast<::mlir::ShapedType>(getInput().getType())
                               .getElementType() != format.getCodeType();
    }
    /// N, from the destination: payloads of tiles have fewer rows.
    int64_t getNumRows() {
      return ::llvm::cast<::mlir::ShapedType>(getInit().getType()).getDimSize(1);
    }
    /// The sizes of weights in tiles, and in fragments.
    ::mlir::sq::numerics::TileLayout getTileLayout();
    ::mlir::sq::numerics::FragmentLayout getFragmentLayout();
    ::mlir::MutableOperandRange getDpsInitsMutable() { return getInitMutable(); }
  }];
  let hasVerifier = 1;
}

//===----------------------------------------------------------------------===//
// sq.attention
//===----------------------------------------------------------------------===//

def SQ_AttentionOp : SQ_Op<"attention", [
    AttrSizedOperandSegments, DestinationStyleOpInterface,
    DeclareOpInterfaceMethods<MemoryEffectsOpInterface>, SQ_ReifiesShapes]> {
  let summary = "Causal attention with a cache of keys and values";
  let description = [{
    Appends the keys and values of T tokens, the first of which is number
    `position`, to layer `layer` of the caches; then each token attends to all
    that came up to it, itself included:

    ```
    p(t)                                     = position + t
    keys[layer, h, p(t) / 16, d, p(t) % 16]  = key[t, h, d]
    values[layer, h, p(t), d]                = value[t, h, d]

    s[t, h, g, p]   = scale * sum over d of query[t, h, g, d] * K[h, p, d]
    w[t, h, g, p]   = exp(s[t, h, g, p] - m[t, h, g])      // 0 where p > p(t)
    out[t, h, g, d] = (sum over p of w[t, h, g, p] * V[h, p, d])
                      / (sum over p of w[t, h, g, p])
    ```

    with m the largest s of a row, K and V what the layer's caches hold. Query
    heads share a key and value head in groups: h counts those, g the members.

    | operand | shape | what |
    | --- | --- | --- |
    | query | [T, H, G, D] f32 | |
    | key, value | [T, H, D] f32, f16 or i8 | of the caches' element type |
    | scales | twice [T, H, 1] f32 | with i8 only: `sq.quantize` of key and value to `int<8, row>` made them |
    | outs | [T, H, G, D] f32 | overwritten; its content doesn't matter |
    | key cache | [L, H, C/16, D, 16] | 16 positions beside each other, so that a vector of scores needs no sum across lanes |
    | value cache | [L, H, C, D] | |
    | scale caches | twice [L, H, C] f32 | with i8 only: K[h, p, d] is code times scale[h, p] |

    `position` + T beyond C is undefined behavior; who calls a compiled function
    has it checked. The order of summation is unspecified within f32 rounding.

    Destination style: on tensors the results take the places of `outs` and of
    the caches, and bufferization updates their buffers in place; on memrefs
    there is no result.

    ```mlir
    %r:3 = sq.attention ins(%q, %k, %v : tensor<1x2x4x64xf32>, tensor<1x2x64xf32>, tensor<1x2x64xf32>)
        at %pos outs(%init : tensor<1x2x4x64xf32>)
        caches(%kc, %vc : tensor<8x2x16x64x16xf32>, tensor<8x2x256x64xf32>)
        {layer = 0, scale = 0.125 : f32}
        -> tensor<1x2x4x64xf32>, tensor<8x2x16x64x16xf32>, tensor<8x2x256x64xf32>
    ```

    Rules: SQ-ATT-1 query and outs are f32 of one shape [T, H, G, D], with all
    but T static; SQ-ATT-2 key and value are [T, H, D], both f32, both f16 or
    both i8; SQ-ATT-3 the caches have the shapes of the table and the key's
    element type, and C is a multiple of 128 (kernels read whole blocks);
    SQ-ATT-4 codes of type i8, and only they, come with two tensors of scales
    and two caches of them; SQ-ATT-5 `layer` is one of the caches'; SQ-ATT-6
    all operands are tensors and there is a result for `outs` and each cache, or
    all are memrefs and there is none.
  }];
  let arguments = (ins
      SQ_TensorOrMemRef:$query, SQ_TensorOrMemRef:$key, SQ_TensorOrMemRef:$value,
      Variadic<SQ_TensorOrMemRef>:$scales, Index:$position,
      SQ_TensorOrMemRef:$init, Variadic<SQ_TensorOrMemRef>:$caches,
      I64Attr:$layer, F32Attr:$scale);
  let results = (outs Variadic<AnyRankedTensor>:$results);
  let assemblyFormat = [{
    `ins` `(` $query `,` $key `,` $value (`,` $scales^)? `:` type($query) `,`
        type($key) `,` type($value) (`,` type($scales)^)? `)`
    `at` $position `outs` `(` $init `:` type($init) `)`
    `caches` `(` $caches `:` type($caches) `)` attr-dict (`->` type($results)^)?
  }];
  let extraClassDeclaration = [{
    /// Positions that lie beside each other in the key cache.
    static constexpr int64_t kLanes = 16;
    /// What C is a multiple of.
    static constexpr int64_t kPositionBlock = 128;
    ::mlir::MutableOperandRange getDpsInitsMutable() {
      return ::mlir::MutableOperandRange(
          *this, getInitMutable().getOperandNumber(), 1 + getCaches().size());
    }
    /// The caches' extents.
    int64_t getNumHeads() { return getExtent(getQuery(), 1); }
    int64_t getGroupSize() { return getExtent(getQuery(), 2); }
    int64_t getHeadDim() { return getExtent(getQuery(), 3); }
    ::mlir::Type getCacheType() {
      return ::llvm::cast<::mlir::ShapedType>(getKey().getType())
          .getElementType();
    }
    bool hasScales() { return !getScales().empty(); }
    static int64_t getExtent(::mlir::Value value, unsigned dim) {
      return ::llvm::cast<::mlir::ShapedType>(value.getType()).getDimSize(dim);
    }
  }];
  let hasVerifier = 1;
}

#endif // SPARSE_QUANT_DIALECT_SQ_IR_SQOPS_TD
