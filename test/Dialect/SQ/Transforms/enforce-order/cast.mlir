// RUN: sq-opt %s --sq-enforce-order --sq-verify-order --remark-policy=all --remarks-filter=sq.* -o - 2>&1 | FileCheck %s
// Conversions of the element type keep what is known: rounded to f16 and back,
// quantized values are still quantized. So does a scale.

// CHECK-DAG: Function=tensor_cast | Bound=0, Class=1
// CHECK-DAG: Function=through_unranked | Bound=unknown, Class=2
// CHECK-DAG: Function=rounded_to_f16 | Bound=unknown, Class=2
// CHECK-DAG: Function=scores_rounded_to_f16 | Bound=unknown, Class=3
// CHECK-DAG: Function=scaled | Bound=unknown, Class=2
// CHECK-DAG: Function=dequantized_by_hand | Bound=unknown, Class=2
// CHECK-DAG: Function=bits_of_codes | Bound=0, Class=1

// CHECK-LABEL: @tensor_cast
func.func @tensor_cast(%x: tensor<8x16xf32>) -> tensor<?x16xf32> {
  %c = tensor.cast %x : tensor<8x16xf32> to tensor<?x16xf32>
  %m = sq.mask magnitude(%c) nm<2:4> : tensor<?x16xf32>
  %q, %s = sq.quantize %x to int<8, row> : tensor<8x16xf32> -> tensor<8x16xi8>, tensor<8x1xf32>
  %d = sq.dequantize %q, %s from int<8, row> : tensor<8x16xi8>, tensor<8x1xf32> -> tensor<8x16xf32>
  %dc = tensor.cast %d : tensor<8x16xf32> to tensor<?x16xf32>
  %r = sq.apply_mask %dc, %m : tensor<?x16xf32>
  return %r : tensor<?x16xf32>
}

// CHECK-LABEL: @through_unranked
// CHECK: sq.apply_mask %arg0
func.func @through_unranked(%x: tensor<8x16xf32>, %m: tensor<8x16xi1>) -> tensor<8x16xf32> {
  %q, %s = sq.quantize %x to int<8, row> : tensor<8x16xf32> -> tensor<8x16xi8>, tensor<8x1xf32>
  %d = sq.dequantize %q, %s from int<8, row> : tensor<8x16xi8>, tensor<8x1xf32> -> tensor<8x16xf32>
  %u = tensor.cast %d : tensor<8x16xf32> to tensor<*xf32>
  %v = tensor.cast %u : tensor<*xf32> to tensor<8x16xf32>
  %r = sq.apply_mask %v, %m : tensor<8x16xf32>
  return %r : tensor<8x16xf32>
}

// CHECK-LABEL: @rounded_to_f16
// CHECK: %[[S:.+]] = sq.apply_mask %arg0, %{{.+}} : tensor<8x16xf32>
// CHECK: sq.quantize %[[S]]
// CHECK: arith.truncf %{{.+}} : tensor<8x16xf32> to tensor<8x16xf16>
func.func @rounded_to_f16(%x: tensor<8x16xf32>) -> tensor<8x16xf16> {
  %m = sq.mask magnitude(%x) nm<2:4> : tensor<8x16xf32>
  %q, %s = sq.quantize %x to int<8, row> : tensor<8x16xf32> -> tensor<8x16xi8>, tensor<8x1xf32>
  %d = sq.dequantize %q, %s from int<8, row> : tensor<8x16xi8>, tensor<8x1xf32> -> tensor<8x16xf32>
  %h = arith.truncf %d : tensor<8x16xf32> to tensor<8x16xf16>
  %r = sq.apply_mask %h, %m : tensor<8x16xf16>
  return %r : tensor<8x16xf16>
}

// CHECK-LABEL: @scores_rounded_to_f16
// CHECK: %[[H:.+]] = arith.truncf %arg0
// CHECK: %[[F:.+]] = arith.extf %[[H]]
// CHECK: sq.mask magnitude(%[[F]])
func.func @scores_rounded_to_f16(%x: tensor<8x16xf32>) -> tensor<8x16xi1> {
  %q, %s = sq.quantize %x to int<8, row> : tensor<8x16xf32> -> tensor<8x16xi8>, tensor<8x1xf32>
  %d = sq.dequantize %q, %s from int<8, row> : tensor<8x16xi8>, tensor<8x1xf32> -> tensor<8x16xf32>
  %h = arith.truncf %d : tensor<8x16xf32> to tensor<8x16xf16>
  %f = arith.extf %h : tensor<8x16xf16> to tensor<8x16xf32>
  %m = sq.mask magnitude(%f) nm<2:4> : tensor<8x16xf32>
  return %m : tensor<8x16xi1>
}

// CHECK-LABEL: @scaled
// CHECK: sq.apply_mask %arg0, %arg2
// CHECK: %[[D:.+]] = sq.dequantize
// CHECK: arith.mulf %arg1, %[[D]]
func.func @scaled(%x: tensor<8x16xf32>, %smooth: tensor<8x16xf32>, %m: tensor<8x16xi1>) -> tensor<8x16xf32> {
  %q, %s = sq.quantize %x to int<8, row> : tensor<8x16xf32> -> tensor<8x16xi8>, tensor<8x1xf32>
  %d = sq.dequantize %q, %s from int<8, row> : tensor<8x16xi8>, tensor<8x1xf32> -> tensor<8x16xf32>
  %v = arith.mulf %smooth, %d : tensor<8x16xf32>
  %r = sq.apply_mask %v, %m : tensor<8x16xf32>
  return %r : tensor<8x16xf32>
}

// Codes as floats, times a scale. The codes keep their scales, since those are
// used for something else before the mask is known.
// CHECK-LABEL: @dequantized_by_hand
// CHECK: %[[S:.+]] = sq.apply_mask %arg0, %arg1
// CHECK: %[[Q:.+]] = sq.quantize %[[S]] static(%{{.+}} : tensor<1x1xf32>)
// CHECK: arith.sitofp %[[Q]]
func.func @dequantized_by_hand(%x: tensor<8x16xf32>, %m: tensor<8x16xi1>, %scale: tensor<8x16xf32>) -> (tensor<8x16xf32>, tensor<1x1xf32>) {
  %q, %s = sq.quantize %x to int<8, tensor> : tensor<8x16xf32> -> tensor<8x16xi8>, tensor<1x1xf32>
  %s2 = arith.addf %s, %s : tensor<1x1xf32>
  %f = arith.sitofp %q : tensor<8x16xi8> to tensor<8x16xf32>
  %v = arith.mulf %f, %scale : tensor<8x16xf32>
  %r = sq.apply_mask %v, %m : tensor<8x16xf32>
  return %r, %s2 : tensor<8x16xf32>, tensor<1x1xf32>
}

// CHECK-LABEL: @bits_of_codes
func.func @bits_of_codes(%x: tensor<8x16xf32>) -> tensor<8x16xf32> {
  %m = sq.mask magnitude(%x) nm<2:4> : tensor<8x16xf32>
  %q, %s = sq.quantize %x to fp8<f8E4M3FN, row> : tensor<8x16xf32> -> tensor<8x16xf8E4M3FN>, tensor<8x1xf32>
  %i = tensor.bitcast %q : tensor<8x16xf8E4M3FN> to tensor<8x16xi8>
  %b = tensor.bitcast %i : tensor<8x16xi8> to tensor<8x16xf8E4M3FN>
  %d = sq.dequantize %b, %s from fp8<f8E4M3FN, row> : tensor<8x16xf8E4M3FN>, tensor<8x1xf32> -> tensor<8x16xf32>
  %r = sq.apply_mask %d, %m : tensor<8x16xf32>
  return %r : tensor<8x16xf32>
}
