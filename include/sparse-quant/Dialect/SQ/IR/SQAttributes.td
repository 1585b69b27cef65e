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
    Keeps the `n` largest scores of each `m` consecutive elements along the
    axis; ties go to the lower index; a last group that the edge cuts short
    counts as padded with zeros. `1 <= n <= m <= 64`.

    Example: `#sq.nm<2:4>`, the pattern of NVIDIA's sparse tensor cores.
  }];
  let parameters = (ins "int64_t":$n, "int64_t":$m);
  let assemblyFormat = "`<` $n `` `:` `` $m `>`";
}

def SQ_UnstructuredAttr : SQ_Pattern<"Unstructured", "unstructured"> {
  let summary = "A fraction of the elements of a row or of the tensor is dropped";
  let description = [{
    Drops the floor(s * n) smallest scores of the scope (`row` or `tensor`);
    ties keep the lower index. `0 <= s <= 1`.

    Example: `#sq.unstructured<0.5, row>`.
  }];
  let parameters = (ins APFloatParameter<"dropped fraction">:$sparsity,
                        EnumParameter<SQ_Scope>:$scope);
  let assemblyFormat = "`<` custom<Fraction>($sparsity) `` `,` $scope `>`";
}

def SQ_BlockAttr : SQ_Pattern<"Block", "block"> {
  let summary = "Whole blocks stay or go";
  let description = [{
    Cuts a matrix into `rows` x `cols` blocks and drops, in each block row, the
    floor(s * blocks) blocks with the smallest summed score; ties keep the
    lower index. Rank 2 only.

    Example: `#sq.block<16x4, 0.75>`.
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
    Symmetric codes of `bits` bits (2..8) in +-(2^(bits-1)-1); the scale is
    max|x| / (2^(bits-1)-1) of the group. `asymmetric` codes are unsigned with
    an i32 zero point, represent 0.0 exactly, and are meant for activations.
    The scale is f32, or f16 where `scale = f16` is given.

    Examples: `#sq.int<8, row>`, `#sq.int<4, group = 64, scale = f16>`,
    `#sq.int<8, tensor>`, `#sq.int<8, row, asymmetric>`.
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
    E4M3FN or E5M2 codes; the f32 scale is max|x| / max_elem (448 or 57344).

    Example: `#sq.fp8<f8E4M3FN, row>`.
  }];
  let parameters = (ins "::mlir::Type":$element, "::mlir::sq::Scope":$scope,
                        "int64_t":$groupSize);
  let assemblyFormat = "`<` $element `,` custom<Grouping>($scope, $groupSize) `` `>`";
}

def SQ_MxAttr : SQ_Format<"Mx", "mx"> {
  let summary = "OCP Microscaling: 32 elements share a power of two";
  let description = [{
    OCP MX v1.0: the element is f8E4M3FN, f8E5M2, f6E2M3FN, f6E3M2FN, f4E2M1FN
    or i8; the f8E8M0FNU scale has exponent floor(log2 max|x|) - emax.

    Example: `#sq.mx<f4E2M1FN>`.
  }];
  let parameters = (ins "::mlir::Type":$element);
  let assemblyFormat = "`<` $element `>`";
}

def SQ_NvFp4Attr : SQ_Format<"NvFp4", "nvfp4"> {
  let summary = "E2M1 codes, an E4M3 scale per 16, an f32 scale per tensor";
  let description = "Example: `#sq.nvfp4`.";
  let genVerifyDecl = 0;
}

def SQ_HbfpAttr : SQ_Format<"Hbfp", "hbfp"> {
  let summary = "Hybrid block floating point: integer mantissas, shared exponent";
  let description = [{
    `mantissaBits` magnitude bits and a sign (HBFP8: 7, HBFP6: 5, HBFP4: 3);
    the scale is the step 2^(e-m) with e = ceil(log2 max|x|), an f8E8M0FNU.
    A maximum that is an exact power of two saturates.

    Example: `#sq.hbfp<7, group = 64>`.
  }];
  let parameters = (ins "unsigned":$mantissaBits, "::mlir::sq::Scope":$scope,
                        "int64_t":$groupSize);
  let assemblyFormat = "`<` $mantissaBits `,` custom<Grouping>($scope, $groupSize) `` `>`";
}

#endif // SPARSE_QUANT_DIALECT_SQ_IR_SQATTRIBUTES_TD
