// RUN: sq-opt %s --pass-pipeline="builtin.module(gpu.module(sq-export-shared-memory))" | FileCheck %s

gpu.module @kernels {
  // CHECK: llvm.mlir.global external @dynamic() {addr_space = 3 : i32} : !llvm.array<0 x i8>
  llvm.mlir.global internal @dynamic() {addr_space = 3 : i32} : !llvm.array<0 x i8>
  // What has a size, or is elsewhere, is the module's own.
  // CHECK: llvm.mlir.global internal @static() {addr_space = 3 : i32}
  llvm.mlir.global internal @static() {addr_space = 3 : i32} : !llvm.array<16 x i8>
  // CHECK: llvm.mlir.global internal @elsewhere() {addr_space = 1 : i32}
  llvm.mlir.global internal @elsewhere() {addr_space = 1 : i32} : !llvm.array<0 x i8>
}
