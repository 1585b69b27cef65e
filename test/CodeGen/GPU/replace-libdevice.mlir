// RUN: sq-opt %s --pass-pipeline='builtin.module(gpu.module(sq-replace-libdevice))' | FileCheck %s

// CHECK-LABEL: llvm.func @f
// CHECK: llvm.intr.floor(%{{.*}}) : (f32) -> f32
// CHECK: llvm.intr.fma(%{{.*}}, %{{.*}}, %{{.*}}) : (f64, f64, f64) -> f64
// CHECK-NOT: __nv_
gpu.module @kernels {
  llvm.func @__nv_floorf(f32) -> f32
  llvm.func @__nv_fma(f64, f64, f64) -> f64
  llvm.func @f(%x: f32, %y: f64, %p: !llvm.ptr) {
    %0 = llvm.call @__nv_floorf(%x) : (f32) -> f32
    %1 = llvm.call @__nv_fma(%y, %y, %y) : (f64, f64, f64) -> f64
    llvm.store %0, %p : f32, !llvm.ptr
    llvm.store %1, %p : f64, !llvm.ptr
    llvm.return
  }
}
