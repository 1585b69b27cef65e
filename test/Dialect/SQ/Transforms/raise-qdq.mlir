// RUN: sq-opt %s --sq-raise | FileCheck %s

// Quantize and dequantize steps in the spellings of importers. Negative cases
// are in raise-qdq-errors.mlir.

#id = affine_map<(d0, d1) -> (d0, d1)>
#row = affine_map<(d0, d1) -> (d0)>
#col = affine_map<(d0, d1) -> (d1)>
#group = affine_map<(d0, d1) -> (d0, d1 floordiv 4)>

// One op, a scale for each row that is an argument.
// CHECK-LABEL: @fused_per_row
// CHECK: %[[S:.+]] = tensor.expand_shape %arg1 {{.*}} into tensor<4x1xf32>
// CHECK: %[[Q:.+]] = sq.quantize %arg0 static(%[[S]] : tensor<4x1xf32>) to int<8, row> :
// CHECK-NEXT: return %[[Q]]
func.func @fused_per_row(%x: tensor<4x8xf32>, %s: tensor<4xf32>) -> tensor<4x8xi8> {
  %lo = arith.constant -127.0 : f32
  %hi = arith.constant 127.0 : f32
  %e = tensor.empty() : tensor<4x8xi8>
  %q = linalg.generic {indexing_maps = [#id, #row, #id], iterator_types = ["parallel", "parallel"]}
      ins(%x, %s : tensor<4x8xf32>, tensor<4xf32>) outs(%e : tensor<4x8xi8>) {
  ^bb0(%a: f32, %b: f32, %o: i8):
    %0 = arith.divf %a, %b : f32
    %1 = math.roundeven %0 : f32
    %2 = arith.maximumf %1, %lo : f32
    %3 = arith.minimumf %2, %hi : f32
    %4 = arith.fptosi %3 : f32 to i8
    linalg.yield %4 : i8
  } -> tensor<4x8xi8>
  return %q : tensor<4x8xi8>
}

// arith on tensors; the clamps come before the rounding, and both steps get the
// same scale.
// CHECK-LABEL: @tensor_ops
// CHECK: %[[S:.+]] = arith.constant dense<5.000000e-01> : tensor<1x1xf32>
// CHECK: %[[Q:.+]] = sq.quantize %arg0 static(%[[S]] : tensor<1x1xf32>) to int<8, tensor> :
// CHECK: %[[D:.+]] = sq.dequantize %[[Q]], %[[S]] from int<8, tensor> :
// CHECK-NEXT: return %[[D]]
func.func @tensor_ops(%x: tensor<4x8xf32>) -> tensor<4x8xf32> {
  %s = arith.constant dense<0.5> : tensor<4x8xf32>
  %lo = arith.constant dense<-127.0> : tensor<4x8xf32>
  %hi = arith.constant dense<127.0> : tensor<4x8xf32>
  %0 = arith.divf %x, %s : tensor<4x8xf32>
  %1 = arith.minnumf %hi, %0 : tensor<4x8xf32>
  %2 = arith.maxnumf %1, %lo : tensor<4x8xf32>
  %3 = math.roundeven %2 : tensor<4x8xf32>
  %4 = arith.fptosi %3 : tensor<4x8xf32> to tensor<4x8xi8>
  %5 = arith.sitofp %4 : tensor<4x8xi8> to tensor<4x8xf32>
  %6 = arith.mulf %5, %s : tensor<4x8xf32>
  return %6 : tensor<4x8xf32>
}

// ONNX's uint8: round(x / s) + zp, saturated, in i32.
// CHECK-LABEL: @uint8
// CHECK-DAG: %[[S:.+]] = arith.constant dense<2.500000e-01> : tensor<1x1xf32>
// CHECK-DAG: %[[Z:.+]] = arith.constant dense<128> : tensor<1x1xi32>
// CHECK: %[[Q:.+]] = sq.quantize %arg0 static(%[[S]], %[[Z]] : {{.*}}) to int<8, tensor, asymmetric>
// CHECK: sq.dequantize %[[Q]], %[[S]], %[[Z]] from int<8, tensor, asymmetric>
func.func @uint8(%x: tensor<4x8xf32>) -> tensor<4x8xf32> {
  %s = arith.constant dense<0.25> : tensor<4x8xf32>
  %zp = arith.constant dense<128> : tensor<4x8xi32>
  %zf = arith.constant dense<128.0> : tensor<4x8xf32>
  %c0 = arith.constant dense<0> : tensor<4x8xi32>
  %c255 = arith.constant dense<255> : tensor<4x8xi32>
  %0 = arith.divf %x, %s : tensor<4x8xf32>
  %1 = math.roundeven %0 : tensor<4x8xf32>
  %2 = arith.fptosi %1 : tensor<4x8xf32> to tensor<4x8xi32>
  %3 = arith.addi %2, %zp : tensor<4x8xi32>
  %4 = arith.maxsi %3, %c0 : tensor<4x8xi32>
  %5 = arith.minsi %4, %c255 : tensor<4x8xi32>
  %q = arith.trunci %5 : tensor<4x8xi32> to tensor<4x8xi8>
  %6 = arith.uitofp %q : tensor<4x8xi8> to tensor<4x8xf32>
  %7 = arith.subf %6, %zf : tensor<4x8xf32>
  %8 = arith.mulf %7, %s : tensor<4x8xf32>
  return %8 : tensor<4x8xf32>
}

// Stored codes with a constant scale for each group of 4; the difference from
// the zero point, which is zero, is taken in i32.
// CHECK-LABEL: @stored_per_group
// CHECK: %[[S:.+]] = arith.constant dense<{{\[\[}}5.000000e-01, 2.500000e-01], [1.000000e+00, 2.000000e+00]]>
// CHECK: sq.dequantize %arg0, %[[S]] from int<4, group = 4> :
func.func @stored_per_group(%q: tensor<2x8xi4>) -> tensor<2x8xf32> {
  %s = arith.constant dense<[[0.5, 0.25], [1.0, 2.0]]> : tensor<2x2xf32>
  %z = arith.constant 0 : i32
  %e = tensor.empty() : tensor<2x8xf32>
  %d = linalg.generic {indexing_maps = [#id, #group, #id], iterator_types = ["parallel", "parallel"]}
      ins(%q, %s : tensor<2x8xi4>, tensor<2x2xf32>) outs(%e : tensor<2x8xf32>) {
  ^bb0(%a: i4, %b: f32, %o: f32):
    %0 = arith.extsi %a : i4 to i32
    %1 = arith.subi %0, %z : i32
    %2 = arith.sitofp %1 : i32 to f32
    %3 = arith.mulf %b, %2 : f32
    linalg.yield %3 : f32
  } -> tensor<2x8xf32>
  return %d : tensor<2x8xf32>
}

// A fake quantizer stays in f32; the format is the narrowest with its range.
// CHECK-LABEL: @fake
// CHECK: %[[S:.+]] = tensor.from_elements %arg1
// CHECK: %[[Q:.+]] = sq.quantize %arg0 static(%[[S]] : tensor<1x1xf32>) to int<4, tensor> : tensor<4x8xf32> -> tensor<4x8xi4>
// CHECK: sq.dequantize %[[Q]], %[[S]] from int<4, tensor>
func.func @fake(%x: tensor<4x8xf32>, %s: f32) -> tensor<4x8xf32> {
  %lo = arith.constant -7.0 : f32
  %hi = arith.constant 7.0 : f32
  %e = tensor.empty() : tensor<4x8xf32>
  %d = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]}
      ins(%x : tensor<4x8xf32>) outs(%e : tensor<4x8xf32>) {
  ^bb0(%a: f32, %o: f32):
    %0 = arith.divf %a, %s : f32
    %1 = math.roundeven %0 : f32
    %2 = arith.minimumf %1, %hi : f32
    %3 = arith.maximumf %2, %lo : f32
    %4 = arith.mulf %3, %s : f32
    linalg.yield %4 : f32
  } -> tensor<4x8xf32>
  return %d : tensor<4x8xf32>
}

// Named ops and a broadcast scale; per column is a row along the other axis.
// CHECK-LABEL: @named_per_column
// CHECK: %[[S:.+]] = tensor.expand_shape %arg1 {{.*}} into tensor<1x8xf32>
// CHECK: sq.dequantize %arg0, %[[S]] from int<8, row> axis = 0
func.func @named_per_column(%q: tensor<4x8xi8>, %s: tensor<8xf32>) -> tensor<4x8xf32> {
  %e = tensor.empty() : tensor<4x8xf32>
  %f = arith.sitofp %q : tensor<4x8xi8> to tensor<4x8xf32>
  %b = linalg.broadcast ins(%s : tensor<8xf32>) outs(%e : tensor<4x8xf32>) dimensions = [0]
  %d = linalg.mul ins(%f, %b : tensor<4x8xf32>, tensor<4x8xf32>) outs(%e : tensor<4x8xf32>) -> tensor<4x8xf32>
  return %d : tensor<4x8xf32>
}

// linalg.elementwise on a dynamic number of rows.
// CHECK-LABEL: @dynamic_rows
// CHECK: sq.dequantize %arg0, %{{.+}} from int<8, tensor> :{{.*}} tensor<?x8xi8>
func.func @dynamic_rows(%q: tensor<?x8xi8>, %e: tensor<?x8xf32>) -> tensor<?x8xf32> {
  %s = arith.constant 0.5 : f32
  %f = arith.sitofp %q : tensor<?x8xi8> to tensor<?x8xf32>
  %b = linalg.fill ins(%s : f32) outs(%e : tensor<?x8xf32>) -> tensor<?x8xf32>
  %d = linalg.elementwise kind=#linalg.elementwise_kind<mul>
      ins(%f, %b : tensor<?x8xf32>, tensor<?x8xf32>) outs(%e : tensor<?x8xf32>) -> tensor<?x8xf32>
  return %d : tensor<?x8xf32>
}

// A chain of elementwise generics is one step.
// CHECK-LABEL: @chain
// CHECK: %[[Q:.+]] = sq.quantize %arg0 static(%{{.*}}) to int<8, tensor>
// CHECK-NEXT: return %[[Q]]
func.func @chain(%x: tensor<4x8xf32>) -> tensor<4x8xi8> {
  %s = arith.constant 0.5 : f32
  %lo = arith.constant -127.0 : f32
  %hi = arith.constant 127.0 : f32
  %e = tensor.empty() : tensor<4x8xf32>
  %ei = tensor.empty() : tensor<4x8xi8>
  %0 = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]}
      ins(%x : tensor<4x8xf32>) outs(%e : tensor<4x8xf32>) {
  ^bb0(%a: f32, %o: f32):
    %d = arith.divf %a, %s : f32
    linalg.yield %d : f32
  } -> tensor<4x8xf32>
  %1 = math.roundeven %0 : tensor<4x8xf32>
  %2 = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]}
      ins(%1 : tensor<4x8xf32>) outs(%ei : tensor<4x8xi8>) {
  ^bb0(%a: f32, %o: i8):
    %l = arith.maximumf %a, %lo : f32
    %h = arith.minimumf %l, %hi : f32
    %q = arith.fptosi %h : f32 to i8
    linalg.yield %q : i8
  } -> tensor<4x8xi8>
  return %2 : tensor<4x8xi8>
}
