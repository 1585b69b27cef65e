// RUN: sq-opt %s --pass-pipeline='builtin.module(func.func(sq-split-destinations{kernels=cpu.tile-dot}))' | FileCheck %s

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

// A kernel that can write its results needs no zeros to add them to; one that can't,
// and a sum with something else, do.
// CHECK-LABEL: @overwritten
// CHECK-SAME: %[[RESIDUAL:[a-z0-9]+]]: tensor<4x16xf32>) ->
// CHECK: sq.matmul {{.*}} outs(%[[E:.+]] : tensor<4x16xf32>) {{.*}}kernel = "cpu.tile-dot"{{.*}}overwrites
// CHECK-NEXT: tensor.empty()
// CHECK-NEXT: %[[Z:.+]] = linalg.fill
// CHECK-NEXT: sq.matmul {{.*}} outs(%[[Z]] : tensor<4x16xf32>) {{.*}}layout = #sq<layout tiles>}
// CHECK-NEXT: sq.matmul {{.*}} outs(%[[RESIDUAL]] : tensor<4x16xf32>) {{.*}}layout = #sq<layout tiles>}
func.func @overwritten(%x: tensor<4x64xi8>, %f: tensor<4x64xf32>, %xs: tensor<4x1xf32>, %p: tensor<1x1024xi8>,
                       %s: tensor<1x16xf32>, %residual: tensor<4x16xf32>)
    -> (tensor<4x16xf32>, tensor<4x16xf32>, tensor<4x16xf32>) {
  %zero = arith.constant 0.0 : f32
  %e = tensor.empty() : tensor<4x16xf32>
  %z = linalg.fill ins(%zero : f32) outs(%e : tensor<4x16xf32>) -> tensor<4x16xf32>
  %0 = sq.matmul ins(%x, %xs : tensor<4x64xi8>, tensor<4x1xf32>) weights(%p, scales(%s) : tensor<1x1024xi8>, tensor<1x16xf32>)
    outs(%z : tensor<4x16xf32>) {format = #sq.int<8, row>, activationFormat = #sq.int<8, row>, layout = #sq<layout tiles>, kernel = "cpu.tile-dot"} -> tensor<4x16xf32>
  %1 = sq.matmul ins(%f : tensor<4x64xf32>) weights(%p, scales(%s) : tensor<1x1024xi8>, tensor<1x16xf32>)
    outs(%z : tensor<4x16xf32>) {format = #sq.int<8, row>, layout = #sq<layout tiles>, kernel = "cpu.tile-fma"} -> tensor<4x16xf32>
  %2 = sq.matmul ins(%x, %xs : tensor<4x64xi8>, tensor<4x1xf32>) weights(%p, scales(%s) : tensor<1x1024xi8>, tensor<1x16xf32>)
    outs(%residual : tensor<4x16xf32>) {format = #sq.int<8, row>, activationFormat = #sq.int<8, row>, layout = #sq<layout tiles>, kernel = "cpu.tile-dot"} -> tensor<4x16xf32>
  return %0, %1, %2 : tensor<4x16xf32>, tensor<4x16xf32>, tensor<4x16xf32>
}

// Ops that write all of a tensor have one each, so that bufferization doesn't
// compare them; what reads it stays.
// CHECK-LABEL: @empty
// CHECK: %[[E:.+]] = tensor.empty
// CHECK-NEXT: %[[A:.+]] = tensor.empty
// CHECK-NEXT: linalg.exp {{.*}} outs(%[[A]]
// CHECK-NEXT: %[[B:.+]] = tensor.empty
// CHECK-NEXT: linalg.exp {{.*}} outs(%[[B]]
// CHECK-NEXT: return %{{.*}}, %[[E]]
func.func @empty(%x: tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>) {
  %e = tensor.empty() : tensor<4xf32>
  %0 = linalg.exp ins(%x : tensor<4xf32>) outs(%e : tensor<4xf32>) -> tensor<4xf32>
  %1 = linalg.exp ins(%0 : tensor<4xf32>) outs(%e : tensor<4xf32>) -> tensor<4xf32>
  return %1, %e : tensor<4xf32>, tensor<4xf32>
}
