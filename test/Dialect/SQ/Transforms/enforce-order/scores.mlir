// RUN: sq-opt %s --sq-enforce-order --sq-verify-order --remark-policy=all --remarks-filter=sq.* -o - 2>&1 | FileCheck %s
// What counts as derived from quantized values, and how the way back goes.

// CHECK-DAG: Function=magnitudes | Bound=unknown, Class=3
// CHECK-DAG: Function=threshold | Bound=unknown, Class=3
// CHECK-DAG: Function=norms_of_quantized_activations | Bound=unknown, Class=3
// CHECK-DAG: Function=two_quantizers | Bound=unknown, Class=3
// CHECK-DAG: Function=sums_of_squares | Bound=unknown, Class=3
// CHECK-NOT: Function=products_are_real

// CHECK-LABEL: @magnitudes
// CHECK: %[[A:.+]] = math.absf %arg0
// CHECK: sq.mask scores(%[[A]])
func.func @magnitudes(%x: tensor<8x16xf32>) -> tensor<8x16xi1> {
  %q, %s = sq.quantize %x to int<8, row> : tensor<8x16xf32> -> tensor<8x16xi8>, tensor<8x1xf32>
  %d = sq.dequantize %q, %s from int<8, row> : tensor<8x16xi8>, tensor<8x1xf32> -> tensor<8x16xf32>
  %a = math.absf %d : tensor<8x16xf32>
  %m = sq.mask scores(%a) nm<2:4> : tensor<8x16xf32>
  return %m : tensor<8x16xi1>
}

// A mask without sq.mask.
// CHECK-LABEL: @threshold
// CHECK: %[[A:.+]] = math.absf %arg0
// CHECK: %[[M:.+]] = arith.cmpf ogt, %[[A]], %arg1
// CHECK: sq.apply_mask %arg0, %[[M]]
func.func @threshold(%x: tensor<8x16xf32>, %t: tensor<8x16xf32>) -> tensor<8x16xf32> {
  %q, %s = sq.quantize %x to int<8, row> : tensor<8x16xf32> -> tensor<8x16xi8>, tensor<8x1xf32>
  %d = sq.dequantize %q, %s from int<8, row> : tensor<8x16xi8>, tensor<8x1xf32> -> tensor<8x16xf32>
  %a = math.absf %d : tensor<8x16xf32>
  %m = arith.cmpf ogt, %a, %t : tensor<8x16xf32>
  %r = sq.apply_mask %x, %m : tensor<8x16xf32>
  return %r : tensor<8x16xf32>
}

// Wanda's norms are part of the score: those of the real activations count.
// CHECK-LABEL: @norms_of_quantized_activations
// CHECK: %[[SQ:.+]] = arith.mulf %arg0, %arg0
// CHECK: %[[N:.+]] = linalg.reduce {{.*}} ins(%[[SQ]]
// CHECK: sq.mask wanda(%arg1, %[[N]])
func.func @norms_of_quantized_activations(%x: tensor<8x16xf32>, %w: tensor<4x16xf32>) -> tensor<4x16xi1> {
  %zero = arith.constant dense<0.0> : tensor<16xf32>
  %q, %s = sq.quantize %x to int<8, row> : tensor<8x16xf32> -> tensor<8x16xi8>, tensor<8x1xf32>
  %d = sq.dequantize %q, %s from int<8, row> : tensor<8x16xi8>, tensor<8x1xf32> -> tensor<8x16xf32>
  %sq = arith.mulf %d, %d : tensor<8x16xf32>
  %n = linalg.reduce { arith.addf } ins(%sq : tensor<8x16xf32>) outs(%zero : tensor<16xf32>) dimensions = [0]
  %m = sq.mask wanda(%w, %n) nm<2:4> : tensor<4x16xf32>, tensor<16xf32>
  return %m : tensor<4x16xi1>
}

// CHECK-LABEL: @two_quantizers
// CHECK: sq.mask magnitude(%arg0)
func.func @two_quantizers(%x: tensor<8x16xf32>) -> tensor<8x16xi1> {
  %q, %s = sq.quantize %x to int<8, row> : tensor<8x16xf32> -> tensor<8x16xi8>, tensor<8x1xf32>
  %d = sq.dequantize %q, %s from int<8, row> : tensor<8x16xi8>, tensor<8x1xf32> -> tensor<8x16xf32>
  %p, %t = sq.quantize %d to int<4, row> : tensor<8x16xf32> -> tensor<8x16xi4>, tensor<8x1xf32>
  %e = sq.dequantize %p, %t from int<4, row> : tensor<8x16xi4>, tensor<8x1xf32> -> tensor<8x16xf32>
  %m = sq.mask magnitude(%e) nm<2:4> : tensor<8x16xf32>
  return %m : tensor<8x16xi1>
}

// A product with nothing of its own on either side is a norm.
// CHECK-LABEL: @sums_of_squares
// CHECK: linalg.generic {{.*}} ins(%arg0, %arg0
func.func @sums_of_squares(%x: tensor<8x16xf32>) -> tensor<8xi1> {
  %zero = arith.constant dense<0.0> : tensor<8xf32>
  %q, %s = sq.quantize %x to int<8, row> : tensor<8x16xf32> -> tensor<8x16xi8>, tensor<8x1xf32>
  %d = sq.dequantize %q, %s from int<8, row> : tensor<8x16xi8>, tensor<8x1xf32> -> tensor<8x16xf32>
  %n = linalg.generic {
    indexing_maps = [affine_map<(i, k) -> (i, k)>, affine_map<(i, k) -> (i, k)>, affine_map<(i, k) -> (i)>],
    iterator_types = ["parallel", "reduction"]
  } ins(%d, %d : tensor<8x16xf32>, tensor<8x16xf32>) outs(%zero : tensor<8xf32>) {
  ^bb0(%a: f32, %b: f32, %acc: f32):
    %p = arith.mulf %a, %b : f32
    %t = arith.addf %acc, %p : f32
    linalg.yield %t : f32
  } -> tensor<8xf32>
  %m = sq.mask scores(%n) nm<2:4> : tensor<8xf32>
  return %m : tensor<8xi1>
}

// A layer's output is no weight: masks of it are nobody's business.
// CHECK-LABEL: @products_are_real
// CHECK: %[[Y:.+]] = linalg.matmul
// CHECK: %[[M:.+]] = sq.mask magnitude(%[[Y]])
// CHECK: sq.apply_mask %[[Y]], %[[M]]
func.func @products_are_real(%x: tensor<8x16xf32>, %w: tensor<16x16xf32>) -> tensor<8x16xf32> {
  %init = tensor.empty() : tensor<8x16xf32>
  %q, %s = sq.quantize %x to int<8, row> : tensor<8x16xf32> -> tensor<8x16xi8>, tensor<8x1xf32>
  %d = sq.dequantize %q, %s from int<8, row> : tensor<8x16xi8>, tensor<8x1xf32> -> tensor<8x16xf32>
  %y = linalg.matmul ins(%d, %w : tensor<8x16xf32>, tensor<16x16xf32>) outs(%init : tensor<8x16xf32>) -> tensor<8x16xf32>
  %m = sq.mask magnitude(%y) nm<2:4> : tensor<8x16xf32>
  %r = sq.apply_mask %y, %m : tensor<8x16xf32>
  return %r : tensor<8x16xf32>
}
