// RUN: sq-opt %s --sq-lower-alloca-scope | FileCheck %s

// CHECK-LABEL: @scope_with_a_loop
func.func @scope_with_a_loop(%x: memref<4xf32>, %n: index) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  // CHECK: %[[S:.+]] = llvm.intr.stacksave
  // CHECK: memref.alloca()
  // CHECK: scf.for
  // CHECK: llvm.intr.stackrestore %[[S]]
  // CHECK-NOT: alloca_scope
  memref.alloca_scope {
    %0 = memref.alloca() : memref<4xf32>
    scf.for %i = %c0 to %n step %c1 {
      memref.copy %x, %0 : memref<4xf32> to memref<4xf32>
    }
  }
  return
}
