// RUN: sq-opt %s --sq-raise --sq-enforce-order --sq-verify-order | FileCheck %s
// RUN: mlir-opt %s | sq-opt --sq-raise --sq-enforce-order --sq-verify-order | FileCheck %s

// Quantized first, then masked, in foreign spelling: raised, then rewritten. The
// input is nothing but upstream's dialects; the second run has it as the stock
// mlir-opt writes it.

// CHECK-LABEL: @qdq_then_product
// CHECK-DAG: %[[S:.+]] = arith.constant dense<5.000000e-01> : tensor<1x1xf32>
// CHECK-DAG: %[[M:.+]] = arith.constant dense<{{.*}}> : tensor<2x4xi1>
// CHECK: %[[A:.+]] = sq.apply_mask %arg0, %[[M]]
// CHECK: %[[Q:.+]] = sq.quantize %[[A]] static(%[[S]]
// CHECK: %[[D:.+]] = sq.dequantize %[[Q]], %[[S]]
// CHECK-NEXT: return %[[D]]
func.func @qdq_then_product(%w: tensor<2x4xf32>) -> tensor<2x4xf32> {
  %s = arith.constant dense<0.5> : tensor<2x4xf32>
  %lo = arith.constant dense<-127.0> : tensor<2x4xf32>
  %hi = arith.constant dense<127.0> : tensor<2x4xf32>
  %m = arith.constant dense<[[1.0, 0.0, 1.0, 0.0], [0.0, 1.0, 1.0, 0.0]]> : tensor<2x4xf32>
  %0 = arith.divf %w, %s : tensor<2x4xf32>
  %1 = math.roundeven %0 : tensor<2x4xf32>
  %2 = arith.maximumf %1, %lo : tensor<2x4xf32>
  %3 = arith.minimumf %2, %hi : tensor<2x4xf32>
  %4 = arith.fptosi %3 : tensor<2x4xf32> to tensor<2x4xi8>
  %5 = arith.sitofp %4 : tensor<2x4xi8> to tensor<2x4xf32>
  %6 = arith.mulf %5, %s : tensor<2x4xf32>
  %7 = arith.mulf %6, %m : tensor<2x4xf32>
  return %7 : tensor<2x4xf32>
}

// CHECK-LABEL: @uniform_then_select
// CHECK-DAG: %[[S:.+]] = arith.constant dense<{{\[\[}}5.000000e-01], [2.500000e-01]]> : tensor<2x1xf32>
// CHECK-DAG: %[[M:.+]] = arith.constant dense<{{.*}}> : tensor<2x4xi1>
// CHECK: %[[A:.+]] = sq.apply_mask %arg0, %[[M]]
// CHECK: %[[Q:.+]] = sq.quantize %[[A]] static(%[[S]] : tensor<2x1xf32>) to int<4, row>
// CHECK: %[[D:.+]] = sq.dequantize %[[Q]], %[[S]]
// CHECK-NEXT: return %[[D]]
!q = !quant.uniform<i4<-7:7>:f32:0, {0.5, 0.25}>
func.func @uniform_then_select(%w: tensor<2x4xf32>) -> tensor<2x4xf32> {
  %z = arith.constant dense<0.0> : tensor<2x4xf32>
  %m = arith.constant dense<[[true, false, true, false], [false, true, true, false]]> : tensor<2x4xi1>
  %q = quant.qcast %w : tensor<2x4xf32> to tensor<2x4x!q>
  %d = quant.dcast %q : tensor<2x4x!q> to tensor<2x4xf32>
  %r = arith.select %m, %d, %z : tensor<2x4xi1>, tensor<2x4xf32>
  return %r : tensor<2x4xf32>
}
