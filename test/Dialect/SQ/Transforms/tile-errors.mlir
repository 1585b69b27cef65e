// RUN: sq-opt %s --transform-interpreter --split-input-file --verify-diagnostics
// Tiles that would cut what belongs together: the first error is ours, the other
// two are the driver's.

func.func @quantize_along_the_group(%x: tensor<8x64xf32>) -> tensor<8x64xi8> {
  // expected-error@+3 {{can't be tiled along dimension 1, whose elements depend on each other}}
  // expected-error@+2 {{tile operation}}
  // expected-error@+1 {{failed to generate tiling loops}}
  %q, %s = sq.quantize %x to int<8, row> : tensor<8x64xf32> -> tensor<8x64xi8>, tensor<8x1xf32>
  return %q : tensor<8x64xi8>
}

module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%module: !transform.any_op {transform.readonly}) {
    %op = transform.structured.match ops{["sq.quantize"]} in %module : (!transform.any_op) -> !transform.any_op
    %tiled, %loop = transform.structured.tile_using_for %op tile_sizes [0, 16] : (!transform.any_op) -> (!transform.any_op, !transform.any_op)
    transform.yield
  }
}

// -----

func.func @quantize_with_a_scale_for_all(%x: tensor<8x64xf32>) -> tensor<8x64xi8> {
  // expected-error@+3 {{can't be tiled along dimension 0, whose elements depend on each other}}
  // expected-error@+2 {{tile operation}}
  // expected-error@+1 {{failed to generate tiling loops}}
  %q, %s = sq.quantize %x to int<8, tensor> : tensor<8x64xf32> -> tensor<8x64xi8>, tensor<1x1xf32>
  return %q : tensor<8x64xi8>
}

module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%module: !transform.any_op {transform.readonly}) {
    %op = transform.structured.match ops{["sq.quantize"]} in %module : (!transform.any_op) -> !transform.any_op
    %tiled, %loop = transform.structured.tile_using_for %op tile_sizes [2] : (!transform.any_op) -> (!transform.any_op, !transform.any_op)
    transform.yield
  }
}

// -----

func.func @mask_of_the_tensor(%w: tensor<8x64xf32>) -> tensor<8x64xi1> {
  // expected-error@+3 {{can't be tiled along dimension 0, whose elements depend on each other}}
  // expected-error@+2 {{tile operation}}
  // expected-error@+1 {{failed to generate tiling loops}}
  %m = sq.mask magnitude(%w) unstructured<0.5, tensor> : tensor<8x64xf32>
  return %m : tensor<8x64xi1>
}

module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%module: !transform.any_op {transform.readonly}) {
    %op = transform.structured.match ops{["sq.mask"]} in %module : (!transform.any_op) -> !transform.any_op
    %tiled, %loop = transform.structured.tile_using_for %op tile_sizes [2] : (!transform.any_op) -> (!transform.any_op, !transform.any_op)
    transform.yield
  }
}

// -----

func.func @matmul_by_no_divisor(%x: tensor<4x64xf32>, %p: tensor<10x64xi8>, %s: tensor<10x1xf32>, %init: tensor<4x10xf32>) -> tensor<4x10xf32> {
  // expected-error@+3 {{expected a tile size that divides N = 10; the rows of packed weights are static}}
  // expected-error@+2 {{tile operation}}
  // expected-error@+1 {{failed to generate tiling loops}}
  %y = sq.matmul ins(%x : tensor<4x64xf32>) weights(%p, scales(%s) : tensor<10x64xi8>, tensor<10x1xf32>)
    outs(%init : tensor<4x10xf32>) {format = #sq.int<8, row>} -> tensor<4x10xf32>
  return %y : tensor<4x10xf32>
}

module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%module: !transform.any_op {transform.readonly}) {
    %op = transform.structured.match ops{["sq.matmul"]} in %module : (!transform.any_op) -> !transform.any_op
    %tiled, %loop = transform.structured.tile_using_for %op tile_sizes [0, 4] : (!transform.any_op) -> (!transform.any_op, !transform.any_op)
    transform.yield
  }
}

// -----

func.func @weights_in_tiles(%x: tensor<4x64xf32>, %p: tensor<2x1024xi8>, %s: tensor<2x16xf32>, %init: tensor<4x32xf32>) -> tensor<4x32xf32> {
  // expected-error@+3 {{expected no tiling along N: 16 rows of weights in the layout 'tiles' are one}}
  // expected-error@+2 {{tile operation}}
  // expected-error@+1 {{failed to generate tiling loops}}
  %y = sq.matmul ins(%x : tensor<4x64xf32>) weights(%p, scales(%s) : tensor<2x1024xi8>, tensor<2x16xf32>)
    outs(%init : tensor<4x32xf32>) {format = #sq.int<8, row>, layout = #sq<layout tiles>} -> tensor<4x32xf32>
  return %y : tensor<4x32xf32>
}

module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%module: !transform.any_op {transform.readonly}) {
    %op = transform.structured.match ops{["sq.matmul"]} in %module : (!transform.any_op) -> !transform.any_op
    %tiled, %loop = transform.structured.tile_using_for %op tile_sizes [0, 16] : (!transform.any_op) -> (!transform.any_op, !transform.any_op)
    transform.yield
  }
}
