// RUN: sq-opt %s --sq-enforce-order --verify-diagnostics --split-input-file

// A number of codes is not that number of values: nothing real stands for it.
func.func @scores_from_codes(%x: tensor<8x16xf32>) -> tensor<8x16xi1> {
  // expected-note@below {{quantized here}}
  %q, %s = sq.quantize %x to int<8, row> : tensor<8x16xf32> -> tensor<8x16xi8>, tensor<8x1xf32>
  // expected-note@below {{'arith.sitofp' computes on codes, which the real values can't replace}}
  %f = arith.sitofp %q : tensor<8x16xi8> to tensor<8x16xf32>
  // expected-error@below {{the mask is derived from quantized values}}
  %m = sq.mask magnitude(%f) nm<2:4> : tensor<8x16xf32>
  return %m : tensor<8x16xi1>
}

// -----

// expected-note@below {{the values enter here already quantized}}
func.func @codes_from_outside(%q: tensor<8x16xi8>, %scale: tensor<8x16xf32>, %m: tensor<8x16xi1>) -> tensor<8x16xf32> {
  // expected-note@below {{decoded here}}
  %f = arith.sitofp %q : tensor<8x16xi8> to tensor<8x16xf32>
  %v = arith.mulf %f, %scale : tensor<8x16xf32>
  // expected-error@below {{the mask is applied to quantized values}}
  %r = sq.apply_mask %v, %m : tensor<8x16xf32>
  return %r : tensor<8x16xf32>
}

// -----

// By hand with a zero point: nobody knows that it is the quantizer's, and so
// whether code minus zero point is 0 where the mask drops.
func.func @zero_point_by_hand(%x: tensor<8x16xf32>, %m: tensor<8x16xi1>, %zp: tensor<8x16xi32>, %scale: tensor<8x16xf32>) -> tensor<8x16xf32> {
  // expected-note@below {{quantized here}}
  %q, %s, %z = sq.quantize %x to int<8, tensor, asymmetric> : tensor<8x16xf32> -> tensor<8x16xi8>, tensor<1x1xf32>, tensor<1x1xi32>
  // expected-note@below {{'arith.extui' computes on codes, which the real values can't replace}}
  %i = arith.extui %q : tensor<8x16xi8> to tensor<8x16xi32>
  %c = arith.subi %i, %zp : tensor<8x16xi32>
  %f = arith.sitofp %c : tensor<8x16xi32> to tensor<8x16xf32>
  %v = arith.mulf %f, %scale : tensor<8x16xf32>
  // expected-error@below {{the mask is applied to quantized values}}
  %r = sq.apply_mask %v, %m : tensor<8x16xf32>
  return %r : tensor<8x16xf32>
}
