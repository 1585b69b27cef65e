// RUN: sq-opt %s --sq-merge-kernels --split-input-file | FileCheck %s

// Two are equal, though not in their locations; the third has other constants.
// CHECK-LABEL: func @f
// CHECK: gpu.launch_func @kernels::@f_kernel blocks
// CHECK: gpu.launch_func @kernels::@f_kernel blocks
// CHECK: gpu.launch_func @kernels::@f_kernel_0 blocks
// CHECK: gpu.module @kernels
// CHECK: gpu.func @f_kernel(
// CHECK: arith.constant 1.0
// CHECK: gpu.func @f_kernel_0(
// CHECK: arith.constant 2.0
// CHECK-NOT: gpu.func
// CHECK-NOT: gpu.module
module attributes {gpu.container_module} {
  func.func @f(%x: memref<f32>) {
    %c1 = arith.constant 1 : index
    gpu.launch_func @a::@f_kernel blocks in (%c1, %c1, %c1) threads in (%c1, %c1, %c1) args(%x : memref<f32>)
    gpu.launch_func @b::@f_kernel blocks in (%c1, %c1, %c1) threads in (%c1, %c1, %c1) args(%x : memref<f32>)
    gpu.launch_func @c::@f_kernel blocks in (%c1, %c1, %c1) threads in (%c1, %c1, %c1) args(%x : memref<f32>)
    return
  }
  gpu.module @a {
    gpu.func @f_kernel(%x: memref<f32>) kernel {
      %v = arith.constant 1.0 : f32
      memref.store %v, %x[] : memref<f32>
      gpu.return
    }
  }
  gpu.module @b {
    gpu.func @f_kernel(%x: memref<f32>) kernel {
      %v = arith.constant 1.0 : f32
      memref.store %v, %x[] : memref<f32>
      gpu.return
    }
  }
  gpu.module @c {
    gpu.func @f_kernel(%x: memref<f32>) kernel {
      %v = arith.constant 2.0 : f32
      memref.store %v, %x[] : memref<f32>
      gpu.return
    }
  }
}

// -----

// A constant of two kernels is one, and a function of the host keeps its name.
// CHECK: func @kernels
// CHECK: gpu.launch_func @[[MODULE:kernels_0]]::@g_kernel blocks
// CHECK: gpu.module @[[MODULE]]
// CHECK-COUNT-1: memref.global
// CHECK-NOT: memref.global
module attributes {gpu.container_module} {
  func.func @kernels(%x: memref<f32>) {
    %c1 = arith.constant 1 : index
    gpu.launch_func @a::@g_kernel blocks in (%c1, %c1, %c1) threads in (%c1, %c1, %c1) args(%x : memref<f32>)
    gpu.launch_func @b::@h_kernel blocks in (%c1, %c1, %c1) threads in (%c1, %c1, %c1) args(%x : memref<f32>)
    return
  }
  gpu.module @a {
    memref.global "private" constant @t : memref<f32> = dense<1.0>
    gpu.func @g_kernel(%x: memref<f32>) kernel {
      %t = memref.get_global @t : memref<f32>
      %v = memref.load %t[] : memref<f32>
      memref.store %v, %x[] : memref<f32>
      gpu.return
    }
  }
  gpu.module @b {
    memref.global "private" constant @t : memref<f32> = dense<1.0>
    gpu.func @h_kernel(%x: memref<f32>) kernel {
      %t = memref.get_global @t : memref<f32>
      %v = memref.load %t[] : memref<f32>
      %w = arith.addf %v, %v : f32
      memref.store %w, %x[] : memref<f32>
      gpu.return
    }
  }
}
