// RUN: sq-opt %s --sq-enforce-order --sq-verify-order --remark-policy=all --remarks-filter=sq.* -o - 2>&1 | FileCheck %s
// One quantized tensor, masked differently for each of its copies.

// CHECK-DAG: Function=broadcast_rows | Bound=0, Class=1
// CHECK-DAG: Function=mask_per_copy | Bound=unknown, Class=2
// CHECK-DAG: Function=scores_of_copies | Bound=unknown, Class=3

// CHECK-LABEL: @broadcast_rows
// CHECK: %[[B:.+]] = linalg.broadcast ins(%arg0 : tensor<8x16xf32>)
// CHECK: sq.apply_mask
// CHECK: sq.quantize %{{.+}} to int<8, row> : tensor<3x8x16xf32>
func.func @broadcast_rows(%x: tensor<8x16xf32>) -> tensor<3x8x16xf32> {
  %init = tensor.empty() : tensor<3x8x16xf32>
  %b = linalg.broadcast ins(%x : tensor<8x16xf32>) outs(%init : tensor<3x8x16xf32>) dimensions = [0]
  %m = sq.mask magnitude(%b) nm<2:4> : tensor<3x8x16xf32>
  %q, %s = sq.quantize %x to int<8, row> : tensor<8x16xf32> -> tensor<8x16xi8>, tensor<8x1xf32>
  %d = sq.dequantize %q, %s from int<8, row> : tensor<8x16xi8>, tensor<8x1xf32> -> tensor<8x16xf32>
  %db = linalg.broadcast ins(%d : tensor<8x16xf32>) outs(%init : tensor<3x8x16xf32>) dimensions = [0]
  %r = sq.apply_mask %db, %m : tensor<3x8x16xf32>
  return %r : tensor<3x8x16xf32>
}

// CHECK-LABEL: @mask_per_copy
// CHECK: %[[S:.+]] = sq.apply_mask %{{.+}}, %arg1 {{.*}}: tensor<8x3x16xf32>
// CHECK: sq.quantize %[[S]] to int<8, row> : tensor<8x3x16xf32>
func.func @mask_per_copy(%x: tensor<8x16xf32>, %m: tensor<8x3x16xi1>) -> tensor<8x3x16xf32> {
  %init = tensor.empty() : tensor<8x3x16xf32>
  %q, %s = sq.quantize %x to int<8, row> : tensor<8x16xf32> -> tensor<8x16xi8>, tensor<8x1xf32>
  %d = sq.dequantize %q, %s from int<8, row> : tensor<8x16xi8>, tensor<8x1xf32> -> tensor<8x16xf32>
  %db = linalg.broadcast ins(%d : tensor<8x16xf32>) outs(%init : tensor<8x3x16xf32>) dimensions = [1]
  %r = sq.apply_mask %db, %m : tensor<8x3x16xf32>
  return %r : tensor<8x3x16xf32>
}

// CHECK-LABEL: @scores_of_copies
// CHECK: %[[B:.+]] = linalg.broadcast ins(%arg0
// CHECK: sq.mask magnitude(%[[B]])
func.func @scores_of_copies(%x: tensor<8x16xf32>) -> tensor<8x3x16xi1> {
  %init = tensor.empty() : tensor<8x3x16xf32>
  %q, %s = sq.quantize %x to int<8, row> : tensor<8x16xf32> -> tensor<8x16xi8>, tensor<8x1xf32>
  %d = sq.dequantize %q, %s from int<8, row> : tensor<8x16xi8>, tensor<8x1xf32> -> tensor<8x16xf32>
  %db = linalg.broadcast ins(%d : tensor<8x16xf32>) outs(%init : tensor<8x3x16xf32>) dimensions = [1]
  %m = sq.mask magnitude(%db) unstructured<0.5, row> : tensor<8x3x16xf32>
  return %m : tensor<8x3x16xi1>
}
