// RUN: sq-opt %s --sq-select-kernels='lanes=16 isa=avx512-vnni' --remark-format=emitRemark \
// RUN:   --remarks-filter=sq-select-kernels --verify-diagnostics | FileCheck %s

// A target that multiplies vectors of bytes but can't expand them: weights of
// which a varying number is kept are packed in rows, and the remark says why.
// CHECK-LABEL: @rows
func.func @rows(%x: tensor<1x64xi8>, %xs: tensor<1x1xf32>, %p: tensor<16x32xi8>, %b: tensor<16x8xi8>,
                %s: tensor<16x1xf32>, %y: tensor<1x16xf32>) -> tensor<1x16xf32> {
  // CHECK: kernel = "cpu.decode-rows"
  // expected-remark@below {{not cpu.tile-dot: the pattern keeps a varying number of weights, and the target can't expand vectors of bytes (AVX512_VBMI2)}}
  %0 = sq.matmul ins(%x, %xs : tensor<1x64xi8>, tensor<1x1xf32>)
    weights(%p, bitmap(%b), scales(%s) : tensor<16x32xi8>, tensor<16x8xi8>, tensor<16x1xf32>) outs(%y : tensor<1x16xf32>)
    {format = #sq.int<8, row>, activationFormat = #sq.int<8, row>, pattern = #sq.unstructured<0.5, row>} -> tensor<1x16xf32>
  return %0 : tensor<1x16xf32>
}
