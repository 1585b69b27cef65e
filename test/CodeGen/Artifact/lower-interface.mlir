// RUN: sq-opt %s --sq-lower-interface | FileCheck %s

// CHECK-LABEL: func.func @linear
// CHECK-SAME: (%[[W:.+]]: memref<?xi8>, %[[X:.+]]: memref<?x4xf32>, %[[Y:.+]]: memref<?x4xf32>)
// CHECK-SAME: llvm.emit_c_interface
func.func @linear(%x: tensor<?x4xf32> {sq.dims = ["M"]}) -> (tensor<?x4xf32> {sq.dims = ["M"]}) {
  // CHECK: %[[TX:.+]] = bufferization.to_tensor %[[X]] restrict :
  // CHECK: %[[V:.+]] = memref.view %[[W]][%c128][] : memref<?xi8> to memref<4xf32>
  // CHECK: bufferization.to_tensor %[[V]] restrict :
  %w = sq.parameter "w" at 128 : tensor<4xf32>
  %b = tensor.empty() : tensor<4xf32>
  %y = arith.addf %x, %x : tensor<?x4xf32>
  // CHECK: bufferization.materialize_in_destination %{{.+}} in restrict writable %[[Y]]
  // CHECK: return{{$}}
  return %y : tensor<?x4xf32>
}

// A state is written where it is read; only the other result is the caller's.
// CHECK-LABEL: func.func @step
// CHECK-SAME: (%{{.+}}: memref<?xi8>, %[[S:.+]]: memref<8xf32>, %[[Y:.+]]: memref<8xf32>)
func.func @step(%s: tensor<8xf32> {sq.state = "cache"})
    -> (tensor<8xf32>, tensor<8xf32> {sq.state = "cache"}) {
  // CHECK: bufferization.to_tensor %[[S]] restrict writable
  %n = arith.addf %s, %s : tensor<8xf32>
  // CHECK: materialize_in_destination %{{.+}} in restrict writable %[[Y]]
  // CHECK: materialize_in_destination %{{.+}} in restrict writable %[[S]]
  return %s, %n : tensor<8xf32>, tensor<8xf32>
}
