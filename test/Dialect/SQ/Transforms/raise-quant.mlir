// RUN: sq-opt %s --sq-raise | FileCheck %s

// Casts of the quant dialect. Where a function passes quantized values, a cast
// of their storage stays.

// CHECK-LABEL: @both
// CHECK: %[[S:.+]] = arith.constant dense<5.000000e-01> : tensor<1x1xf32>
// CHECK: %[[Q:.+]] = sq.quantize %arg0 static(%[[S]] : tensor<1x1xf32>) to int<8, tensor> :
// CHECK: %[[D:.+]] = sq.dequantize %[[Q]], %[[S]] from int<8, tensor> :
// CHECK-NEXT: return %[[D]]
!q = !quant.uniform<i8<-127:127>:f32, 0.5>
func.func @both(%x: tensor<4x8xf32>) -> tensor<4x8xf32> {
  %q = quant.qcast %x : tensor<4x8xf32> to tensor<4x8x!q>
  %d = quant.dcast %q : tensor<4x8x!q> to tensor<4x8xf32>
  return %d : tensor<4x8xf32>
}

// CHECK-LABEL: @across_a_function
// CHECK: %[[C:.+]] = quant.scast %arg0 : {{.*}} to tensor<4x8xi8>
// CHECK: sq.dequantize %[[C]]
func.func @across_a_function(%q: tensor<4x8x!q>) -> tensor<4x8xf32> {
  %d = quant.dcast %q : tensor<4x8x!q> to tensor<4x8xf32>
  return %d : tensor<4x8xf32>
}
