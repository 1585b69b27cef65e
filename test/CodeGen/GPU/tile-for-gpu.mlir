// RUN: sq-opt %s --pass-pipeline='builtin.module(func.func(sq-tile-for-gpu{threads=128}),canonicalize,cse)' --split-input-file --remark-policy=all --remarks-filter=sq.* --verify-diagnostics | FileCheck %s

// A thread computes one element; those beyond the last do nothing. (The
// canonicalizer makes one loop of that over blocks and that over threads, and
// drops the former where there is one block.)
// CHECK-LABEL: func @elementwise(%arg0: memref<50x7xf32>, %arg1: memref<50x7xf32>)
// CHECK-DAG: %[[N:.*]] = arith.constant 350 : index
// CHECK-DAG: %[[SEVEN:.*]] = arith.constant 7 : index
// CHECK: scf.parallel (%[[BLOCK:.*]], %[[THREAD:.*]]) = (%c0, %c0) to (%[[N]], %c128) step (%c128, %c1)
// CHECK: %[[I:.*]] = arith.addi %[[THREAD]], %[[BLOCK]]
// CHECK: %[[INSIDE:.*]] = arith.cmpi ult, %[[I]], %[[N]]
// CHECK: scf.if %[[INSIDE]]
// CHECK: %[[COLUMN:.*]] = arith.remsi %[[I]], %[[SEVEN]]
// CHECK: %[[ROW:.*]] = arith.divsi %[[I]], %[[SEVEN]]
// CHECK: memref.store %{{.*}}, %arg1[%[[ROW]], %[[COLUMN]]]
func.func @elementwise(%x: memref<50x7xf32>, %y: memref<50x7xf32>) {
  linalg.exp ins(%x : memref<50x7xf32>) outs(%y : memref<50x7xf32>)
  return
}

// -----

// Reductions go inside of all parallel loops, in their order.
// CHECK-LABEL: func @reduce_middle
// CHECK: scf.parallel
// CHECK: scf.if
// CHECK: scf.for %[[K:.*]] = %c0 to %c6
// CHECK-NOT: scf.parallel
// CHECK: memref.load %arg0[%{{.*}}, %[[K]], %{{.*}}]
func.func @reduce_middle(%x: memref<40x6x80xf32>, %y: memref<40x80xf32>) {
  linalg.generic {indexing_maps = [affine_map<(i, k, j) -> (i, k, j)>, affine_map<(i, k, j) -> (i, j)>],
                  iterator_types = ["parallel", "reduction", "parallel"]}
      ins(%x : memref<40x6x80xf32>) outs(%y : memref<40x80xf32>) {
  ^bb0(%a: f32, %acc: f32):
    %s = arith.addf %acc, %a : f32
    linalg.yield %s : f32
  }
  return
}

// -----

// Nothing is parallel, and it still is a kernel: the host can't read memory of
// the device.
// CHECK-LABEL: func @all_to_one
// CHECK: scf.parallel (%[[THREAD:.*]]) = (%c0) to (%c128) step (%c1)
// CHECK: %[[INSIDE:.*]] = arith.cmpi ult, %[[THREAD]], %c1
// CHECK: scf.if %[[INSIDE]]
// CHECK: scf.for
func.func @all_to_one(%x: memref<9xf32>, %y: memref<f32>) {
  linalg.reduce { arith.addf } ins(%x : memref<9xf32>) outs(%y : memref<f32>) dimensions = [0]
  return
}

// -----

// CHECK-LABEL: func @copy
// CHECK-NOT: memref.copy
// CHECK: scf.parallel
func.func @copy(%x: memref<3x32xf32, strided<[32, 1], offset: ?>>, %y: memref<3x32xf32, strided<[8192, 16], offset: ?>>) {
  memref.copy %x, %y : memref<3x32xf32, strided<[32, 1], offset: ?>> to memref<3x32xf32, strided<[8192, 16], offset: ?>>
  return
}

// -----

// A kernel loads the constant itself, and makes views of it.
memref.global "private" constant @table : memref<2x4xf32> = dense<1.0>
// CHECK-LABEL: func @constant
// CHECK: scf.parallel
// CHECK: %[[TABLE:.*]] = memref.get_global @table
// CHECK: %[[VIEW:.*]] = memref.collapse_shape %[[TABLE]]
// CHECK: memref.load %[[VIEW]]
func.func @constant(%y: memref<8xf32>) {
  %t = memref.get_global @table : memref<2x4xf32>
  %v = memref.collapse_shape %t [[0, 1]] : memref<2x4xf32> into memref<8xf32>
  linalg.exp ins(%v : memref<8xf32>) outs(%y : memref<8xf32>)
  return
}

// -----

// A scalar that the host reads, to address memory with, stays with it.
// CHECK-LABEL: func @one_thread
// CHECK: memref.load %arg0[]
// CHECK: scf.parallel
// CHECK: scf.if
// CHECK: scf.for
// CHECK: memref.store
func.func @one_thread(%pos: memref<i64>, %y: memref<?xi32>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %p = memref.load %pos[] : memref<i64>
  %n = arith.index_cast %p : i64 to index
  // expected-remark@below {{a loop nest that stores isn't known to be parallel: it runs on one thread}}
  scf.for %i = %c0 to %n step %c1 {
    %v = arith.index_cast %i : index to i32
    memref.store %v, %y[%i] : memref<?xi32>
  }
  return
}
