// RUN: sq-opt %s --sq-attach-target=target=cuda:sm_80,sm_120a --sq-attach-nvvm | FileCheck %s

// CHECK: gpu.module @kernels [#nvvm.target<O = 3, chip = "sm_80", features = "+ptx85">, #nvvm.target<O = 3, chip = "sm_120a", features = "+ptx87">]
module {
  gpu.module @kernels {}
}
