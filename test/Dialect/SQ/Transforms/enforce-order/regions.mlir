// RUN: sq-opt %s --sq-enforce-order --sq-verify-order --canonicalize --remark-policy=all --remarks-filter=sq.* -o - 2>&1 | FileCheck %s
// Quantized values that cross scf.if, scf.for, scf.while and scf.forall. The
// real values cross beside them.

// CHECK-DAG: Function=if_of_two_quantizers_alike | Bound=0, Class=1
// CHECK-DAG: Function=if_with_one_quantized_branch | Bound=unknown, Class=2
// CHECK-DAG: Function=if_of_two_formats | Bound=unknown, Class=2
// CHECK-DAG: Function=scores_from_if | Bound=unknown, Class=3
// CHECK-DAG: Function=carried_by_for | Bound=0, Class=1
// CHECK-DAG: Function=swapped_by_for | Bound=unknown, Class=2
// CHECK-DAG: Function=scores_carried_by_for | Bound=unknown, Class=3
// CHECK-DAG: Function=carried_by_while | Bound=0, Class=1
// CHECK-DAG: Function=scores_carried_by_while | Bound=unknown, Class=3

// CHECK-LABEL: @if_of_two_quantizers_alike
// CHECK: %[[R:.+]] = arith.select %arg2, %arg0, %arg1
// CHECK: %[[M:.+]] = sq.mask magnitude(%[[R]])
// CHECK: sq.apply_mask %{{.+}}, %[[M]]
// CHECK: sq.quantize
func.func @if_of_two_quantizers_alike(%x: tensor<8x16xf32>, %y: tensor<8x16xf32>, %c: i1) -> tensor<8x16xf32> {
  %d, %real = scf.if %c -> (tensor<8x16xf32>, tensor<8x16xf32>) {
    %q, %s = sq.quantize %x to int<8, row> : tensor<8x16xf32> -> tensor<8x16xi8>, tensor<8x1xf32>
    %t = sq.dequantize %q, %s from int<8, row> : tensor<8x16xi8>, tensor<8x1xf32> -> tensor<8x16xf32>
    scf.yield %t, %x : tensor<8x16xf32>, tensor<8x16xf32>
  } else {
    %q, %s = sq.quantize %y to int<8, row> : tensor<8x16xf32> -> tensor<8x16xi8>, tensor<8x1xf32>
    %t = sq.dequantize %q, %s from int<8, row> : tensor<8x16xi8>, tensor<8x1xf32> -> tensor<8x16xf32>
    scf.yield %t, %y : tensor<8x16xf32>, tensor<8x16xf32>
  }
  %m = sq.mask magnitude(%real) nm<2:4> : tensor<8x16xf32>
  %r = sq.apply_mask %d, %m : tensor<8x16xf32>
  return %r : tensor<8x16xf32>
}

// The other branch stays unquantized.
// CHECK-LABEL: @if_with_one_quantized_branch
// CHECK: scf.if %arg2
// CHECK: %[[S:.+]] = sq.apply_mask %{{.+}}, %arg3
// CHECK: sq.quantize %[[S]]
// CHECK: else
// CHECK: %[[E:.+]] = sq.apply_mask %{{.+}}, %arg3
// CHECK-NEXT: scf.yield %[[E]]
func.func @if_with_one_quantized_branch(%x: tensor<8x16xf32>, %y: tensor<8x16xf32>, %c: i1, %m: tensor<8x16xi1>) -> tensor<8x16xf32> {
  %d = scf.if %c -> (tensor<8x16xf32>) {
    %q, %s = sq.quantize %x to int<8, row> : tensor<8x16xf32> -> tensor<8x16xi8>, tensor<8x1xf32>
    %t = sq.dequantize %q, %s from int<8, row> : tensor<8x16xi8>, tensor<8x1xf32> -> tensor<8x16xf32>
    scf.yield %t : tensor<8x16xf32>
  } else {
    scf.yield %y : tensor<8x16xf32>
  }
  %r = sq.apply_mask %d, %m : tensor<8x16xf32>
  return %r : tensor<8x16xf32>
}

// CHECK-LABEL: @if_of_two_formats
// CHECK: scf.if
// CHECK: sq.quantize %{{.+}} to int<4, row>
// CHECK: else
// CHECK: sq.quantize %{{.+}} to fp8<f8E5M2, row>
func.func @if_of_two_formats(%x: tensor<8x16xf32>, %c: i1, %m: tensor<8x16xi1>) -> tensor<8x16xf32> {
  %d = scf.if %c -> (tensor<8x16xf32>) {
    %q, %s = sq.quantize %x to int<4, row> : tensor<8x16xf32> -> tensor<8x16xi4>, tensor<8x1xf32>
    %t = sq.dequantize %q, %s from int<4, row> : tensor<8x16xi4>, tensor<8x1xf32> -> tensor<8x16xf32>
    scf.yield %t : tensor<8x16xf32>
  } else {
    %q, %s = sq.quantize %x to fp8<f8E5M2, row> : tensor<8x16xf32> -> tensor<8x16xf8E5M2>, tensor<8x1xf32>
    %t = sq.dequantize %q, %s from fp8<f8E5M2, row> : tensor<8x16xf8E5M2>, tensor<8x1xf32> -> tensor<8x16xf32>
    scf.yield %t : tensor<8x16xf32>
  }
  %r = sq.apply_mask %d, %m : tensor<8x16xf32>
  return %r : tensor<8x16xf32>
}

// CHECK-LABEL: @scores_from_if
// CHECK: %[[R:.+]] = arith.select %arg2, %arg0, %arg1
// CHECK: sq.mask magnitude(%[[R]])
func.func @scores_from_if(%x: tensor<8x16xf32>, %y: tensor<8x16xf32>, %c: i1) -> tensor<8x16xi1> {
  %d = scf.if %c -> (tensor<8x16xf32>) {
    %q, %s = sq.quantize %x to int<8, row> : tensor<8x16xf32> -> tensor<8x16xi8>, tensor<8x1xf32>
    %t = sq.dequantize %q, %s from int<8, row> : tensor<8x16xi8>, tensor<8x1xf32> -> tensor<8x16xf32>
    scf.yield %t : tensor<8x16xf32>
  } else {
    scf.yield %y : tensor<8x16xf32>
  }
  %m = sq.mask magnitude(%d) nm<2:4> : tensor<8x16xf32>
  return %m : tensor<8x16xi1>
}

// Masked in each iteration by the mask of what was quantized; never changed.
// CHECK-LABEL: @carried_by_for
func.func @carried_by_for(%x: tensor<8x16xf32>, %n: index) -> tensor<8x16xf32> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %q, %s = sq.quantize %x to int<8, row> : tensor<8x16xf32> -> tensor<8x16xi8>, tensor<8x1xf32>
  %d = sq.dequantize %q, %s from int<8, row> : tensor<8x16xi8>, tensor<8x1xf32> -> tensor<8x16xf32>
  %out:3 = scf.for %i = %c0 to %n step %c1 iter_args(%w = %d, %real = %x, %last = %x) -> (tensor<8x16xf32>, tensor<8x16xf32>, tensor<8x16xf32>) {
    %m = sq.mask magnitude(%real) nm<2:4> : tensor<8x16xf32>
    %r = sq.apply_mask %w, %m : tensor<8x16xf32>
    scf.yield %w, %real, %r : tensor<8x16xf32>, tensor<8x16xf32>, tensor<8x16xf32>
  }
  return %out#2 : tensor<8x16xf32>
}

// Two weights that change places: quantized alike, so either may be masked.
// CHECK-LABEL: @swapped_by_for
// CHECK: scf.for {{.*}} iter_args
// CHECK: sq.apply_mask
// CHECK: sq.quantize
func.func @swapped_by_for(%x: tensor<8x16xf32>, %y: tensor<8x16xf32>, %n: index, %m: tensor<8x16xi1>) -> tensor<8x16xf32> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %q, %s = sq.quantize %x to int<8, row> : tensor<8x16xf32> -> tensor<8x16xi8>, tensor<8x1xf32>
  %d = sq.dequantize %q, %s from int<8, row> : tensor<8x16xi8>, tensor<8x1xf32> -> tensor<8x16xf32>
  %p, %t = sq.quantize %y to int<8, row> : tensor<8x16xf32> -> tensor<8x16xi8>, tensor<8x1xf32>
  %e = sq.dequantize %p, %t from int<8, row> : tensor<8x16xi8>, tensor<8x1xf32> -> tensor<8x16xf32>
  %out:3 = scf.for %i = %c0 to %n step %c1 iter_args(%a = %d, %b = %e, %last = %x) -> (tensor<8x16xf32>, tensor<8x16xf32>, tensor<8x16xf32>) {
    %r = sq.apply_mask %a, %m : tensor<8x16xf32>
    scf.yield %b, %a, %r : tensor<8x16xf32>, tensor<8x16xf32>, tensor<8x16xf32>
  }
  return %out#2 : tensor<8x16xf32>
}

// CHECK-LABEL: @scores_carried_by_for
// CHECK: scf.for {{.*}} iter_args(%{{.+}} = %arg0
func.func @scores_carried_by_for(%x: tensor<8x16xf32>, %n: index) -> tensor<8x16xi1> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %q, %s = sq.quantize %x to int<8, row> : tensor<8x16xf32> -> tensor<8x16xi8>, tensor<8x1xf32>
  %d = sq.dequantize %q, %s from int<8, row> : tensor<8x16xi8>, tensor<8x1xf32> -> tensor<8x16xf32>
  %out = scf.for %i = %c0 to %n step %c1 iter_args(%w = %d) -> (tensor<8x16xf32>) {
    %twice = arith.addf %w, %w : tensor<8x16xf32>
    scf.yield %twice : tensor<8x16xf32>
  }
  %m = sq.mask magnitude(%out) nm<2:4> : tensor<8x16xf32>
  return %m : tensor<8x16xi1>
}

// CHECK-LABEL: @carried_by_while
func.func @carried_by_while(%x: tensor<8x16xf32>, %c: i1) -> tensor<8x16xf32> {
  %q, %s = sq.quantize %x to int<8, row> : tensor<8x16xf32> -> tensor<8x16xi8>, tensor<8x1xf32>
  %d = sq.dequantize %q, %s from int<8, row> : tensor<8x16xi8>, tensor<8x1xf32> -> tensor<8x16xf32>
  %out:2 = scf.while (%w = %d, %real = %x) : (tensor<8x16xf32>, tensor<8x16xf32>) -> (tensor<8x16xf32>, tensor<8x16xf32>) {
    %go = func.call @go_on() : () -> i1
    scf.condition(%go) %w, %real : tensor<8x16xf32>, tensor<8x16xf32>
  } do {
  ^bb0(%w: tensor<8x16xf32>, %real: tensor<8x16xf32>):
    scf.yield %w, %real : tensor<8x16xf32>, tensor<8x16xf32>
  }
  %m = sq.mask magnitude(%out#1) nm<2:4> : tensor<8x16xf32>
  %r = sq.apply_mask %out#0, %m : tensor<8x16xf32>
  return %r : tensor<8x16xf32>
}

// The loop gets a third value: the real one.
// CHECK-LABEL: @scores_carried_by_while
// CHECK: %[[OUT:.+]]:2 = scf.while (%{{.+}} = %{{.+}}, %{{.+}} = %arg0)
// CHECK: scf.condition
// CHECK: arith.addf
// CHECK: arith.addf
// CHECK: sq.mask magnitude(%[[OUT]]#1)
// CHECK: return %{{.+}}, %[[OUT]]#0
func.func @scores_carried_by_while(%x: tensor<8x16xf32>) -> (tensor<8x16xi1>, tensor<8x16xf32>) {
  %q, %s = sq.quantize %x to int<8, row> : tensor<8x16xf32> -> tensor<8x16xi8>, tensor<8x1xf32>
  %d = sq.dequantize %q, %s from int<8, row> : tensor<8x16xi8>, tensor<8x1xf32> -> tensor<8x16xf32>
  %out = scf.while (%w = %d) : (tensor<8x16xf32>) -> tensor<8x16xf32> {
    %go = func.call @go_on() : () -> i1
    scf.condition(%go) %w : tensor<8x16xf32>
  } do {
  ^bb0(%w: tensor<8x16xf32>):
    %twice = arith.addf %w, %w : tensor<8x16xf32>
    scf.yield %twice : tensor<8x16xf32>
  }
  %m = sq.mask magnitude(%out) nm<2:4> : tensor<8x16xf32>
  return %m, %out : tensor<8x16xi1>, tensor<8x16xf32>
}
func.func private @go_on() -> i1
