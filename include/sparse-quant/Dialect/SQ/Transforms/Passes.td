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
