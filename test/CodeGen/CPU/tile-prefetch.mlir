// RUN: sq-opt %s --sq-lower-linear=isa=avx512-vbmi2 --split-input-file | FileCheck %s

// Memory is asked for weights
// 16384 codes ahead: 8192 bytes of nibbles, 4096 bytes of two-bit positions.
// CHECK-LABEL: @one_row
// CHECK: scf.parallel (%[[TILE:.+]]) =
// CHECK-DAG: %[[P:.+]] = arith.addi %{{.+}}, %c8192
// CHECK-DAG: memref.prefetch %arg2[%[[TILE]], %[[P]]], read, locality<3>, data : memref<1x256xi8>
// CHECK-DAG: %[[B:.+]] = arith.addi %{{.+}}, %c4096
// CHECK-DAG: memref.prefetch %arg3[%[[TILE]], %[[B]]], read, locality<3>, data : memref<1x128xi8>
func.func @one_row(%x: memref<1x64xi8>, %xs: memref<1x1xf32>, %p: memref<1x256xi8>, %b: memref<1x128xi8>,
                   %s: memref<1x16xf16>, %y: memref<1x16xf32>) {
  sq.matmul ins(%x, %xs : memref<1x64xi8>, memref<1x1xf32>)
    weights(%p, bitmap(%b), scales(%s) : memref<1x256xi8>, memref<1x128xi8>, memref<1x16xf16>)
    outs(%y : memref<1x16xf32>)
    {format = #sq.int<4, group = 64, scale = f16>, activationFormat = #sq.int<8, row>, pattern = #sq.nm<2:4>,
     layout = #sq<layout tiles>, kernel = "cpu.tile-dot"}
  return
}

// -----

// Eight rows of activations, too, wait for the memory rather than for products.
// CHECK-LABEL: @eight_rows
// CHECK: scf.parallel (%[[TILE:.+]]) =
// CHECK: %[[P:.+]] = arith.addi %{{.+}}, %c16384
// CHECK: memref.prefetch %arg2[%[[TILE]], %[[P]]], read, locality<3>, data : memref<2x1024xi8>
func.func @eight_rows(%x: memref<8x64xi8>, %xs: memref<8x1xf32>, %p: memref<2x1024xi8>,
                      %s: memref<2x16xf32>, %y: memref<8x32xf32>) {
  sq.matmul ins(%x, %xs : memref<8x64xi8>, memref<8x1xf32>)
    weights(%p, scales(%s) : memref<2x1024xi8>, memref<2x16xf32>) outs(%y : memref<8x32xf32>)
    {format = #sq.int<8, row>, activationFormat = #sq.int<8, row>, layout = #sq<layout tiles>, kernel = "cpu.tile-dot"}
  return
}
