// RUN: sq-opt %s --sq-lower-attention --canonicalize --split-input-file | FileCheck %s
// Layers share a function; blocks of rows are two tokens of four heads.

// CHECK-LABEL: func.func @layers
// CHECK: call @sq_attention0({{.+}}, %c1)
// CHECK: call @sq_attention0({{.+}}, %c3)
// CHECK-NOT: sq.attention
func.func @layers(%q: memref<?x2x4x64xf32>, %k: memref<?x2x64xf16>, %v: memref<?x2x64xf16>, %pos: index,
                  %y: memref<?x2x4x64xf32>, %kc: memref<4x2x8x64x16xf16>, %vc: memref<4x2x128x64xf16>) {
  sq.attention ins(%q, %k, %v : memref<?x2x4x64xf32>, memref<?x2x64xf16>, memref<?x2x64xf16>)
    at %pos outs(%y : memref<?x2x4x64xf32>) caches(%kc, %vc : memref<4x2x8x64x16xf16>, memref<4x2x128x64xf16>)
    {layer = 1, scale = 0.125 : f32}
  sq.attention ins(%q, %k, %v : memref<?x2x4x64xf32>, memref<?x2x64xf16>, memref<?x2x64xf16>)
    at %pos outs(%y : memref<?x2x4x64xf32>) caches(%kc, %vc : memref<4x2x8x64x16xf16>, memref<4x2x128x64xf16>)
    {layer = 3, scale = 0.125 : f32}
  return
}

// Eight rows: two tiles of 16 positions, 16 running sums.
// CHECK-LABEL: func.func private @sq_attention0_rows2
// CHECK-SAME: no_inline
// CHECK-COUNT-16: vector.fma
// CHECK: math.exp

// CHECK-LABEL: func.func private @sq_attention0_rows1

// CHECK-LABEL: func.func private @sq_attention0(
// CHECK: scf.if
// CHECK: scf.parallel
// CHECK: memref.store
// CHECK: call @sq_attention0_rows2
// CHECK: call @sq_attention0_rows1
// CHECK: } else {
// CHECK: scf.for

// -----

// Codes are multiplied as they are, and scores by the scales of 16 positions.
// CHECK-LABEL: func.func @codes
// CHECK: call @sq_attention0
func.func @codes(%q: memref<1x2x1x8xf32>, %k: memref<1x2x8xi8>, %v: memref<1x2x8xi8>, %s: memref<1x2x1xf32>, %pos: index,
                 %y: memref<1x2x1x8xf32>, %kc: memref<1x2x8x8x16xi8>, %vc: memref<1x2x128x8xi8>, %sc: memref<1x2x128xf32>, %tc: memref<1x2x128xf32>) {
  sq.attention ins(%q, %k, %v, %s, %s : memref<1x2x1x8xf32>, memref<1x2x8xi8>, memref<1x2x8xi8>, memref<1x2x1xf32>, memref<1x2x1xf32>)
    at %pos outs(%y : memref<1x2x1x8xf32>)
    caches(%kc, %vc, %sc, %tc : memref<1x2x8x8x16xi8>, memref<1x2x128x8xi8>, memref<1x2x128xf32>, memref<1x2x128xf32>)
    {layer = 0, scale = 0.5 : f32}
  return
}
// CHECK-LABEL: func.func private @sq_attention0_rows1
// CHECK: arith.sitofp %{{.+}} : vector<16xi32> to vector<16xf32>
