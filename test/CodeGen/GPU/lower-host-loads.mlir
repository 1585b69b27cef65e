// RUN: sq-opt %s --sq-lower-host-loads | FileCheck %s

// A position, which addresses memory, is copied to the host's stack; a constant
// is the host's already.
// CHECK: llvm.func @sq_gpu_read(!llvm.ptr, !llvm.ptr, i64)
// CHECK: func @f(%[[POS:.*]]: memref<?xi64>, %[[I:.*]]: index)
// CHECK: %[[ROOM:.*]] = memref.alloca() : memref<i64>
// CHECK: scf.for
// CHECK-DAG: memref.extract_aligned_pointer_as_index %[[ROOM]]
// CHECK-DAG: memref.extract_aligned_pointer_as_index %[[POS]]
// CHECK-DAG: %[[SIZE:.*]] = llvm.mlir.constant(8 : i64)
// CHECK: llvm.call @sq_gpu_read(%{{.*}}, %{{.*}}, %[[SIZE]])
// CHECK: memref.load %[[ROOM]][] : memref<i64>
// CHECK: memref.load %{{.*}}[%[[I]]] : memref<4xi64>
memref.global "private" constant @table : memref<4xi64> = dense<1>
func.func @f(%pos: memref<?xi64>, %i: index) -> i64 {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c4 = arith.constant 4 : index
  %zero = arith.constant 0 : i64
  %sum = scf.for %j = %c0 to %c4 step %c1 iter_args(%s = %zero) -> i64 {
    %p = memref.load %pos[%j] : memref<?xi64>
    %next = arith.addi %s, %p : i64
    scf.yield %next : i64
  }
  %t = memref.get_global @table : memref<4xi64>
  %v = memref.load %t[%i] : memref<4xi64>
  %r = arith.addi %sum, %v : i64
  return %r : i64
}
