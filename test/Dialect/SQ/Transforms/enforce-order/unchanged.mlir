// RUN: sq-opt %s --sq-enforce-order --remark-policy=all --remarks-filter=sq.* --verify-diagnostics | FileCheck %s
// RUN: sq-opt %s --sq-verify-order
// What is in order already, and what is none of this pass' business: no remark,
// no change.

// CHECK-LABEL: @codes_from_outside_are_packed
// CHECK: sq.pack %arg0 mask(%arg1)
func.func @codes_from_outside_are_packed(%q: tensor<8x16xi8>, %m: tensor<8x16xi1>) -> (tensor<8x16xi8>, tensor<8x2xi8>) {
  %p, %b = sq.pack %q mask(%m) : tensor<8x16xi8>, tensor<8x16xi1> -> tensor<8x16xi8>, tensor<8x2xi8>
  return %p, %b : tensor<8x16xi8>, tensor<8x2xi8>
}

// A mask that nobody applies masks nothing.
// CHECK-LABEL: @unused_mask
// CHECK: sq.mask magnitude
func.func @unused_mask(%x: tensor<8x16xf32>) -> tensor<8x16xf32> {
  %q, %s = sq.quantize %x to int<8, row> : tensor<8x16xf32> -> tensor<8x16xi8>, tensor<8x1xf32>
  %d = sq.dequantize %q, %s from int<8, row> : tensor<8x16xi8>, tensor<8x1xf32> -> tensor<8x16xf32>
  %m = sq.mask magnitude(%d) nm<2:4> : tensor<8x16xf32>
  return %d : tensor<8x16xf32>
}

// Nor does one that control flow never reaches.
// CHECK-LABEL: @never_taken
// CHECK: scf.if
func.func @never_taken(%x: tensor<8x16xf32>, %w: tensor<8x16xf32>) -> tensor<8x16xf32> {
  %false = arith.constant false
  %q, %s = sq.quantize %x to int<8, row> : tensor<8x16xf32> -> tensor<8x16xi8>, tensor<8x1xf32>
  %d = sq.dequantize %q, %s from int<8, row> : tensor<8x16xi8>, tensor<8x1xf32> -> tensor<8x16xf32>
  %r = scf.if %false -> tensor<8x16xf32> {
    %m = sq.mask magnitude(%w) nm<2:4> : tensor<8x16xf32>
    %a = sq.apply_mask %d, %m : tensor<8x16xf32>
    scf.yield %a : tensor<8x16xf32>
  } else {
    scf.yield %d : tensor<8x16xf32>
  }
  return %r : tensor<8x16xf32>
}

// CHECK-LABEL: @unreachable_block
func.func @unreachable_block(%x: tensor<8x16xf32>, %m: tensor<8x16xi1>) -> tensor<8x16xf32> {
  %q, %s = sq.quantize %x to int<8, row> : tensor<8x16xf32> -> tensor<8x16xi8>, tensor<8x1xf32>
  %d = sq.dequantize %q, %s from int<8, row> : tensor<8x16xi8>, tensor<8x1xf32> -> tensor<8x16xf32>
  return %d : tensor<8x16xf32>
^never:
  %r = sq.apply_mask %d, %m : tensor<8x16xf32>
  return %r : tensor<8x16xf32>
}

// Masks of a sum with quantized values: that is an activation.
// CHECK-LABEL: @residual
// CHECK: %[[Y:.+]] = arith.addf
// CHECK: sq.apply_mask %[[Y]]
func.func @residual(%x: tensor<8x16xf32>, %y: tensor<8x16xf32>, %m: tensor<8x16xi1>) -> tensor<8x16xf32> {
  %q, %s = sq.quantize %x to int<8, row> : tensor<8x16xf32> -> tensor<8x16xi8>, tensor<8x1xf32>
  %d = sq.dequantize %q, %s from int<8, row> : tensor<8x16xi8>, tensor<8x1xf32> -> tensor<8x16xf32>
  %v = arith.addf %d, %y : tensor<8x16xf32>
  %r = sq.apply_mask %v, %m : tensor<8x16xf32>
  return %r : tensor<8x16xf32>
}
