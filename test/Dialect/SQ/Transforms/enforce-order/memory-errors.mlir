// RUN: sq-opt %s --sq-enforce-order --verify-diagnostics --split-input-file

// A tensor that is a memref for a moment.
func.func @through_a_memref(%x: tensor<8x16xf32>) -> tensor<8x16xi1> {
  // expected-note@below {{quantized here}}
  %q, %s = sq.quantize %x to int<8, row> : tensor<8x16xf32> -> tensor<8x16xi8>, tensor<8x1xf32>
  %d = sq.dequantize %q, %s from int<8, row> : tensor<8x16xi8>, tensor<8x1xf32> -> tensor<8x16xf32>
  %b = bufferization.to_buffer %d : tensor<8x16xf32> to memref<8x16xf32>
  // expected-note@below {{the way back to the unquantized values ends at 'bufferization.to_tensor'}}
  %t = bufferization.to_tensor %b : memref<8x16xf32> to tensor<8x16xf32>
  // expected-error@below {{the mask is derived from quantized values}}
  %m = sq.mask magnitude(%t) nm<2:4> : tensor<8x16xf32>
  return %m : tensor<8x16xi1>
}

// -----

// Block scores by pooling.
func.func @pooled(%x: tensor<1x8x16x1xf32>) -> tensor<1x4x8x1xi1> {
  %init = tensor.empty() : tensor<1x4x8x1xf32>
  %window = tensor.empty() : tensor<2x2xf32>
  %q = arith.constant dense<1> : tensor<1x8x16x1xi8>
  // expected-note@below {{'arith.sitofp' computes on codes, which the real values can't replace}}
  // expected-note@below {{decoded here}}
  %f = arith.sitofp %q : tensor<1x8x16x1xi8> to tensor<1x8x16x1xf32>
  %p = linalg.pooling_nhwc_max {strides = dense<2> : vector<2xi64>, dilations = dense<1> : vector<2xi64>}
    ins(%f, %window : tensor<1x8x16x1xf32>, tensor<2x2xf32>) outs(%init : tensor<1x4x8x1xf32>) -> tensor<1x4x8x1xf32>
  // expected-error@below {{the mask is derived from quantized values}}
  %m = sq.mask scores(%p) nm<2:4> axis = 2 : tensor<1x4x8x1xf32>
  return %m : tensor<1x4x8x1xi1>
}
