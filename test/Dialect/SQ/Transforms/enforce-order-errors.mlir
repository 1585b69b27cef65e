// RUN: sq-opt %s --sq-enforce-order --verify-diagnostics --split-input-file

// expected-note@below {{the values enter here already quantized}}
func.func @unreachable_source(%q: tensor<8x16xi8>, %s: tensor<8x1xf32>) -> tensor<8x16xf32> {
  // expected-note@below {{decoded here}}
  %d = sq.dequantize %q, %s from int<8, row> : tensor<8x16xi8>, tensor<8x1xf32> -> tensor<8x16xf32>
  // expected-error@below {{the mask is derived from quantized values, and can't be moved in front of quantization (class 3, mask-from-quantized)}}
  %m = sq.mask magnitude(%d) nm<2:4> : tensor<8x16xf32>
  %r = sq.apply_mask %d, %m : tensor<8x16xf32>
  return %r : tensor<8x16xf32>
}
