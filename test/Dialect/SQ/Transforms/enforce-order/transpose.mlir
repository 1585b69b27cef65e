// RUN: sq-opt %s --sq-enforce-order --sq-verify-order --remark-policy=all --remarks-filter=sq.* -o - 2>&1 | FileCheck %s
// Masks behind transposes: what was a row for the quantizer is a column for the
// mask, and the other way round.

// CHECK-DAG: Function=mask_along_the_quantizers_axis | Bound=0, Class=1
// CHECK-DAG: Function=mask_across_the_quantizers_axis | Bound=unknown, Class=2
// CHECK-DAG: Function=mask_moved_too | Bound=0, Class=1
// CHECK-DAG: Function=one_scale_for_all | Bound=0, Class=1
// CHECK-DAG: Function=codes_transposed | Bound=0, Class=1

// CHECK-LABEL: @mask_along_the_quantizers_axis
// CHECK: %[[M:.+]] = sq.mask magnitude(%{{.+}}) nm<2:4> axis = 0 : tensor<16x8xf32>
// CHECK: %[[T:.+]] = linalg.transpose ins(%[[M]] : tensor<16x8xi1>) outs(%{{.+}} : tensor<8x16xi1>) permutation = [1, 0]
// CHECK: sq.apply_mask %arg0, %[[T]]
func.func @mask_along_the_quantizers_axis(%x: tensor<8x16xf32>) -> tensor<16x8xf32> {
  %init = tensor.empty() : tensor<16x8xf32>
  %t = linalg.transpose ins(%x : tensor<8x16xf32>) outs(%init : tensor<16x8xf32>) permutation = [1, 0]
  %m = sq.mask magnitude(%t) nm<2:4> axis = 0 : tensor<16x8xf32>
  %q, %s = sq.quantize %x to int<8, row> : tensor<8x16xf32> -> tensor<8x16xi8>, tensor<8x1xf32>
  %d = sq.dequantize %q, %s from int<8, row> : tensor<8x16xi8>, tensor<8x1xf32> -> tensor<8x16xf32>
  %dt = linalg.transpose ins(%d : tensor<8x16xf32>) outs(%init : tensor<16x8xf32>) permutation = [1, 0]
  %r = sq.apply_mask %dt, %m : tensor<16x8xf32>
  return %r : tensor<16x8xf32>
}

// 2:4 down a column may take a row's largest element: class 2.
// CHECK-LABEL: @mask_across_the_quantizers_axis
func.func @mask_across_the_quantizers_axis(%x: tensor<8x16xf32>) -> tensor<16x8xf32> {
  %init = tensor.empty() : tensor<16x8xf32>
  %t = linalg.transpose ins(%x : tensor<8x16xf32>) outs(%init : tensor<16x8xf32>) permutation = [1, 0]
  %m = sq.mask magnitude(%t) nm<2:4> : tensor<16x8xf32>
  %q, %s = sq.quantize %x to int<8, row> : tensor<8x16xf32> -> tensor<8x16xi8>, tensor<8x1xf32>
  %d = sq.dequantize %q, %s from int<8, row> : tensor<8x16xi8>, tensor<8x1xf32> -> tensor<8x16xf32>
  %dt = linalg.transpose ins(%d : tensor<8x16xf32>) outs(%init : tensor<16x8xf32>) permutation = [1, 0]
  %r = sq.apply_mask %dt, %m : tensor<16x8xf32>
  return %r : tensor<16x8xf32>
}

// The mask is made before and transposed as the values are.
// CHECK-LABEL: @mask_moved_too
func.func @mask_moved_too(%x: tensor<8x16xf32>) -> tensor<16x8xf32> {
  %init = tensor.empty() : tensor<16x8xf32>
  %minit = tensor.empty() : tensor<16x8xi1>
  %m = sq.mask magnitude(%x) nm<2:4> : tensor<8x16xf32>
  %mt = linalg.transpose ins(%m : tensor<8x16xi1>) outs(%minit : tensor<16x8xi1>) permutation = [1, 0]
  %q, %s = sq.quantize %x to int<8, row> : tensor<8x16xf32> -> tensor<8x16xi8>, tensor<8x1xf32>
  %d = sq.dequantize %q, %s from int<8, row> : tensor<8x16xi8>, tensor<8x1xf32> -> tensor<8x16xf32>
  %dt = linalg.transpose ins(%d : tensor<8x16xf32>) outs(%init : tensor<16x8xf32>) permutation = [1, 0]
  %r = sq.apply_mask %dt, %mt : tensor<16x8xf32>
  return %r : tensor<16x8xf32>
}

// With one scale for the tensor no axis matters.
// CHECK-LABEL: @one_scale_for_all
func.func @one_scale_for_all(%x: tensor<8x16xf32>) -> tensor<8x16xf32> {
  %m = sq.mask magnitude(%x) nm<2:4> axis = 0 : tensor<8x16xf32>
  %q, %s = sq.quantize %x to fp8<f8E4M3FN, tensor> : tensor<8x16xf32> -> tensor<8x16xf8E4M3FN>, tensor<1x1xf32>
  %d = sq.dequantize %q, %s from fp8<f8E4M3FN, tensor> : tensor<8x16xf8E4M3FN>, tensor<1x1xf32> -> tensor<8x16xf32>
  %r = sq.apply_mask %d, %m : tensor<8x16xf32>
  return %r : tensor<8x16xf32>
}

// Codes and scales are transposed and then decoded.
// CHECK-LABEL: @codes_transposed
// CHECK: sq.quantize %{{.+}} to int<8, row> axis = 0 : tensor<16x8xf32>
func.func @codes_transposed(%x: tensor<8x16xf32>) -> tensor<16x8xf32> {
  %init = tensor.empty() : tensor<16x8xf32>
  %t = linalg.transpose ins(%x : tensor<8x16xf32>) outs(%init : tensor<16x8xf32>) permutation = [1, 0]
  %m = sq.mask magnitude(%t) nm<2:4> axis = 0 : tensor<16x8xf32>
  %q, %s = sq.quantize %x to int<8, row> : tensor<8x16xf32> -> tensor<8x16xi8>, tensor<8x1xf32>
  %qi = tensor.empty() : tensor<16x8xi8>
  %si = tensor.empty() : tensor<1x8xf32>
  %qt = linalg.transpose ins(%q : tensor<8x16xi8>) outs(%qi : tensor<16x8xi8>) permutation = [1, 0]
  %st = linalg.transpose ins(%s : tensor<8x1xf32>) outs(%si : tensor<1x8xf32>) permutation = [1, 0]
  %d = sq.dequantize %qt, %st from int<8, row> axis = 0 : tensor<16x8xi8>, tensor<1x8xf32> -> tensor<16x8xf32>
  %r = sq.apply_mask %d, %m : tensor<16x8xf32>
  return %r : tensor<16x8xf32>
}
