// RUN: sq-opt %s --sq-enforce-order --sq-verify-order --remark-policy=all --remarks-filter=sq.* -o - 2>&1 | FileCheck %s
// Masks of codes, and of codes that are packed.

// CHECK-DAG: Function=decoded_afterwards | Bound=unknown, Class=2
// CHECK-DAG: Function=scales_follow | Bound=unknown, Class=2{{.*}}the scales see only what it keeps
// CHECK-DAG: Function=scales_shared | Bound=unknown, Class=2{{.*}}the codes keep their scales, which are used for others too
// CHECK-DAG: Function=packed_with_a_late_mask | Bound=0, Class=1
// CHECK-DAG: Function=packed_with_a_computed_mask | Bound=unknown, Class=3
// CHECK-NOT: Function=packed_in_order

// CHECK-LABEL: @decoded_afterwards
// CHECK-NEXT: %[[S:.+]] = sq.apply_mask %arg0, %arg1 {{.*}}: tensor<8x16xf32>
// CHECK-NEXT: %[[Q:.+]], %[[SC:.+]] = sq.quantize %[[S]]
// CHECK-NEXT: sq.dequantize %[[Q]], %[[SC]]
// CHECK-NEXT: return
func.func @decoded_afterwards(%x: tensor<8x16xf32>, %m: tensor<8x16xi1>) -> tensor<8x16xf32> {
  %q, %s = sq.quantize %x to int<8, row> : tensor<8x16xf32> -> tensor<8x16xi8>, tensor<8x1xf32>
  %z = sq.apply_mask %q, %m : tensor<8x16xi8>
  %d = sq.dequantize %z, %s from int<8, row> : tensor<8x16xi8>, tensor<8x1xf32> -> tensor<8x16xf32>
  return %d : tensor<8x16xf32>
}

// Nobody else has the codes, so the scales are those of what is kept.
// CHECK-LABEL: @scales_follow
// CHECK-NEXT: %[[S:.+]] = sq.apply_mask %arg0, %arg1
// CHECK-NEXT: %[[Q:.+]], %[[SC:.+]] = sq.quantize %[[S]]
// CHECK-NEXT: return %[[Q]], %[[SC]]
func.func @scales_follow(%x: tensor<8x16xf32>, %m: tensor<8x16xi1>) -> (tensor<8x16xi8>, tensor<8x1xf32>) {
  %q, %s = sq.quantize %x to int<8, row> : tensor<8x16xf32> -> tensor<8x16xi8>, tensor<8x1xf32>
  %z = sq.apply_mask %q, %m : tensor<8x16xi8>
  return %z, %s : tensor<8x16xi8>, tensor<8x1xf32>
}

// CHECK-LABEL: @scales_shared
// CHECK: %[[Q:.+]], %[[SC:.+]] = sq.quantize %arg0
// CHECK: %[[S:.+]] = sq.apply_mask %arg0, %arg1
// CHECK: %[[Z:.+]] = sq.quantize %[[S]] static(%[[SC]] : tensor<8x1xf32>)
// CHECK: return %[[Q]], %[[Z]], %[[SC]]
func.func @scales_shared(%x: tensor<8x16xf32>, %m: tensor<8x16xi1>) -> (tensor<8x16xi8>, tensor<8x16xi8>, tensor<8x1xf32>) {
  %q, %s = sq.quantize %x to int<8, row> : tensor<8x16xf32> -> tensor<8x16xi8>, tensor<8x1xf32>
  %z = sq.apply_mask %q, %m : tensor<8x16xi8>
  return %q, %z, %s : tensor<8x16xi8>, tensor<8x16xi8>, tensor<8x1xf32>
}

// Storing only some of the codes is a mask as well.
// CHECK-LABEL: @packed_with_a_late_mask
// CHECK: %[[M:.+]] = sq.mask magnitude(%arg0)
// CHECK: %[[S:.+]] = sq.apply_mask %arg0, %[[M]]
// CHECK: %[[Q:.+]], %{{.+}} = sq.quantize %[[S]]
// CHECK: sq.pack %[[Q]] mask(%[[M]])
func.func @packed_with_a_late_mask(%x: tensor<8x16xf32>) -> (tensor<8x8xi8>, tensor<8x2xi8>, tensor<8x1xf32>) {
  %m = sq.mask magnitude(%x) nm<2:4> : tensor<8x16xf32>
  %q, %s = sq.quantize %x to int<8, row> : tensor<8x16xf32> -> tensor<8x16xi8>, tensor<8x1xf32>
  %p, %b = sq.pack %q mask(%m) : tensor<8x16xi8>, tensor<8x16xi1> -> tensor<8x8xi8>, tensor<8x2xi8>
  return %p, %b, %s : tensor<8x8xi8>, tensor<8x2xi8>, tensor<8x1xf32>
}

// CHECK-LABEL: @packed_with_a_computed_mask
// CHECK: %[[M:.+]] = arith.cmpf one, %arg0
// CHECK: sq.apply_mask %arg0, %[[M]]
// CHECK: sq.pack %{{.+}} mask(%[[M]])
func.func @packed_with_a_computed_mask(%x: tensor<8x16xf32>) -> (tensor<8x16xi8>, tensor<8x2xi8>) {
  %zero = arith.constant dense<0.0> : tensor<8x16xf32>
  %q, %s = sq.quantize %x to int<8, row> : tensor<8x16xf32> -> tensor<8x16xi8>, tensor<8x1xf32>
  %d = sq.dequantize %q, %s from int<8, row> : tensor<8x16xi8>, tensor<8x1xf32> -> tensor<8x16xf32>
  %m = arith.cmpf one, %d, %zero : tensor<8x16xf32>
  %p, %b = sq.pack %q mask(%m) : tensor<8x16xi8>, tensor<8x16xi1> -> tensor<8x16xi8>, tensor<8x2xi8>
  return %p, %b : tensor<8x16xi8>, tensor<8x2xi8>
}

// CHECK-LABEL: @packed_in_order
func.func @packed_in_order(%x: tensor<8x16xf32>) -> (tensor<8x8xi8>, tensor<8x2xi8>) {
  %m = sq.mask magnitude(%x) nm<2:4> : tensor<8x16xf32>
  %a = sq.apply_mask %x, %m : tensor<8x16xf32>
  %q, %s = sq.quantize %a to int<8, row> : tensor<8x16xf32> -> tensor<8x16xi8>, tensor<8x1xf32>
  %p, %b = sq.pack %q mask(%m) : tensor<8x16xi8>, tensor<8x16xi1> -> tensor<8x8xi8>, tensor<8x2xi8>
  return %p, %b : tensor<8x8xi8>, tensor<8x2xi8>
}
