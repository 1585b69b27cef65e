// The stock mlir-opt, with our plugin, parses sq ops and enforces the order of
// masks and quantizers. Only --pass-pipeline sees passes of plugins.
// UNSUPPORTED: sanitizers
// RUN: mlir-opt --load-dialect-plugin=%sq_lib/SparseQuantPlugin.so \
// RUN:   --load-pass-plugin=%sq_lib/SparseQuantPlugin.so \
// RUN:   --pass-pipeline='builtin.module(sq-enforce-order)' %s | FileCheck %s

// CHECK-LABEL: func @quantized_first
// CHECK-SAME: %[[W:.*]]: tensor<8x16xf32>
// CHECK: %[[M:.*]] = sq.mask magnitude(%[[W]]) nm<2:4>
// CHECK: %[[S:.*]] = sq.apply_mask %[[W]], %[[M]]
// CHECK: %[[Q:.*]], %[[C:.*]] = sq.quantize %[[S]] to int<4, row>
// CHECK: sq.dequantize %[[Q]], %[[C]] from int<4, row>
func.func @quantized_first(%w: tensor<8x16xf32>) -> tensor<8x16xf32> {
  %q, %s = sq.quantize %w to int<4, row>
      : tensor<8x16xf32> -> tensor<8x16xi4>, tensor<8x1xf32>
  %d = sq.dequantize %q, %s from int<4, row>
      : tensor<8x16xi4>, tensor<8x1xf32> -> tensor<8x16xf32>
  %m = sq.mask magnitude(%d) nm<2:4> : tensor<8x16xf32>
  %r = sq.apply_mask %d, %m : tensor<8x16xf32>
  return %r : tensor<8x16xf32>
}
