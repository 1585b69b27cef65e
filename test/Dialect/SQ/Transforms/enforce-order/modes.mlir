// rewrite (the default) repairs, verify fails, report only says.

// RUN: sq-opt %s --sq-enforce-order | FileCheck %s --check-prefix=REWRITE
// RUN: sq-opt %s --sq-enforce-order=mode=rewrite | FileCheck %s --check-prefix=REWRITE
// RUN: not sq-opt %s --sq-enforce-order=mode=verify 2>&1 | FileCheck %s --check-prefix=VERIFY
// RUN: sq-opt %s --sq-enforce-order=mode=report --remark-policy=all --remarks-filter=sq.* -o - 2>&1 | FileCheck %s --check-prefix=REPORT
// RUN: not sq-opt %s --sq-enforce-order=mode=guess 2>&1 | FileCheck %s --check-prefix=GUESS

// REWRITE: %[[S:.+]] = sq.apply_mask %arg0, %arg1
// REWRITE: sq.quantize %[[S]]
// VERIFY: modes.mlir:[[# @LINE + 10]]:8: error: 'sq.apply_mask' op expected sparsity before quantization, but the mask is applied to quantized values (class 2, scale-changing)
// VERIFY: modes.mlir:[[# @LINE + 7]]:12: note: quantized here
// REPORT: modes.mlir:[[# @LINE + 8]]:8: remark: [Analysis] mask-order | Category:sq-enforce-order | Function=f | Bound=unknown, Class=2, ClassName=scale-changing, Remark="the mask is applied to quantized values", Swapped=0
// REPORT: %[[Q:.+]], %[[SC:.+]] = sq.quantize %arg0
// REPORT: %[[D:.+]] = sq.dequantize %[[Q]], %[[SC]]
// REPORT: sq.apply_mask %[[D]], %arg1
// GUESS: Cannot find option named 'guess'!
func.func @f(%x: tensor<8x16xf32>, %m: tensor<8x16xi1>) -> tensor<8x16xf32> {
  %q, %s = sq.quantize %x to int<8, row> : tensor<8x16xf32> -> tensor<8x16xi8>, tensor<8x1xf32>
  %d = sq.dequantize %q, %s from int<8, row> : tensor<8x16xi8>, tensor<8x1xf32> -> tensor<8x16xf32>
  %r = sq.apply_mask %d, %m : tensor<8x16xf32>
  return %r : tensor<8x16xf32>
}
