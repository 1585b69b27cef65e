// RUN: sq-opt %s --sq-enforce-order --verify-diagnostics --split-input-file

// The codes of a slice with the scales of another one.
func.func @slices_of_other_rows(%x: tensor<8x16xf32>, %m: tensor<4x16xi1>) -> tensor<4x16xf32> {
  // expected-note@below {{quantized here}}
  %q, %s = sq.quantize %x to int<8, row> : tensor<8x16xf32> -> tensor<8x16xi8>, tensor<8x1xf32>
  %qp = tensor.extract_slice %q[2, 0] [4, 16] [1, 1] : tensor<8x16xi8> to tensor<4x16xi8>
  %sp = tensor.extract_slice %s[4, 0] [4, 1] [1, 1] : tensor<8x1xf32> to tensor<4x1xf32>
  // expected-note@below {{the codes are decoded here in another way than they were quantized}}
  %d = sq.dequantize %qp, %sp from int<8, row> : tensor<4x16xi8>, tensor<4x1xf32> -> tensor<4x16xf32>
  // expected-error@below {{the mask is applied to quantized values}}
  %r = sq.apply_mask %d, %m : tensor<4x16xf32>
  return %r : tensor<4x16xf32>
}

// -----

// Half of a row would get a scale of its own.
func.func @slice_of_codes_cuts_rows(%x: tensor<8x16xf32>, %m: tensor<8x8xi1>) -> tensor<8x8xf32> {
  // expected-note@below {{quantized here}}
  %q, %s = sq.quantize %x to int<8, row> : tensor<8x16xf32> -> tensor<8x16xi8>, tensor<8x1xf32>
  %qp = tensor.extract_slice %q[0, 8] [8, 8] [1, 1] : tensor<8x16xi8> to tensor<8x8xi8>
  // expected-note@below {{the codes are decoded here in another way than they were quantized}}
  %d = sq.dequantize %qp, %s from int<8, row> : tensor<8x8xi8>, tensor<8x1xf32> -> tensor<8x8xf32>
  // expected-error@below {{the mask is applied to quantized values}}
  %r = sq.apply_mask %d, %m : tensor<8x8xf32>
  return %r : tensor<8x8xf32>
}

// -----

func.func @padded_by_ones(%x: tensor<8x16xf32>, %m: tensor<8x32xi1>) -> tensor<8x32xf32> {
  %one = arith.constant 1.0 : f32
  // expected-note@below {{quantized here}}
  %q, %s = sq.quantize %x to int<8, row> : tensor<8x16xf32> -> tensor<8x16xi8>, tensor<8x1xf32>
  %d = sq.dequantize %q, %s from int<8, row> : tensor<8x16xi8>, tensor<8x1xf32> -> tensor<8x16xf32>
  // expected-note@below {{the mask can't be carried back over a padding other than with 0.0}}
  %v = tensor.pad %d low[0, 0] high[0, 16] {
  ^bb0(%i: index, %j: index):
    tensor.yield %one : f32
  } : tensor<8x16xf32> to tensor<8x32xf32>
  // expected-error@below {{the mask is applied to quantized values}}
  %r = sq.apply_mask %v, %m : tensor<8x32xf32>
  return %r : tensor<8x32xf32>
}

// -----

// Code 0 stands for a number that isn't 0.
func.func @zero_codes_of_a_zero_point(%x: tensor<8x16xf32>) -> tensor<16x16xf32> {
  // expected-note@below {{quantized here}}
  %q, %s, %z = sq.quantize %x to int<8, tensor, asymmetric> : tensor<8x16xf32> -> tensor<8x16xi8>, tensor<1x1xf32>, tensor<1x1xi32>
  // expected-note@below {{the values are stored here already quantized}}
  %zero = arith.constant dense<0> : tensor<16x16xi8>
  %v = tensor.insert_slice %q into %zero[0, 0] [8, 16] [1, 1] : tensor<8x16xi8> into tensor<16x16xi8>
  %d = sq.dequantize %v, %s, %z from int<8, tensor, asymmetric> : tensor<16x16xi8>, tensor<1x1xf32>, tensor<1x1xi32> -> tensor<16x16xf32>
  // expected-error@below {{the mask is derived from quantized values}}
  %m = sq.mask magnitude(%d) nm<2:4> : tensor<16x16xf32>
  %r = sq.apply_mask %d, %m : tensor<16x16xf32>
  return %r : tensor<16x16xf32>
}
