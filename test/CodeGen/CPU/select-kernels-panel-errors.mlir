// RUN: sq-opt %s --sq-select-kernels='lanes=16 isa=avx512-vbmi2' --verify-diagnostics

func.func @few_rows_for_panels(%x: tensor<15x64xi8>, %xs: tensor<15x1xf32>, %p: tensor<1x1024xi8>,
                               %s: tensor<1x16xf32>, %y: tensor<15x16xf32>) -> tensor<15x16xf32> {
  // expected-error@below {{kernel 'cpu.tile-panel' can't compute this op: decoding weights pays from 16 rows of activations on}}
  %0 = sq.matmul ins(%x, %xs : tensor<15x64xi8>, tensor<15x1xf32>)
    weights(%p, scales(%s) : tensor<1x1024xi8>, tensor<1x16xf32>) outs(%y : tensor<15x16xf32>)
    {format = #sq.int<8, row>, activationFormat = #sq.int<8, row>, layout = #sq<layout tiles>, kernel = "cpu.tile-panel"} -> tensor<15x16xf32>
  return %0 : tensor<15x16xf32>
}
