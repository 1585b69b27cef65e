// RUN: sq-opt %s --sq-lower-copies | FileCheck %s

// CHECK-LABEL: @copies
func.func @copies(%a: memref<4x4xf32, strided<[8, 1]>>, %b: memref<4x4xf32>, %c: memref<4x4xf32>) {
  // CHECK: linalg.copy ins(%{{.+}} : memref<4x4xf32, strided<[8, 1]>>) outs(%{{.+}} : memref<4x4xf32>)
  memref.copy %a, %b : memref<4x4xf32, strided<[8, 1]>> to memref<4x4xf32>
  // CHECK: memref.copy
  memref.copy %b, %c : memref<4x4xf32> to memref<4x4xf32>
  return
}
