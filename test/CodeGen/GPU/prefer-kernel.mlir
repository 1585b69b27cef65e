// The option `prefer` has the names of the module's table; where formats decide, it
// changes nothing.
//
// RUN: sq-opt %s --sq-select-kernels=prefer=gpu.mma-bf16 | FileCheck %s
// RUN: sq-opt %s --sq-select-kernels=prefer=gpu.mma-s8 | FileCheck %s
// RUN: not sq-opt %s --sq-select-kernels=prefer=cpu.tile-dot 2>&1 | FileCheck %s --check-prefix=NAME
// NAME: error: sq-select-kernels: prefer: 'cpu.tile-dot' is none of 'gpu.mma-s8', 'gpu.mma-fp8', 'gpu.mma-f16', 'gpu.mma-bf16', 'gpu.generic'

// CHECK: kernel = "gpu.mma-bf16"
module attributes {dlti.target_system_spec = #dlti.target_system_spec<"GPU" = #dlti.target_device_spec<"sq.archs" = ["sm_80"]>>} {
  func.func @f(%x: tensor<?x64xf32>, %p: tensor<1x1024xi8>, %s: tensor<1x16xf32>, %o: tensor<?x16xf32>) -> tensor<?x16xf32> {
    %y = sq.matmul ins(%x : tensor<?x64xf32>) weights(%p, scales(%s) : tensor<1x1024xi8>, tensor<1x16xf32>)
      outs(%o : tensor<?x16xf32>) {format = #sq.int<8, row>, layout = #sq<layout fragments>} -> tensor<?x16xf32>
    return %y : tensor<?x16xf32>
  }
}
