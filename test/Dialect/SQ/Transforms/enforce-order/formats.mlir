// RUN: sq-opt %s --sq-enforce-order --sq-verify-order --remark-policy=all --remarks-filter=sq.* -o - 2>&1 | FileCheck %s
// Each family of formats in each class. A magnitude mask commutes with every
// symmetric one, as does an explicit mask with static scales; a zero point makes
// it class 2.

// CHECK-DAG: Function=int8_row_magnitude | Bound=0, Class=1
// CHECK-DAG: Function=int8_row_explicit | Bound=unknown, Class=2
// CHECK-DAG: Function=int8_row_static | Bound=0, Class=1
// CHECK-DAG: Function=int8_row_scores | Bound=unknown, Class=3
// CHECK-DAG: Function=int4_group_magnitude | Bound=0, Class=1
// CHECK-DAG: Function=int4_group_explicit | Bound=unknown, Class=2
// CHECK-DAG: Function=int4_group_static | Bound=0, Class=1
// CHECK-DAG: Function=int4_group_scores | Bound=unknown, Class=3
// CHECK-DAG: Function=fp8_magnitude | Bound=0, Class=1
// CHECK-DAG: Function=fp8_explicit | Bound=unknown, Class=2
// CHECK-DAG: Function=fp8_static | Bound=0, Class=1
// CHECK-DAG: Function=fp8_scores | Bound=unknown, Class=3
// CHECK-DAG: Function=mx_magnitude | Bound=0, Class=1
// CHECK-DAG: Function=mx_explicit | Bound=unknown, Class=2
// CHECK-DAG: Function=mx_static | Bound=0, Class=1
// CHECK-DAG: Function=mx_scores | Bound=unknown, Class=3
// CHECK-DAG: Function=nvfp4_magnitude | Bound=0, Class=1
// CHECK-DAG: Function=nvfp4_explicit | Bound=unknown, Class=2
// CHECK-DAG: Function=nvfp4_static | Bound=0, Class=1
// CHECK-DAG: Function=nvfp4_scores | Bound=unknown, Class=3
// CHECK-DAG: Function=hbfp_magnitude | Bound=0, Class=1
// CHECK-DAG: Function=hbfp_explicit | Bound=unknown, Class=2
// CHECK-DAG: Function=hbfp_static | Bound=0, Class=1
// CHECK-DAG: Function=hbfp_scores | Bound=unknown, Class=3
// CHECK-DAG: Function=asymmetric_magnitude | Bound=unknown, Class=2
// CHECK-DAG: Function=asymmetric_explicit | Bound=unknown, Class=2
// CHECK-DAG: Function=asymmetric_static | Bound=0, Class=1
// CHECK-DAG: Function=asymmetric_scores | Bound=unknown, Class=3

// CHECK-LABEL: @int8_row_magnitude
// CHECK: %[[S:.+]] = sq.apply_mask %arg0
// CHECK: sq.quantize %[[S]] to int<8, row>
func.func @int8_row_magnitude(%x: tensor<8x64xf32>) -> tensor<8x64xf32> {
  %m = sq.mask magnitude(%x) nm<2:4> : tensor<8x64xf32>
  %q, %s0 = sq.quantize %x to int<8, row> : tensor<8x64xf32> -> tensor<8x64xi8>, tensor<8x1xf32>
  %d = sq.dequantize %q, %s0 from int<8, row> : tensor<8x64xi8>, tensor<8x1xf32> -> tensor<8x64xf32>
  %r = sq.apply_mask %d, %m : tensor<8x64xf32>
  return %r : tensor<8x64xf32>
}
func.func @int8_row_explicit(%x: tensor<8x64xf32>, %m: tensor<8x64xi1>) -> tensor<8x64xf32> {
  %q, %s0 = sq.quantize %x to int<8, row> : tensor<8x64xf32> -> tensor<8x64xi8>, tensor<8x1xf32>
  %d = sq.dequantize %q, %s0 from int<8, row> : tensor<8x64xi8>, tensor<8x1xf32> -> tensor<8x64xf32>
  %r = sq.apply_mask %d, %m : tensor<8x64xf32>
  return %r : tensor<8x64xf32>
}
// CHECK-LABEL: @int8_row_static
// CHECK: %[[S:.+]] = sq.apply_mask %arg0, %arg1
// CHECK: sq.quantize %[[S]] static(%{{.+}} : tensor<8x1xf32>) to int<8, row>
func.func @int8_row_static(%x: tensor<8x64xf32>, %m: tensor<8x64xi1>, %s0: tensor<8x1xf32>) -> tensor<8x64xf32> {
  %q = sq.quantize %x static(%s0 : tensor<8x1xf32>) to int<8, row> : tensor<8x64xf32> -> tensor<8x64xi8>
  %d = sq.dequantize %q, %s0 from int<8, row> : tensor<8x64xi8>, tensor<8x1xf32> -> tensor<8x64xf32>
  %r = sq.apply_mask %d, %m : tensor<8x64xf32>
  return %r : tensor<8x64xf32>
}
// CHECK-LABEL: @int8_row_scores
// CHECK: sq.mask magnitude(%arg0)
func.func @int8_row_scores(%x: tensor<8x64xf32>) -> tensor<8x64xi1> {
  %q, %s0 = sq.quantize %x to int<8, row> : tensor<8x64xf32> -> tensor<8x64xi8>, tensor<8x1xf32>
  %d = sq.dequantize %q, %s0 from int<8, row> : tensor<8x64xi8>, tensor<8x1xf32> -> tensor<8x64xf32>
  %m = sq.mask magnitude(%d) nm<2:4> : tensor<8x64xf32>
  return %m : tensor<8x64xi1>
}

// CHECK-LABEL: @int4_group_magnitude
// CHECK: %[[S:.+]] = sq.apply_mask %arg0
// CHECK: sq.quantize %[[S]] to int<4, group = 32>
func.func @int4_group_magnitude(%x: tensor<8x64xf32>) -> tensor<8x64xf32> {
  %m = sq.mask magnitude(%x) nm<2:4> : tensor<8x64xf32>
  %q, %s0 = sq.quantize %x to int<4, group = 32> : tensor<8x64xf32> -> tensor<8x64xi4>, tensor<8x2xf32>
  %d = sq.dequantize %q, %s0 from int<4, group = 32> : tensor<8x64xi4>, tensor<8x2xf32> -> tensor<8x64xf32>
  %r = sq.apply_mask %d, %m : tensor<8x64xf32>
  return %r : tensor<8x64xf32>
}
func.func @int4_group_explicit(%x: tensor<8x64xf32>, %m: tensor<8x64xi1>) -> tensor<8x64xf32> {
  %q, %s0 = sq.quantize %x to int<4, group = 32> : tensor<8x64xf32> -> tensor<8x64xi4>, tensor<8x2xf32>
  %d = sq.dequantize %q, %s0 from int<4, group = 32> : tensor<8x64xi4>, tensor<8x2xf32> -> tensor<8x64xf32>
  %r = sq.apply_mask %d, %m : tensor<8x64xf32>
  return %r : tensor<8x64xf32>
}
// CHECK-LABEL: @int4_group_static
// CHECK: %[[S:.+]] = sq.apply_mask %arg0, %arg1
// CHECK: sq.quantize %[[S]] static(%{{.+}} : tensor<8x2xf32>) to int<4, group = 32>
func.func @int4_group_static(%x: tensor<8x64xf32>, %m: tensor<8x64xi1>, %s0: tensor<8x2xf32>) -> tensor<8x64xf32> {
  %q = sq.quantize %x static(%s0 : tensor<8x2xf32>) to int<4, group = 32> : tensor<8x64xf32> -> tensor<8x64xi4>
  %d = sq.dequantize %q, %s0 from int<4, group = 32> : tensor<8x64xi4>, tensor<8x2xf32> -> tensor<8x64xf32>
  %r = sq.apply_mask %d, %m : tensor<8x64xf32>
  return %r : tensor<8x64xf32>
}
// CHECK-LABEL: @int4_group_scores
// CHECK: sq.mask magnitude(%arg0)
func.func @int4_group_scores(%x: tensor<8x64xf32>) -> tensor<8x64xi1> {
  %q, %s0 = sq.quantize %x to int<4, group = 32> : tensor<8x64xf32> -> tensor<8x64xi4>, tensor<8x2xf32>
  %d = sq.dequantize %q, %s0 from int<4, group = 32> : tensor<8x64xi4>, tensor<8x2xf32> -> tensor<8x64xf32>
  %m = sq.mask magnitude(%d) nm<2:4> : tensor<8x64xf32>
  return %m : tensor<8x64xi1>
}

// CHECK-LABEL: @fp8_magnitude
// CHECK: %[[S:.+]] = sq.apply_mask %arg0
// CHECK: sq.quantize %[[S]] to fp8<f8E4M3FN, row>
func.func @fp8_magnitude(%x: tensor<8x64xf32>) -> tensor<8x64xf32> {
  %m = sq.mask magnitude(%x) nm<2:4> : tensor<8x64xf32>
  %q, %s0 = sq.quantize %x to fp8<f8E4M3FN, row> : tensor<8x64xf32> -> tensor<8x64xf8E4M3FN>, tensor<8x1xf32>
  %d = sq.dequantize %q, %s0 from fp8<f8E4M3FN, row> : tensor<8x64xf8E4M3FN>, tensor<8x1xf32> -> tensor<8x64xf32>
  %r = sq.apply_mask %d, %m : tensor<8x64xf32>
  return %r : tensor<8x64xf32>
}
func.func @fp8_explicit(%x: tensor<8x64xf32>, %m: tensor<8x64xi1>) -> tensor<8x64xf32> {
  %q, %s0 = sq.quantize %x to fp8<f8E4M3FN, row> : tensor<8x64xf32> -> tensor<8x64xf8E4M3FN>, tensor<8x1xf32>
  %d = sq.dequantize %q, %s0 from fp8<f8E4M3FN, row> : tensor<8x64xf8E4M3FN>, tensor<8x1xf32> -> tensor<8x64xf32>
  %r = sq.apply_mask %d, %m : tensor<8x64xf32>
  return %r : tensor<8x64xf32>
}
// CHECK-LABEL: @fp8_static
// CHECK: %[[S:.+]] = sq.apply_mask %arg0, %arg1
// CHECK: sq.quantize %[[S]] static(%{{.+}} : tensor<8x1xf32>) to fp8<f8E4M3FN, row>
func.func @fp8_static(%x: tensor<8x64xf32>, %m: tensor<8x64xi1>, %s0: tensor<8x1xf32>) -> tensor<8x64xf32> {
  %q = sq.quantize %x static(%s0 : tensor<8x1xf32>) to fp8<f8E4M3FN, row> : tensor<8x64xf32> -> tensor<8x64xf8E4M3FN>
  %d = sq.dequantize %q, %s0 from fp8<f8E4M3FN, row> : tensor<8x64xf8E4M3FN>, tensor<8x1xf32> -> tensor<8x64xf32>
  %r = sq.apply_mask %d, %m : tensor<8x64xf32>
  return %r : tensor<8x64xf32>
}
// CHECK-LABEL: @fp8_scores
// CHECK: sq.mask magnitude(%arg0)
func.func @fp8_scores(%x: tensor<8x64xf32>) -> tensor<8x64xi1> {
  %q, %s0 = sq.quantize %x to fp8<f8E4M3FN, row> : tensor<8x64xf32> -> tensor<8x64xf8E4M3FN>, tensor<8x1xf32>
  %d = sq.dequantize %q, %s0 from fp8<f8E4M3FN, row> : tensor<8x64xf8E4M3FN>, tensor<8x1xf32> -> tensor<8x64xf32>
  %m = sq.mask magnitude(%d) nm<2:4> : tensor<8x64xf32>
  return %m : tensor<8x64xi1>
}

// CHECK-LABEL: @mx_magnitude
// CHECK: %[[S:.+]] = sq.apply_mask %arg0
// CHECK: sq.quantize %[[S]] to mx<f6E2M3FN>
func.func @mx_magnitude(%x: tensor<8x64xf32>) -> tensor<8x64xf32> {
  %m = sq.mask magnitude(%x) nm<2:4> : tensor<8x64xf32>
  %q, %s0 = sq.quantize %x to mx<f6E2M3FN> : tensor<8x64xf32> -> tensor<8x64xf6E2M3FN>, tensor<8x2xf8E8M0FNU>
  %d = sq.dequantize %q, %s0 from mx<f6E2M3FN> : tensor<8x64xf6E2M3FN>, tensor<8x2xf8E8M0FNU> -> tensor<8x64xf32>
  %r = sq.apply_mask %d, %m : tensor<8x64xf32>
  return %r : tensor<8x64xf32>
}
func.func @mx_explicit(%x: tensor<8x64xf32>, %m: tensor<8x64xi1>) -> tensor<8x64xf32> {
  %q, %s0 = sq.quantize %x to mx<f6E2M3FN> : tensor<8x64xf32> -> tensor<8x64xf6E2M3FN>, tensor<8x2xf8E8M0FNU>
  %d = sq.dequantize %q, %s0 from mx<f6E2M3FN> : tensor<8x64xf6E2M3FN>, tensor<8x2xf8E8M0FNU> -> tensor<8x64xf32>
  %r = sq.apply_mask %d, %m : tensor<8x64xf32>
  return %r : tensor<8x64xf32>
}
// CHECK-LABEL: @mx_static
// CHECK: %[[S:.+]] = sq.apply_mask %arg0, %arg1
// CHECK: sq.quantize %[[S]] static(%{{.+}} : tensor<8x2xf8E8M0FNU>) to mx<f6E2M3FN>
func.func @mx_static(%x: tensor<8x64xf32>, %m: tensor<8x64xi1>, %s0: tensor<8x2xf8E8M0FNU>) -> tensor<8x64xf32> {
  %q = sq.quantize %x static(%s0 : tensor<8x2xf8E8M0FNU>) to mx<f6E2M3FN> : tensor<8x64xf32> -> tensor<8x64xf6E2M3FN>
  %d = sq.dequantize %q, %s0 from mx<f6E2M3FN> : tensor<8x64xf6E2M3FN>, tensor<8x2xf8E8M0FNU> -> tensor<8x64xf32>
  %r = sq.apply_mask %d, %m : tensor<8x64xf32>
  return %r : tensor<8x64xf32>
}
// CHECK-LABEL: @mx_scores
// CHECK: sq.mask magnitude(%arg0)
func.func @mx_scores(%x: tensor<8x64xf32>) -> tensor<8x64xi1> {
  %q, %s0 = sq.quantize %x to mx<f6E2M3FN> : tensor<8x64xf32> -> tensor<8x64xf6E2M3FN>, tensor<8x2xf8E8M0FNU>
  %d = sq.dequantize %q, %s0 from mx<f6E2M3FN> : tensor<8x64xf6E2M3FN>, tensor<8x2xf8E8M0FNU> -> tensor<8x64xf32>
  %m = sq.mask magnitude(%d) nm<2:4> : tensor<8x64xf32>
  return %m : tensor<8x64xi1>
}

// CHECK-LABEL: @nvfp4_magnitude
// CHECK: %[[S:.+]] = sq.apply_mask %arg0
// CHECK: sq.quantize %[[S]] to nvfp4
func.func @nvfp4_magnitude(%x: tensor<8x64xf32>) -> tensor<8x64xf32> {
  %m = sq.mask magnitude(%x) nm<2:4> : tensor<8x64xf32>
  %q, %s0, %s1 = sq.quantize %x to nvfp4 : tensor<8x64xf32> -> tensor<8x64xf4E2M1FN>, tensor<8x4xf8E4M3FN>, tensor<1x1xf32>
  %d = sq.dequantize %q, %s0, %s1 from nvfp4 : tensor<8x64xf4E2M1FN>, tensor<8x4xf8E4M3FN>, tensor<1x1xf32> -> tensor<8x64xf32>
  %r = sq.apply_mask %d, %m : tensor<8x64xf32>
  return %r : tensor<8x64xf32>
}
func.func @nvfp4_explicit(%x: tensor<8x64xf32>, %m: tensor<8x64xi1>) -> tensor<8x64xf32> {
  %q, %s0, %s1 = sq.quantize %x to nvfp4 : tensor<8x64xf32> -> tensor<8x64xf4E2M1FN>, tensor<8x4xf8E4M3FN>, tensor<1x1xf32>
  %d = sq.dequantize %q, %s0, %s1 from nvfp4 : tensor<8x64xf4E2M1FN>, tensor<8x4xf8E4M3FN>, tensor<1x1xf32> -> tensor<8x64xf32>
  %r = sq.apply_mask %d, %m : tensor<8x64xf32>
  return %r : tensor<8x64xf32>
}
// CHECK-LABEL: @nvfp4_static
// CHECK: %[[S:.+]] = sq.apply_mask %arg0, %arg1
// CHECK: sq.quantize %[[S]] static(%{{.+}}, %{{.+}} : tensor<8x4xf8E4M3FN>, tensor<1x1xf32>) to nvfp4
func.func @nvfp4_static(%x: tensor<8x64xf32>, %m: tensor<8x64xi1>, %s0: tensor<8x4xf8E4M3FN>, %s1: tensor<1x1xf32>) -> tensor<8x64xf32> {
  %q = sq.quantize %x static(%s0, %s1 : tensor<8x4xf8E4M3FN>, tensor<1x1xf32>) to nvfp4 : tensor<8x64xf32> -> tensor<8x64xf4E2M1FN>
  %d = sq.dequantize %q, %s0, %s1 from nvfp4 : tensor<8x64xf4E2M1FN>, tensor<8x4xf8E4M3FN>, tensor<1x1xf32> -> tensor<8x64xf32>
  %r = sq.apply_mask %d, %m : tensor<8x64xf32>
  return %r : tensor<8x64xf32>
}
// CHECK-LABEL: @nvfp4_scores
// CHECK: sq.mask magnitude(%arg0)
func.func @nvfp4_scores(%x: tensor<8x64xf32>) -> tensor<8x64xi1> {
  %q, %s0, %s1 = sq.quantize %x to nvfp4 : tensor<8x64xf32> -> tensor<8x64xf4E2M1FN>, tensor<8x4xf8E4M3FN>, tensor<1x1xf32>
  %d = sq.dequantize %q, %s0, %s1 from nvfp4 : tensor<8x64xf4E2M1FN>, tensor<8x4xf8E4M3FN>, tensor<1x1xf32> -> tensor<8x64xf32>
  %m = sq.mask magnitude(%d) nm<2:4> : tensor<8x64xf32>
  return %m : tensor<8x64xi1>
}

// CHECK-LABEL: @hbfp_magnitude
// CHECK: %[[S:.+]] = sq.apply_mask %arg0
// CHECK: sq.quantize %[[S]] to hbfp<7, group = 64>
func.func @hbfp_magnitude(%x: tensor<8x64xf32>) -> tensor<8x64xf32> {
  %m = sq.mask magnitude(%x) nm<2:4> : tensor<8x64xf32>
  %q, %s0 = sq.quantize %x to hbfp<7, group = 64> : tensor<8x64xf32> -> tensor<8x64xi8>, tensor<8x1xf8E8M0FNU>
  %d = sq.dequantize %q, %s0 from hbfp<7, group = 64> : tensor<8x64xi8>, tensor<8x1xf8E8M0FNU> -> tensor<8x64xf32>
  %r = sq.apply_mask %d, %m : tensor<8x64xf32>
  return %r : tensor<8x64xf32>
}
func.func @hbfp_explicit(%x: tensor<8x64xf32>, %m: tensor<8x64xi1>) -> tensor<8x64xf32> {
  %q, %s0 = sq.quantize %x to hbfp<7, group = 64> : tensor<8x64xf32> -> tensor<8x64xi8>, tensor<8x1xf8E8M0FNU>
  %d = sq.dequantize %q, %s0 from hbfp<7, group = 64> : tensor<8x64xi8>, tensor<8x1xf8E8M0FNU> -> tensor<8x64xf32>
  %r = sq.apply_mask %d, %m : tensor<8x64xf32>
  return %r : tensor<8x64xf32>
}
// CHECK-LABEL: @hbfp_static
// CHECK: %[[S:.+]] = sq.apply_mask %arg0, %arg1
// CHECK: sq.quantize %[[S]] static(%{{.+}} : tensor<8x1xf8E8M0FNU>) to hbfp<7, group = 64>
func.func @hbfp_static(%x: tensor<8x64xf32>, %m: tensor<8x64xi1>, %s0: tensor<8x1xf8E8M0FNU>) -> tensor<8x64xf32> {
  %q = sq.quantize %x static(%s0 : tensor<8x1xf8E8M0FNU>) to hbfp<7, group = 64> : tensor<8x64xf32> -> tensor<8x64xi8>
  %d = sq.dequantize %q, %s0 from hbfp<7, group = 64> : tensor<8x64xi8>, tensor<8x1xf8E8M0FNU> -> tensor<8x64xf32>
  %r = sq.apply_mask %d, %m : tensor<8x64xf32>
  return %r : tensor<8x64xf32>
}
// CHECK-LABEL: @hbfp_scores
// CHECK: sq.mask magnitude(%arg0)
func.func @hbfp_scores(%x: tensor<8x64xf32>) -> tensor<8x64xi1> {
  %q, %s0 = sq.quantize %x to hbfp<7, group = 64> : tensor<8x64xf32> -> tensor<8x64xi8>, tensor<8x1xf8E8M0FNU>
  %d = sq.dequantize %q, %s0 from hbfp<7, group = 64> : tensor<8x64xi8>, tensor<8x1xf8E8M0FNU> -> tensor<8x64xf32>
  %m = sq.mask magnitude(%d) nm<2:4> : tensor<8x64xf32>
  return %m : tensor<8x64xi1>
}

// CHECK-LABEL: @asymmetric_magnitude
// CHECK: %[[S:.+]] = sq.apply_mask %arg0
// CHECK: sq.quantize %[[S]] to int<8, row, asymmetric>
func.func @asymmetric_magnitude(%x: tensor<8x64xf32>) -> tensor<8x64xf32> {
  %m = sq.mask magnitude(%x) nm<2:4> : tensor<8x64xf32>
  %q, %s0, %s1 = sq.quantize %x to int<8, row, asymmetric> : tensor<8x64xf32> -> tensor<8x64xi8>, tensor<8x1xf32>, tensor<8x1xi32>
  %d = sq.dequantize %q, %s0, %s1 from int<8, row, asymmetric> : tensor<8x64xi8>, tensor<8x1xf32>, tensor<8x1xi32> -> tensor<8x64xf32>
  %r = sq.apply_mask %d, %m : tensor<8x64xf32>
  return %r : tensor<8x64xf32>
}
func.func @asymmetric_explicit(%x: tensor<8x64xf32>, %m: tensor<8x64xi1>) -> tensor<8x64xf32> {
  %q, %s0, %s1 = sq.quantize %x to int<8, row, asymmetric> : tensor<8x64xf32> -> tensor<8x64xi8>, tensor<8x1xf32>, tensor<8x1xi32>
  %d = sq.dequantize %q, %s0, %s1 from int<8, row, asymmetric> : tensor<8x64xi8>, tensor<8x1xf32>, tensor<8x1xi32> -> tensor<8x64xf32>
  %r = sq.apply_mask %d, %m : tensor<8x64xf32>
  return %r : tensor<8x64xf32>
}
// CHECK-LABEL: @asymmetric_static
// CHECK: %[[S:.+]] = sq.apply_mask %arg0, %arg1
// CHECK: sq.quantize %[[S]] static(%{{.+}}, %{{.+}} : tensor<8x1xf32>, tensor<8x1xi32>) to int<8, row, asymmetric>
func.func @asymmetric_static(%x: tensor<8x64xf32>, %m: tensor<8x64xi1>, %s0: tensor<8x1xf32>, %s1: tensor<8x1xi32>) -> tensor<8x64xf32> {
  %q = sq.quantize %x static(%s0, %s1 : tensor<8x1xf32>, tensor<8x1xi32>) to int<8, row, asymmetric> : tensor<8x64xf32> -> tensor<8x64xi8>
  %d = sq.dequantize %q, %s0, %s1 from int<8, row, asymmetric> : tensor<8x64xi8>, tensor<8x1xf32>, tensor<8x1xi32> -> tensor<8x64xf32>
  %r = sq.apply_mask %d, %m : tensor<8x64xf32>
  return %r : tensor<8x64xf32>
}
// CHECK-LABEL: @asymmetric_scores
// CHECK: sq.mask magnitude(%arg0)
func.func @asymmetric_scores(%x: tensor<8x64xf32>) -> tensor<8x64xi1> {
  %q, %s0, %s1 = sq.quantize %x to int<8, row, asymmetric> : tensor<8x64xf32> -> tensor<8x64xi8>, tensor<8x1xf32>, tensor<8x1xi32>
  %d = sq.dequantize %q, %s0, %s1 from int<8, row, asymmetric> : tensor<8x64xi8>, tensor<8x1xf32>, tensor<8x1xi32> -> tensor<8x64xf32>
  %m = sq.mask magnitude(%d) nm<2:4> : tensor<8x64xf32>
  return %m : tensor<8x64xi1>
}
