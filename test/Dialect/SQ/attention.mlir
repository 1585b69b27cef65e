// RUN: sq-opt %s | sq-opt | FileCheck %s

// CHECK-LABEL: @floats
func.func @floats(%q: tensor<?x2x3x6xf32>, %k: tensor<?x2x6xf16>, %v: tensor<?x2x6xf16>, %pos: index,
                  %init: tensor<?x2x3x6xf32>, %kc: tensor<4x2x8x6x16xf16>, %vc: tensor<4x2x128x6xf16>) -> (tensor<?x2x3x6xf32>, index) {
  // CHECK: %[[R:.+]]:3 = sq.attention ins(%{{.+}}, %{{.+}}, %{{.+}} : tensor<?x2x3x6xf32>, tensor<?x2x6xf16>, tensor<?x2x6xf16>) at %{{.+}} outs(%{{.+}} : tensor<?x2x3x6xf32>) caches(%{{.+}}, %{{.+}} : tensor<4x2x8x6x16xf16>, tensor<4x2x128x6xf16>) {layer = 3 : i64, scale = 5.000000e-01 : f32} -> tensor<?x2x3x6xf32>, tensor<4x2x8x6x16xf16>, tensor<4x2x128x6xf16>
  %r:3 = sq.attention ins(%q, %k, %v : tensor<?x2x3x6xf32>, tensor<?x2x6xf16>, tensor<?x2x6xf16>)
    at %pos outs(%init : tensor<?x2x3x6xf32>) caches(%kc, %vc : tensor<4x2x8x6x16xf16>, tensor<4x2x128x6xf16>)
    {layer = 3, scale = 0.5 : f32} -> tensor<?x2x3x6xf32>, tensor<4x2x8x6x16xf16>, tensor<4x2x128x6xf16>
  %c0 = arith.constant 0 : index
  %n = tensor.dim %r#0, %c0 : tensor<?x2x3x6xf32>
  return %r#0, %n : tensor<?x2x3x6xf32>, index
}

// CHECK-LABEL: @codes_on_memrefs
func.func @codes_on_memrefs(%q: memref<1x2x3x6xf32>, %k: memref<1x2x6xi8>, %v: memref<1x2x6xi8>, %s: memref<1x2x1xf32>, %pos: index,
                            %init: memref<1x2x3x6xf32>, %kc: memref<4x2x8x6x16xi8>, %vc: memref<4x2x128x6xi8>, %sc: memref<4x2x128xf32>) {
  // CHECK: sq.attention ins(%{{.+}}, %{{.+}}, %{{.+}}, %[[S:.+]], %[[S]] : memref<1x2x3x6xf32>, memref<1x2x6xi8>, memref<1x2x6xi8>, memref<1x2x1xf32>, memref<1x2x1xf32>) at
  sq.attention ins(%q, %k, %v, %s, %s : memref<1x2x3x6xf32>, memref<1x2x6xi8>, memref<1x2x6xi8>, memref<1x2x1xf32>, memref<1x2x1xf32>)
    at %pos outs(%init : memref<1x2x3x6xf32>)
    caches(%kc, %vc, %sc, %sc : memref<4x2x8x6x16xi8>, memref<4x2x128x6xi8>, memref<4x2x128xf32>, memref<4x2x128xf32>)
    {layer = 3, scale = 0.5 : f32}
  return
}
