// RUN: sq-opt %s --sq-enforce-order --verify-diagnostics --split-input-file

// Decoded with scales that aren't the quantizer's: what the mask would be moved
// in front of is no rounding of %x.
func.func @other_scales(%x: tensor<8x16xf32>, %other: tensor<8x1xf32>, %m: tensor<8x16xi1>) -> tensor<8x16xf32> {
  // expected-note@below {{quantized here}}
  %q, %s = sq.quantize %x to int<8, row> : tensor<8x16xf32> -> tensor<8x16xi8>, tensor<8x1xf32>
  // expected-note@below {{the codes are decoded here in another way than they were quantized}}
  %d = sq.dequantize %q, %other from int<8, row> : tensor<8x16xi8>, tensor<8x1xf32> -> tensor<8x16xf32>
  // expected-error@below {{the mask is applied to quantized values, and can't be moved in front of quantization (class 2, scale-changing)}}
  %r = sq.apply_mask %d, %m : tensor<8x16xf32>
  return %r : tensor<8x16xf32>
}

// -----

// Square, so that the types agree: the codes are transposed, the scales aren't.
func.func @only_the_codes_transposed(%x: tensor<4x4x16xf32>, %m: tensor<4x4x16xi1>) -> tensor<4x4x16xf32> {
  // expected-note@below {{quantized here}}
  %q, %s = sq.quantize %x to int<8, row> : tensor<4x4x16xf32> -> tensor<4x4x16xi8>, tensor<4x4x1xf32>
  %init = tensor.empty() : tensor<4x4x16xi8>
  %t = linalg.transpose ins(%q : tensor<4x4x16xi8>) outs(%init : tensor<4x4x16xi8>) permutation = [1, 0, 2]
  // expected-note@below {{the codes are decoded here in another way than they were quantized}}
  %d = sq.dequantize %t, %s from int<8, row> : tensor<4x4x16xi8>, tensor<4x4x1xf32> -> tensor<4x4x16xf32>
  // expected-error@below {{the mask is applied to quantized values}}
  %r = sq.apply_mask %d, %m : tensor<4x4x16xf32>
  return %r : tensor<4x4x16xf32>
}

// -----

// Masked codes, read with scales from elsewhere.
func.func @masked_codes_with_other_scales(%x: tensor<8x16xf32>, %other: tensor<8x1xf32>, %m: tensor<8x16xi1>) -> tensor<8x16xf32> {
  // expected-note@below {{quantized here}}
  %q, %s = sq.quantize %x to int<8, row> : tensor<8x16xf32> -> tensor<8x16xi8>, tensor<8x1xf32>
  // expected-error@below {{the mask is applied to quantized values}}
  %z = sq.apply_mask %q, %m : tensor<8x16xi8>
  // expected-note@below {{the codes are decoded here in another way than they were quantized}}
  %d = sq.dequantize %z, %other from int<8, row> : tensor<8x16xi8>, tensor<8x1xf32> -> tensor<8x16xf32>
  return %d : tensor<8x16xf32>
}
