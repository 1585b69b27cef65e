// RUN: sq-opt %s --sq-enforce-order --sq-verify-order | FileCheck %s

// Class 1: a magnitude mask of the source, applied after quantization.
// CHECK-LABEL: @commuting
// CHECK: %[[M:.+]] = sq.mask magnitude(%arg0) nm<2:4>
// CHECK: %[[S:.+]] = sq.apply_mask %arg0, %[[M]]
// CHECK: sq.quantize %[[S]]
// CHECK: %[[D:.+]] = sq.dequantize
// CHECK: return %[[D]]
func.func @commuting(%x: tensor<8x16xf32>) -> tensor<8x16xf32> {
  %m = sq.mask magnitude(%x) nm<2:4> : tensor<8x16xf32>
  %q, %s = sq.quantize %x to int<8, row> : tensor<8x16xf32> -> tensor<8x16xi8>, tensor<8x1xf32>
  %d = sq.dequantize %q, %s from int<8, row> : tensor<8x16xi8>, tensor<8x1xf32> -> tensor<8x16xf32>
  %r = sq.apply_mask %d, %m : tensor<8x16xf32>
  return %r : tensor<8x16xf32>
}

// Class 2: a mask that may drop a group's maximum; the scale tightens.
// CHECK-LABEL: @scale_changing
// CHECK: %[[S:.+]] = sq.apply_mask %arg0, %arg1
// CHECK: sq.quantize %[[S]] to mx<f4E2M1FN>
func.func @scale_changing(%x: tensor<8x32xf32>, %m: tensor<8x32xi1>) -> tensor<8x32xf32> {
  %q, %s = sq.quantize %x to mx<f4E2M1FN> : tensor<8x32xf32> -> tensor<8x32xf4E2M1FN>, tensor<8x1xf8E8M0FNU>
  %d = sq.dequantize %q, %s from mx<f4E2M1FN> : tensor<8x32xf4E2M1FN>, tensor<8x1xf8E8M0FNU> -> tensor<8x32xf32>
  %r = sq.apply_mask %d, %m : tensor<8x32xf32>
  return %r : tensor<8x32xf32>
}

// Class 3: the scores are quantized; the mask is computed from the source.
// CHECK-LABEL: @mask_from_quantized
// CHECK: %[[M:.+]] = sq.mask magnitude(%arg0) nm<2:4>
// CHECK: sq.apply_mask %arg0, %[[M]]
func.func @mask_from_quantized(%x: tensor<8x16xf32>) -> tensor<8x16xf32> {
  %q, %s = sq.quantize %x to int<8, row> : tensor<8x16xf32> -> tensor<8x16xi8>, tensor<8x1xf32>
  %d = sq.dequantize %q, %s from int<8, row> : tensor<8x16xi8>, tensor<8x1xf32> -> tensor<8x16xf32>
  %m = sq.mask magnitude(%d) nm<2:4> : tensor<8x16xf32>
  %r = sq.apply_mask %d, %m : tensor<8x16xf32>
  return %r : tensor<8x16xf32>
}

// The right order stays as it is.
// CHECK-LABEL: @already_ordered
// CHECK: %[[M:.+]] = sq.mask magnitude(%arg0)
// CHECK-NEXT: %[[S:.+]] = sq.apply_mask %arg0, %[[M]]
// CHECK-NEXT: sq.quantize %[[S]]
func.func @already_ordered(%x: tensor<8x16xf32>) -> (tensor<8x16xi8>, tensor<8x1xf32>) {
  %m = sq.mask magnitude(%x) nm<2:4> : tensor<8x16xf32>
  %r = sq.apply_mask %x, %m : tensor<8x16xf32>
  %q, %s = sq.quantize %r to int<8, row> : tensor<8x16xf32> -> tensor<8x16xi8>, tensor<8x1xf32>
  return %q, %s : tensor<8x16xi8>, tensor<8x1xf32>
}
