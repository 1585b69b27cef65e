// RUN: sq-opt %s --sq-select-kernels='lanes=16 isa=avx512-vbmi2' --verify-diagnostics

// The columns of a scale group are straight-line code.
func.func @too_long_to_unroll(%x: tensor<1x512xi8>, %xs: tensor<1x1xf32>, %p: tensor<1x8192xi8>,
                              %s: tensor<1x16xf32>, %y: tensor<1x16xf32>) -> tensor<1x16xf32> {
  // expected-error@below {{kernel 'cpu.tile-dot' can't compute this op: a scale group of 512 is too long to unroll}}
  %0 = sq.matmul ins(%x, %xs : tensor<1x512xi8>, tensor<1x1xf32>)
    weights(%p, scales(%s) : tensor<1x8192xi8>, tensor<1x16xf32>) outs(%y : tensor<1x16xf32>)
    {format = #sq.int<8, group = 512>, activationFormat = #sq.int<8, row>, layout = #sq<layout tiles>,
     kernel = "cpu.tile-dot"} -> tensor<1x16xf32>
  return %0 : tensor<1x16xf32>
}
