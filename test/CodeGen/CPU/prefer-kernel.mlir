// What the cost model would choose can be overruled: everywhere the kernel fits.
// RUN: sq-opt %s --sq-select-kernels='isa=avx512-vbmi2 prefer=cpu.tile-panel:7' | FileCheck %s
// RUN: sq-opt %s --sq-select-kernels='isa=avx2 prefer=cpu.tile-blocks' | FileCheck %s --check-prefix=OTHER
// RUN: not sq-opt %s --sq-select-kernels=prefer=cpu.fast 2>&1 | FileCheck %s --check-prefix=NAME
// RUN: not sq-opt %s --sq-select-kernels=prefer=cpu.tile-panel:0 2>&1 | FileCheck %s --check-prefix=NUMBER
// RUN: not sq-opt %s --sq-select-kernels=prefer=cpu.tile-dot:8 2>&1 | FileCheck %s --check-prefix=ANY
// NAME: error: sq-select-kernels: prefer: 'cpu.fast' is none of 'cpu.tile-blocks',
// NUMBER: error: sq-select-kernels: prefer: '0' is no number of rows of activations above zero
// ANY: error: sq-select-kernels: prefer: 'cpu.tile-dot' takes any number of rows of activations

// CHECK: kernel = "cpu.tile-panel", layout = #sq<layout tiles>, manyInputs = 7 : i64
// OTHER: kernel = "cpu.tile-panel", layout = #sq<layout tiles>, manyInputs = {{[0-9]+}}
func.func @f(%x: tensor<?x64xi8>, %xs: tensor<?x1xf32>, %p: tensor<1x1024xi8>, %s: tensor<1x16xf32>,
             %y: tensor<?x16xf32>) -> tensor<?x16xf32> {
  %0 = sq.matmul ins(%x, %xs : tensor<?x64xi8>, tensor<?x1xf32>)
    weights(%p, scales(%s) : tensor<1x1024xi8>, tensor<1x16xf32>) outs(%y : tensor<?x16xf32>)
    {format = #sq.int<8, row>, activationFormat = #sq.int<8, row>, layout = #sq<layout tiles>} -> tensor<?x16xf32>
  return %0 : tensor<?x16xf32>
}
