// The remarks as YAML. What swaps, and at most what that costs, is computed where
// the data is constant.

// RUN: sq-opt %s --sq-enforce-order --remark-policy=all --remarks-filter=sq.* --remark-format=yaml --remarks-output-file=%t.yaml -o /dev/null
// RUN: FileCheck %s < %t.yaml

// CHECK:      --- !Passed
// CHECK-NEXT: Pass: sq-enforce-order
// CHECK-NEXT: Name: mask-order
// CHECK-NEXT: DebugLoc: { File: '{{.*}}remarks-yaml.mlir'
// CHECK-NEXT: Line: [[# @LINE + 27]], Column: 8 }
// CHECK-NEXT: Function: one_swap
// CHECK-NEXT: Args:
// CHECK-NEXT: - Remark: recomputed the mask from the unquantized values
// CHECK-NEXT: - Class: '3'
// CHECK-NEXT: - ClassName: mask-from-quantized
// CHECK-NEXT: - Swapped: '1'
// CHECK-NEXT: - Bound: '14.2857'
// CHECK:      Function: uneven_codes
// CHECK:      - Swapped: '1'
// CHECK-NEXT: - Bound: unknown
// CHECK:      Function: nothing_swaps
// CHECK:      - Swapped: '0'
// CHECK-NEXT: - Bound: '0'
// CHECK:      Function: blocks_may_gain_from_scales
// CHECK:      - Swapped: '0'
// CHECK-NEXT: - Bound: unknown
// CHECK:      Function: other_scales
// CHECK:      - Class: '3'
// CHECK:      - Swapped: unknown
// CHECK-NEXT: - Bound: unknown

// 2 and 2.1 round to code 0 both; then the first is kept, not the larger.
func.func @one_swap() -> tensor<1x4xi1> {
  %x = arith.constant dense<[[100.0, 2.0, 2.1, 1.0]]> : tensor<1x4xf32>
  %q, %s = sq.quantize %x to int<4, row> : tensor<1x4xf32> -> tensor<1x4xi4>, tensor<1x1xf32>
  %d = sq.dequantize %q, %s from int<4, row> : tensor<1x4xi4>, tensor<1x1xf32> -> tensor<1x4xf32>
  %m = sq.mask magnitude(%d) nm<2:4> : tensor<1x4xf32>
  return %m : tensor<1x4xi1>
}
func.func @uneven_codes() -> tensor<1x4xi1> {
  %x = arith.constant dense<[[100.0, 2.0, 2.1, 1.0]]> : tensor<1x4xf32>
  %q, %s = sq.quantize %x to mx<f4E2M1FN> : tensor<1x4xf32> -> tensor<1x4xf4E2M1FN>, tensor<1x1xf8E8M0FNU>
  %d = sq.dequantize %q, %s from mx<f4E2M1FN> : tensor<1x4xf4E2M1FN>, tensor<1x1xf8E8M0FNU> -> tensor<1x4xf32>
  %m = sq.mask magnitude(%d) nm<2:4> : tensor<1x4xf32>
  return %m : tensor<1x4xi1>
}
func.func @nothing_swaps() -> tensor<1x4xi1> {
  %x = arith.constant dense<[[4.0, 3.0, 2.0, 1.0]]> : tensor<1x4xf32>
  %q, %s = sq.quantize %x to fp8<f8E4M3FN, row> : tensor<1x4xf32> -> tensor<1x4xf8E4M3FN>, tensor<1x1xf32>
  %d = sq.dequantize %q, %s from fp8<f8E4M3FN, row> : tensor<1x4xf8E4M3FN>, tensor<1x1xf32> -> tensor<1x4xf32>
  %m = sq.mask magnitude(%d) nm<2:4> : tensor<1x4xf32>
  return %m : tensor<1x4xi1>
}
func.func @blocks_may_gain_from_scales() -> tensor<1x4xi1> {
  %x = arith.constant dense<[[4.0, 3.0, 2.0, 1.0]]> : tensor<1x4xf32>
  %q, %s = sq.quantize %x to fp8<f8E4M3FN, row> : tensor<1x4xf32> -> tensor<1x4xf8E4M3FN>, tensor<1x1xf32>
  %d = sq.dequantize %q, %s from fp8<f8E4M3FN, row> : tensor<1x4xf8E4M3FN>, tensor<1x1xf32> -> tensor<1x4xf32>
  %m = sq.mask magnitude(%d) block<1x2, 0.5> : tensor<1x4xf32>
  return %m : tensor<1x4xi1>
}
func.func @other_scales(%s: tensor<1x1xf32>) -> tensor<1x4xi1> {
  %x = arith.constant dense<[[100.0, 2.0, 2.1, 1.0]]> : tensor<1x4xf32>
  %q, %t = sq.quantize %x to int<4, row> : tensor<1x4xf32> -> tensor<1x4xi4>, tensor<1x1xf32>
  %d = sq.dequantize %q, %s from int<4, row> : tensor<1x4xi4>, tensor<1x1xf32> -> tensor<1x4xf32>
  %m = sq.mask magnitude(%d) nm<2:4> : tensor<1x4xf32>
  return %m : tensor<1x4xi1>
}
