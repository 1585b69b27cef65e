// RUN: sq-opt %s --sq-relax-reductions | FileCheck %s

#in = affine_map<(i, k) -> (i, k)>
#out = affine_map<(i, k) -> (i)>

// CHECK-LABEL: @sum_of_squares
func.func @sum_of_squares(%x: tensor<4x8xf32>, %y: tensor<4xf32>) -> tensor<4xf32> {
  %0 = linalg.generic {indexing_maps = [#in, #out], iterator_types = ["parallel", "reduction"]}
      ins(%x : tensor<4x8xf32>) outs(%y : tensor<4xf32>) {
  ^bb0(%a: f32, %acc: f32):
    // CHECK: arith.mulf {{.*}} fastmath<reassoc,contract>
    %p = arith.mulf %a, %a : f32
    // CHECK: arith.addf {{.*}} fastmath<reassoc,contract>
    %s = arith.addf %acc, %p : f32
    linalg.yield %s : f32
  } -> tensor<4xf32>
  return %0 : tensor<4xf32>
}

#id = affine_map<(i, k) -> (i, k)>

// Elementwise arithmetic keeps its rounding.
// CHECK-LABEL: @elementwise_stays_exact
func.func @elementwise_stays_exact(%x: tensor<4x8xf32>) -> tensor<4x8xf32> {
  %0 = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]}
      ins(%x : tensor<4x8xf32>) outs(%x : tensor<4x8xf32>) {
  ^bb0(%a: f32, %b: f32):
    // CHECK: arith.addf %{{.+}}, %{{.+}} : f32
    %s = arith.addf %a, %b : f32
    linalg.yield %s : f32
  } -> tensor<4x8xf32>
  return %0 : tensor<4x8xf32>
}
