// RUN: sq-opt %s --pass-pipeline='builtin.module(gpu.module(sq-expand-device-math))' | FileCheck %s

// CHECK-LABEL: gpu.func @f
// CHECK-NOT: math.{{exp|tanh|erf|sin|cos|log|rsqrt}}
// CHECK: math.sqrt
// CHECK: gpu.return
gpu.module @kernels {
  gpu.func @f(%x: f32, %y: memref<7xf32>) {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %c2 = arith.constant 2 : index
    %c3 = arith.constant 3 : index
    %c4 = arith.constant 4 : index
    %c5 = arith.constant 5 : index
    %c6 = arith.constant 6 : index
    %0 = math.exp %x : f32
    %1 = math.tanh %x : f32
    %2 = math.erf %x : f32
    %3 = math.sin %x : f32
    %4 = math.cos %x : f32
    %5 = math.log %x : f32
    %6 = math.rsqrt %x : f32
    memref.store %0, %y[%c0] : memref<7xf32>
    memref.store %1, %y[%c1] : memref<7xf32>
    memref.store %2, %y[%c2] : memref<7xf32>
    memref.store %3, %y[%c3] : memref<7xf32>
    memref.store %4, %y[%c4] : memref<7xf32>
    memref.store %5, %y[%c5] : memref<7xf32>
    memref.store %6, %y[%c6] : memref<7xf32>
    gpu.return
  }
}
