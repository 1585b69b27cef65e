// RUN: sq-opt %s --sq-enforce-order --sq-verify-order --remark-policy=all --remarks-filter=sq.* -o - 2>&1 | FileCheck %s
// One mask for several tensors, one tensor with several masks, and values that
// are used dense as well.

// CHECK-DAG: Function=again_after_quantizing | Bound=0, Class=1
// CHECK-DAG: Function=dense_values_used_too | Bound=0, Class=1
// CHECK-DAG: Function=one_mask_for_two | Bound=unknown, Class=3

// The same mask before and after: the second one changes nothing.
// CHECK-LABEL: @again_after_quantizing
func.func @again_after_quantizing(%w: tensor<8x16xf32>, %m: tensor<8x16xi1>) -> tensor<8x16xf32> {
  %x = sq.apply_mask %w, %m : tensor<8x16xf32>
  %q, %s = sq.quantize %x to int<8, row> : tensor<8x16xf32> -> tensor<8x16xi8>, tensor<8x1xf32>
  %d = sq.dequantize %q, %s from int<8, row> : tensor<8x16xi8>, tensor<8x1xf32> -> tensor<8x16xf32>
  %r = sq.apply_mask %d, %m : tensor<8x16xf32>
  return %r : tensor<8x16xf32>
}

// CHECK-LABEL: @dense_values_used_too
// CHECK: %[[Q:.+]], %[[SC:.+]] = sq.quantize %arg0
// CHECK: %[[D:.+]] = sq.dequantize %[[Q]], %[[SC]]
// CHECK: %[[S:.+]] = sq.apply_mask %arg0
// CHECK: %[[QS:.+]], %[[SCS:.+]] = sq.quantize %[[S]]
// CHECK: %[[R:.+]] = sq.dequantize %[[QS]], %[[SCS]]
// CHECK: return %[[D]], %[[R]]
func.func @dense_values_used_too(%x: tensor<8x16xf32>) -> (tensor<8x16xf32>, tensor<8x16xf32>) {
  %m = sq.mask magnitude(%x) nm<2:4> : tensor<8x16xf32>
  %q, %s = sq.quantize %x to int<8, row> : tensor<8x16xf32> -> tensor<8x16xi8>, tensor<8x1xf32>
  %d = sq.dequantize %q, %s from int<8, row> : tensor<8x16xi8>, tensor<8x1xf32> -> tensor<8x16xf32>
  %r = sq.apply_mask %d, %m : tensor<8x16xf32>
  return %d, %r : tensor<8x16xf32>, tensor<8x16xf32>
}

// CHECK-LABEL: @one_mask_for_two
// CHECK: %[[M:.+]] = sq.mask magnitude(%arg0)
// CHECK: sq.apply_mask %arg0, %[[M]]
// CHECK: sq.apply_mask %arg1, %[[M]]
func.func @one_mask_for_two(%x: tensor<8x16xf32>, %y: tensor<8x16xf32>) -> (tensor<8x16xf32>, tensor<8x16xf32>) {
  %q, %s = sq.quantize %x to int<8, row> : tensor<8x16xf32> -> tensor<8x16xi8>, tensor<8x1xf32>
  %d = sq.dequantize %q, %s from int<8, row> : tensor<8x16xi8>, tensor<8x1xf32> -> tensor<8x16xf32>
  %m = sq.mask magnitude(%d) nm<2:4> : tensor<8x16xf32>
  %a = sq.apply_mask %x, %m : tensor<8x16xf32>
  %b = sq.apply_mask %y, %m : tensor<8x16xf32>
  return %a, %b : tensor<8x16xf32>, tensor<8x16xf32>
}
