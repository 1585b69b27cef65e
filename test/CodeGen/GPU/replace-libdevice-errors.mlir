// RUN: sq-opt %s --pass-pipeline='builtin.module(gpu.module(sq-replace-libdevice))' --verify-diagnostics

gpu.module @kernels {
  llvm.func @__nv_lgammaf(f32) -> f32
  llvm.func @f(%x: f32) -> f32 {
    // expected-error@below {{no code for libdevice's __nv_lgammaf on a GPU: it has no instruction}}
    %0 = llvm.call @__nv_lgammaf(%x) : (f32) -> f32
    llvm.return %0 : f32
  }
}
