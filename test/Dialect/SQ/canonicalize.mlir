// RUN: sq-opt %s --canonicalize | FileCheck %s
// One pattern a chunk, and beside it what must stay.

// A magnitude mask of what the same mask left is that mask.
// CHECK-LABEL: @mask_of_masked
func.func @mask_of_masked(%w: tensor<8x16xf32>) -> (tensor<8x16xf32>, tensor<8x16xi1>) {
  // CHECK: %[[M:.+]] = sq.mask
  // CHECK-NOT: sq.mask
  // CHECK: %[[S:.+]] = sq.apply_mask %{{.+}}, %[[M]]
  // CHECK: return %[[S]], %[[M]]
  %m = sq.mask magnitude(%w) nm<2:4> axis = 1 : tensor<8x16xf32>
  %s = sq.apply_mask %w, %m : tensor<8x16xf32>
  %n = sq.mask magnitude(%s) nm<2:4> : tensor<8x16xf32>
  return %s, %n : tensor<8x16xf32>, tensor<8x16xi1>
}

// Another pattern, another axis: another mask.
// CHECK-LABEL: @mask_of_masked_otherwise
func.func @mask_of_masked_otherwise(%w: tensor<8x16xf32>) -> (tensor<8x16xi1>, tensor<8x16xi1>) {
  // CHECK-COUNT-3: sq.mask
  %m = sq.mask magnitude(%w) nm<2:4> : tensor<8x16xf32>
  %s = sq.apply_mask %w, %m : tensor<8x16xf32>
  %n = sq.mask magnitude(%s) nm<1:4> : tensor<8x16xf32>
  %t = sq.mask magnitude(%s) nm<2:4> axis = 0 : tensor<8x16xf32>
  return %n, %t : tensor<8x16xi1>, tensor<8x16xi1>
}

// Zeroes may win over negative scores, and norms may be negative or infinite.
// CHECK-LABEL: @mask_of_masked_by_other_scores
func.func @mask_of_masked_by_other_scores(%w: tensor<8x16xf32>, %norms: tensor<16xf32>) -> (tensor<8x16xi1>, tensor<8x16xi1>) {
  // CHECK-COUNT-4: sq.mask
  %m = sq.mask scores(%w) nm<2:4> : tensor<8x16xf32>
  %s = sq.apply_mask %w, %m : tensor<8x16xf32>
  %n = sq.mask scores(%s) nm<2:4> : tensor<8x16xf32>
  %a = sq.mask wanda(%w, %norms) nm<2:4> : tensor<8x16xf32>, tensor<16xf32>
  %b = sq.apply_mask %w, %a : tensor<8x16xf32>
  %c = sq.mask wanda(%b, %norms) nm<2:4> : tensor<8x16xf32>, tensor<16xf32>
  return %n, %c : tensor<8x16xi1>, tensor<8x16xi1>
}

// CHECK-LABEL: @apply_mask_twice
func.func @apply_mask_twice(%w: tensor<?x16xf32>, %m: tensor<?x16xi1>) -> tensor<?x16xf32> {
  // CHECK: %[[S:.+]] = sq.apply_mask
  // CHECK-NEXT: return %[[S]]
  %s = sq.apply_mask %w, %m : tensor<?x16xf32>
  %t = sq.apply_mask %s, %m : tensor<?x16xf32>
  return %t : tensor<?x16xf32>
}

// CHECK-LABEL: @nested_apply_mask
// CHECK-SAME: %[[W:.+]]: tensor<8x16xf32>, %[[A:.+]]: tensor<8x16xi1>, %[[B:.+]]: tensor<8x16xi1>
func.func @nested_apply_mask(%w: tensor<8x16xf32>, %a: tensor<8x16xi1>, %b: tensor<8x16xi1>) -> tensor<8x16xf32> {
  // CHECK: %[[M:.+]] = arith.andi %[[A]], %[[B]]
  // CHECK: sq.apply_mask %[[W]], %[[M]]
  // CHECK-NOT: sq.apply_mask
  %s = sq.apply_mask %w, %a : tensor<8x16xf32>
  %t = sq.apply_mask %s, %b : tensor<8x16xf32>
  return %t : tensor<8x16xf32>
}

// The pattern of a computed mask is a promise; the inner result may be needed.
// CHECK-LABEL: @nested_apply_mask_stays
func.func @nested_apply_mask_stays(%w: tensor<8x16xf32>, %a: tensor<8x16xi1>, %b: tensor<8x16xi1>) -> (tensor<8x16xf32>, tensor<8x16xf32>, tensor<8x16xf32>) {
  // CHECK-NOT: arith.andi
  // CHECK-COUNT-4: sq.apply_mask
  %m = sq.mask magnitude(%w) nm<2:4> : tensor<8x16xf32>
  %s = sq.apply_mask %w, %m : tensor<8x16xf32>
  %t = sq.apply_mask %s, %a : tensor<8x16xf32>
  %u = sq.apply_mask %w, %a : tensor<8x16xf32>
  %v = sq.apply_mask %u, %b : tensor<8x16xf32>
  return %t, %u, %v : tensor<8x16xf32>, tensor<8x16xf32>, tensor<8x16xf32>
}

// Quantizing what was quantized changes nothing (NUM-C3).
// CHECK-LABEL: @quantize_again
func.func @quantize_again(%x: tensor<?x64xf32>) -> (tensor<?x64xi8>, tensor<?x1xf32>) {
  // CHECK: %[[Q:.+]], %[[S:.+]] = sq.quantize
  // CHECK-NEXT: return %[[Q]], %[[S]]
  %q, %s = sq.quantize %x to int<8, row> : tensor<?x64xf32> -> tensor<?x64xi8>, tensor<?x1xf32>
  %d = sq.dequantize %q, %s from int<8, row> : tensor<?x64xi8>, tensor<?x1xf32> -> tensor<?x64xf32>
  %r, %t = sq.quantize %d to int<8, row> axis = 1 : tensor<?x64xf32> -> tensor<?x64xi8>, tensor<?x1xf32>
  return %r, %t : tensor<?x64xi8>, tensor<?x1xf32>
}

// hbfp is not idempotent (NUM-F11).
// CHECK-LABEL: @quantize_hbfp_again
func.func @quantize_hbfp_again(%x: tensor<8x64xf32>) -> (tensor<8x64xi8>, tensor<8x1xf8E8M0FNU>) {
  // CHECK-COUNT-2: sq.quantize
  %q, %s = sq.quantize %x to hbfp<7, group = 64> : tensor<8x64xf32> -> tensor<8x64xi8>, tensor<8x1xf8E8M0FNU>
  %d = sq.dequantize %q, %s from hbfp<7, group = 64> : tensor<8x64xi8>, tensor<8x1xf8E8M0FNU> -> tensor<8x64xf32>
  %r, %t = sq.quantize %d to hbfp<7, group = 64> : tensor<8x64xf32> -> tensor<8x64xi8>, tensor<8x1xf8E8M0FNU>
  return %r, %t : tensor<8x64xi8>, tensor<8x1xf8E8M0FNU>
}

// Static scales aren't those that the values choose, nor are those of another axis.
// CHECK-LABEL: @quantize_again_with_other_scales
func.func @quantize_again_with_other_scales(%x: tensor<8x8xf32>, %u: tensor<8x1xf32>) -> (tensor<8x8xi8>, tensor<8x8xi8>) {
  // CHECK-COUNT-4: sq.quantize
  %q = sq.quantize %x static(%u : tensor<8x1xf32>) to int<8, row> : tensor<8x8xf32> -> tensor<8x8xi8>
  %d = sq.dequantize %q, %u from int<8, row> : tensor<8x8xi8>, tensor<8x1xf32> -> tensor<8x8xf32>
  %r, %s = sq.quantize %d to int<8, row> : tensor<8x8xf32> -> tensor<8x8xi8>, tensor<8x1xf32>
  %a, %b = sq.quantize %x to int<8, row> : tensor<8x8xf32> -> tensor<8x8xi8>, tensor<8x1xf32>
  %c = sq.dequantize %a, %b from int<8, row> : tensor<8x8xi8>, tensor<8x1xf32> -> tensor<8x8xf32>
  %e, %f = sq.quantize %c to int<8, row> axis = 0 : tensor<8x8xf32> -> tensor<8x8xi8>, tensor<1x8xf32>
  return %r, %e : tensor<8x8xi8>, tensor<8x8xi8>
}

// Rounding is what quantizing is for.
// CHECK-LABEL: @dequantize_of_quantize_stays
func.func @dequantize_of_quantize_stays(%x: tensor<8x64xf32>) -> tensor<8x64xf32> {
  // CHECK: sq.quantize
  // CHECK: sq.dequantize
  %q, %s = sq.quantize %x to int<8, row> : tensor<8x64xf32> -> tensor<8x64xi8>, tensor<8x1xf32>
  %d = sq.dequantize %q, %s from int<8, row> : tensor<8x64xi8>, tensor<8x1xf32> -> tensor<8x64xf32>
  return %d : tensor<8x64xf32>
}

// Class 1 of docs/order.md: the mask keeps each scale group's maximum.
// CHECK-LABEL: @commuting_mask
// CHECK-SAME: %[[W:.+]]: tensor<8x16xf32>
func.func @commuting_mask(%w: tensor<8x16xf32>) -> tensor<8x16xf32> {
  // CHECK: %[[M:.+]] = sq.mask
  // CHECK: %[[S:.+]] = sq.apply_mask %[[W]], %[[M]]
  // CHECK: %[[Q:.+]], %[[T:.+]] = sq.quantize %[[S]]
  // CHECK: %[[D:.+]] = sq.dequantize %[[Q]], %[[T]]
  // CHECK: return %[[D]]
  %m = sq.mask magnitude(%w) nm<2:4> : tensor<8x16xf32>
  %q, %s = sq.quantize %w to int<8, row> : tensor<8x16xf32> -> tensor<8x16xi8>, tensor<8x1xf32>
  %d = sq.dequantize %q, %s from int<8, row> : tensor<8x16xi8>, tensor<8x1xf32> -> tensor<8x16xf32>
  %r = sq.apply_mask %d, %m : tensor<8x16xf32>
  return %r : tensor<8x16xf32>
}

// Class 2 changes scales: sq-enforce-order's to decide, not the canonicalizer's.
// CHECK-LABEL: @scale_changing_mask
func.func @scale_changing_mask(%w: tensor<8x16xf32>, %m: tensor<8x16xi1>) -> (tensor<8x16xf32>, tensor<8x16xf32>) {
  // CHECK-COUNT-2: sq.dequantize
  // CHECK-COUNT-2: sq.apply_mask
  %q, %s = sq.quantize %w to int<8, row> : tensor<8x16xf32> -> tensor<8x16xi8>, tensor<8x1xf32>
  %d = sq.dequantize %q, %s from int<8, row> : tensor<8x16xi8>, tensor<8x1xf32> -> tensor<8x16xf32>
  %n = sq.mask magnitude(%w) block<4x4, 0.5> : tensor<8x16xf32>
  %e, %f = sq.quantize %w to int<4, row> : tensor<8x16xf32> -> tensor<8x16xi4>, tensor<8x1xf32>
  %g = sq.dequantize %e, %f from int<4, row> : tensor<8x16xi4>, tensor<8x1xf32> -> tensor<8x16xf32>
  %r = sq.apply_mask %d, %m : tensor<8x16xf32>
  %t = sq.apply_mask %g, %n : tensor<8x16xf32>
  return %r, %t : tensor<8x16xf32>, tensor<8x16xf32>
}

// CHECK-LABEL: @unpack_of_pack
// CHECK-SAME: %[[Q:.+]]: tensor<8x16xi4>, %[[M:.+]]: tensor<8x16xi1>
func.func @unpack_of_pack(%q: tensor<8x16xi4>, %m: tensor<8x16xi1>) -> (tensor<8x16xi4>, tensor<8x16xi4>) {
  // With a mask, codes are dropped on the way.
  // CHECK: sq.pack %[[Q]] mask(%[[M]])
  // CHECK: %[[S:.+]] = sq.unpack
  // CHECK: return %[[Q]], %[[S]]
  %p = sq.pack %q : tensor<8x16xi4> -> tensor<8x8xi8>
  %d = sq.unpack %p : tensor<8x8xi8> -> tensor<8x16xi4>
  %r, %b = sq.pack %q mask(%m) : tensor<8x16xi4>, tensor<8x16xi1> -> tensor<8x8xi8>, tensor<8x2xi8>
  %s = sq.unpack %r bitmap(%b) : tensor<8x8xi8>, tensor<8x2xi8> -> tensor<8x16xi4>
  return %d, %s : tensor<8x16xi4>, tensor<8x16xi4>
}

// Pure ops without users go, and so do scales that nobody needs.
// CHECK-LABEL: @unused
func.func @unused(%x: tensor<8x64xf32>, %scale: tensor<8x1xf32>) -> tensor<8x64xf32> {
  // CHECK-NOT: sq.
  // CHECK: %[[Z:.+]] = arith.constant dense<0.000000e+00> : tensor<8x64xf32>
  // CHECK-NEXT: return %[[Z]]
  %w = sq.parameter "w" : tensor<8x64xf32>
  %m = sq.mask magnitude(%w) nm<2:4> : tensor<8x64xf32>
  %s = sq.apply_mask %x, %m : tensor<8x64xf32>
  %q:3 = sq.quantize %s to nvfp4 : tensor<8x64xf32> -> tensor<8x64xf4E2M1FN>, tensor<8x4xf8E4M3FN>, tensor<1x1xf32>
  %zero = arith.constant dense<0> : tensor<8x64xi8>
  %d = sq.dequantize %zero, %scale from int<8, row> : tensor<8x64xi8>, tensor<8x1xf32> -> tensor<8x64xf32>
  return %d : tensor<8x64xf32>
}

// An mx scale may be NaN, and a zero point is not code 0.
// CHECK-LABEL: @scales_of_zeros_stay
func.func @scales_of_zeros_stay(%s: tensor<8x2xf8E8M0FNU>, %t: tensor<8x1xf32>, %z: tensor<8x1xi32>) -> (tensor<8x64xf32>, tensor<8x64xf32>) {
  // CHECK-COUNT-2: sq.dequantize
  %zero = arith.constant dense<0.0> : tensor<8x64xf4E2M1FN>
  %codes = arith.constant dense<0> : tensor<8x64xi8>
  %d = sq.dequantize %zero, %s from mx<f4E2M1FN> : tensor<8x64xf4E2M1FN>, tensor<8x2xf8E8M0FNU> -> tensor<8x64xf32>
  %e = sq.dequantize %codes, %t, %z from int<8, row, asymmetric> : tensor<8x64xi8>, tensor<8x1xf32>, tensor<8x1xi32> -> tensor<8x64xf32>
  return %d, %e : tensor<8x64xf32>, tensor<8x64xf32>
}
