// RUN: sq-opt %s --sq-split-fills | FileCheck %s

// CHECK-LABEL: @products
// CHECK: %[[A:.+]] = linalg.fill
// CHECK: linalg.matmul {{.*}} outs(%[[A]]
// CHECK: %[[B:.+]] = linalg.fill
// CHECK: linalg.matmul {{.*}} outs(%[[B]]
// CHECK-NOT: linalg.fill
// CHECK: return
func.func @products(%x: tensor<4x4xf32>) -> (tensor<4x4xf32>, tensor<4x4xf32>) {
  %zero = arith.constant 0.0 : f32
  %e = tensor.empty() : tensor<4x4xf32>
  %z = linalg.fill ins(%zero : f32) outs(%e : tensor<4x4xf32>) -> tensor<4x4xf32>
  %0 = linalg.matmul ins(%x, %x : tensor<4x4xf32>, tensor<4x4xf32>) outs(%z : tensor<4x4xf32>) -> tensor<4x4xf32>
  %1 = linalg.matmul ins(%0, %x : tensor<4x4xf32>, tensor<4x4xf32>) outs(%z : tensor<4x4xf32>) -> tensor<4x4xf32>
  return %0, %1 : tensor<4x4xf32>, tensor<4x4xf32>
}

// Who only reads it shares it.
// CHECK-LABEL: @readers
// CHECK-COUNT-1: linalg.fill
// CHECK-NOT: linalg.fill
func.func @readers() -> (tensor<4xf32>, tensor<4xf32>) {
  %zero = arith.constant 0.0 : f32
  %e = tensor.empty() : tensor<4xf32>
  %z = linalg.fill ins(%zero : f32) outs(%e : tensor<4xf32>) -> tensor<4xf32>
  return %z, %z : tensor<4xf32>, tensor<4xf32>
}
