// RUN: sq-opt %s --sq-raise | FileCheck %s

// CHECK-LABEL: @product
// CHECK: %[[M:.+]] = arith.constant dense<{{\[\[}}true, false, true, false], [false, true, true, false]]> : tensor<2x4xi1>
// CHECK: %[[R:.+]] = sq.apply_mask %arg0, %[[M]]
// CHECK: return %[[R]]
func.func @product(%w: tensor<2x4xf32>) -> tensor<2x4xf32> {
  %m = arith.constant dense<[[1.0, 0.0, 1.0, 0.0], [0.0, 1.0, 1.0, -0.0]]> : tensor<2x4xf32>
  %r = arith.mulf %m, %w : tensor<2x4xf32>
  return %r : tensor<2x4xf32>
}

// A row of the mask for all rows.
#id = affine_map<(d0, d1) -> (d0, d1)>
#col = affine_map<(d0, d1) -> (d1)>
// CHECK-LABEL: @broadcast
// CHECK: %[[M:.+]] = arith.constant dense<{{\[\[}}true, false, true, false], [true, false, true, false]]> : tensor<2x4xi1>
// CHECK: sq.apply_mask %arg0, %[[M]]
func.func @broadcast(%w: tensor<2x4xf32>) -> tensor<2x4xf32> {
  %m = arith.constant dense<[1.0, 0.0, 1.0, 0.0]> : tensor<4xf32>
  %e = tensor.empty() : tensor<2x4xf32>
  %r = linalg.generic {indexing_maps = [#id, #col, #id], iterator_types = ["parallel", "parallel"]}
      ins(%w, %m : tensor<2x4xf32>, tensor<4xf32>) outs(%e : tensor<2x4xf32>) {
  ^bb0(%a: f32, %b: f32, %o: f32):
    %0 = arith.mulf %a, %b : f32
    linalg.yield %0 : f32
  } -> tensor<2x4xf32>
  return %r : tensor<2x4xf32>
}

// CHECK-LABEL: @named
// CHECK: sq.apply_mask %arg0
func.func @named(%w: tensor<2x4xf32>) -> tensor<2x4xf32> {
  %m = arith.constant dense<[[1.0, 0.0, 1.0, 0.0], [0.0, 1.0, 1.0, 0.0]]> : tensor<2x4xf32>
  %e = tensor.empty() : tensor<2x4xf32>
  %r = linalg.mul ins(%w, %m : tensor<2x4xf32>, tensor<2x4xf32>) outs(%e : tensor<2x4xf32>) -> tensor<2x4xf32>
  return %r : tensor<2x4xf32>
}

// CHECK-LABEL: @select
// CHECK: %[[M:.+]] = arith.constant dense<{{.*}}> : tensor<2x4xi1>
// CHECK: sq.apply_mask %arg0, %[[M]]
func.func @select(%w: tensor<2x4xf32>) -> tensor<2x4xf32> {
  %m = arith.constant dense<[[true, false, true, false], [false, true, true, false]]> : tensor<2x4xi1>
  %z = arith.constant dense<0.0> : tensor<2x4xf32>
  %r = arith.select %m, %w, %z : tensor<2x4xi1>, tensor<2x4xf32>
  return %r : tensor<2x4xf32>
}

// The select keeps where the constant is false.
// CHECK-LABEL: @select_inverted
// CHECK: %[[M:.+]] = arith.constant dense<{{\[\[}}false, true, false, true], [true, false, false, true]]> : tensor<2x4xi1>
// CHECK: sq.apply_mask %arg0, %[[M]]
func.func @select_inverted(%w: tensor<2x4xf32>) -> tensor<2x4xf32> {
  %m = arith.constant dense<[[true, false, true, false], [false, true, true, false]]> : tensor<2x4xi1>
  %z = arith.constant 0.0 : f32
  %e = tensor.empty() : tensor<2x4xf32>
  %r = linalg.generic {indexing_maps = [#id, #id, #id], iterator_types = ["parallel", "parallel"]}
      ins(%w, %m : tensor<2x4xf32>, tensor<2x4xi1>) outs(%e : tensor<2x4xf32>) {
  ^bb0(%a: f32, %b: i1, %o: f32):
    %0 = arith.select %b, %z, %a : f32
    linalg.yield %0 : f32
  } -> tensor<2x4xf32>
  return %r : tensor<2x4xf32>
}

// A boolean mask of our own, converted and multiplied.
// CHECK-LABEL: @converted
// CHECK: %[[M:.+]] = sq.mask magnitude(%arg0) nm<2:4>
// CHECK: sq.apply_mask %arg0, %[[M]]
func.func @converted(%w: tensor<2x4xf32>) -> tensor<2x4xf32> {
  %m = sq.mask magnitude(%w) nm<2:4> : tensor<2x4xf32>
  %f = arith.uitofp %m : tensor<2x4xi1> to tensor<2x4xf32>
  %r = arith.mulf %w, %f : tensor<2x4xf32>
  return %r : tensor<2x4xf32>
}

// Codes are masked as exactly as values.
// CHECK-LABEL: @codes
// CHECK: sq.apply_mask %arg0, %{{.+}} : tensor<2x4xi8>
func.func @codes(%q: tensor<2x4xi8>) -> tensor<2x4xi8> {
  %m = arith.constant dense<[[1, 0, 1, 0], [0, 1, 1, 0]]> : tensor<2x4xi8>
  %r = arith.muli %q, %m : tensor<2x4xi8>
  return %r : tensor<2x4xi8>
}
