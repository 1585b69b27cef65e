//===----------------------------------------------------------------------===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef SPARSE_QUANT_DIALECT_SQ_IR_SQOPS_TD
#define SPARSE_QUANT_DIALECT_SQ_IR_SQOPS_TD

include "mlir/Dialect/Bufferization/IR/BufferizableOpInterface.td"
include "mlir/IR/OpAsmInterface.td"
include "mlir/Interfaces/DestinationStyleOpInterface.td"
include "mlir/Interfaces/InferTypeOpInterface.td"
include "mlir/Interfaces/SideEffectInterfaces.td"
include "mlir/Interfaces/TilingInterface.td"
include "sparse-quant/Dialect/SQ/IR/SQAttributes.td"

class SQ_Op<string mnemonic, list<Trait> traits = []>
    : Op<SQ_Dialect, mnemonic, traits>;

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
    The value of entry `name` of the file `source`, row-major. `source` is a
    path relative to the module's directory of weights (an option of the pass
    that reads it). Without `at`, the file is a safetensors file and `name` is
    an entry of it; with `at = N`, the tensor's little-endian elements start at
    byte N of the file (llama2.c checkpoints).

    The stored element type may be narrower than the result's (f16 or bf16 for
    an f32 result): the widening is exact. The bytes are memory-mapped when a
    pass evaluates them and never become text.

    Without `source` the entry belongs to the artifact's own weight file, where
    `at` is its offset from the start of that file; that is what
    `sq-pack-weights` leaves.

    ```mlir
    %w = sq.parameter "model.norm.weight" from "model.safetensors" : tensor<64xf32>
    %v = sq.parameter "wq.0" from "stories.bin" at 131100 : tensor<64x64xf32>
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

def SQ_MaskOp : SQ_Op<"mask", [Pure,
    TypesMatchWith<"mask has the input's shape and element type i1", "input",
                   "mask", "::mlir::sq::detail::getMaskType($_self)">]> {
  let summary = "Chooses the elements that stay";
  let description = [{
    Computes which elements of `input` the pattern keeps; `true` is "keep".

    * `magnitude(%w)`: the score is |w|, and -0.0 scores 0.
    * `wanda(%w, %norms)`: the score is |w| * norms[k] with k along the axis
      (Sun et al., arXiv 2306.11695).
    * `scores(%s)`: the input is the score itself.

    ```
    mask[i] = pattern keeps i, given score(input) along axis
    ```

    A NaN score is undefined behavior at run time and an error at compile time.

    ```mlir
    %m = sq.mask magnitude(%w) nm<2:4> : tensor<8x16xf32>
    %n = sq.mask wanda(%w, %norms) nm<2:4> : tensor<8x16xf32>, tensor<16xf32>
    %b = sq.mask scores(%s) block<4x4, 0.5> : tensor<8x16xf32>
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
}

def SQ_ApplyMaskOp : SQ_Op<"apply_mask", [Pure,
    AllTypesMatch<["input", "result"]>,
    TypesMatchWith<"mask has the input's shape and element type i1", "input",
                   "mask", "::mlir::sq::detail::getMaskType($_self)">]> {
  let summary = "Zeroes the elements that a mask drops";
  let description = [{
    ```
    result[i] = mask[i] ? input[i] : zero
    ```

    `zero` is +0.0, also where the input is -0.0 or NaN; for integer and
    narrow-float codes it is the zero code. A `select`, not a multiplication:
    an infinity that is dropped leaves no NaN.

    ```mlir
    %s = sq.apply_mask %w, %m : tensor<8x16xf32>
    ```

    Rule: SQ-APPLY-1 input, mask and result have one shape.
  }];
  let arguments = (ins AnyRankedTensor:$input, SQ_MaskTensor:$mask);
  let results = (outs AnyRankedTensor:$result);
  let assemblyFormat = "$input `,` $mask attr-dict `:` type($input)";
}

//===----------------------------------------------------------------------===//
// Quantizing
//===----------------------------------------------------------------------===//

def SQ_QuantizeOp : SQ_Op<"quantize", [Pure]> {
  let summary = "Real values to codes and scales";
  let description = [{
    ```
    scale[g] = scaleRule(format, { input[i] : i in group g })
    values[i] = encode(input[i] / scale[group(i)])    // nearest even, saturating
    ```

    Results: the codes, the scales, then the zero points (asymmetric) or the
    per-tensor scale (nvfp4). With `static(...)` the scales are operands and
    the op has the codes as its only result: calibrated scales, which no mask
    can change.

    ```mlir
    %q, %s = sq.quantize %x to int<8, row>
        : tensor<?x64xf32> -> tensor<?x64xi8>, tensor<?x1xf32>
    %c = sq.quantize %x static(%s : tensor<8x1xf32>) to int<8, row>
        : tensor<8x64xf32> -> tensor<8x64xi8>
    ```

    NaN in the input is undefined behavior at run time, except for `mx`, whose
    block scale becomes NaN; it is an error at compile time.

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
}

def SQ_DequantizeOp : SQ_Op<"dequantize", [Pure]> {
  let summary = "Codes and scales to real values";
  let description = [{
    ```
    result[i] = decode(values[i]) * scale[group(i)]               // symmetric
    result[i] = (values[i] - zeroPoint[group(i)]) * scale[group(i)]
    ```

    Each product is rounded once to f32.

    ```mlir
    %x = sq.dequantize %q, %s from int<8, row>
        : tensor<8x64xi8>, tensor<8x1xf32> -> tensor<8x64xf32>
    ```

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
}

//===----------------------------------------------------------------------===//
// Packing
//===----------------------------------------------------------------------===//

def SQ_PackOp : SQ_Op<"pack", [Pure]> {
  let summary = "Codes to the reference packed layout";
  let description = [{
    Keeps the codes that the mask keeps, as a little-endian bit string per row,
    and the mask as a bitmap (numerics.md, NUM-L rules):

    ```
    payload : [N, P]          i8   P = bytes of the widest row
    bitmap  : [N, ceil(K/8)]  i8   bit k%8 of byte k/8 is mask[n, k]
    ```

    Without a mask the matrix is dense and there is no bitmap.

    ```mlir
    %p, %b = sq.pack %q mask(%m) : tensor<8x16xi4>, tensor<8x16xi1>
        -> tensor<8x4xi8>, tensor<8x2xi8>
    %d = sq.pack %q : tensor<8x16xi4> -> tensor<8x8xi8>
    ```

    A row that keeps more codes than P holds is undefined behavior at run time
    and an error at compile time.

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
}

def SQ_UnpackOp : SQ_Op<"unpack", [Pure]> {
  let summary = "The reference packed layout back to codes";
  let description = [{
    The inverse of `sq.pack`; dropped elements get the zero code.

    ```mlir
    %q = sq.unpack %p bitmap(%b) : tensor<8x4xi8>, tensor<8x2xi8> -> tensor<8x16xi4>
    ```

    Rules: SQ-UNPACK-1 codes are of rank 2 and at most 8 bits wide;
    SQ-UNPACK-3 and -4 are SQ-PACK-3 and -4.
  }];
  let arguments = (ins SQ_ByteTensor:$payload, Optional<SQ_ByteTensor>:$bitmap);
  let results = (outs AnyRankedTensor:$values);
  let assemblyFormat = [{
    $payload (`bitmap` `(` $bitmap^ `)`)? attr-dict
    `:` type($payload) (`,` type($bitmap)^)? `->` type($values)
  }];
  let hasVerifier = 1;
}

//===----------------------------------------------------------------------===//
// sq.matmul
//===----------------------------------------------------------------------===//

def SQ_TensorOrMemRef : AnyTypeOf<[AnyRankedTensor, AnyNon0RankedMemRef],
                                  "ranked tensor or memref">;

def SQ_MatmulOp : SQ_Op<"matmul", [
    AttrSizedOperandSegments, DestinationStyleOpInterface,
    DeclareOpInterfaceMethods<MemoryEffectsOpInterface>,
    DeclareOpInterfaceMethods<ReifyRankedShapedTypeOpInterface,
        ["reifyResultShapes"]>]> {
  let summary = "Matrix product with packed, quantized, perhaps sparse weights";
  let description = [{
    ```
    W[n, k]   = decode(weights)                       // 0 where dropped
    X[m, k]   = input, or decode(input codes)         // with activationFormat
    out[m, n] = init[m, n] + sum over k of X[m, k] * W[n, k]
    ```

    The weights are `payload`, `bitmap` (sparse only) and `scales` in the
    layout of `sq.pack` with the format's groups along K. The input is f32 of
    shape [M, K], or with `activationFormat` the codes and scales that
    `sq.quantize` makes (per token: `row` scope).

    Destination style, and tileable along M and N. The sum's order is
    unspecified within f32 rounding; where both formats are integers the sum
    over a scale group is exact in i32.

    `pattern` says how the bitmap was made; it is a promise to kernels (a kernel
    for `nm<2:4>` may rely on it) and absent for dense weights. `kernel` is the
    decision of `sq-select-kernels`.

    ```mlir
    %y = sq.matmul ins(%x : tensor<4x64xf32>)
        weights(%p, bitmap(%b), scales(%s) : tensor<8x32xi8>, tensor<8x8xi8>, tensor<8x1xf32>)
        outs(%init : tensor<4x8xf32>) {format = #sq.int<8, row>, pattern = #sq.nm<2:4>}
        -> tensor<4x8xf32>
    ```

    Rules: SQ-MM-1 operands are of rank 2 and their M, N, K agree; SQ-MM-2
    payload and bitmap follow SQ-PACK-3 and -4; SQ-MM-3 weight scales have the
    types that the format asks for; SQ-MM-4 a pattern comes with a bitmap, and
    only with it; SQ-MM-5 the input is f32 without an activation format, and
    has its code type and scales with one; SQ-MM-6 activation scales do not
    vary along K (they could not leave the sum); SQ-MM-7 weights are symmetric.
  }];
  let arguments = (ins
      SQ_TensorOrMemRef:$input, Variadic<SQ_TensorOrMemRef>:$inputScales,
      SQ_TensorOrMemRef:$payload, Optional<SQ_TensorOrMemRef>:$bitmap,
      Variadic<SQ_TensorOrMemRef>:$scales, SQ_TensorOrMemRef:$init,
      SQ_AnyFormat:$format, OptionalAttr<SQ_AnyFormat>:$activationFormat,
      OptionalAttr<SQ_AnyPattern>:$pattern, OptionalAttr<StrAttr>:$kernel);
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
    ::mlir::MutableOperandRange getDpsInitsMutable() { return getInitMutable(); }
  }];
  let hasVerifier = 1;
}

#endif // SPARSE_QUANT_DIALECT_SQ_IR_SQOPS_TD
