// Upstream's passes and ours run in one pipeline of the stock mlir-opt: the
// plugin registers its own passes only, and its ops bufferize and lower there.
// UNSUPPORTED: sanitizers
// RUN: mlir-opt --load-dialect-plugin=%sq_lib/SparseQuantPlugin.so \
// RUN:   --load-pass-plugin=%sq_lib/SparseQuantPlugin.so \
// RUN:   --pass-pipeline='builtin.module(sq-verify-order,convert-sq-to-linalg,canonicalize,one-shot-bufferize{bufferize-function-boundaries},func.func(convert-linalg-to-loops))' \
// RUN:   %s | FileCheck %s

// CHECK-LABEL: func @decode
// CHECK-NOT: sq.
// CHECK: scf.for
// CHECK: arith.sitofp
// CHECK: arith.mulf
func.func @decode(%q: tensor<8x64xi8>, %s: tensor<8x1xf32>) -> tensor<8x64xf32> {
  %x = sq.dequantize %q, %s from int<8, row>
      : tensor<8x64xi8>, tensor<8x1xf32> -> tensor<8x64xf32>
  return %x : tensor<8x64xf32>
}
