// RUN: sq-opt %s --sq-enforce-order --sq-verify-order --remark-policy=all --remarks-filter=sq.* -o - 2>&1 | FileCheck %s
// Which masks keep the largest element of each scale group: NUM-S7.

// CHECK-DAG: Function=nm_inside_of_groups | Bound=0, Class=1
// CHECK-DAG: Function=nm_across_groups | Bound=unknown, Class=2
// CHECK-DAG: Function=unstructured_tensor | Bound=0, Class=1
// CHECK-DAG: Function=block | Bound=unknown, Class=2
// CHECK-DAG: Function=wanda | Bound=unknown, Class=2
// CHECK-DAG: Function=scores | Bound=unknown, Class=2
// CHECK-DAG: Function=of_another_tensor | Bound=unknown, Class=2

func.func @nm_inside_of_groups(%x: tensor<8x64xf32>, %y: tensor<8x64xf32>, %norms: tensor<64xf32>) -> tensor<8x64xf32> {
  %m = sq.mask magnitude(%x) nm<4:8> : tensor<8x64xf32>
  %q, %s = sq.quantize %x to int<4, group = 32> : tensor<8x64xf32> -> tensor<8x64xi4>, tensor<8x2xf32>
  %d = sq.dequantize %q, %s from int<4, group = 32> : tensor<8x64xi4>, tensor<8x2xf32> -> tensor<8x64xf32>
  %r = sq.apply_mask %d, %m : tensor<8x64xf32>
  return %r : tensor<8x64xf32>
}

func.func @nm_across_groups(%x: tensor<8x64xf32>, %y: tensor<8x64xf32>, %norms: tensor<64xf32>) -> tensor<8x64xf32> {
  %m = sq.mask magnitude(%x) nm<3:5> : tensor<8x64xf32>
  %q, %s = sq.quantize %x to int<4, group = 32> : tensor<8x64xf32> -> tensor<8x64xi4>, tensor<8x2xf32>
  %d = sq.dequantize %q, %s from int<4, group = 32> : tensor<8x64xi4>, tensor<8x2xf32> -> tensor<8x64xf32>
  %r = sq.apply_mask %d, %m : tensor<8x64xf32>
  return %r : tensor<8x64xf32>
}

func.func @unstructured_tensor(%x: tensor<8x64xf32>, %y: tensor<8x64xf32>, %norms: tensor<64xf32>) -> tensor<8x64xf32> {
  %m = sq.mask magnitude(%x) unstructured<0.5, tensor> axis = 0 : tensor<8x64xf32>
  %q, %s = sq.quantize %x to int<4, group = 32> : tensor<8x64xf32> -> tensor<8x64xi4>, tensor<8x2xf32>
  %d = sq.dequantize %q, %s from int<4, group = 32> : tensor<8x64xi4>, tensor<8x2xf32> -> tensor<8x64xf32>
  %r = sq.apply_mask %d, %m : tensor<8x64xf32>
  return %r : tensor<8x64xf32>
}

func.func @block(%x: tensor<8x64xf32>, %y: tensor<8x64xf32>, %norms: tensor<64xf32>) -> tensor<8x64xf32> {
  %m = sq.mask magnitude(%x) block<4x4, 0.5> : tensor<8x64xf32>
  %q, %s = sq.quantize %x to int<4, group = 32> : tensor<8x64xf32> -> tensor<8x64xi4>, tensor<8x2xf32>
  %d = sq.dequantize %q, %s from int<4, group = 32> : tensor<8x64xi4>, tensor<8x2xf32> -> tensor<8x64xf32>
  %r = sq.apply_mask %d, %m : tensor<8x64xf32>
  return %r : tensor<8x64xf32>
}

func.func @wanda(%x: tensor<8x64xf32>, %y: tensor<8x64xf32>, %norms: tensor<64xf32>) -> tensor<8x64xf32> {
  %m = sq.mask wanda(%x, %norms) nm<2:4> : tensor<8x64xf32>, tensor<64xf32>
  %q, %s = sq.quantize %x to int<4, group = 32> : tensor<8x64xf32> -> tensor<8x64xi4>, tensor<8x2xf32>
  %d = sq.dequantize %q, %s from int<4, group = 32> : tensor<8x64xi4>, tensor<8x2xf32> -> tensor<8x64xf32>
  %r = sq.apply_mask %d, %m : tensor<8x64xf32>
  return %r : tensor<8x64xf32>
}

func.func @scores(%x: tensor<8x64xf32>, %y: tensor<8x64xf32>, %norms: tensor<64xf32>) -> tensor<8x64xf32> {
  %m = sq.mask scores(%x) nm<2:4> : tensor<8x64xf32>
  %q, %s = sq.quantize %x to int<4, group = 32> : tensor<8x64xf32> -> tensor<8x64xi4>, tensor<8x2xf32>
  %d = sq.dequantize %q, %s from int<4, group = 32> : tensor<8x64xi4>, tensor<8x2xf32> -> tensor<8x64xf32>
  %r = sq.apply_mask %d, %m : tensor<8x64xf32>
  return %r : tensor<8x64xf32>
}

func.func @of_another_tensor(%x: tensor<8x64xf32>, %y: tensor<8x64xf32>, %norms: tensor<64xf32>) -> tensor<8x64xf32> {
  %m = sq.mask magnitude(%y) nm<2:4> : tensor<8x64xf32>
  %q, %s = sq.quantize %x to int<4, group = 32> : tensor<8x64xf32> -> tensor<8x64xi4>, tensor<8x2xf32>
  %d = sq.dequantize %q, %s from int<4, group = 32> : tensor<8x64xi4>, tensor<8x2xf32> -> tensor<8x64xf32>
  %r = sq.apply_mask %d, %m : tensor<8x64xf32>
  return %r : tensor<8x64xf32>
}
