// RUN: sq-opt %s --convert-quant-to-sq | FileCheck %s --implicit-check-not='quant.'

// CHECK-LABEL: @per_layer
// CHECK: %[[S:.+]] = arith.constant dense<1.000000e-01> : tensor<1x1xf32>
// CHECK: %[[Q:.+]] = sq.quantize %arg0 static(%[[S]] : tensor<1x1xf32>) to int<8, tensor> : tensor<?x8xf32> -> tensor<?x8xi8>
// CHECK: sq.dequantize %[[Q]], %[[S]] from int<8, tensor>
!layer = !quant.uniform<i8<-127:127>:f32, 0.1>
func.func @per_layer(%x: tensor<?x8xf32>) -> tensor<?x8xf32> {
  %q = quant.qcast %x : tensor<?x8xf32> to tensor<?x8x!layer>
  %d = quant.dcast %q : tensor<?x8x!layer> to tensor<?x8xf32>
  return %d : tensor<?x8xf32>
}

// Unsigned storage has zero points; a scale for each column is a row along the
// other axis.
// CHECK-LABEL: @per_axis
// CHECK-DAG: %[[S:.+]] = arith.constant dense<{{\[\[}}5.000000e-01, 2.500000e-01]]> : tensor<1x2xf32>
// CHECK-DAG: %[[Z:.+]] = arith.constant dense<{{\[\[}}128, 3]]> : tensor<1x2xi32>
// CHECK: sq.quantize %arg0 static(%[[S]], %[[Z]] : {{.*}}) to int<8, row, asymmetric> axis = 0
!axis = !quant.uniform<u8:f32:1, {0.5:128, 0.25:3}>
func.func @per_axis(%x: tensor<4x2xf32>) -> tensor<4x2xi8> {
  %q = quant.qcast %x : tensor<4x2xf32> to tensor<4x2x!axis>
  %c = quant.scast %q : tensor<4x2x!axis> to tensor<4x2xi8>
  return %c : tensor<4x2xi8>
}

// Decoding reads any code, so the storage's range doesn't matter.
// CHECK-LABEL: @sub_channel
// CHECK: %[[S:.+]] = arith.constant dense<{{\[\[}}1.000000e+00, 2.000000e+00], [3.000000e+00, 4.000000e+00]]>
// CHECK: sq.dequantize %arg0, %[[S]] from int<8, group = 4> :
!sub = !quant.uniform<i8:f32:{0:1, 1:4}, {{1.0, 2.0}, {3.0, 4.0}}>
func.func @sub_channel(%c: tensor<2x8xi8>) -> tensor<2x8xf32> {
  %q = quant.scast %c : tensor<2x8xi8> to tensor<2x8x!sub>
  %d = quant.dcast %q : tensor<2x8x!sub> to tensor<2x8xf32>
  return %d : tensor<2x8xf32>
}

// A block of two rows: each gets a copy of the scale.
// CHECK-LABEL: @replicated
// CHECK: arith.constant dense<{{\[\[}}1.000000e+00, 2.000000e+00], [1.000000e+00, 2.000000e+00]]>
// CHECK: int<8, group = 4>
!block = !quant.uniform<i8:f32:{1:4, 0:2}, {{1.0, 2.0}}>
func.func @replicated(%q: tensor<2x8x!block>) -> tensor<2x8xf32> {
  %d = quant.dcast %q : tensor<2x8x!block> to tensor<2x8xf32>
  return %d : tensor<2x8xf32>
}

// Functions, calls, scf and tensor ops carry codes.
// CHECK-LABEL: @carried
// CHECK-SAME: tensor<4x8xi8>) -> tensor<32xi8>
// CHECK: scf.if {{.*}} -> (tensor<4x8xi8>)
// CHECK: tensor.collapse_shape {{.*}} : tensor<4x8xi8> into tensor<32xi8>
func.func @carried(%b: i1, %q: tensor<4x8x!layer>) -> tensor<32x!layer> {
  %r = scf.if %b -> tensor<4x8x!layer> {
    %n = func.call @callee(%q) : (tensor<4x8x!layer>) -> tensor<4x8x!layer>
    scf.yield %n : tensor<4x8x!layer>
  } else {
    scf.yield %q : tensor<4x8x!layer>
  }
  %c = tensor.collapse_shape %r [[0, 1]] : tensor<4x8x!layer> into tensor<32x!layer>
  return %c : tensor<32x!layer>
}
// CHECK: func private @callee(tensor<4x8xi8>) -> tensor<4x8xi8>
func.func private @callee(tensor<4x8x!layer>) -> tensor<4x8x!layer>
