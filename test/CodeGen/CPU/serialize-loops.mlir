// RUN: sq-opt %s --sq-serialize-loops=min-work=100 | FileCheck %s

// 8 iterations of 4 times 2 ops, indices left out.
// CHECK-LABEL: @small
// CHECK-NOT: scf.parallel
// CHECK: scf.for %[[I:.+]] = %c0 to %c8 step %c1
// CHECK: scf.for %[[J:.+]] = %c0 to %c4 step %c1
// CHECK: memref.load %{{.+}}[%[[I]], %[[J]]]
func.func @small(%x: memref<8x4xf32>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c4 = arith.constant 4 : index
  %c8 = arith.constant 8 : index
  scf.parallel (%i) = (%c0) to (%c8) step (%c1) {
    scf.for %j = %c0 to %c4 step %c1 {
      %0 = memref.load %x[%i, %j] : memref<8x4xf32>
      %k = arith.addi %j, %c0 : index
      memref.store %0, %x[%i, %k] : memref<8x4xf32>
    }
  }
  return
}

// 16 x 4 x 2 ops.
// CHECK-LABEL: @large
// CHECK: scf.parallel
func.func @large(%x: memref<16x4xf32>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c4 = arith.constant 4 : index
  %c16 = arith.constant 16 : index
  scf.parallel (%i, %j) = (%c0, %c0) to (%c16, %c4) step (%c1, %c1) {
    %0 = memref.load %x[%i, %j] : memref<16x4xf32>
    memref.store %0, %x[%i, %j] : memref<16x4xf32>
  }
  return
}

// Nobody knows how much that is.
// CHECK-LABEL: @unknown
// CHECK-COUNT-2: scf.parallel
func.func @unknown(%x: memref<?xf32>, %n: index) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c4 = arith.constant 4 : index
  scf.parallel (%i) = (%c0) to (%n) step (%c1) {
    %0 = memref.load %x[%i] : memref<?xf32>
    memref.store %0, %x[%i] : memref<?xf32>
  }
  scf.parallel (%i) = (%c0) to (%c4) step (%c1) {
    func.call @callee(%i) : (index) -> ()
  }
  return
}
func.func private @callee(index)
