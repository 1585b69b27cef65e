// RUN: sq-opt %s --sq-select-kernels='lanes=8 isa=avx2' | FileCheck %s
// RUN: sq-opt %s --sq-select-kernels='lanes=16 isa=avx512-vbmi2' | FileCheck %s
// RUN: sq-opt %s --sq-select-kernels='lanes=4 isa=neon-dotprod' | FileCheck %s
// RUN: not sq-opt %s --sq-select-kernels='lanes=16' -o /dev/null 2>&1 | FileCheck %s --check-prefix=NONE

// Weights of which a varying number is kept, in tiles: every target with vectors of
// bytes expands them, by an instruction or 16 at a time.
// CHECK: kernel = "cpu.tile-dot"
// NONE: error: no kernel can compute this op: not cpu.tile-dot: the target has no vectors of bytes that kernels know
func.func @bitmap(%x: tensor<1x64xi8>, %xs: tensor<1x1xf32>, %p: tensor<1x576xi8>, %b: tensor<1x140xi8>,
                  %s: tensor<1x16xf32>, %y: tensor<1x16xf32>) -> tensor<1x16xf32> {
  %0 = sq.matmul ins(%x, %xs : tensor<1x64xi8>, tensor<1x1xf32>)
    weights(%p, bitmap(%b), scales(%s) : tensor<1x576xi8>, tensor<1x140xi8>, tensor<1x16xf32>) outs(%y : tensor<1x16xf32>)
    {format = #sq.int<8, row>, activationFormat = #sq.int<8, row>, pattern = #sq.unstructured<0.5, row>,
     layout = #sq<layout tiles>} -> tensor<1x16xf32>
  return %0 : tensor<1x16xf32>
}
