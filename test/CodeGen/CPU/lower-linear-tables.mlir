// RUN: sq-opt %s --sq-lower-linear=lanes=16 | FileCheck %s
// Functions that decode the same float format share one table of its codes.

// CHECK: memref.global "private" constant @__sq_values_mx.e4m3fn : memref<256xf32>
// CHECK-NOT: memref.global

// CHECK-LABEL: @prefill
// CHECK: memref.get_global @__sq_values_mx.e4m3fn
func.func @prefill(%x: memref<?x32xf32>, %p: memref<4x32xi8>, %s: memref<4x1xf8E8M0FNU>,
                   %y: memref<?x4xf32>) {
  sq.matmul ins(%x : memref<?x32xf32>) weights(%p, scales(%s) : memref<4x32xi8>, memref<4x1xf8E8M0FNU>)
    outs(%y : memref<?x4xf32>) {format = #sq.mx<f8E4M3FN>, kernel = "cpu.decode-rows"}
  return
}

// CHECK-LABEL: @decode
// CHECK: memref.get_global @__sq_values_mx.e4m3fn
func.func @decode(%x: memref<1x32xf32>, %p: memref<4x32xi8>, %s: memref<4x1xf8E8M0FNU>,
                  %y: memref<1x4xf32>) {
  sq.matmul ins(%x : memref<1x32xf32>) weights(%p, scales(%s) : memref<4x32xi8>, memref<4x1xf8E8M0FNU>)
    outs(%y : memref<1x4xf32>) {format = #sq.mx<f8E4M3FN>, kernel = "cpu.decode-rows"}
  return
}
