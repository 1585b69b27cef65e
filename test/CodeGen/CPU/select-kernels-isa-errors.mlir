// RUN: not sq-opt %s --sq-select-kernels='lanes=16' -o /dev/null 2>&1 | FileCheck %s

// Every kernel on tiles needs some vectors of bytes.
// CHECK: kernel 'cpu.tile-panel' can't compute this op: the target has no vectors of bytes that kernels know (AVX2, FMA and F16C, or AArch64's DotProd, are the least)
func.func @panel(%x: tensor<16x64xi8>, %xs: tensor<16x1xf32>, %p: tensor<1x1024xi8>,
                 %s: tensor<1x16xf32>, %y: tensor<16x16xf32>) -> tensor<16x16xf32> {
  %0 = sq.matmul ins(%x, %xs : tensor<16x64xi8>, tensor<16x1xf32>)
    weights(%p, scales(%s) : tensor<1x1024xi8>, tensor<1x16xf32>) outs(%y : tensor<16x16xf32>)
    {format = #sq.int<8, row>, activationFormat = #sq.int<8, row>, layout = #sq<layout tiles>, kernel = "cpu.tile-panel"} -> tensor<16x16xf32>
  return %0 : tensor<16x16xf32>
}
