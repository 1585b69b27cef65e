// No way to machine code leaves out the proof: every pipeline that lowers, and
// sq-compile, refuse a mask that follows quantization. (sq-compile repairs it
// first, where it can.)

// RUN: not sq-opt %s --sq-cpu-pipeline -o /dev/null 2>&1 | FileCheck %s
// RUN: not sq-opt %s --sq-bufferize-pipeline -o /dev/null 2>&1 | FileCheck %s
// RUN: not sq-opt %s --sq-lower-to-llvm-pipeline -o /dev/null 2>&1 | FileCheck %s
// RUN: not sq-opt %s --canonicalize --sq-cpu-pipeline -o /dev/null 2>&1 | FileCheck %s
// RUN: not sq-compile %s --target=x86_64-linux-gnu:x86-64 --emit=obj -o %t.o 2>&1 | FileCheck %s --check-prefix=COMPILE
// RUN: not ls %t.o
// RUN: not sq-compile %s --target=x86_64-linux-gnu:x86-64 --emit=mlir-sq -o %t.mlir 2>&1 | FileCheck %s --check-prefix=COMPILE

// CHECK: order.mlir:[[# @LINE + 7]]:8: error: 'sq.mask' op expected sparsity before quantization, but the mask is derived from quantized values (class 3, mask-from-quantized)
// CHECK: order.mlir:[[# @LINE + 5]]:8: note: decoded here
// COMPILE: order.mlir:[[# @LINE + 5]]:8: error: 'sq.mask' op the mask is derived from quantized values, and can't be moved in front of quantization (class 3, mask-from-quantized)
// COMPILE: order.mlir:[[# @LINE + 2]]:24: note: the values enter here already quantized

func.func @unreachable(%q: tensor<8x16xi8>, %s: tensor<8x1xf32>) -> tensor<8x16xf32> {
  %d = sq.dequantize %q, %s from int<8, row> : tensor<8x16xi8>, tensor<8x1xf32> -> tensor<8x16xf32>
  %m = sq.mask magnitude(%d) nm<2:4> : tensor<8x16xf32>
  %r = sq.apply_mask %d, %m : tensor<8x16xf32>
  return %r : tensor<8x16xf32>
}
