// RUN: sq-opt %s --one-shot-bufferize="bufferize-function-boundaries" --split-input-file | FileCheck %s
// sq.matmul is the op that lives to see bufferization: its result is the buffer
// of its init, unless somebody needs what was there.

// CHECK-LABEL: @in_place
// CHECK-SAME: %[[X:.+]]: memref<4x64xf32, {{.+}}, %[[INIT:.+]]: memref<4x8xf32, strided<[?, ?], offset: ?>>)
func.func @in_place(%x: tensor<4x64xf32>, %p: tensor<8x32xi8>, %b: tensor<8x8xi8>, %s: tensor<8x1xf32>, %init: tensor<4x8xf32>) -> tensor<4x8xf32> {
  // CHECK-NOT: alloc
  // CHECK-NOT: copy
  // CHECK: sq.matmul ins(%[[X]] : memref<4x64xf32, {{.+}}>) weights(%{{.+}}, bitmap(%{{.+}}), scales(%{{.+}}) : {{.+}}) outs(%[[INIT]] : {{.+}}) {format = #sq.int<8, row>, kernel = "cpu.decode-rows", pattern = #sq.nm<2:4>}
  // CHECK-NEXT: return %[[INIT]]
  %y = sq.matmul ins(%x : tensor<4x64xf32>)
    weights(%p, bitmap(%b), scales(%s) : tensor<8x32xi8>, tensor<8x8xi8>, tensor<8x1xf32>)
    outs(%init : tensor<4x8xf32>) {format = #sq.int<8, row>, pattern = #sq.nm<2:4>, kernel = "cpu.decode-rows"} -> tensor<4x8xf32>
  return %y : tensor<4x8xf32>
}

// -----

// The init is needed afterwards: the product goes to a copy of it.
// CHECK-LABEL: @copy
func.func @copy(%x: tensor<4x64xf32>, %p: tensor<8x64xi8>, %s: tensor<8x1xf32>, %init: tensor<4x8xf32>) -> (tensor<4x8xf32>, f32) {
  // CHECK: %[[NEW:.+]] = memref.alloc() {{.*}}: memref<4x8xf32>
  // CHECK: memref.copy %{{.+}}, %[[NEW]]
  // CHECK: sq.matmul {{.+}} outs(%[[NEW]] : memref<4x8xf32>)
  // CHECK: memref.load %{{arg3|.+}}[
  %c0 = arith.constant 0 : index
  %y = sq.matmul ins(%x : tensor<4x64xf32>) weights(%p, scales(%s) : tensor<8x64xi8>, tensor<8x1xf32>)
    outs(%init : tensor<4x8xf32>) {format = #sq.int<8, row>} -> tensor<4x8xf32>
  %old = tensor.extract %init[%c0, %c0] : tensor<4x8xf32>
  return %y, %old : tensor<4x8xf32>, f32
}

// -----

// The input is the init: it must not be overwritten while it is read.
// CHECK-LABEL: @aliasing_input
func.func @aliasing_input(%x: tensor<8x8xf32>, %p: tensor<8x8xi8>, %s: tensor<8x1xf32>) -> tensor<8x8xf32> {
  // CHECK: %[[NEW:.+]] = memref.alloc() {{.*}}: memref<8x8xf32>
  // CHECK: memref.copy %[[X:.+]], %[[NEW]]
  // CHECK: sq.matmul ins(%[[X]] : {{.+}}) weights({{.+}}) outs(%[[NEW]] : memref<8x8xf32>)
  %y = sq.matmul ins(%x : tensor<8x8xf32>) weights(%p, scales(%s) : tensor<8x8xi8>, tensor<8x1xf32>)
    outs(%x : tensor<8x8xf32>) {format = #sq.int<8, row>} -> tensor<8x8xf32>
  return %y : tensor<8x8xf32>
}

// -----

// Quantized activations and all their scales.
// CHECK-LABEL: @activations
func.func @activations(%x: tensor<?x64xi8>, %xs: tensor<?x1xf32>, %z: tensor<?x1xi32>, %p: tensor<8x32xi8>, %s: tensor<8x4xf8E4M3FN>, %t: tensor<1x1xf32>, %init: tensor<?x8xf32>) -> tensor<?x8xf32> {
  // CHECK: sq.matmul ins(%{{.+}}, %{{.+}}, %{{.+}} : memref<?x64xi8, {{.+}}>, memref<?x1xf32, {{.+}}>, memref<?x1xi32, {{.+}}>) weights(%{{.+}}, scales(%{{.+}}, %{{.+}}) : memref<8x32xi8, {{.+}}>, memref<8x4xf8E4M3FN, {{.+}}>, memref<1x1xf32, {{.+}}>) outs(%{{.+}} : memref<?x8xf32, {{.+}}>)
  %y = sq.matmul ins(%x, %xs, %z : tensor<?x64xi8>, tensor<?x1xf32>, tensor<?x1xi32>)
    weights(%p, scales(%s, %t) : tensor<8x32xi8>, tensor<8x4xf8E4M3FN>, tensor<1x1xf32>)
    outs(%init : tensor<?x8xf32>) {format = #sq.nvfp4, activationFormat = #sq.int<8, row, asymmetric>} -> tensor<?x8xf32>
  return %y : tensor<?x8xf32>
}
