//===----------------------------------------------------------------------===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef SPARSE_QUANT_DIALECT_SQ_IR_SQBASE_TD
#define SPARSE_QUANT_DIALECT_SQ_IR_SQBASE_TD

include "mlir/IR/EnumAttr.td"
include "mlir/IR/OpBase.td"

def SQ_Dialect : Dialect {
  let name = "sq";
  let cppNamespace = "::mlir::sq";
  let summary = "Masking and quantizing as operations, so that their order is visible";
  let description = [{
    The `sq` dialect describes transformer weights and activations that are
    *sparse* and *quantized*. Its two central facts, masking and quantizing a
    tensor, are separate ops on builtin tensors, so a compiler can see in which
    order they happen and enforce the one that adds no error of its own:
    **sparsity before quantization** (Harma et al., arXiv 2405.20935).

    ### The life of a weight

    ```mlir
    // 1. A named entry of a weight file; memory-mapped, never text.
    %w = sq.parameter "layers.0.wq" from "model.safetensors" : tensor<64x64xf32>
    // 2. Which elements stay: 2 of each 4 along the last axis, by magnitude.
    %m = sq.mask magnitude(%w) nm<2:4> : tensor<64x64xf32>
    // 3. Dropped elements become +0.0.
    %s = sq.apply_mask %w, %m : tensor<64x64xf32>
    // 4. Codes, and one scale per row.
    %q, %scale = sq.quantize %s to int<8, row>
        : tensor<64x64xf32> -> tensor<64x64xi8>, tensor<64x1xf32>
    // 5. What the hardware reads: kept codes and a bitmap.
    %p, %b = sq.pack %q mask(%m) : tensor<64x64xi8>, tensor<64x64xi1>
        -> tensor<64x32xi8>, tensor<64x8xi8>
    // 6. The compressed matrix product.
    %y = sq.matmul ins(%x : tensor<?x64xf32>)
        weights(%p, bitmap(%b), scales(%scale) : tensor<64x32xi8>, tensor<64x8xi8>, tensor<64x1xf32>)
        outs(%init : tensor<?x64xf32>) {format = #sq.int<8, row>, pattern = #sq.nm<2:4>}
        -> tensor<?x64xf32>
    ```

    ### Conventions

    * There are no custom types. A mask is `tensor<...xi1>`, codes are
      `tensor<...xi8>` (or `i4`, `f8E4M3FN`, `f4E2M1FN`, ...), scales are a
      tensor of their own; bufferization, tiling and every upstream pass work
      unchanged.
    * Patterns (`#sq.nm`, `#sq.unstructured`, `#sq.block`) and formats
      (`#sq.int`, `#sq.fp8`, `#sq.mx`, `#sq.nvfp4`, `#sq.hbfp`) are attributes
      behind `SparsityPatternAttrInterface` and `QuantFormatAttrInterface`.
    * The mask is explicit and never inferred from zeros: a weight that rounds
      to zero is not pruned.
    * Weights are `W[N, K]`, out by in. Scale groups and N:M groups run along
      `axis`, by default the last one (the reduction axis K).
    * Scales keep the rank of their tensor: `row` scope has extent 1 along the
      axis, `group = G` has ceil(K/G), `tensor` has extent 1 everywhere.
    * Bit-exact meaning: `docs/numerics.md`, implemented once in
      `lib/Numerics`. Verifier messages end with the ID of the broken rule.

    ### Folding and canonicalization

    Every op but `sq.parameter` and `sq.matmul` folds on constants through
    `lib/Numerics`, bit for bit. Tensors of up to 65536 elements fold; ops whose
    result takes more memory than what it was made of (`sq.dequantize`,
    `sq.unpack`) only up to 1024, since a folded one would undo the compression.
    Larger tensors are weights: they belong into a file, named by `sq.parameter`,
    and `sq-pack-weights` evaluates them without making attributes of them. A
    constant with a NaN, or with an infinity that the format can't represent,
    isn't folded; `sq-pack-weights` reports it.

    `canonicalize` moves a mask in front of a quantizer where that is exact
    (class 1 of `docs/order.md`), and drops what repeats: a mask applied twice, a
    magnitude mask of what that very pattern left, a tensor that is quantized
    again from its own decoded values. It never removes
    `sq.dequantize(sq.quantize(x))`: rounding is what quantizing means.

    ### Tiling

    `sq.mask`, `sq.apply_mask`, `sq.quantize`, `sq.dequantize` and `sq.matmul`
    implement `TilingInterface`. A dimension along which elements share a scale
    or compete for a place in the mask is not tiled; each op says which.
  }];
  let useDefaultAttributePrinterParser = 1;
  let hasConstantMaterializer = 1;
  let dependentDialects = ["::mlir::arith::ArithDialect",
                           "::mlir::tensor::TensorDialect"];
  let extraClassDeclaration = [{
    void registerAttributes();
  }];
}

class SQ_I32Enum<string name, string summary, list<I32EnumAttrCase> cases>
    : I32EnumAttr<name, summary, cases> {
  let cppNamespace = "::mlir::sq";
}

def SQ_Criterion : SQ_I32Enum<"Criterion", "where the scores of a mask come from", [
  I32EnumAttrCase<"Magnitude", 0, "magnitude">,
  I32EnumAttrCase<"Wanda", 1, "wanda">,
  I32EnumAttrCase<"Scores", 2, "scores">]>;

def SQ_Layout : SQ_I32Enum<"Layout", "how packed weights lie in memory", [
  I32EnumAttrCase<"Rows", 0, "rows">,
  I32EnumAttrCase<"Tiles", 1, "tiles">,
  I32EnumAttrCase<"Blocks", 2, "blocks">,
  I32EnumAttrCase<"Fragments", 3, "fragments">]> {
  let genSpecializedAttr = 0;
}
def SQ_LayoutAttr : EnumAttr<SQ_Dialect, SQ_Layout, "layout">;

def SQ_Bound : SQ_I32Enum<"Bound", "what a product spends most of its time on", [
  I32EnumAttrCase<"Memory", 0, "memory">,
  I32EnumAttrCase<"Compute", 1, "compute">]> {
  let genSpecializedAttr = 0;
}

def SQ_Scope : SQ_I32Enum<"Scope", "what shares a scale or a sparsity budget", [
  I32EnumAttrCase<"Tensor", 0, "tensor">,
  I32EnumAttrCase<"Row", 1, "row">,
  I32EnumAttrCase<"Group", 2, "group">]>;

#endif // SPARSE_QUANT_DIALECT_SQ_IR_SQBASE_TD
