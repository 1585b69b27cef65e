// RUN: sq-opt %s --resolve-ranked-shaped-type-result-dims --canonicalize --cse | FileCheck %s
// Extents of results, from operands.

// CHECK-LABEL: @dims
// CHECK-SAME: %[[X:.+]]: tensor<?x?xf32>
// CHECK-NOT: sq.
// CHECK: %[[K:.+]] = tensor.dim %[[X]], %c1
// CHECK: %[[G:.+]] = arith.ceildivui %[[K]], %c32
// CHECK: return %{{.+}}, %[[K]], %[[G]], %[[K]], %[[K]]
func.func @dims(%x: tensor<?x?xf32>) -> (index, index, index, index, index) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %m = sq.mask magnitude(%x) nm<2:4> : tensor<?x?xf32>
  %s = sq.apply_mask %x, %m : tensor<?x?xf32>
  %q, %t = sq.quantize %s to int<4, group = 32> : tensor<?x?xf32> -> tensor<?x?xi4>, tensor<?x?xf32>
  %d = sq.dequantize %q, %t from int<4, group = 32> : tensor<?x?xi4>, tensor<?x?xf32> -> tensor<?x?xf32>
  %w = sq.widen %q from int<4, group = 32> : tensor<?x?xi4> -> tensor<?x?xi8>
  %0 = tensor.dim %m, %c0 : tensor<?x?xi1>
  %1 = tensor.dim %q, %c1 : tensor<?x?xi4>
  %2 = tensor.dim %t, %c1 : tensor<?x?xf32>
  %3 = tensor.dim %d, %c1 : tensor<?x?xf32>
  %4 = tensor.dim %w, %c1 : tensor<?x?xi8>
  return %0, %1, %2, %3, %4 : index, index, index, index, index
}

// CHECK-LABEL: @matmul_dims
// CHECK-SAME: %[[INIT:[a-z0-9]+]]: tensor<?x8xf32>)
// CHECK: %[[M:.+]] = tensor.dim %[[INIT]], %c0
// CHECK: return %[[M]]
func.func @matmul_dims(%x: tensor<?x64xf32>, %p: tensor<8x64xi8>, %s: tensor<8x1xf32>, %init: tensor<?x8xf32>) -> index {
  %c0 = arith.constant 0 : index
  %y = sq.matmul ins(%x : tensor<?x64xf32>) weights(%p, scales(%s) : tensor<8x64xi8>, tensor<8x1xf32>)
    outs(%init : tensor<?x8xf32>) {format = #sq.int<8, row>} -> tensor<?x8xf32>
  %0 = tensor.dim %y, %c0 : tensor<?x8xf32>
  return %0 : index
}
