//===----------------------------------------------------------------------===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef SPARSE_QUANT_DIALECT_SQ_TRANSFORMS_PASSES_TD
#define SPARSE_QUANT_DIALECT_SQ_TRANSFORMS_PASSES_TD

include "mlir/Pass/PassBase.td"

//===----------------------------------------------------------------------===//
// Raising and order
//===----------------------------------------------------------------------===//

def SQRaise : Pass<"sq-raise"> {
  let summary = "Recognizes foreign masks and quantizers";
  let description = [{
    Rewrites masks and quantizers in the spelling of others to `sq` ops, so that
    the passes after it see in which order they come. Each family has its
    patterns: quantize and dequantize steps as elementwise `linalg`, `arith` and
    `math` ops (`populateRaiseQDQPatterns`), multiplication by a constant of
    zeros and ones and `select` with a constant mask
    (`populateRaiseMaskPatterns`), and `quant.qcast` and `quant.dcast`
    (`populateRaiseQuantPatterns`). `docs/raise.md` lists what is recognized and
    which numbers may change.

    Needs: tensors; before any canonicalization, which folds
    `quant.dcast(quant.qcast(x))` to `x`.
    Guarantees: what is rewritten computes the same numbers, but for those that
    `docs/raise.md` names. What is like a mask or a quantizer but isn't one of
    `sq`'s stays as it is, and a missed remark of the category `sq-raise` says
    why.

    Before:
    ```mlir
    %q = quant.qcast %w : tensor<8x16xf32>
        to tensor<8x16x!quant.uniform<i8<-127:127>:f32, 5.000000e-01>>
    %d = quant.dcast %q : tensor<8x16x!quant.uniform<i8<-127:127>:f32, 5.000000e-01>>
        to tensor<8x16xf32>
    %r = arith.mulf %d, %zeros_and_ones : tensor<8x16xf32>
    ```
    After:
    ```mlir
    %s = arith.constant dense<5.000000e-01> : tensor<1x1xf32>
    %q = sq.quantize %w static(%s : tensor<1x1xf32>) to int<8, tensor> : ...
    %d = sq.dequantize %q, %s from int<8, tensor> : ...
    %m = arith.constant dense<...> : tensor<8x16xi1>
    %r = sq.apply_mask %d, %m : tensor<8x16xf32>
    ```
  }];
  let options = [
    Option<"allowNarrowRange", "allow-narrow-range", "bool", /*default=*/"false",
           "Take codes in [-2^(b-1), 2^(b-1)-1] for those of the symmetric "
           "format, which has one less; right unless something saturates at "
           "the lowest">,
  ];
  let dependentDialects = ["::mlir::arith::ArithDialect",
                           "::mlir::quant::QuantDialect",
                           "::mlir::sq::SQDialect",
                           "::mlir::tensor::TensorDialect"];
}

def SQEnforceOrder : Pass<"sq-enforce-order", "::mlir::ModuleOp"> {
  let summary = "Moves masks in front of quantizers";
  let description = [{
    Needs: semantic-level IR; foreign spellings raised (`sq-raise`).
    Guarantees: afterwards no mask is derived from quantized values and none is
    applied to them. `rewrite` establishes that or fails with an error at the
    mask and a note at the culprit; `verify` fails at each violation; `report`
    only emits remarks. The three classes are explained in `docs/order.md`.

    ```mlir
    // before: the scores are quantized (class 3), and so is what is masked
    %q, %s = sq.quantize %w to int<4, row> : ...
    %d = sq.dequantize %q, %s from int<4, row> : ...
    %m = sq.mask magnitude(%d) nm<2:4> : ...
    %r = sq.apply_mask %d, %m : ...
    // after
    %m = sq.mask magnitude(%w) nm<2:4> : ...
    %a = sq.apply_mask %w, %m : ...
    %q, %s = sq.quantize %a to int<4, row> : ...
    %r = sq.dequantize %q, %s from int<4, row> : ...
    ```

    Remarks of the category `sq-enforce-order` carry `Class`, `Swapped` (mask
    elements that change) and `Bound` (what that gains at most, in L1), or
    `unknown`. Ops that a rewrite leaves without users are erased. Masks that
    nobody uses, or that control flow never reaches, are no violations.
  }];
  let options = [
    Option<"mode", "mode", "::mlir::sq::OrderMode",
           "::mlir::sq::OrderMode::Rewrite", "What to do with a violation",
           [{::llvm::cl::values(
               clEnumValN(::mlir::sq::OrderMode::Rewrite, "rewrite", "repair it, or fail"),
               clEnumValN(::mlir::sq::OrderMode::Verify, "verify", "fail"),
               clEnumValN(::mlir::sq::OrderMode::Report, "report", "emit a remark"))}]>
  ];
  let dependentDialects = ["::mlir::arith::ArithDialect",
                           "::mlir::linalg::LinalgDialect",
                           "::mlir::sq::SQDialect",
                           "::mlir::tensor::TensorDialect"];
}

def SQPrintOrder : Pass<"sq-print-order", "::mlir::ModuleOp"> {
  let summary = "Shows which tensor values are quantized";
  let description = [{
    Needs: nothing. Guarantees: the IR is unchanged; each tensor value that is
    not plainly real gets a diagnostic at its definition that says what
    `OrderProvenance` knows of it, and how many quantizers it goes back to.

    ```mlir
    %d = sq.dequantize %q, %s from int<8, row> ...  // remark: decoded, from 1 quantizer
    %a = math.absf %d : tensor<8x16xf32>            // remark: derived, from 1 quantizer
    ```
  }];
}

def SQVerifyOrder : Pass<"sq-verify-order", "::mlir::ModuleOp"> {
  let summary = "Proves that no mask follows quantization";
  let description = [{
    Needs: nothing. Guarantees: the module holds no mask that is derived from
    quantized values and no mask that is applied to them; otherwise the pass
    fails with an error at the mask and a note at the culprit. Every pipeline
    that lowers runs it first.

    ```mlir
    %q, %s = sq.quantize %w to #sq.int<8, row> ...
    %d = sq.dequantize %q, %s from #sq.int<8, row> ...
    %m = sq.mask magnitude(%d) #sq.nm<2:4> ...   // error: the mask is ...
    ```
  }];
}

//===----------------------------------------------------------------------===//
// Compression
//===----------------------------------------------------------------------===//

def SQCompress : Pass<"sq-compress", "::mlir::ModuleOp"> {
  let summary = "Masks and quantizes linear layers as a recipe says";
  let description = [{
    Reads a recipe (docs/recipes.md) and writes what it asks for as ops: a mask
    and its application first, then quantization, in front of every linear
    layer whose weight a rule matches. A weight that several functions use gets
    one treatment. Layers that no rule matches stay dense. Each decision is a
    remark of the category `sq-compress`.

    Needs: linear layers, `out[m, n] += x[m, k] * w[n, k]` in f32 as
    `linalg.matmul`, `linalg.contract` or an equivalent `linalg.generic`, with
    `w` an `sq.parameter` with a source.
    Guarantees: the semantic level, sparsity before quantization. Unknown keys,
    rules that match no layer and combinations that nothing computes are errors
    at `recipe.yaml:LINE:COLUMN`; then the module is unchanged.

    With the rule `{match: "*", sparsity: {pattern: "nm2:4"}, weights: int8.row}`

    Before:
    ```mlir
    %w = sq.parameter "fc.weight" from "model.safetensors" : tensor<32x64xf32>
    %y = linalg.matmul indexing_maps = [...] ins(%x, %w ...) outs(%init ...)
    ```
    After:
    ```mlir
    %w = sq.parameter "fc.weight" from "model.safetensors" : tensor<32x64xf32>
    %m = sq.mask magnitude(%w) nm<2:4> : tensor<32x64xf32>
    %s = sq.apply_mask %w, %m : tensor<32x64xf32>
    %q, %scale = sq.quantize %s to int<8, row> : ...
    %d = sq.dequantize %q, %scale from int<8, row> : ...
    %y = linalg.matmul indexing_maps = [...] ins(%x, %d ...) outs(%init ...)
    ```
  }];
  let options = [
    Option<"recipe", "recipe", "std::string", /*default=*/"",
           "path of the recipe">,
  ];
  let dependentDialects = ["::mlir::sq::SQDialect"];
}

def SQPackWeights : Pass<"sq-pack-weights", "::mlir::ModuleOp"> {
  let summary = "Evaluates constant weights and writes the weight file";
  let description = [{
    Evaluates masks and quantization of weights at compile time, from
    memory-mapped files, and writes the results to one safetensors file, layer
    by layer: only one layer is in memory at a time. Linear layers with
    quantized weights become `sq.matmul`; the activation quantization in front
    of them feeds it. So do those with weights that were rounded to f16 or bf16,
    if the target has kernels on a layout of these. All other parameters
    (embeddings, norms, dense layers, weights that are masked and not quantized)
    are stored dense, in 16 bits where their values and readers allow it. What
    several functions share is stored once.

    Needs: no `sq.parameter` without a source.
    Guarantees: every live `sq.parameter` is an entry of the written file, with
    its offset; no `sq` op on weights is left but where weights aren't constant.
    A NaN in a weight is an error that names the tensor and the element.

    `study-order` measures instead of packing: weights are rounded in the named
    order and stored as dense f32, so that all orders run on the same kernels:
    `sparsity-first` and `quantization-first` do both, `sparsity` and
    `quantization` only one.

    Before:
    ```mlir
    %w = sq.parameter "fc.weight" from "model.safetensors" : tensor<32x64xf32>
    %m = sq.mask magnitude(%w) nm<2:4> : tensor<32x64xf32>
    %s = sq.apply_mask %w, %m : tensor<32x64xf32>
    %q, %scale = sq.quantize %s to int<8, row> : ...
    %d = sq.dequantize %q, %scale from int<8, row> : ...
    %y = linalg.matmul indexing_maps = [...] ins(%x, %d ...) outs(%init ...)
    ```
    After:
    ```mlir
    %p = sq.parameter "fc.payload" at 448 : tensor<32x32xi8>
    %b = sq.parameter "fc.bitmap" at 1472 : tensor<32x8xi8>
    %c = sq.parameter "fc.scale" at 1728 : tensor<32x1xf32>
    %y = sq.matmul ins(%x : ...) weights(%p, bitmap(%b), scales(%c) : ...)
        outs(%init : ...) {format = #sq.int<8, row>, pattern = #sq.nm<2:4>} -> ...
    ```
  }];
  let options = [
    Option<"output", "output", "std::string", /*default=*/"",
           "path of the weight file to write (.sqw)">,
    Option<"weightsDir", "weights-dir", "std::string", /*default=*/"",
           "folder that the sources of parameters are relative to">,
    Option<"report", "report", "std::string", /*default=*/"",
           "path of a JSON report to write: errors, sizes and decisions per "
           "layer">,
    Option<"studyOrder", "study-order", "::mlir::sq::StudyOrder",
           /*default=*/"::mlir::sq::StudyOrder::None",
           "store weights rounded in an order of choice as dense f32",
           [{::llvm::cl::values(
             clEnumValN(::mlir::sq::StudyOrder::None, "none",
                        "no study: pack"),
             clEnumValN(::mlir::sq::StudyOrder::SparsityFirst,
                        "sparsity-first", "mask, then quantize"),
             clEnumValN(::mlir::sq::StudyOrder::QuantizationFirst,
                        "quantization-first",
                        "quantize, then mask by the quantized values"),
             clEnumValN(::mlir::sq::StudyOrder::Sparsity, "sparsity",
                        "mask only"),
             clEnumValN(::mlir::sq::StudyOrder::Quantization, "quantization",
                        "quantize only")
           )}]>,
  ];
  let dependentDialects = ["::mlir::sq::SQDialect"];
}

#endif // SPARSE_QUANT_DIALECT_SQ_TRANSFORMS_PASSES_TD
