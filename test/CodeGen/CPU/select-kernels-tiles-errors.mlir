// RUN: sq-opt %s --sq-select-kernels=lanes=8 --verify-diagnostics --split-input-file

// Packed for a target that has byte dot products, scheduled for one that hasn't.
func.func @no_kernel_for_tiles(%x: tensor<1x64xi8>, %xs: tensor<1x1xf32>, %p: tensor<1x1024xi8>,
                               %s: tensor<1x16xf32>, %y: tensor<1x16xf32>) -> tensor<1x16xf32> {
  // expected-error@below {{no kernel can compute this op: not cpu.tile-dot: the target has no vectors of bytes that kernels know (AVX2, FMA and F16C, or AArch64's DotProd, are the least); not cpu.tile-fma: the target can't look floats up in a register (AVX2, or AArch64's DotProd)}}
  %0 = sq.matmul ins(%x, %xs : tensor<1x64xi8>, tensor<1x1xf32>)
    weights(%p, scales(%s) : tensor<1x1024xi8>, tensor<1x16xf32>) outs(%y : tensor<1x16xf32>)
    {format = #sq.int<8, row>, activationFormat = #sq.int<8, row>, layout = #sq<layout tiles>} -> tensor<1x16xf32>
  return %0 : tensor<1x16xf32>
}

// -----

func.func @rows_for_the_tile_kernel(%x: tensor<1x64xi8>, %xs: tensor<1x1xf32>, %p: tensor<16x64xi8>,
                                    %s: tensor<16x1xf32>, %y: tensor<1x16xf32>) -> tensor<1x16xf32> {
  // expected-error@below {{kernel 'cpu.tile-dot' can't compute this op: the weights are packed in rows}}
  %0 = sq.matmul ins(%x, %xs : tensor<1x64xi8>, tensor<1x1xf32>)
    weights(%p, scales(%s) : tensor<16x64xi8>, tensor<16x1xf32>) outs(%y : tensor<1x16xf32>)
    {format = #sq.int<8, row>, activationFormat = #sq.int<8, row>, kernel = "cpu.tile-dot"} -> tensor<1x16xf32>
  return %0 : tensor<1x16xf32>
}

// -----

func.func @tiles_for_a_row_kernel(%x: tensor<1x64xf32>, %p: tensor<1x1024xi8>, %s: tensor<1x16xf32>,
                                  %y: tensor<1x16xf32>) -> tensor<1x16xf32> {
  // expected-error@below {{kernel 'cpu.decode-rows' can't compute this op: the weights are packed in tiles}}
  %0 = sq.matmul ins(%x : tensor<1x64xf32>) weights(%p, scales(%s) : tensor<1x1024xi8>, tensor<1x16xf32>)
    outs(%y : tensor<1x16xf32>)
    {format = #sq.int<8, row>, layout = #sq<layout tiles>, kernel = "cpu.decode-rows"} -> tensor<1x16xf32>
  return %0 : tensor<1x16xf32>
}
