// RUN: sq-opt %s --sq-lower-launches | FileCheck %s

// Kernels are numbered; what they are given is on the stack, once a call.
// CHECK: module attributes {gpu.container_module, sq.gpu_kernels = ["g", "h"]}
// CHECK: llvm.func @sq_gpu_launch(i32, i64, i64, i64, i64, i64, i64, i32, !llvm.ptr)
// CHECK: llvm.func @sq_gpu_allocate(i64, i64) -> !llvm.ptr
// CHECK-LABEL: llvm.func @f(
// CHECK-SAME: %[[X:.*]]: !llvm.ptr, %[[N:.*]]: i64, %[[MORE:.*]]: i1)
// CHECK-DAG: llvm.alloca %{{.*}} x i64
// CHECK-DAG: %[[ARGS:.*]] = llvm.alloca %{{.*}} x !llvm.ptr
// CHECK: llvm.call @sq_gpu_allocate
// CHECK: ^bb1:
// CHECK-NOT: llvm.alloca
// CHECK-DAG: llvm.store %[[X]], %{{.*}} : !llvm.ptr, !llvm.ptr
// CHECK-DAG: llvm.store %[[N]], %{{.*}} : i64, !llvm.ptr
// CHECK-DAG: %[[KERNEL:.*]] = llvm.mlir.constant(1 : i32)
// CHECK: llvm.call @sq_gpu_launch(%[[KERNEL]], %[[N]], %{{.*}}, %{{.*}}, %{{.*}}, %{{.*}}, %{{.*}}, %{{.*}}, %{{.*}})
// CHECK-NOT: gpu.launch_func
module attributes {gpu.container_module} {
  llvm.func @aligned_alloc(i64, i64) -> !llvm.ptr
  llvm.func @f(%x: !llvm.ptr, %n: i64, %more: i1) {
    %c1 = llvm.mlir.constant(1 : i64) : i64
    %c128 = llvm.mlir.constant(128 : i64) : i64
    %t = llvm.call @aligned_alloc(%c128, %n) : (i64, i64) -> !llvm.ptr
    llvm.br ^bb1
  ^bb1:
    gpu.launch_func @kernels::@h blocks in (%n, %c1, %c1) threads in (%c128, %c1, %c1) : i64 args(%x : !llvm.ptr, %n : i64)
    llvm.cond_br %more, ^bb1, ^bb2
  ^bb2:
    llvm.return
  }
  gpu.module @kernels {
    llvm.func @g() attributes {gpu.kernel, nvvm.kernel} {
      llvm.return
    }
    llvm.func @h(%x: !llvm.ptr, %n: i64) attributes {gpu.kernel, nvvm.kernel} {
      llvm.return
    }
  }
}
