// RUN: sq-opt %s --transform-interpreter --split-input-file --canonicalize --cse | FileCheck %s
// Tiles by the transform dialect, and producers fused into tiled consumers.

// M by 2 (dynamic), N by 4: rows of the input and its scales, rows of payload,
// bitmap and weight scales; K stays whole.
// CHECK-LABEL: @matmul(
// CHECK-SAME: %[[X:.+]]: tensor<?x64xi8>, %[[XS:.+]]: tensor<?x1xf32>, %[[P:.+]]: tensor<8x32xi8>, %[[B:.+]]: tensor<8x8xi8>, %[[S:.+]]: tensor<8x2xf32>, %[[INIT:.+]]: tensor<?x8xf32>
func.func @matmul(%x: tensor<?x64xi8>, %xs: tensor<?x1xf32>, %p: tensor<8x32xi8>, %b: tensor<8x8xi8>, %s: tensor<8x2xf32>, %init: tensor<?x8xf32>) -> tensor<?x8xf32> {
  // CHECK: scf.for %[[I:[a-z0-9_]+]] = {{.+}} iter_args(%{{.+}} = %[[INIT]])
  // CHECK: scf.for %[[J:[a-z0-9_]+]] = {{.+}} iter_args(%[[ACC:.+]] =
  // CHECK-DAG: %[[XT:.+]] = tensor.extract_slice %[[X]][%[[I]], 0] [%[[M:.+]], 64] [1, 1]
  // CHECK-DAG: %[[XST:.+]] = tensor.extract_slice %[[XS]][%[[I]], 0] [%[[M]], 1] [1, 1]
  // CHECK-DAG: %[[PT:.+]] = tensor.extract_slice %[[P]][%[[J]], 0] [4, 32] [1, 1]
  // CHECK-DAG: %[[BT:.+]] = tensor.extract_slice %[[B]][%[[J]], 0] [4, 8] [1, 1]
  // CHECK-DAG: %[[ST:.+]] = tensor.extract_slice %[[S]][%[[J]], 0] [4, 2] [1, 1]
  // CHECK-DAG: %[[OUT:.+]] = tensor.extract_slice %[[ACC]][%[[I]], %[[J]]] [%[[M]], 4] [1, 1]
  // CHECK: %[[Y:.+]] = sq.matmul ins(%[[XT]], %[[XST]] : tensor<?x64xi8>, tensor<?x1xf32>) weights(%[[PT]], bitmap(%[[BT]]), scales(%[[ST]]) : tensor<4x32xi8>, tensor<4x8xi8>, tensor<4x2xf32>) outs(%[[OUT]] : tensor<?x4xf32>)
  // CHECK-SAME: {activationFormat = #sq.int<8, row>, format = #sq.int<8, group = 32>, kernel = "cpu.decode-rows", pattern = #sq.nm<2:4>}
  // CHECK: tensor.insert_slice %[[Y]] into %[[ACC]][%[[I]], %[[J]]]
  %y = sq.matmul ins(%x, %xs : tensor<?x64xi8>, tensor<?x1xf32>)
    weights(%p, bitmap(%b), scales(%s) : tensor<8x32xi8>, tensor<8x8xi8>, tensor<8x2xf32>)
    outs(%init : tensor<?x8xf32>)
    {format = #sq.int<8, group = 32>, pattern = #sq.nm<2:4>, activationFormat = #sq.int<8, row>, kernel = "cpu.decode-rows"} -> tensor<?x8xf32>
  return %y : tensor<?x8xf32>
}

module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%module: !transform.any_op {transform.readonly}) {
    %op = transform.structured.match ops{["sq.matmul"]} in %module : (!transform.any_op) -> !transform.any_op
    %tiled, %loops:2 = transform.structured.tile_using_for %op tile_sizes [2, 4] : (!transform.any_op) -> (!transform.any_op, !transform.any_op, !transform.any_op)
    transform.yield
  }
}

// -----

// Scales that all rows share aren't cut.
// CHECK-LABEL: @tensor_scale
func.func @tensor_scale(%x: tensor<4x64xf32>, %p: tensor<8x32xi8>, %s: tensor<8x4xf8E4M3FN>, %t: tensor<1x1xf32>, %init: tensor<4x8xf32>) -> tensor<4x8xf32> {
  // CHECK: sq.matmul ins(%{{.+}} : tensor<4x64xf32>) weights(%{{.+}}, scales(%{{.+}}, %{{.+}}) : tensor<2x32xi8>, tensor<2x4xf8E4M3FN>, tensor<1x1xf32>) outs(%{{.+}} : tensor<4x2xf32>)
  %y = sq.matmul ins(%x : tensor<4x64xf32>)
    weights(%p, scales(%s, %t) : tensor<8x32xi8>, tensor<8x4xf8E4M3FN>, tensor<1x1xf32>)
    outs(%init : tensor<4x8xf32>) {format = #sq.nvfp4} -> tensor<4x8xf32>
  return %y : tensor<4x8xf32>
}

module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%module: !transform.any_op {transform.readonly}) {
    %op = transform.structured.match ops{["sq.matmul"]} in %module : (!transform.any_op) -> !transform.any_op
    %tiled, %loop = transform.structured.tile_using_for %op tile_sizes [0, 2] : (!transform.any_op) -> (!transform.any_op, !transform.any_op)
    transform.yield
  }
}

// -----

// All results of a quantizer are tiled: codes, scales, zero points.
// CHECK-LABEL: @quantize(
// CHECK-SAME: %[[X:.+]]: tensor<8x64xf32>
func.func @quantize(%x: tensor<8x64xf32>) -> (tensor<8x64xi8>, tensor<8x1xf32>, tensor<8x1xi32>) {
  // CHECK: scf.for %[[I:[a-z0-9_]+]] = {{.+}} -> (tensor<8x64xi8>, tensor<8x1xf32>, tensor<8x1xi32>)
  // CHECK: %[[T:.+]] = tensor.extract_slice %[[X]][%[[I]], 0] [2, 64] [1, 1]
  // CHECK: %[[Q:.+]], %[[SC:.+]]:2 = sq.quantize %[[T]] to int<8, row, asymmetric> : tensor<2x64xf32> -> tensor<2x64xi8>, tensor<2x1xf32>, tensor<2x1xi32>
  // CHECK-DAG: tensor.insert_slice %[[Q]] into %{{.+}}[%[[I]], 0] [2, 64] [1, 1]
  // CHECK-DAG: tensor.insert_slice %[[SC]]#0 into %{{.+}}[%[[I]], 0] [2, 1] [1, 1]
  // CHECK-DAG: tensor.insert_slice %[[SC]]#1 into %{{.+}}[%[[I]], 0] [2, 1] [1, 1]
  %q:3 = sq.quantize %x to int<8, row, asymmetric> : tensor<8x64xf32> -> tensor<8x64xi8>, tensor<8x1xf32>, tensor<8x1xi32>
  return %q#0, %q#1, %q#2 : tensor<8x64xi8>, tensor<8x1xf32>, tensor<8x1xi32>
}

module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%module: !transform.any_op {transform.readonly}) {
    %op = transform.structured.match ops{["sq.quantize"]} in %module : (!transform.any_op) -> !transform.any_op
    %tiled, %loop = transform.structured.tile_using_for %op tile_sizes [2] : (!transform.any_op) -> (!transform.any_op, !transform.any_op)
    transform.yield
  }
}

// -----

// Decoding with a scale per row is elementwise along the row too.
// CHECK-LABEL: @dequantize
func.func @dequantize(%q: tensor<8x64xi8>, %s: tensor<8x1xf32>) -> tensor<8x64xf32> {
  // CHECK: scf.for %[[I:[a-z0-9_]+]] =
  // CHECK: scf.for %[[K:[a-z0-9_]+]] =
  // CHECK-DAG: %[[QT:.+]] = tensor.extract_slice %{{.+}}[%[[I]], %[[K]]] [2, 16] [1, 1]
  // CHECK-DAG: %[[ST:.+]] = tensor.extract_slice %{{.+}}[%[[I]], 0] [2, 1] [1, 1]
  // CHECK: sq.dequantize %[[QT]], %[[ST]] from int<8, row> : tensor<2x16xi8>, tensor<2x1xf32> -> tensor<2x16xf32>
  %x = sq.dequantize %q, %s from int<8, row> : tensor<8x64xi8>, tensor<8x1xf32> -> tensor<8x64xf32>
  return %x : tensor<8x64xf32>
}

module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%module: !transform.any_op {transform.readonly}) {
    %op = transform.structured.match ops{["sq.dequantize"]} in %module : (!transform.any_op) -> !transform.any_op
    %tiled, %loops:2 = transform.structured.tile_using_for %op tile_sizes [2, 16] : (!transform.any_op) -> (!transform.any_op, !transform.any_op, !transform.any_op)
    transform.yield
  }
}

// -----

// Mask, application and quantizer of one row of a weight, in one loop.
// CHECK-LABEL: @fuse
// CHECK-SAME: %[[W:.+]]: tensor<8x64xf32>, %[[NORMS:.+]]: tensor<64xf32>
func.func @fuse(%w: tensor<8x64xf32>, %norms: tensor<64xf32>) -> tensor<8x64xf32> {
  // CHECK: scf.for %[[I:[a-z0-9_]+]] =
  // CHECK: %[[T:.+]] = tensor.extract_slice %[[W]][%[[I]], 0] [2, 64] [1, 1]
  // CHECK: %[[M:.+]] = sq.mask wanda(%[[T]], %[[NORMS]]) nm<2:4> : tensor<2x64xf32>, tensor<64xf32>
  // CHECK: %[[S:.+]] = sq.apply_mask %[[T]], %[[M]] : tensor<2x64xf32>
  // CHECK: %[[Q:.+]], %[[SC:.+]] = sq.quantize %[[S]] to mx<f4E2M1FN> : tensor<2x64xf32> -> tensor<2x64xf4E2M1FN>, tensor<2x2xf8E8M0FNU>
  // CHECK: sq.dequantize %[[Q]], %{{.+}} from mx<f4E2M1FN> : tensor<2x64xf4E2M1FN>, tensor<2x2xf8E8M0FNU> -> tensor<2x64xf32>
  %m = sq.mask wanda(%w, %norms) nm<2:4> : tensor<8x64xf32>, tensor<64xf32>
  %s = sq.apply_mask %w, %m : tensor<8x64xf32>
  %q, %sc = sq.quantize %s to mx<f4E2M1FN> : tensor<8x64xf32> -> tensor<8x64xf4E2M1FN>, tensor<8x2xf8E8M0FNU>
  %d = sq.dequantize %q, %sc from mx<f4E2M1FN> : tensor<8x64xf4E2M1FN>, tensor<8x2xf8E8M0FNU> -> tensor<8x64xf32>
  return %d : tensor<8x64xf32>
}

module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%module: !transform.any_op {transform.readonly}) {
    %op = transform.structured.match ops{["sq.dequantize"]} in %module : (!transform.any_op) -> !transform.any_op
    %tiled, %loop = transform.structured.fuse %op tile_sizes [2] {apply_cleanup} : (!transform.any_op) -> (!transform.any_op, !transform.any_op)
    transform.yield
  }
}
