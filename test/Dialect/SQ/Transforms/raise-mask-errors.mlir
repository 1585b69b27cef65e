// RUN: sq-opt %s --sq-raise --split-input-file --remark-format=emitRemark --remarks-filter=sq-raise --verify-diagnostics | FileCheck %s

// CHECK-LABEL: @not_only_ones
// CHECK-NOT: sq.
func.func @not_only_ones(%w: tensor<2x4xf32>) -> tensor<2x4xf32> {
  %m = arith.constant dense<[[2.0, 0.0, 1.0, 0.0], [0.0, 1.0, 0.5, 0.0]]> : tensor<2x4xf32>
  // expected-remark@below {{the constant has zeros, but its element [0, 0] is neither 0 nor 1}}
  %r = arith.mulf %w, %m : tensor<2x4xf32>
  return %r : tensor<2x4xf32>
}

// -----

// A scaling drops nothing: no remark.
// CHECK-LABEL: @scaling
// CHECK-NOT: sq.
func.func @scaling(%w: tensor<2x4xf32>) -> tensor<2x4xf32> {
  %m = arith.constant dense<[[2.0, 1.0, 1.0, 1.0], [1.0, 1.0, 1.0, 1.0]]> : tensor<2x4xf32>
  %r = arith.mulf %w, %m : tensor<2x4xf32>
  return %r : tensor<2x4xf32>
}

// -----

// A mask that isn't known to be zeros and ones.
// CHECK-LABEL: @argument
// CHECK-NOT: sq.
func.func @argument(%w: tensor<2x4xf32>, %m: tensor<2x4xf32>) -> tensor<2x4xf32> {
  %r = arith.mulf %w, %m : tensor<2x4xf32>
  return %r : tensor<2x4xf32>
}

// -----

// CHECK-LABEL: @select_argument
// CHECK-NOT: sq.
func.func @select_argument(%w: tensor<2x4xf32>, %m: tensor<2x4xi1>) -> tensor<2x4xf32> {
  %z = arith.constant dense<0.0> : tensor<2x4xf32>
  // expected-remark@below {{the mask is neither constant nor an sq.mask}}
  %r = arith.select %m, %w, %z : tensor<2x4xi1>, tensor<2x4xf32>
  return %r : tensor<2x4xf32>
}

// -----

// A ReLU isn't sparsity of weights: no remark.
// CHECK-LABEL: @relu
// CHECK-NOT: sq.
func.func @relu(%w: tensor<2x4xf32>) -> tensor<2x4xf32> {
  %z = arith.constant dense<0.0> : tensor<2x4xf32>
  %m = arith.cmpf ogt, %w, %z : tensor<2x4xf32>
  %r = arith.select %m, %w, %z : tensor<2x4xi1>, tensor<2x4xf32>
  return %r : tensor<2x4xf32>
}

// -----

// CHECK-LABEL: @other_value
// CHECK-NOT: sq.
func.func @other_value(%w: tensor<2x4xf32>) -> tensor<2x4xf32> {
  %m = arith.constant dense<[[true, false, true, false], [false, true, true, false]]> : tensor<2x4xi1>
  %z = arith.constant dense<0xFF800000> : tensor<2x4xf32>
  // expected-remark@below {{dropped elements become another value than +0}}
  %r = arith.select %m, %w, %z : tensor<2x4xi1>, tensor<2x4xf32>
  return %r : tensor<2x4xf32>
}

// -----

// CHECK-LABEL: @negative_zero
// CHECK-NOT: sq.
func.func @negative_zero(%w: tensor<2x4xf32>) -> tensor<2x4xf32> {
  %m = arith.constant dense<[[true, false, true, false], [false, true, true, false]]> : tensor<2x4xi1>
  %z = arith.constant dense<-0.0> : tensor<2x4xf32>
  // expected-remark@below {{dropped elements become another value than +0}}
  %r = arith.select %m, %w, %z : tensor<2x4xi1>, tensor<2x4xf32>
  return %r : tensor<2x4xf32>
}

// -----

#id = affine_map<(d0, d1) -> (d0, d1)>
#swap = affine_map<(d0, d1) -> (d1, d0)>
// CHECK-LABEL: @transposed
// CHECK-NOT: sq.
func.func @transposed(%w: tensor<2x2xf32>) -> tensor<2x2xf32> {
  %m = arith.constant dense<[[1.0, 0.0], [0.0, 1.0]]> : tensor<2x2xf32>
  %e = tensor.empty() : tensor<2x2xf32>
  // expected-remark@below {{what is masked isn't read element by element in its own order}}
  %r = linalg.generic {indexing_maps = [#swap, #id, #id], iterator_types = ["parallel", "parallel"]}
      ins(%w, %m : tensor<2x2xf32>, tensor<2x2xf32>) outs(%e : tensor<2x2xf32>) {
  ^bb0(%a: f32, %b: f32, %o: f32):
    %0 = arith.mulf %a, %b : f32
    linalg.yield %0 : f32
  } -> tensor<2x2xf32>
  return %r : tensor<2x2xf32>
}

// -----

#id = affine_map<(d0, d1) -> (d0, d1)>
// CHECK-LABEL: @computed_inside
// CHECK-NOT: sq.
func.func @computed_inside(%w: tensor<2x2xf32>) -> tensor<2x2xf32> {
  %m = arith.constant dense<[[1.0, 0.0], [0.0, 1.0]]> : tensor<2x2xf32>
  %e = tensor.empty() : tensor<2x2xf32>
  // expected-remark@below {{what is masked is computed inside of the same op}}
  %r = linalg.generic {indexing_maps = [#id, #id, #id], iterator_types = ["parallel", "parallel"]}
      ins(%w, %m : tensor<2x2xf32>, tensor<2x2xf32>) outs(%e : tensor<2x2xf32>) {
  ^bb0(%a: f32, %b: f32, %o: f32):
    %0 = arith.addf %a, %a : f32
    %1 = arith.mulf %0, %b : f32
    linalg.yield %1 : f32
  } -> tensor<2x2xf32>
  return %r : tensor<2x2xf32>
}
