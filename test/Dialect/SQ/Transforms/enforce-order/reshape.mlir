// RUN: sq-opt %s --sq-enforce-order --sq-verify-order --remark-policy=all --remarks-filter=sq.* -o - 2>&1 | FileCheck %s
// Masks behind expand_shape, collapse_shape and reshape. The mask goes back
// through the reshape, so that the quantizer's groups stay what they were.

// Rows stay rows when the other dimensions are split: class 1.
// CHECK-DAG: Function=expand_beside_the_rows | Bound=0, Class=1
// CHECK-DAG: Function=collapse_whole_groups | Bound=0, Class=1
// CHECK-DAG: Function=expand_through_the_rows | Bound=unknown, Class=2
// CHECK-DAG: Function=collapse_cuts_groups | Bound=unknown, Class=2
// CHECK-DAG: Function=reshape_loses_the_axis | Bound=unknown, Class=2
// CHECK-DAG: Function=scores_of_a_reshape | Bound=unknown, Class=3
// CHECK-DAG: Function=scores_of_a_reshape | Bound=0, Class=1

// CHECK-LABEL: @expand_beside_the_rows
// CHECK: %[[E:.+]] = tensor.expand_shape %arg0
// CHECK: %[[M:.+]] = sq.mask magnitude(%[[E]]) nm<2:4>
// CHECK: %[[C:.+]] = tensor.collapse_shape %[[M]] {{.*}} tensor<2x4x16xi1> into tensor<8x16xi1>
// CHECK: %[[S:.+]] = sq.apply_mask %arg0, %[[C]]
// CHECK: %[[Q:.+]], %[[SC:.+]] = sq.quantize %[[S]] to int<8, row>
// CHECK: %[[D:.+]] = sq.dequantize %[[Q]], %[[SC]]
// CHECK: %[[R:.+]] = tensor.expand_shape %[[D]]
// CHECK: return %[[R]]
func.func @expand_beside_the_rows(%x: tensor<8x16xf32>) -> tensor<2x4x16xf32> {
  %e = tensor.expand_shape %x [[0, 1], [2]] output_shape [2, 4, 16] : tensor<8x16xf32> into tensor<2x4x16xf32>
  %m = sq.mask magnitude(%e) nm<2:4> : tensor<2x4x16xf32>
  %q, %s = sq.quantize %x to int<8, row> : tensor<8x16xf32> -> tensor<8x16xi8>, tensor<8x1xf32>
  %d = sq.dequantize %q, %s from int<8, row> : tensor<8x16xi8>, tensor<8x1xf32> -> tensor<8x16xf32>
  %de = tensor.expand_shape %d [[0, 1], [2]] output_shape [2, 4, 16] : tensor<8x16xf32> into tensor<2x4x16xf32>
  %r = sq.apply_mask %de, %m : tensor<2x4x16xf32>
  return %r : tensor<2x4x16xf32>
}

// Groups of 32 in rows of 64: [8, 2, 32] into [8, 64] moves no element into
// another group, whatever the mask's own groups.
// CHECK-LABEL: @collapse_whole_groups
// CHECK: %[[E:.+]] = tensor.expand_shape %{{.+}} tensor<8x64xi1> into tensor<8x2x32xi1>
// CHECK: sq.apply_mask %arg0, %[[E]] {{.*}}: tensor<8x2x32xf32>
func.func @collapse_whole_groups(%x: tensor<8x2x32xf32>) -> tensor<8x64xf32> {
  %c = tensor.collapse_shape %x [[0], [1, 2]] : tensor<8x2x32xf32> into tensor<8x64xf32>
  %m = sq.mask magnitude(%c) nm<2:4> : tensor<8x64xf32>
  %q, %s = sq.quantize %x to mx<f8E4M3FN> : tensor<8x2x32xf32> -> tensor<8x2x32xf8E4M3FN>, tensor<8x2x1xf8E8M0FNU>
  %d = sq.dequantize %q, %s from mx<f8E4M3FN> : tensor<8x2x32xf8E4M3FN>, tensor<8x2x1xf8E8M0FNU> -> tensor<8x2x32xf32>
  %dc = tensor.collapse_shape %d [[0], [1, 2]] : tensor<8x2x32xf32> into tensor<8x64xf32>
  %r = sq.apply_mask %dc, %m : tensor<8x64xf32>
  return %r : tensor<8x64xf32>
}

// A row's scale is that of two rows of the mask: it is not shown that the
// mask keeps the larger of their largest elements (it does).
// CHECK-LABEL: @expand_through_the_rows
// CHECK: tensor.collapse_shape %{{.+}} tensor<8x2x8xi1> into tensor<8x16xi1>
func.func @expand_through_the_rows(%x: tensor<8x16xf32>) -> tensor<8x2x8xf32> {
  %e = tensor.expand_shape %x [[0], [1, 2]] output_shape [8, 2, 8] : tensor<8x16xf32> into tensor<8x2x8xf32>
  %m = sq.mask magnitude(%e) nm<2:4> : tensor<8x2x8xf32>
  %q, %s = sq.quantize %x to int<8, row> : tensor<8x16xf32> -> tensor<8x16xi8>, tensor<8x1xf32>
  %d = sq.dequantize %q, %s from int<8, row> : tensor<8x16xi8>, tensor<8x1xf32> -> tensor<8x16xf32>
  %de = tensor.expand_shape %d [[0], [1, 2]] output_shape [8, 2, 8] : tensor<8x16xf32> into tensor<8x2x8xf32>
  %r = sq.apply_mask %de, %m : tensor<8x2x8xf32>
  return %r : tensor<8x2x8xf32>
}

// Rows of 6 quantized in groups of 4: collapsed, groups would lie elsewhere.
// CHECK-LABEL: @collapse_cuts_groups
// CHECK: sq.quantize %{{.+}} to int<4, group = 4> : tensor<4x2x6xf32>
func.func @collapse_cuts_groups(%x: tensor<4x2x6xf32>) -> tensor<4x12xf32> {
  %c = tensor.collapse_shape %x [[0], [1, 2]] : tensor<4x2x6xf32> into tensor<4x12xf32>
  %m = sq.mask magnitude(%c) nm<2:4> : tensor<4x12xf32>
  %q, %s = sq.quantize %x to int<4, group = 4> : tensor<4x2x6xf32> -> tensor<4x2x6xi4>, tensor<4x2x2xf32>
  %d = sq.dequantize %q, %s from int<4, group = 4> : tensor<4x2x6xi4>, tensor<4x2x2xf32> -> tensor<4x2x6xf32>
  %dc = tensor.collapse_shape %d [[0], [1, 2]] : tensor<4x2x6xf32> into tensor<4x12xf32>
  %r = sq.apply_mask %dc, %m : tensor<4x12xf32>
  return %r : tensor<4x12xf32>
}

// CHECK-LABEL: @reshape_loses_the_axis
// CHECK: %[[B:.+]] = tensor.reshape %{{.+}}(%{{.+}}) : (tensor<16x8xi1>, tensor<2xindex>) -> tensor<8x16xi1>
// CHECK: sq.apply_mask %arg0, %[[B]]
func.func @reshape_loses_the_axis(%x: tensor<8x16xf32>) -> tensor<16x8xf32> {
  %shape = arith.constant dense<[16, 8]> : tensor<2xindex>
  %e = tensor.reshape %x(%shape) : (tensor<8x16xf32>, tensor<2xindex>) -> tensor<16x8xf32>
  %m = sq.mask magnitude(%e) nm<2:4> : tensor<16x8xf32>
  %q, %s = sq.quantize %x to int<8, row> : tensor<8x16xf32> -> tensor<8x16xi8>, tensor<8x1xf32>
  %d = sq.dequantize %q, %s from int<8, row> : tensor<8x16xi8>, tensor<8x1xf32> -> tensor<8x16xf32>
  %de = tensor.reshape %d(%shape) : (tensor<8x16xf32>, tensor<2xindex>) -> tensor<16x8xf32>
  %r = sq.apply_mask %de, %m : tensor<16x8xf32>
  return %r : tensor<16x8xf32>
}

// Class 3 first: the scores get a reshape of their own.
// CHECK-LABEL: @scores_of_a_reshape
// CHECK: %[[E:.+]] = tensor.expand_shape %arg0
// CHECK: sq.mask magnitude(%[[E]])
func.func @scores_of_a_reshape(%x: tensor<8x16xf32>) -> tensor<2x4x16xf32> {
  %q, %s = sq.quantize %x to int<8, row> : tensor<8x16xf32> -> tensor<8x16xi8>, tensor<8x1xf32>
  %d = sq.dequantize %q, %s from int<8, row> : tensor<8x16xi8>, tensor<8x1xf32> -> tensor<8x16xf32>
  %de = tensor.expand_shape %d [[0, 1], [2]] output_shape [2, 4, 16] : tensor<8x16xf32> into tensor<2x4x16xf32>
  %m = sq.mask magnitude(%de) nm<2:4> : tensor<2x4x16xf32>
  %r = sq.apply_mask %de, %m : tensor<2x4x16xf32>
  return %r : tensor<2x4x16xf32>
}
