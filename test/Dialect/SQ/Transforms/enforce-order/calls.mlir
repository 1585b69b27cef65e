// RUN: sq-opt %s --sq-enforce-order --sq-verify-order --canonicalize --remark-policy=all --remarks-filter=sq.* -o - 2>&1 | FileCheck %s
// Quantized values that cross functions. A private function whose callers are
// all known gets the real values as one more argument, or returns them as one
// more result.

// CHECK-DAG: Function=masks_its_argument | Bound=unknown, Class=2
// CHECK-DAG: Function=scores_its_argument | Bound=unknown, Class=3
// CHECK-DAG: Function=masks_a_result | Bound=unknown, Class=2
// CHECK-DAG: Function=computed_mask_crosses | Bound=unknown, Class=3

// Two callers, quantized alike.
// CHECK-LABEL: func.func private @masks_its_argument(
// CHECK-SAME: %[[M:[^:]+]]: tensor<8x16xi1>, %[[REAL:[^:]+]]: tensor<8x16xf32>)
// CHECK: sq.apply_mask %[[REAL]], %[[M]]
// CHECK: sq.quantize
func.func private @masks_its_argument(%d: tensor<8x16xf32>, %m: tensor<8x16xi1>) -> tensor<8x16xf32> {
  %r = sq.apply_mask %d, %m : tensor<8x16xf32>
  return %r : tensor<8x16xf32>
}
// CHECK-LABEL: @two_callers
// CHECK: call @masks_its_argument(%{{.+}}, %arg2, %arg0)
// CHECK: call @masks_its_argument(%{{.+}}, %arg2, %arg1)
func.func @two_callers(%x: tensor<8x16xf32>, %y: tensor<8x16xf32>, %m: tensor<8x16xi1>) -> (tensor<8x16xf32>, tensor<8x16xf32>) {
  %q, %s = sq.quantize %x to int<8, row> : tensor<8x16xf32> -> tensor<8x16xi8>, tensor<8x1xf32>
  %d = sq.dequantize %q, %s from int<8, row> : tensor<8x16xi8>, tensor<8x1xf32> -> tensor<8x16xf32>
  %p, %t = sq.quantize %y to int<8, row> : tensor<8x16xf32> -> tensor<8x16xi8>, tensor<8x1xf32>
  %e = sq.dequantize %p, %t from int<8, row> : tensor<8x16xi8>, tensor<8x1xf32> -> tensor<8x16xf32>
  %a = call @masks_its_argument(%d, %m) : (tensor<8x16xf32>, tensor<8x16xi1>) -> tensor<8x16xf32>
  %b = call @masks_its_argument(%e, %m) : (tensor<8x16xf32>, tensor<8x16xi1>) -> tensor<8x16xf32>
  return %a, %b : tensor<8x16xf32>, tensor<8x16xf32>
}

// One caller has real values: it passes them twice.
// CHECK-LABEL: func.func private @scores_its_argument(
// CHECK-SAME: %[[REAL:[^:]+]]: tensor<8x16xf32>)
// CHECK: sq.mask magnitude(%[[REAL]])
func.func private @scores_its_argument(%d: tensor<8x16xf32>) -> tensor<8x16xi1> {
  %m = sq.mask magnitude(%d) nm<2:4> : tensor<8x16xf32>
  return %m : tensor<8x16xi1>
}
// CHECK-LABEL: @quantized_and_real_caller
// CHECK: call @scores_its_argument(%{{.+}}, %arg0)
// CHECK: call @scores_its_argument(%arg1, %arg1)
func.func @quantized_and_real_caller(%x: tensor<8x16xf32>, %y: tensor<8x16xf32>) -> (tensor<8x16xi1>, tensor<8x16xi1>) {
  %q, %s = sq.quantize %x to int<8, row> : tensor<8x16xf32> -> tensor<8x16xi8>, tensor<8x1xf32>
  %d = sq.dequantize %q, %s from int<8, row> : tensor<8x16xi8>, tensor<8x1xf32> -> tensor<8x16xf32>
  %a = call @scores_its_argument(%d) : (tensor<8x16xf32>) -> tensor<8x16xi1>
  %b = call @scores_its_argument(%y) : (tensor<8x16xf32>) -> tensor<8x16xi1>
  return %a, %b : tensor<8x16xi1>, tensor<8x16xi1>
}

// CHECK-LABEL: func.func private @rounds
// CHECK: return %{{.+}}, %arg0
func.func private @rounds(%x: tensor<8x16xf32>) -> tensor<8x16xf32> {
  %q, %s = sq.quantize %x to int<8, row> : tensor<8x16xf32> -> tensor<8x16xi8>, tensor<8x1xf32>
  %d = sq.dequantize %q, %s from int<8, row> : tensor<8x16xi8>, tensor<8x1xf32> -> tensor<8x16xf32>
  return %d : tensor<8x16xf32>
}
// CHECK-LABEL: @masks_a_result
// CHECK: %[[R:.+]]:2 = call @rounds
// CHECK: sq.apply_mask %[[R]]#1
func.func @masks_a_result(%x: tensor<8x16xf32>, %m: tensor<8x16xi1>) -> tensor<8x16xf32> {
  %d = call @rounds(%x) : (tensor<8x16xf32>) -> tensor<8x16xf32>
  %r = sq.apply_mask %d, %m : tensor<8x16xf32>
  return %r : tensor<8x16xf32>
}

// A mask that arithmetic makes, passed on: its twin is a mask too.
// CHECK-LABEL: func.func private @computed_mask_crosses(
// CHECK-SAME: %{{[^:]+}}: tensor<8x16xi1>, %[[M:[^:]+]]: tensor<8x16xi1>)
// CHECK: sq.apply_mask %{{.+}}, %[[M]]
func.func private @computed_mask_crosses(%x: tensor<8x16xf32>, %m: tensor<8x16xi1>) -> tensor<8x16xf32> {
  %r = sq.apply_mask %x, %m : tensor<8x16xf32>
  return %r : tensor<8x16xf32>
}
func.func @threshold(%x: tensor<8x16xf32>, %t: tensor<8x16xf32>) -> tensor<8x16xf32> {
  %q, %s = sq.quantize %x to int<8, row> : tensor<8x16xf32> -> tensor<8x16xi8>, tensor<8x1xf32>
  %d = sq.dequantize %q, %s from int<8, row> : tensor<8x16xi8>, tensor<8x1xf32> -> tensor<8x16xf32>
  %a = math.absf %d : tensor<8x16xf32>
  %m = arith.cmpf ogt, %a, %t : tensor<8x16xf32>
  %r = call @computed_mask_crosses(%x, %m) : (tensor<8x16xf32>, tensor<8x16xi1>) -> tensor<8x16xf32>
  return %r : tensor<8x16xf32>
}

// A function that calls itself.
// CHECK-LABEL: func.func private @recursive(
// CHECK: call @recursive(%{{.+}}, %arg1, %{{.+}}) : (tensor<8x16xf32>, i1, tensor<8x16xf32>)
func.func private @recursive(%d: tensor<8x16xf32>, %c: i1) -> tensor<8x16xi1> {
  %m = scf.if %c -> tensor<8x16xi1> {
    %n = sq.mask magnitude(%d) nm<2:4> : tensor<8x16xf32>
    scf.yield %n : tensor<8x16xi1>
  } else {
    %n = func.call @recursive(%d, %c) : (tensor<8x16xf32>, i1) -> tensor<8x16xi1>
    scf.yield %n : tensor<8x16xi1>
  }
  return %m : tensor<8x16xi1>
}
func.func @calls_recursive(%x: tensor<8x16xf32>, %c: i1) -> tensor<8x16xi1> {
  %q, %s = sq.quantize %x to int<8, row> : tensor<8x16xf32> -> tensor<8x16xi8>, tensor<8x1xf32>
  %d = sq.dequantize %q, %s from int<8, row> : tensor<8x16xi8>, tensor<8x1xf32> -> tensor<8x16xf32>
  %m = call @recursive(%d, %c) : (tensor<8x16xf32>, i1) -> tensor<8x16xi1>
  return %m : tensor<8x16xi1>
}
