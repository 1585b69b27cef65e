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
    elements that change) and `Bound` (what that gains at most, in L1); the
    latter two are `unknown` unless the data is constant.
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
    that generates code runs it last, before the `sq` ops disappear.

    ```mlir
    %q, %s = sq.quantize %w to #sq.int<8, row> ...
    %d = sq.dequantize %q, %s from #sq.int<8, row> ...
    %m = sq.mask magnitude(%d) #sq.nm<2:4> ...   // error: the mask is ...
    ```
  }];
}

#endif // SPARSE_QUANT_DIALECT_SQ_TRANSFORMS_PASSES_TD
