// RUN: sq-opt %s --convert-sq-to-quant | FileCheck %s
// RUN: sq-opt %s --convert-sq-to-quant --convert-quant-to-sq | FileCheck %s --check-prefix=BACK

// CHECK-LABEL: @per_layer
// CHECK: %[[Q:.+]] = quant.qcast %arg0 : tensor<4x8xf32> to tensor<4x8x!quant.uniform<i8<-127:127>:f32, 5.000000e-01>>
// CHECK: quant.dcast %[[Q]]
// BACK-LABEL: @per_layer
// BACK: %[[S:.+]] = arith.constant dense<5.000000e-01> : tensor<1x1xf32>
// BACK: %[[Q:.+]] = sq.quantize %arg0 static(%[[S]] : tensor<1x1xf32>) to int<8, tensor> :
// BACK: sq.dequantize %[[Q]], %[[S]] from int<8, tensor> :
func.func @per_layer(%x: tensor<4x8xf32>) -> tensor<4x8xf32> {
  %s = arith.constant dense<0.5> : tensor<1x1xf32>
  %q = sq.quantize %x static(%s : tensor<1x1xf32>) to int<8, tensor> : tensor<4x8xf32> -> tensor<4x8xi8>
  %d = sq.dequantize %q, %s from int<8, tensor> : tensor<4x8xi8>, tensor<1x1xf32> -> tensor<4x8xf32>
  return %d : tensor<4x8xf32>
}

// CHECK-LABEL: @per_axis
// CHECK: quant.scast %arg0 : tensor<2x8xi4> to tensor<2x8x!quant.uniform<u4:f32:0, {5.000000e-01:8,2.500000e-01:7}>>
// BACK-LABEL: @per_axis
// BACK: sq.dequantize %arg0, {{.*}} from int<4, row, asymmetric> :
func.func @per_axis(%q: tensor<2x8xi4>) -> tensor<2x8xf32> {
  %s = arith.constant dense<[[0.5], [0.25]]> : tensor<2x1xf32>
  %z = arith.constant dense<[[8], [7]]> : tensor<2x1xi32>
  %d = sq.dequantize %q, %s, %z from int<4, row, asymmetric> : tensor<2x8xi4>, tensor<2x1xf32>, tensor<2x1xi32> -> tensor<2x8xf32>
  return %d : tensor<2x8xf32>
}

// CHECK-LABEL: @sub_channel
// CHECK: tensor<2x8x!quant.uniform<i8<-127:127>:f32:{0:1, 1:4}, {{[{][{]}}1.000000e+00, 2.000000e+00}, {3.000000e+00, 4.000000e+00}}>>
// BACK-LABEL: @sub_channel
// BACK: sq.dequantize %arg0, {{.*}} from int<8, group = 4> :
func.func @sub_channel(%q: tensor<2x8xi8>) -> tensor<2x8xf32> {
  %s = arith.constant dense<[[1.0, 2.0], [3.0, 4.0]]> : tensor<2x2xf32>
  %d = sq.dequantize %q, %s from int<8, group = 4> : tensor<2x8xi8>, tensor<2x2xf32> -> tensor<2x8xf32>
  return %d : tensor<2x8xf32>
}
