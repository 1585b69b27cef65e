// RUN: sq-opt %s --sq-raise --split-input-file --remark-format=emitRemark --remarks-filter=sq-raise --verify-diagnostics | FileCheck %s

// CHECK-LABEL: @full_range
// CHECK: quant.qcast
func.func @full_range(%x: tensor<4x8xf32>) -> tensor<4x8xi8> {
  // expected-remark@below {{the range [-128, 127] has the code -128, which int<8> lacks}}
  %q = quant.qcast %x : tensor<4x8xf32> to tensor<4x8x!quant.uniform<i8:f32, 0.5>>
  %c = quant.scast %q : tensor<4x8x!quant.uniform<i8:f32, 0.5>> to tensor<4x8xi8>
  return %c : tensor<4x8xi8>
}

// -----

// CHECK-LABEL: @f16
// CHECK: quant.dcast
func.func @f16(%q: tensor<4x!quant.uniform<i8:f16, 0.5>>) -> tensor<4xf16> {
  // expected-remark@below {{the expressed type isn't f32}}
  %d = quant.dcast %q : tensor<4x!quant.uniform<i8:f16, 0.5>> to tensor<4xf16>
  return %d : tensor<4xf16>
}
