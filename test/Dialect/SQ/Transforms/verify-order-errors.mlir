// RUN: sq-opt %s --sq-verify-order --verify-diagnostics --split-input-file

func.func @mask_after_quantization(%x: tensor<8x16xf32>) -> tensor<8x16xf32> {
  %m = sq.mask magnitude(%x) nm<2:4> : tensor<8x16xf32>
  // expected-note@below {{quantized here}}
  %q, %s = sq.quantize %x to int<8, row> : tensor<8x16xf32> -> tensor<8x16xi8>, tensor<8x1xf32>
  %d = sq.dequantize %q, %s from int<8, row> : tensor<8x16xi8>, tensor<8x1xf32> -> tensor<8x16xf32>
  // expected-error@below {{expected sparsity before quantization, but the mask is applied to quantized values (class 1, commuting)}}
  %r = sq.apply_mask %d, %m : tensor<8x16xf32>
  return %r : tensor<8x16xf32>
}
