// RUN: sq-opt %s --convert-sq-to-quant --split-input-file --remark-format=emitRemark --remarks-filter=convert-sq-to-quant --verify-diagnostics | FileCheck %s --implicit-check-not=quant.

// What !quant.uniform can't say stays.

// CHECK-LABEL: @computed_scales
func.func @computed_scales(%x: tensor<4x8xf32>) -> (tensor<4x8xi8>, tensor<4x1xf32>) {
  // expected-remark@below {{the scales are computed from the values}}
  %q, %s = sq.quantize %x to int<8, row> : tensor<4x8xf32> -> tensor<4x8xi8>, tensor<4x1xf32>
  return %q, %s : tensor<4x8xi8>, tensor<4x1xf32>
}

// -----

// CHECK-LABEL: @argument_scales
func.func @argument_scales(%q: tensor<4x8xi8>, %s: tensor<4x1xf32>) -> tensor<4x8xf32> {
  // expected-remark@below {{the scales aren't constant}}
  %d = sq.dequantize %q, %s from int<8, row> : tensor<4x8xi8>, tensor<4x1xf32> -> tensor<4x8xf32>
  return %d : tensor<4x8xf32>
}

// -----

// CHECK-LABEL: @no_integer
func.func @no_integer(%q: tensor<4x8xf8E4M3FN>) -> tensor<4x8xf32> {
  %s = arith.constant dense<0.5> : tensor<4x1xf32>
  // expected-remark@below {{is no integer format; !quant.uniform is}}
  %d = sq.dequantize %q, %s from fp8<f8E4M3FN, row> : tensor<4x8xf8E4M3FN>, tensor<4x1xf32> -> tensor<4x8xf32>
  return %d : tensor<4x8xf32>
}

// -----

// CHECK-LABEL: @zero_scale
func.func @zero_scale(%q: tensor<2x8xi8>) -> tensor<2x8xf32> {
  %s = arith.constant dense<[[0.5], [0.0]]> : tensor<2x1xf32>
  // expected-remark@below {{a scale is not a positive finite f32}}
  %d = sq.dequantize %q, %s from int<8, row> : tensor<2x8xi8>, tensor<2x1xf32> -> tensor<2x8xf32>
  return %d : tensor<2x8xf32>
}

// -----

// CHECK-LABEL: @short_group
func.func @short_group(%q: tensor<1x6xi8>) -> tensor<1x6xf32> {
  %s = arith.constant dense<[[0.5, 0.25]]> : tensor<1x2xf32>
  // expected-remark@below {{the last scale group is short}}
  %d = sq.dequantize %q, %s from int<8, group = 4> : tensor<1x6xi8>, tensor<1x2xf32> -> tensor<1x6xf32>
  return %d : tensor<1x6xf32>
}
