// Errors of our passes end the stock mlir-opt like its own.
// UNSUPPORTED: sanitizers
// RUN: not mlir-opt --load-dialect-plugin=%sq_lib/SparseQuantPlugin.so \
// RUN:   --load-pass-plugin=%sq_lib/SparseQuantPlugin.so \
// RUN:   --pass-pipeline='builtin.module(sq-verify-order)' %s 2>&1 | FileCheck %s
// RUN: not mlir-opt --load-dialect-plugin=%sq_lib/no-such-plugin.so %s 2>&1 \
// RUN:   | FileCheck %s --check-prefix=ABSENT
// RUN: not mlir-opt %s 2>&1 | FileCheck %s --check-prefix=UNLOADED

// CHECK: error: 'sq.mask' op expected sparsity before quantization
// CHECK: note: {{.*}}here
// ABSENT: no-such-plugin.so
// UNLOADED: error: Dialect `sq' not found for custom op 'sq.quantize'
func.func @stored_codes(%w: tensor<8x16xf32>) -> tensor<8x16xi1> {
  %q, %s = sq.quantize %w to int<4, row>
      : tensor<8x16xf32> -> tensor<8x16xi4>, tensor<8x1xf32>
  %d = sq.dequantize %q, %s from int<4, row>
      : tensor<8x16xi4>, tensor<8x1xf32> -> tensor<8x16xf32>
  %m = sq.mask magnitude(%d) nm<2:4> : tensor<8x16xf32>
  return %m : tensor<8x16xi1>
}
