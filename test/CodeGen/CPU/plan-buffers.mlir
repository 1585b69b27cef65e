// RUN: sq-opt %s --allow-unregistered-dialect --sq-plan-buffers | FileCheck %s
// RUN: sq-opt %s --allow-unregistered-dialect --sq-plan-buffers=stack-bytes=128 | FileCheck %s --check-prefix=HEAP

// %a and %b live at the same time, %c when %a is gone. 64 floats are 256 bytes;
// 3 bytes take a cache line.
// CHECK-LABEL: @share
// CHECK: %[[M:.+]] = memref.alloca() {alignment = 64 : i64} : memref<320xi8>
// CHECK: %[[A:.+]] = arith.constant 0 : index
// CHECK: memref.view %[[M]][%[[A]]][] : memref<320xi8> to memref<1x64xf32>
// CHECK: %[[B:.+]] = arith.constant 256 : index
// CHECK: memref.view %[[M]][%[[B]]][] : memref<320xi8> to memref<3xi8>
// CHECK: %[[C:.+]] = arith.constant 0 : index
// CHECK: memref.view %[[M]][%[[C]]][] : memref<320xi8> to memref<64xi32>
// CHECK-NOT: memref.dealloc
// HEAP-LABEL: @share
// HEAP: %[[M:.+]] = memref.alloc() {alignment = 64 : i64} : memref<320xi8>
// HEAP: "test.third"
// HEAP-NEXT: memref.dealloc %[[M]]
// HEAP-NEXT: return
func.func @share() {
  %a = memref.alloc() {alignment = 64 : i64} : memref<1x64xf32>
  "test.first"(%a) : (memref<1x64xf32>) -> ()
  %b = memref.alloc() : memref<3xi8>
  "test.second"(%a, %b) : (memref<1x64xf32>, memref<3xi8>) -> ()
  memref.dealloc %a : memref<1x64xf32>
  %c = memref.alloc() : memref<64xi32>
  "test.third"(%b, %c) : (memref<3xi8>, memref<64xi32>) -> ()
  memref.dealloc %b : memref<3xi8>
  memref.dealloc %c : memref<64xi32>
  return
}

// What has no known size, dies elsewhere or lies in a loop stays.
// CHECK-LABEL: @stay
// CHECK-NOT: memref.alloca
// CHECK-COUNT-3: memref.alloc(
func.func @stay(%n: index, %c: i1) {
  %a = memref.alloc(%n) : memref<?xf32>
  memref.dealloc %a : memref<?xf32>
  %b = memref.alloc() : memref<4xf32>
  scf.if %c {
    memref.dealloc %b : memref<4xf32>
  }
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  scf.for %i = %c0 to %n step %c1 {
    %d = memref.alloc() : memref<4xf32>
    memref.dealloc %d : memref<4xf32>
  }
  return
}

// A gap between live buffers is filled.
// CHECK-LABEL: @gap
// CHECK: memref.alloca() {{.*}} : memref<192xi8>
// CHECK: arith.constant 64 : index
// CHECK: arith.constant 128 : index
// CHECK: arith.constant 64 : index
func.func @gap() {
  %a = memref.alloc() : memref<64xi8>
  %b = memref.alloc() : memref<64xi8>
  %c = memref.alloc() : memref<64xi8>
  memref.dealloc %b : memref<64xi8>
  %d = memref.alloc() : memref<64xi8>
  "test.use"(%a, %c, %d) : (memref<64xi8>, memref<64xi8>, memref<64xi8>) -> ()
  memref.dealloc %d : memref<64xi8>
  memref.dealloc %c : memref<64xi8>
  memref.dealloc %a : memref<64xi8>
  return
}
