// RUN: sq-opt %s --sq-enforce-order --sq-verify-order --canonicalize | FileCheck %s
// Ways back that lead through the region or call that they started in.

// Each loop, and the branch, gets one more value, once.
// CHECK-LABEL: @nested(
// CHECK: scf.for {{.*}} iter_args(%{{.+}} = %{{.+}}, %{{.+}} = %{{.+}}, %[[OUTER:.+]] = %arg0)
// CHECK: scf.for {{.*}} iter_args(%{{.+}} = %{{.+}}, %{{.+}} = %{{.+}}, %[[INNER:.+]] = %[[OUTER]])
// CHECK: %[[IF:.+]]:2 = scf.if
// CHECK: arith.addf
// CHECK: %[[SUM:.+]] = arith.addf %[[INNER]], %[[OUTER]]
// CHECK: scf.yield %{{.+}}, %[[SUM]]
// CHECK: scf.yield %{{.+}}, %[[INNER]]
// CHECK: sq.mask magnitude(%[[IF]]#1)
func.func @nested(%x: tensor<8x16xf32>, %n: index, %c: i1) -> (tensor<8x16xi1>, tensor<8x16xf32>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %q, %s = sq.quantize %x to int<8, row> : tensor<8x16xf32> -> tensor<8x16xi8>, tensor<8x1xf32>
  %d = sq.dequantize %q, %s from int<8, row> : tensor<8x16xi8>, tensor<8x1xf32> -> tensor<8x16xf32>
  %init = tensor.empty() : tensor<8x16xi1>
  %out:2 = scf.for %i = %c0 to %n step %c1 iter_args(%w = %d, %l = %init) -> (tensor<8x16xf32>, tensor<8x16xi1>) {
    %in:2 = scf.for %j = %c0 to %n step %c1 iter_args(%v = %w, %k = %l) -> (tensor<8x16xf32>, tensor<8x16xi1>) {
      %t = scf.if %c -> tensor<8x16xf32> {
        %y = arith.addf %v, %w : tensor<8x16xf32>
        scf.yield %y : tensor<8x16xf32>
      } else {
        scf.yield %v : tensor<8x16xf32>
      }
      %m = sq.mask magnitude(%t) nm<2:4> : tensor<8x16xf32>
      scf.yield %t, %m : tensor<8x16xf32>, tensor<8x16xi1>
    }
    scf.yield %in#0, %in#1 : tensor<8x16xf32>, tensor<8x16xi1>
  }
  return %out#1, %out#0 : tensor<8x16xi1>, tensor<8x16xf32>
}

// The mask is carried by a loop that is rebuilt on the way.
// CHECK-LABEL: @nested_apply(
// CHECK: scf.for
// CHECK: %[[S:.+]] = sq.apply_mask %arg0, %arg3
// CHECK: sq.quantize %[[S]]
func.func @nested_apply(%x: tensor<8x16xf32>, %n: index, %c: i1, %m0: tensor<8x16xi1>) -> tensor<8x16xf32> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %q, %s = sq.quantize %x to int<8, row> : tensor<8x16xf32> -> tensor<8x16xi8>, tensor<8x1xf32>
  %d = sq.dequantize %q, %s from int<8, row> : tensor<8x16xi8>, tensor<8x1xf32> -> tensor<8x16xf32>
  %out:3 = scf.for %i = %c0 to %n step %c1 iter_args(%w = %d, %l = %x, %m = %m0) -> (tensor<8x16xf32>, tensor<8x16xf32>, tensor<8x16xi1>) {
    %t = scf.if %c -> tensor<8x16xf32> {
      scf.yield %w : tensor<8x16xf32>
    } else {
      %z = scf.while (%u = %w) : (tensor<8x16xf32>) -> tensor<8x16xf32> {
        scf.condition(%c) %u : tensor<8x16xf32>
      } do {
      ^bb0(%u: tensor<8x16xf32>):
        scf.yield %u : tensor<8x16xf32>
      }
      scf.yield %z : tensor<8x16xf32>
    }
    %r = sq.apply_mask %t, %m : tensor<8x16xf32>
    scf.yield %t, %r, %m : tensor<8x16xf32>, tensor<8x16xf32>, tensor<8x16xi1>
  }
  return %out#1 : tensor<8x16xf32>
}

// Two results that change places in each call: each finds its own twin.
// CHECK-LABEL: func.func private @rec(
// CHECK: %[[R:.+]]:4 = scf.if
// CHECK: %[[D:.+]] = sq.dequantize
// CHECK: %[[ND:.+]] = arith.negf %[[D]]
// CHECK: %[[NX:.+]] = arith.negf %arg0
// CHECK: scf.yield %[[D]], %[[ND]], %[[NX]], %arg0
// CHECK: %[[C:.+]]:4 = func.call @rec
// CHECK: scf.yield %[[C]]#1, %[[C]]#0, %[[C]]#2, %[[C]]#3
// CHECK: return %[[R]]#0, %[[R]]#1, %[[R]]#3, %[[R]]#2
func.func private @rec(%x: tensor<8x16xf32>, %y: tensor<8x16xf32>, %c: i1) -> (tensor<8x16xf32>, tensor<8x16xf32>) {
  %r:2 = scf.if %c -> (tensor<8x16xf32>, tensor<8x16xf32>) {
    %q, %s = sq.quantize %x to int<8, row> : tensor<8x16xf32> -> tensor<8x16xi8>, tensor<8x1xf32>
    %d = sq.dequantize %q, %s from int<8, row> : tensor<8x16xi8>, tensor<8x1xf32> -> tensor<8x16xf32>
    %n = arith.negf %d : tensor<8x16xf32>
    scf.yield %d, %n : tensor<8x16xf32>, tensor<8x16xf32>
  } else {
    %n:2 = func.call @rec(%y, %x, %c) : (tensor<8x16xf32>, tensor<8x16xf32>, i1) -> (tensor<8x16xf32>, tensor<8x16xf32>)
    scf.yield %n#1, %n#0 : tensor<8x16xf32>, tensor<8x16xf32>
  }
  return %r#0, %r#1 : tensor<8x16xf32>, tensor<8x16xf32>
}
// CHECK-LABEL: @callrec
// CHECK: %[[C:.+]]:4 = call @rec
// CHECK: sq.mask magnitude(%[[C]]#2)
func.func @callrec(%x: tensor<8x16xf32>, %c: i1) -> tensor<8x16xi1> {
  %n:2 = call @rec(%x, %x, %c) : (tensor<8x16xf32>, tensor<8x16xf32>, i1) -> (tensor<8x16xf32>, tensor<8x16xf32>)
  %m = sq.mask magnitude(%n#0) nm<2:4> : tensor<8x16xf32>
  return %m : tensor<8x16xi1>
}
