// RUN: sq-opt %s --convert-sq-to-linalg | FileCheck %s
// RUN: sq-opt %s --convert-sq-to-linalg=keep-attention | FileCheck %s --check-prefix=KEEP

// KEEP: sq.attention

// CHECK-DAG: #[[KEYS:.+]] = affine_map<(d0, d1, d2, d3, d4) -> (d1, d3 floordiv 16, d4, d3 mod 16)>
// CHECK-LABEL: @attention
// CHECK: scf.for
// CHECK: tensor.insert_slice %{{.+}} into %{{.+}}[1, 0, %{{.+}}, 0, %{{.+}}] [1, 2, 1, 64, 1]
// CHECK: tensor.insert_slice %{{.+}} into %{{.+}}[1, 0, %{{.+}}, 0] [1, 2, 1, 64]
// CHECK: linalg.generic {indexing_maps = [{{.+}}, #[[KEYS]], {{.+}}]
// CHECK: math.exp
// CHECK-NOT: sq.
func.func @attention(%q: tensor<?x2x4x64xf32>, %k: tensor<?x2x64xf32>, %pos: index, %init: tensor<?x2x4x64xf32>,
                     %kc: tensor<3x2x8x64x16xf32>, %vc: tensor<3x2x128x64xf32>)
    -> (tensor<?x2x4x64xf32>, tensor<3x2x8x64x16xf32>, tensor<3x2x128x64xf32>) {
  %r:3 = sq.attention ins(%q, %k, %k : tensor<?x2x4x64xf32>, tensor<?x2x64xf32>, tensor<?x2x64xf32>)
    at %pos outs(%init : tensor<?x2x4x64xf32>) caches(%kc, %vc : tensor<3x2x8x64x16xf32>, tensor<3x2x128x64xf32>)
    {layer = 1, scale = 0.125 : f32} -> tensor<?x2x4x64xf32>, tensor<3x2x8x64x16xf32>, tensor<3x2x128x64xf32>
  return %r#0, %r#1, %r#2 : tensor<?x2x4x64xf32>, tensor<3x2x8x64x16xf32>, tensor<3x2x128x64xf32>
}
