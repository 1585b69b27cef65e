// RUN: sq-opt %s --convert-sq-to-linalg --split-input-file | FileCheck %s
// The shape of the lowered IR. That it computes the right bits is what
// test/Integration/CPU checks, by running it.

// The elements of a group are the innermost loop, under one scale.
// CHECK: #[[$ID:.+]] = affine_map<(d0, d1, d2) -> (d0, d1, d2)>
// CHECK: #[[$GROUP:.+]] = affine_map<(d0, d1, d2) -> (d0, d1)>
// CHECK-LABEL: @dequantize_is_one_elementwise_generic
func.func @dequantize_is_one_elementwise_generic(%q: tensor<8x64xi4>, %s: tensor<8x2xf32>) -> tensor<8x64xf32> {
  // CHECK: %[[Q:.+]] = tensor.expand_shape %{{.+}} {{\[}}[0], [1, 2]] output_shape [8, 2, 32]
  // CHECK: %[[EMPTY:.+]] = tensor.empty() : tensor<8x2x32xf32>
  // CHECK-NEXT: linalg.generic {indexing_maps = [#[[$ID]], #[[$GROUP]], #[[$ID]]], iterator_types = ["parallel", "parallel", "parallel"]} ins(%[[Q]], %{{.+}} : tensor<8x2x32xi4>, tensor<8x2xf32>) outs(%[[EMPTY]]
  // CHECK-NEXT: ^bb0(%[[CODE:.+]]: i4, %[[SCALE:.+]]: f32, %{{.+}}: f32):
  // CHECK-NEXT: %[[INT:.+]] = arith.extsi %[[CODE]] : i4 to i32
  // CHECK-NEXT: %[[REAL:.+]] = arith.sitofp %[[INT]] : i32 to f32
  // CHECK-NEXT: %[[X:.+]] = arith.mulf %[[REAL]], %[[SCALE]] : f32
  // CHECK-NEXT: linalg.yield %[[X]]
  // CHECK: tensor.collapse_shape %{{.+}} : tensor<8x2x32xf32> into tensor<8x64xf32>
  %x = sq.dequantize %q, %s from int<4, group = 32> : tensor<8x64xi4>, tensor<8x2xf32> -> tensor<8x64xf32>
  return %x : tensor<8x64xf32>
}

// -----

// Where a group is cut short, each element finds its scale.
// CHECK: #[[$GROUP:.+]] = affine_map<(d0, d1) -> (d0, d1 floordiv 32)>
// CHECK-LABEL: @dequantize_with_a_tail
func.func @dequantize_with_a_tail(%q: tensor<8x60xi4>, %s: tensor<8x2xf32>) -> tensor<8x60xf32> {
  // CHECK: linalg.generic {indexing_maps = [#{{.+}}, #[[$GROUP]], #{{.+}}]{{.*}} ins(%{{.+}}, %{{.+}} : tensor<8x60xi4>, tensor<8x2xf32>)
  %x = sq.dequantize %q, %s from int<4, group = 32> : tensor<8x60xi4>, tensor<8x2xf32> -> tensor<8x60xf32>
  return %x : tensor<8x60xf32>
}

// -----

// CHECK: #[[$ROW:.+]] = affine_map<(d0, d1) -> (d0)>
// CHECK-LABEL: @quantize_per_token_reduces_rows
func.func @quantize_per_token_reduces_rows(%x: tensor<?x64xf32>) -> (tensor<?x64xi8>, tensor<?x1xf32>) {
  // CHECK: linalg.generic {indexing_maps = [#{{.+}}, #[[$ROW]]], iterator_types = ["parallel", "reduction"]} ins(%{{.+}} : tensor<?x64xf32>) outs(%{{.+}} : tensor<?xi32>)
  // CHECK: arith.maxsi
  // CHECK: linalg.generic {{.+}} iterator_types = ["parallel", "parallel"]} ins(%{{.+}} : tensor<?xi32>) outs(%{{.+}} : tensor<?x1xf32>)
  // CHECK: linalg.generic {{.+}} iterator_types = ["parallel", "parallel"]} ins(%{{.+}}, %{{.+}} : tensor<?x64xf32>, tensor<?x1xf32>) outs(%{{.+}} : tensor<?x64xi8>)
  %q, %s = sq.quantize %x to int<8, row> : tensor<?x64xf32> -> tensor<?x64xi8>, tensor<?x1xf32>
  return %q, %s : tensor<?x64xi8>, tensor<?x1xf32>
}

// -----

// A scale group that the edge cuts short counts as padded with zeros.
// CHECK-LABEL: @quantize_with_a_tail_pads
func.func @quantize_with_a_tail_pads(%x: tensor<5x37xf32>) -> (tensor<5x37xi8>, tensor<5x2xf8E8M0FNU>) {
  // CHECK: tensor.insert_slice %{{.+}} into %{{.+}}[0, 0] [5, 37] [1, 1] : tensor<5x37xf32> into tensor<5x64xf32>
  // CHECK: tensor.expand_shape {{.+}} : tensor<5x64xf32> into tensor<5x2x32xf32>
  %q, %s = sq.quantize %x to mx<i8> : tensor<5x37xf32> -> tensor<5x37xi8>, tensor<5x2xf8E8M0FNU>
  return %q, %s : tensor<5x37xi8>, tensor<5x2xf8E8M0FNU>
}

// -----

// CHECK-LABEL: @unpack_counts_once_per_byte
func.func @unpack_counts_once_per_byte(%p: tensor<8x8xi8>, %b: tensor<8x4xi8>) -> tensor<8x32xi4> {
  // CHECK: scf.for
  // CHECK: scf.for
  // CHECK: math.ctpop
  // CHECK: linalg.generic {{.+}} iterator_types = ["parallel", "parallel"]} ins(%{{.+}}, %{{.+}} : tensor<8x4xi8>, tensor<8x4xi32>) outs(%{{.+}} : tensor<8x32xi4>)
  // CHECK: tensor.extract
  // CHECK-NOT: tensor.extract
  // CHECK: return
  %q = sq.unpack %p bitmap(%b) : tensor<8x8xi8>, tensor<8x4xi8> -> tensor<8x32xi4>
  return %q : tensor<8x32xi4>
}

// -----

// Codes of six bits straddle bytes.
// CHECK-LABEL: @unpack_straddling_codes
func.func @unpack_straddling_codes(%p: tensor<8x24xi8>) -> tensor<8x32xf6E2M3FN> {
  // CHECK-NOT: scf.for
  // CHECK-COUNT-2: tensor.extract
  // CHECK: arith.trunci %{{.+}} : i32 to i6
  // CHECK: arith.bitcast %{{.+}} : i6 to f6E2M3FN
  %q = sq.unpack %p : tensor<8x24xi8> -> tensor<8x32xf6E2M3FN>
  return %q : tensor<8x32xf6E2M3FN>
}

// -----

// CHECK-LABEL: @matmul_in_f32
func.func @matmul_in_f32(%x: tensor<?x64xf32>, %p: tensor<8x32xi8>, %b: tensor<8x8xi8>, %s: tensor<8x1xf32>, %init: tensor<?x8xf32>) -> tensor<?x8xf32> {
  // CHECK: linalg.matmul indexing_maps = [{{.+}}] ins(%{{.+}}, %{{.+}} : tensor<?x64xf32>, tensor<8x64xf32>) outs(%{{.+}} : tensor<?x8xf32>)
  // CHECK-NOT: sq.matmul
  %y = sq.matmul ins(%x : tensor<?x64xf32>) weights(%p, bitmap(%b), scales(%s) : tensor<8x32xi8>, tensor<8x8xi8>, tensor<8x1xf32>)
    outs(%init : tensor<?x8xf32>) {format = #sq.int<8, row>, pattern = #sq.nm<2:4>} -> tensor<?x8xf32>
  return %y : tensor<?x8xf32>
}

// -----

// Integers on both sides: one exact sum per group, groups one after the other.
// CHECK-LABEL: @matmul_of_integers
func.func @matmul_of_integers(%x: tensor<?x100xi8>, %xs: tensor<?x1xf32>, %p: tensor<8x50xi8>, %s: tensor<8x4xf32>, %init: tensor<?x8xf32>) -> tensor<?x8xf32> {
  // CHECK: scf.for
  // CHECK: linalg.generic {{.+}} iterator_types = ["parallel", "parallel", "reduction"]} ins(%{{.+}}, %{{.+}} : tensor<?x?xi8>, tensor<8x?xi4>) outs(%{{.+}} : tensor<?x8xi32>)
  // CHECK: arith.muli
  // CHECK: arith.addi
  // CHECK: arith.sitofp %{{.+}} : i32 to f32
  %y = sq.matmul ins(%x, %xs : tensor<?x100xi8>, tensor<?x1xf32>) weights(%p, scales(%s) : tensor<8x50xi8>, tensor<8x4xf32>)
    outs(%init : tensor<?x8xf32>) {format = #sq.int<4, group = 32>, activationFormat = #sq.int<8, row>} -> tensor<?x8xf32>
  return %y : tensor<?x8xf32>
}

// -----

// i32 would overflow over so long a row.
// CHECK-LABEL: @matmul_of_long_integers
func.func @matmul_of_long_integers(%x: tensor<1x131072xi8>, %xs: tensor<1x1xf32>, %p: tensor<8x131072xi8>, %s: tensor<8x1xf32>, %init: tensor<1x8xf32>) -> tensor<1x8xf32> {
  // CHECK: outs(%{{.+}} : tensor<1x8xi64>)
  %y = sq.matmul ins(%x, %xs : tensor<1x131072xi8>, tensor<1x1xf32>) weights(%p, scales(%s) : tensor<8x131072xi8>, tensor<8x1xf32>)
    outs(%init : tensor<1x8xf32>) {format = #sq.int<8, row>, activationFormat = #sq.int<8, row>} -> tensor<1x8xf32>
  return %y : tensor<1x8xf32>
}

// -----

// CHECK-LABEL: @parameters_stay
func.func @parameters_stay() -> tensor<8x64xf32> {
  // CHECK: sq.parameter "w"
  %w = sq.parameter "w" from "model.safetensors" : tensor<8x64xf32>
  // CHECK-NOT: sq.
  %m = sq.mask magnitude(%w) nm<2:4> : tensor<8x64xf32>
  %s = sq.apply_mask %w, %m : tensor<8x64xf32>
  return %s : tensor<8x64xf32>
}

// -----

// What overwrites is added to zeros, whatever the destination holds.
// CHECK-LABEL: @matmul_that_overwrites
// CHECK: %[[ZERO:.+]] = linalg.fill
// CHECK: linalg.matmul {{.*}} outs(%[[ZERO]]
func.func @matmul_that_overwrites(%x: tensor<4x64xf32>, %p: tensor<8x64xi8>, %s: tensor<8x1xf32>, %init: tensor<4x8xf32>) -> tensor<4x8xf32> {
  %0 = sq.matmul ins(%x : tensor<4x64xf32>) weights(%p, scales(%s) : tensor<8x64xi8>, tensor<8x1xf32>)
    outs(%init : tensor<4x8xf32>) {format = #sq.int<8, row>, overwrites} -> tensor<4x8xf32>
  return %0 : tensor<4x8xf32>
}

// An input of 16 bits is widened by the product.
// CHECK-LABEL: @matmul_of_halves
func.func @matmul_of_halves(%x: tensor<?x64xf16>, %p: tensor<8x64xi8>, %s: tensor<8x1xf32>, %init: tensor<?x8xf32>) -> tensor<?x8xf32> {
  // CHECK: linalg.matmul indexing_maps = [{{.+}}] ins(%{{.+}}, %{{.+}} : tensor<?x64xf16>, tensor<8x64xf32>) outs(%{{.+}} : tensor<?x8xf32>)
  %y = sq.matmul ins(%x : tensor<?x64xf16>) weights(%p, scales(%s) : tensor<8x64xi8>, tensor<8x1xf32>)
    outs(%init : tensor<?x8xf32>) {format = #sq.int<8, row>} -> tensor<?x8xf32>
  return %y : tensor<?x8xf32>
}

// Codes as f16; they are exact.
// CHECK-LABEL: @widen_to_f16
func.func @widen_to_f16(%q: tensor<?x64xf8E4M3FN>) -> tensor<?x64xf16> {
  // CHECK: linalg.generic {{.*}} ins(%{{.+}} : tensor<?x64xf8E4M3FN>) outs(%{{.+}} : tensor<?x64xf16>)
  // CHECK: %[[H:.*]] = arith.truncf %{{.+}} : f32 to f16
  // CHECK: linalg.yield %[[H]]
  %h = sq.widen %q from fp8<f8E4M3FN, row> : tensor<?x64xf8E4M3FN> -> tensor<?x64xf16>
  return %h : tensor<?x64xf16>
}
