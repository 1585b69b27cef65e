//===----------------------------------------------------------------------===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef SPARSE_QUANT_CODEGEN_ARTIFACT_PASSES_TD
#define SPARSE_QUANT_CODEGEN_ARTIFACT_PASSES_TD

include "mlir/Pass/PassBase.td"

def LowerInterface : Pass<"sq-lower-interface", "::mlir::ModuleOp"> {
  let summary = "Give public functions the calling convention of artifacts";
  let description = [{
    Public functions on tensors become functions on memrefs, as
    `sparse-quant-c/artifact.h` says: the weight file first, then the
    arguments, then one destination per result. States (`sq.state`) are updated
    in their own buffer. `sq.parameter` ops become views into the weight file.

    Needs: all `sq.parameter` ops without a source and with an offset (what
    `sq-pack-weights` leaves); static or bound result extents.
    Guarantees: no `sq.parameter` op; public functions return nothing and have
    `llvm.emit_c_interface`. Bodies stay on tensors; one-shot bufferization
    comes next and writes results into their destinations.

    Before:
    ```mlir
    func.func @f(%x: tensor<?x4xf32> {sq.dims = ["M"]}) -> (tensor<?x4xf32> {sq.dims = ["M"]}) {
      %w = sq.parameter "w" at 128 : tensor<4xf32>
      %y = linalg.add ... // uses %x, %w
      return %y : tensor<?x4xf32>
    }
    ```
    After:
    ```mlir
    func.func @f(%weights: memref<?xi8>, %x: memref<?x4xf32>, %out: memref<?x4xf32>) {
      %0 = memref.view %weights[%c128][] : memref<?xi8> to memref<4xf32>
      %w = bufferization.to_tensor %0 restrict : memref<4xf32> to tensor<4xf32>
      %1 = bufferization.to_tensor %x restrict : memref<?x4xf32> to tensor<?x4xf32>
      %y = linalg.add ...
      bufferization.materialize_in_destination %y in restrict writable %out : (tensor<?x4xf32>, memref<?x4xf32>) -> ()
      return
    }
    ```
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect",
                           "::mlir::bufferization::BufferizationDialect",
                           "::mlir::memref::MemRefDialect"];
}

#endif // SPARSE_QUANT_CODEGEN_ARTIFACT_PASSES_TD
