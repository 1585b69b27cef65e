// RUN: sq-opt %s --canonicalize --sq-pack-weights="output=%t.sqw" --split-input-file --verify-diagnostics
// A NaN in a constant isn't folded, and is an error where weights are evaluated,
// whatever the format could do with it.

#x = affine_map<(m, n, k) -> (m, k)>
#w = affine_map<(m, n, k) -> (n, k)>
#y = affine_map<(m, n, k) -> (m, n)>
func.func @integers(%x: tensor<1x4xf32>, %init: tensor<1x2xf32>) -> tensor<1x2xf32> {
  // expected-error@+1 {{constant weight has a NaN at [1, 2]; repair the model}}
  %w = arith.constant dense<[[1.0, 2.0, 3.0, 4.0], [1.0, 2.0, 0x7FC00000, 3.0]]> : tensor<2x4xf32>
  %q, %s = sq.quantize %w to int<8, row> : tensor<2x4xf32> -> tensor<2x4xi8>, tensor<2x1xf32>
  %d = sq.dequantize %q, %s from int<8, row> : tensor<2x4xi8>, tensor<2x1xf32> -> tensor<2x4xf32>
  %r = linalg.matmul indexing_maps = [#x, #w, #y] ins(%x, %d : tensor<1x4xf32>, tensor<2x4xf32>) outs(%init : tensor<1x2xf32>) -> tensor<1x2xf32>
  return %r : tensor<1x2xf32>
}

// -----

#x = affine_map<(m, n, k) -> (m, k)>
#w = affine_map<(m, n, k) -> (n, k)>
#y = affine_map<(m, n, k) -> (m, n)>
func.func @mx(%x: tensor<1x32xf32>, %init: tensor<1x1xf32>) -> tensor<1x1xf32> {
  // expected-error@+1 {{constant weight has a NaN at [0, 0]; repair the model}}
  %w = arith.constant dense<0x7FC00000> : tensor<1x32xf32>
  %q, %s = sq.quantize %w to mx<f4E2M1FN> : tensor<1x32xf32> -> tensor<1x32xf4E2M1FN>, tensor<1x1xf8E8M0FNU>
  %d = sq.dequantize %q, %s from mx<f4E2M1FN> : tensor<1x32xf4E2M1FN>, tensor<1x1xf8E8M0FNU> -> tensor<1x32xf32>
  %r = linalg.matmul indexing_maps = [#x, #w, #y] ins(%x, %d : tensor<1x32xf32>, tensor<1x32xf32>) outs(%init : tensor<1x1xf32>) -> tensor<1x1xf32>
  return %r : tensor<1x1xf32>
}

// -----

#x = affine_map<(m, n, k) -> (m, k)>
#w = affine_map<(m, n, k) -> (n, k)>
#y = affine_map<(m, n, k) -> (m, n)>
func.func @mask(%x: tensor<1x4xf32>, %init: tensor<1x1xf32>) -> tensor<1x1xf32> {
  // expected-error@+1 {{constant weight has a NaN at [0, 1]; repair the model}}
  %w = arith.constant dense<[[1.0, 0x7FC00000, 2.0, 3.0]]> : tensor<1x4xf32>
  %m = sq.mask magnitude(%w) nm<2:4> : tensor<1x4xf32>
  %d = sq.apply_mask %w, %m : tensor<1x4xf32>
  %r = linalg.matmul indexing_maps = [#x, #w, #y] ins(%x, %d : tensor<1x4xf32>, tensor<1x4xf32>) outs(%init : tensor<1x1xf32>) -> tensor<1x1xf32>
  return %r : tensor<1x1xf32>
}
