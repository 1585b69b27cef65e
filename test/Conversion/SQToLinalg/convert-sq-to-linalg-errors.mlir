// RUN: sq-opt %s --convert-sq-to-linalg --split-input-file --verify-diagnostics

func.func @matmul_on_memrefs(%x: memref<4x64xf32>, %p: memref<8x64xi8>, %s: memref<8x1xf32>, %y: memref<4x8xf32>) {
  // expected-error @below {{'sq.matmul' op expected tensors, got memrefs; run convert-sq-to-linalg before bufferization}}
  sq.matmul ins(%x : memref<4x64xf32>) weights(%p, scales(%s) : memref<8x64xi8>, memref<8x1xf32>)
    outs(%y : memref<4x8xf32>) {format = #sq.int<8, row>}
  return
}
