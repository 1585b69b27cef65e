// RUN: sq-opt %s --sq-select-kernels='lanes=16 isa=avx512-vbmi2' --split-input-file --verify-diagnostics

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

// -----

// Neither group of columns is whole groups of the other side.
func.func @groups_that_cross(%x: tensor<1x96xi8>, %xs: tensor<1x2xf8E8M0FNU>, %p: tensor<1x1536xi8>,
                             %s: tensor<1x48xf32>, %y: tensor<1x16xf32>) -> tensor<1x16xf32> {
  // expected-error@below {{kernel 'cpu.tile-dot' can't compute this op: scale groups of 48 activations and 32 weights don't fit into each other}}
  %0 = sq.matmul ins(%x, %xs : tensor<1x96xi8>, tensor<1x2xf8E8M0FNU>)
    weights(%p, scales(%s) : tensor<1x1536xi8>, tensor<1x48xf32>) outs(%y : tensor<1x16xf32>)
    {format = #sq.int<8, group = 32>, activationFormat = #sq.hbfp<7, group = 48>, layout = #sq<layout tiles>,
     kernel = "cpu.tile-dot"} -> tensor<1x16xf32>
  return %0 : tensor<1x16xf32>
}

// -----

// Integers without their codes.
func.func @widened(%x: tensor<1x64xi8>, %xs: tensor<1x2xf8E8M0FNU>, %p: tensor<1x1024xi8>,
                   %s: tensor<1x16xf32>, %y: tensor<1x16xf32>) -> tensor<1x16xf32> {
  // expected-error@below {{kernel 'cpu.tile-fma' can't compute this op: activations were widened for a kernel that multiplies bytes}}
  %0 = sq.matmul ins(%x, %xs : tensor<1x64xi8>, tensor<1x2xf8E8M0FNU>)
    weights(%p, scales(%s) : tensor<1x1024xi8>, tensor<1x16xf32>) outs(%y : tensor<1x16xf32>)
    {format = #sq.int<8, row>, activationFormat = #sq.mx<f4E2M1FN>, layout = #sq<layout tiles>,
     kernel = "cpu.tile-fma"} -> tensor<1x16xf32>
  return %0 : tensor<1x16xf32>
}

// -----

func.func @widened_for_tensor_cores(%x: tensor<1x64xf16>, %xs: tensor<1x1xf32>, %p: tensor<1x1024xi8>, %s: tensor<1x16xf32>,
                                    %y: tensor<1x16xf32>) -> tensor<1x16xf32> {
  // expected-error@below {{kernel 'cpu.tile-fma' can't compute this op: activations were widened for tensor cores}}
  %0 = sq.matmul ins(%x, %xs : tensor<1x64xf16>, tensor<1x1xf32>) weights(%p, scales(%s) : tensor<1x1024xi8>, tensor<1x16xf32>)
    outs(%y : tensor<1x16xf32>)
    {format = #sq.int<8, row>, activationFormat = #sq.int<8, row>, layout = #sq<layout tiles>, kernel = "cpu.tile-fma"} -> tensor<1x16xf32>
  return %0 : tensor<1x16xf32>
}
