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

// Rows are reduced by the lanes of a warp, four warps a block: neighbors read
// neighbors, and five exchanges end it.
// CHECK-LABEL: func @rows
// CHECK-DAG: %[[THREE:.*]] = arith.constant 3 : index
// CHECK-DAG: %[[C32:.*]] = arith.constant 32 : index
// CHECK-DAG: %[[NEUTRAL:.*]] = arith.constant 0xFF800000 : f32
// CHECK: scf.parallel (%[[BLOCK:.*]], %[[THREAD:.*]]) = (%c0, %c0) to (%{{.*}}, %c128) step (%c4, %c1)
// CHECK: %[[WARP:.*]] = arith.divui %[[THREAD]], %[[C32]]
// CHECK: %[[I:.*]] = arith.addi %[[BLOCK]], %[[WARP]]
// CHECK: arith.cmpi ult, %[[I]]
// CHECK: scf.if
// CHECK: %[[COLUMN:.*]] = arith.remui %[[I]], %[[THREE]]
// CHECK: %[[ROW:.*]] = arith.divui %[[I]], %[[THREE]]
// CHECK: %[[LANE:.*]] = arith.remui %[[THREAD]], %[[C32]]
// CHECK: %[[OWN:.*]] = scf.for %[[K:.*]] = %[[LANE]] to %{{.*}} step %[[C32]] iter_args(%[[ACC:.*]] = %[[NEUTRAL]])
// CHECK: %[[X:.*]] = memref.load %arg0[%[[ROW]], %[[COLUMN]], %[[K]]]
// CHECK: %[[ABS:.*]] = math.absf %[[X]]
// CHECK: arith.maximumf %[[ACC]], %[[ABS]]
// CHECK: %[[OTHER:.*]], %{{.*}} = gpu.shuffle xor %[[OWN]], %c16_i32, %c32_i32
// CHECK: arith.maximumf %[[OWN]], %[[OTHER]]
// CHECK-COUNT-4: gpu.shuffle xor
// CHECK: arith.cmpi eq, %[[LANE]], %c0
// CHECK: scf.if
// CHECK: %[[OLD:.*]] = memref.load %arg1[%[[ROW]], %[[COLUMN]]]
// CHECK: %[[ALL:.*]] = arith.maximumf %[[OLD]]
// CHECK: memref.store %[[ALL]], %arg1[%[[ROW]], %[[COLUMN]]]
func.func @rows(%x: memref<?x3x?xf32>, %y: memref<?x3xf32>) {
  linalg.generic {indexing_maps = [affine_map<(i, j, k) -> (i, j, k)>, affine_map<(i, j, k) -> (i, j)>],
                  iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%x : memref<?x3x?xf32>) outs(%y : memref<?x3xf32>) {
  ^bb0(%a: f32, %acc: f32):
    %b = math.absf %a : f32
    %m = arith.maximumf %acc, %b : f32
    linalg.yield %m : f32
  }
  return
}

// -----

// A lane of its own reads each row of the second matrix, which wouldn't be
// neighbors: a thread computes an element.
// CHECK-LABEL: func @strided
// CHECK-NOT: gpu.shuffle
// CHECK: return
func.func @strided(%x: memref<4x64xf32>, %w: memref<64x48xf32>, %y: memref<4x48xf32>) {
  linalg.matmul ins(%x, %w : memref<4x64xf32>, memref<64x48xf32>) outs(%y : memref<4x48xf32>)
  return
}

// -----

// Nor are few columns shared, nor f16 exchanged, nor what has no neutral element.
// CHECK-LABEL: func @not_for_warps
// CHECK-NOT: gpu.shuffle
// CHECK: return
func.func @not_for_warps(%x: memref<4x31xf32>, %y: memref<4xf32>, %h: memref<4x64xf16>, %g: memref<4xf16>, %z: memref<4x64xf32>) {
  linalg.reduce { arith.addf } ins(%x : memref<4x31xf32>) outs(%y : memref<4xf32>) dimensions = [1]
  linalg.reduce { arith.addf } ins(%h : memref<4x64xf16>) outs(%g : memref<4xf16>) dimensions = [1]
  linalg.reduce { arith.subf } ins(%z : memref<4x64xf32>) outs(%y : memref<4xf32>) dimensions = [1]
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
