// RUN: sq-opt %s --sq-bufferize-pipeline | FileCheck %s

// Two products with zeros of one shape: nothing is copied, and the first result
// is freed where it was last used.
// CHECK-LABEL: func.func @products
// CHECK-NOT: memref.copy
// CHECK: %[[A:.+]] = memref.alloc()
// CHECK: linalg.fill {{.*}} outs(%[[A]]
// CHECK: linalg.matmul {{.*}} outs(%[[A]]
// CHECK: linalg.fill {{.*}} outs(%[[Y:.+]] :
// CHECK: linalg.matmul ins(%[[A]], %{{.+}}) outs(%[[Y]]
// CHECK-NEXT: memref.dealloc %[[A]]
// CHECK-NOT: memref.alloc
func.func @products(%x: tensor<4x4xf32> {sq.name = "x"}) -> (tensor<4x4xf32> {sq.name = "y"}) {
  %zero = arith.constant 0.0 : f32
  %e = tensor.empty() : tensor<4x4xf32>
  %z = linalg.fill ins(%zero : f32) outs(%e : tensor<4x4xf32>) -> tensor<4x4xf32>
  %0 = linalg.matmul ins(%x, %x : tensor<4x4xf32>, tensor<4x4xf32>) outs(%z : tensor<4x4xf32>) -> tensor<4x4xf32>
  %1 = linalg.matmul ins(%0, %x : tensor<4x4xf32>, tensor<4x4xf32>) outs(%z : tensor<4x4xf32>) -> tensor<4x4xf32>
  return %1 : tensor<4x4xf32>
}
