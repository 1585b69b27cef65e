// RUN: sq-opt %s --sq-lower-linear=isa=avx512-vbmi2 --split-input-file --verify-diagnostics

// Codes that a kernel multiplies in f32 are decoded on tensors.
func.func @codes(%x: memref<1x64xf8E4M3FN>, %xs: memref<1x1xf32>, %p: memref<1x1024xi8>,
                 %s: memref<1x16xf32>, %y: memref<1x16xf32>) {
  // expected-error@below {{kernel 'cpu.tile-fma' can't compute this op: its activations are still codes; run sq-decode-activations in front of bufferization}}
  sq.matmul ins(%x, %xs : memref<1x64xf8E4M3FN>, memref<1x1xf32>)
    weights(%p, scales(%s) : memref<1x1024xi8>, memref<1x16xf32>) outs(%y : memref<1x16xf32>)
    {format = #sq.int<8, row>, activationFormat = #sq.fp8<f8E4M3FN, row>, layout = #sq<layout tiles>, kernel = "cpu.tile-fma"}
  return
}

// -----

// Nor does a kernel that multiplies bytes decode nibbles of activations.
func.func @nibbles(%x: memref<1x64xi4>, %xs: memref<1x1xf32>, %p: memref<1x1024xi8>,
                   %s: memref<1x16xf32>, %y: memref<1x16xf32>) {
  // expected-error@below {{kernel 'cpu.tile-dot' can't compute this op: its activations are still codes; run sq-decode-activations in front of bufferization}}
  sq.matmul ins(%x, %xs : memref<1x64xi4>, memref<1x1xf32>)
    weights(%p, scales(%s) : memref<1x1024xi8>, memref<1x16xf32>) outs(%y : memref<1x16xf32>)
    {format = #sq.int<8, row>, activationFormat = #sq.int<4, row>, layout = #sq<layout tiles>, kernel = "cpu.tile-dot"}
  return
}
