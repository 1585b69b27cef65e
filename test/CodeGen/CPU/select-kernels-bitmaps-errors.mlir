// RUN: sq-opt %s --sq-select-kernels='lanes=16 isa=avx512-vnni' --verify-diagnostics

// Packed for a target that expands bytes, scheduled for one that only multiplies
// them.
func.func @no_kernel_for_bitmaps(%x: tensor<1x64xi8>, %xs: tensor<1x1xf32>, %p: tensor<1x576xi8>, %b: tensor<1x140xi8>,
                                 %s: tensor<1x16xf32>, %y: tensor<1x16xf32>) -> tensor<1x16xf32> {
  // expected-error@below {{no kernel can compute this op: not cpu.tile-dot: the pattern keeps a varying number of weights, and the target can't expand vectors of bytes (AVX512_VBMI2)}}
  %0 = sq.matmul ins(%x, %xs : tensor<1x64xi8>, tensor<1x1xf32>)
    weights(%p, bitmap(%b), scales(%s) : tensor<1x576xi8>, tensor<1x140xi8>, tensor<1x16xf32>) outs(%y : tensor<1x16xf32>)
    {format = #sq.int<8, row>, activationFormat = #sq.int<8, row>, pattern = #sq.unstructured<0.5, row>,
     layout = #sq<layout tiles>} -> tensor<1x16xf32>
  return %0 : tensor<1x16xf32>
}
