// RUN: sq-opt %s --sq-lower-linear --split-input-file --verify-diagnostics

// A kernel on bytes, and no word on which instructions for bytes there are.
func.func @no_isa(%x: memref<1x64xi8>, %xs: memref<1x1xf32>, %p: memref<1x1024xi8>, %s: memref<1x16xf32>,
                  %y: memref<1x16xf32>) {
  // expected-error@below {{kernel 'cpu.tile-dot' can't compute this op: the target has no vectors of bytes that kernels know (AVX2, FMA and F16C, or AArch64's DotProd, are the least)}}
  sq.matmul ins(%x, %xs : memref<1x64xi8>, memref<1x1xf32>)
    weights(%p, scales(%s) : memref<1x1024xi8>, memref<1x16xf32>) outs(%y : memref<1x16xf32>)
    {format = #sq.int<8, row>, activationFormat = #sq.int<8, row>, layout = #sq<layout tiles>, kernel = "cpu.tile-dot"}
  return
}

// -----

// Decided by hand, for a kernel that only adds.
func.func @overwrites(%x: memref<1x64xf32>, %p: memref<1x64xi8>, %s: memref<1x1xf32>, %y: memref<1x1xf32>) {
  // expected-error@below {{kernel 'cpu.decode-rows' can't compute this op: it adds to its results}}
  sq.matmul ins(%x : memref<1x64xf32>) weights(%p, scales(%s) : memref<1x64xi8>, memref<1x1xf32>)
    outs(%y : memref<1x1xf32>) {format = #sq.int<8, row>, kernel = "cpu.decode-rows", overwrites}
  return
}
