// RUN: sq-opt %s --canonicalize | FileCheck %s
// What folds without looking at values, and what must not fold. That folded
// values are right is fold-against-numpy.test's to show.

// CHECK-LABEL: @keeps_all
func.func @keeps_all(%w: tensor<8x16xf32>) -> (tensor<8x16xf32>, tensor<8x16xi1>, tensor<8x16xi1>) {
  // CHECK-DAG: %[[T:.+]] = arith.constant dense<true>
  // CHECK-DAG: %[[F:.+]] = arith.constant dense<false>
  // CHECK: return %{{.+}}, %[[T]], %[[F]]
  %m = sq.mask magnitude(%w) nm<4:4> : tensor<8x16xf32>
  %s = sq.apply_mask %w, %m : tensor<8x16xf32>
  %n = sq.mask magnitude(%w) block<4x4, 0.2> : tensor<8x16xf32>
  %o = sq.mask scores(%w) unstructured<1.0, row> : tensor<8x16xf32>
  return %s, %n, %o : tensor<8x16xf32>, tensor<8x16xi1>, tensor<8x16xi1>
}

// The zeros that pad a short group win over negative scores.
// CHECK-LABEL: @short_group
func.func @short_group(%w: tensor<8x15xf32>) -> tensor<8x15xi1> {
  // CHECK: sq.mask
  %m = sq.mask scores(%w) nm<4:4> : tensor<8x15xf32>
  return %m : tensor<8x15xi1>
}

// CHECK-LABEL: @uniform_masks
// CHECK-SAME: %[[W:.+]]: tensor<8x16xf32>, %[[C:.+]]: tensor<?x16xi4>
func.func @uniform_masks(%w: tensor<8x16xf32>, %c: tensor<?x16xi4>, %n: index) -> (tensor<8x16xf32>, tensor<8x16xf32>) {
  // CHECK: %[[Z:.+]] = arith.constant dense<0.000000e+00>
  // CHECK: return %[[W]], %[[Z]]
  %true = arith.constant dense<true> : tensor<8x16xi1>
  %false = arith.constant dense<false> : tensor<8x16xi1>
  %a = sq.apply_mask %w, %true : tensor<8x16xf32>
  %b = sq.apply_mask %w, %false : tensor<8x16xf32>
  return %a, %b : tensor<8x16xf32>, tensor<8x16xf32>
}

// Zeros stay zeros, but -0.0 becomes +0.0.
// CHECK-LABEL: @masked_zeros
func.func @masked_zeros(%m: tensor<8xi1>) -> (tensor<8xf32>, tensor<8xf32>) {
  // CHECK-DAG: %[[Z:.+]] = arith.constant dense<0.000000e+00>
  // CHECK-DAG: %[[N:.+]] = arith.constant dense<-0.000000e+00>
  // CHECK: %[[S:.+]] = sq.apply_mask %[[N]]
  // CHECK: return %[[Z]], %[[S]]
  %z = arith.constant dense<0.0> : tensor<8xf32>
  %n = arith.constant dense<-0.0> : tensor<8xf32>
  %a = sq.apply_mask %z, %m : tensor<8xf32>
  %b = sq.apply_mask %n, %m : tensor<8xf32>
  return %a, %b : tensor<8xf32>, tensor<8xf32>
}

// NaN is an error where weights are evaluated; a folder can't report it.
// CHECK-LABEL: @nan
func.func @nan() -> (tensor<4xi1>, tensor<4xf32>, tensor<1x4xi8>, tensor<1x32xf4E2M1FN>, tensor<1x4xf32>, tensor<1x32xf32>) {
  // CHECK: sq.mask
  // CHECK: sq.apply_mask
  // CHECK: sq.quantize
  // CHECK: sq.quantize
  // CHECK: sq.dequantize
  // CHECK: sq.dequantize
  %x = arith.constant dense<[1.0, 0x7FC00000, 2.0, 3.0]> : tensor<4xf32>
  %m = sq.mask magnitude(%x) nm<2:4> : tensor<4xf32>
  %keep = arith.constant dense<[true, false, true, true]> : tensor<4xi1>
  %s = sq.apply_mask %x, %keep : tensor<4xf32>
  %y = arith.constant dense<[[1.0, 0x7FC00000, 2.0, 3.0]]> : tensor<1x4xf32>
  %q, %t = sq.quantize %y to int<8, row> : tensor<1x4xf32> -> tensor<1x4xi8>, tensor<1x1xf32>
  %z = arith.constant dense<0x7FC00000> : tensor<1x32xf32>
  %a, %b = sq.quantize %z to mx<f4E2M1FN> : tensor<1x32xf32> -> tensor<1x32xf4E2M1FN>, tensor<1x1xf8E8M0FNU>
  %codes = arith.constant dense<[[0x7F, 0x01, 0x02, 0x03]]> : tensor<1x4xf8E4M3FN>
  %one = arith.constant dense<1.0> : tensor<1x1xf32>
  %d = sq.dequantize %codes, %one from fp8<f8E4M3FN, row> : tensor<1x4xf8E4M3FN>, tensor<1x1xf32> -> tensor<1x4xf32>
  %mx = arith.constant dense<1.0> : tensor<1x32xf4E2M1FN>
  %bad = arith.constant dense<0xFF> : tensor<1x1xf8E8M0FNU>
  %e = sq.dequantize %mx, %bad from mx<f4E2M1FN> : tensor<1x32xf4E2M1FN>, tensor<1x1xf8E8M0FNU> -> tensor<1x32xf32>
  return %m, %s, %q, %a, %d, %e : tensor<4xi1>, tensor<4xf32>, tensor<1x4xi8>, tensor<1x32xf4E2M1FN>, tensor<1x4xf32>, tensor<1x32xf32>
}

// An infinity has no code in an integer format.
// CHECK-LABEL: @infinity
func.func @infinity() -> tensor<1x4xi8> {
  // CHECK: sq.quantize
  %y = arith.constant dense<[[1.0, 0x7F800000, 2.0, 3.0]]> : tensor<1x4xf32>
  %q, %t = sq.quantize %y to int<8, row> : tensor<1x4xf32> -> tensor<1x4xi8>, tensor<1x1xf32>
  return %q : tensor<1x4xi8>
}

// Large constants stay; decoding stops earlier, since it undoes the compression.
// CHECK-LABEL: @size
func.func @size() -> (tensor<1x65537xi8>, tensor<1x65536xi8>, tensor<1x1025xf32>, tensor<1x1024xf32>) {
  // CHECK-DAG: %[[Q:.+]], %{{.+}} = sq.quantize %{{.+}} : tensor<1x65537xf32>
  // CHECK-DAG: %[[D:.+]] = sq.dequantize %{{.+}} -> tensor<1x1025xf32>
  // CHECK: return %[[Q]], %{{cst.*|c.*}}, %[[D]], %{{c.*}} :
  %a = arith.constant dense<1.0> : tensor<1x65537xf32>
  %b = arith.constant dense<1.0> : tensor<1x65536xf32>
  %qa, %sa = sq.quantize %a to int<8, row> : tensor<1x65537xf32> -> tensor<1x65537xi8>, tensor<1x1xf32>
  %qb, %sb = sq.quantize %b to int<8, row> : tensor<1x65536xf32> -> tensor<1x65536xi8>, tensor<1x1xf32>
  %c = arith.constant dense<3> : tensor<1x1025xi8>
  %d = arith.constant dense<3> : tensor<1x1024xi8>
  %one = arith.constant dense<1.0> : tensor<1x1xf32>
  %xc = sq.dequantize %c, %one from int<8, row> : tensor<1x1025xi8>, tensor<1x1xf32> -> tensor<1x1025xf32>
  %xd = sq.dequantize %d, %one from int<8, row> : tensor<1x1024xi8>, tensor<1x1xf32> -> tensor<1x1024xf32>
  return %qa, %qb, %xc, %xd : tensor<1x65537xi8>, tensor<1x65536xi8>, tensor<1x1025xf32>, tensor<1x1024xf32>
}

// A row that doesn't fit its payload, a bitmap that keeps columns that aren't there.
// CHECK-LABEL: @bad_layout
func.func @bad_layout() -> (tensor<1x2xi8>, tensor<1x4xi8>) {
  // CHECK: sq.pack
  // CHECK: sq.unpack
  %q = arith.constant dense<[[1, 2, 3, 4]]> : tensor<1x4xi8>
  %m = arith.constant dense<[[true, true, true, false]]> : tensor<1x4xi1>
  %p, %b = sq.pack %q mask(%m) : tensor<1x4xi8>, tensor<1x4xi1> -> tensor<1x2xi8>, tensor<1x1xi8>
  %r = arith.constant dense<[[1, 2]]> : tensor<1x2xi8>
  %c = arith.constant dense<0x12> : tensor<1x1xi8>
  %u = sq.unpack %r bitmap(%c) : tensor<1x2xi8>, tensor<1x1xi8> -> tensor<1x4xi8>
  return %p, %u : tensor<1x2xi8>, tensor<1x4xi8>
}
