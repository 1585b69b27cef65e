// RUN: sq-opt %s --sq-select-kernels=lanes=16 --remark-format=emitRemark \
// RUN:   --remarks-filter=sq-select-kernels --verify-diagnostics --split-input-file | FileCheck %s

// CHECK-LABEL: @fits
func.func @fits(%x: tensor<1x64xf32>, %p: tensor<8x64xi8>, %s: tensor<8x1xf32>,
                %y: tensor<1x8xf32>) -> tensor<1x8xf32> {
  // CHECK: kernel = "cpu.decode-rows"
  // expected-remark@below {{kernel=cpu.decode-rows}}
  %0 = sq.matmul ins(%x : tensor<1x64xf32>) weights(%p, scales(%s) : tensor<8x64xi8>, tensor<8x1xf32>)
    outs(%y : tensor<1x8xf32>) {format = #sq.int<8, row>} -> tensor<1x8xf32>
  return %0 : tensor<1x8xf32>
}

// -----

// CHECK-LABEL: @odd_group
func.func @odd_group(%x: tensor<1x64xf32>, %p: tensor<8x64xi8>, %s: tensor<8x3xf32>,
                     %y: tensor<1x8xf32>) -> tensor<1x8xf32> {
  // CHECK: kernel = "cpu.reference"
  // expected-remark@below {{a scale group of 24 is not a multiple of the 16 lanes of a register}}
  %0 = sq.matmul ins(%x : tensor<1x64xf32>) weights(%p, scales(%s) : tensor<8x64xi8>, tensor<8x3xf32>)
    outs(%y : tensor<1x8xf32>) {format = #sq.int<8, group = 24>} -> tensor<1x8xf32>
  return %0 : tensor<1x8xf32>
}

// -----

// CHECK-LABEL: @a_legal_decision_is_kept
func.func @a_legal_decision_is_kept(%x: tensor<1x64xf32>, %p: tensor<8x64xi8>, %s: tensor<8x1xf32>,
                                    %y: tensor<1x8xf32>) -> tensor<1x8xf32> {
  // CHECK: kernel = "cpu.reference"
  %0 = sq.matmul ins(%x : tensor<1x64xf32>) weights(%p, scales(%s) : tensor<8x64xi8>, tensor<8x1xf32>)
    outs(%y : tensor<1x8xf32>) {format = #sq.int<8, row>, kernel = "cpu.reference"} -> tensor<1x8xf32>
  return %0 : tensor<1x8xf32>
}

// -----

// No dot products of bytes on this target: activations are decoded, too.
// CHECK-LABEL: @no_byte_dot
func.func @no_byte_dot(%x: tensor<1x64xi8>, %xs: tensor<1x1xf32>, %p: tensor<16x64xi8>, %s: tensor<16x1xf32>,
                       %y: tensor<1x16xf32>) -> tensor<1x16xf32> {
  // CHECK: kernel = "cpu.decode-rows"
  // expected-remark@below {{kernel=cpu.decode-rows}}
  %0 = sq.matmul ins(%x, %xs : tensor<1x64xi8>, tensor<1x1xf32>)
    weights(%p, scales(%s) : tensor<16x64xi8>, tensor<16x1xf32>) outs(%y : tensor<1x16xf32>)
    {format = #sq.int<8, row>, activationFormat = #sq.int<8, row>} -> tensor<1x16xf32>
  return %0 : tensor<1x16xf32>
}

// -----

// CHECK-LABEL: @float_activations
func.func @float_activations(%x: tensor<1x64xf8E4M3FN>, %xs: tensor<1x1xf32>, %p: tensor<16x64xi8>, %s: tensor<16x1xf32>,
                             %y: tensor<1x16xf32>) -> tensor<1x16xf32> {
  // CHECK: kernel = "cpu.decode-rows"
  // expected-remark@below {{kernel=cpu.decode-rows}}
  %0 = sq.matmul ins(%x, %xs : tensor<1x64xf8E4M3FN>, tensor<1x1xf32>)
    weights(%p, scales(%s) : tensor<16x64xi8>, tensor<16x1xf32>) outs(%y : tensor<1x16xf32>)
    {format = #sq.int<8, row>, activationFormat = #sq.fp8<f8E4M3FN, row>} -> tensor<1x16xf32>
  return %0 : tensor<1x16xf32>
}
