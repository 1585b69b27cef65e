// RUN: sq-opt %s --allow-unregistered-dialect | sq-opt --allow-unregistered-dialect | FileCheck %s
// RUN: sq-opt %s --allow-unregistered-dialect --emit-bytecode | sq-opt --allow-unregistered-dialect | FileCheck %s
// Every attribute with every option, printed, parsed and printed again; also
// through bytecode.

"test.patterns"() {
  // CHECK: a = #sq.nm<2:4>, b = #sq.nm<64:64>
  a = #sq.nm<2:4>, b = #sq.nm<64:64>,
  // CHECK-SAME: c = #sq.unstructured<0.29, row>, d = #sq.unstructured<1.0, tensor>, e = #sq.unstructured<1.0e-30, row>
  c = #sq.unstructured<0.29, row>, d = #sq.unstructured<1.0, tensor>, e = #sq.unstructured<1.0e-30, row>,
  // CHECK-SAME: f = #sq.block<16x4, 0.75>, g = #sq.block<1x1, 0.0>
  f = #sq.block<16x4, 0.75>, g = #sq.block<1x1, 0.0>} : () -> ()

"test.integers"() {
  // CHECK: a = #sq.int<8, row>, b = #sq.int<2, tensor>, c = #sq.int<4, group = 64>
  a = #sq.int<8, row>, b = #sq.int<2, tensor>, c = #sq.int<4, group = 64, scale = f32>,
  // CHECK-SAME: d = #sq.int<4, group = 64, scale = f16>, e = #sq.int<8, row, asymmetric>, f = #sq.int<5, tensor, asymmetric>
  d = #sq.int<4, group = 64, scale = f16>, e = #sq.int<8, row, asymmetric>, f = #sq.int<5, tensor, asymmetric>,
  // CHECK-SAME: g = #sq.hbfp<7, group = 64>, h = #sq.hbfp<3, group = 5>
  g = #sq.hbfp<7, group = 64>, h = #sq.hbfp<3, group = 5>} : () -> ()

"test.floats"() {
  // CHECK: a = #sq.fp8<f8E4M3FN, row>, b = #sq.fp8<f8E5M2, tensor>
  a = #sq.fp8<f8E4M3FN, row>, b = #sq.fp8<f8E5M2, tensor>,
  // CHECK-SAME: c = #sq.mx<f8E4M3FN>, d = #sq.mx<f8E5M2>, e = #sq.mx<f6E2M3FN>
  c = #sq.mx<f8E4M3FN>, d = #sq.mx<f8E5M2>, e = #sq.mx<f6E2M3FN>,
  // CHECK-SAME: f = #sq.mx<f6E3M2FN>, g = #sq.mx<f4E2M1FN>, h = #sq.mx<i8>, i = #sq.nvfp4
  f = #sq.mx<f6E3M2FN>, g = #sq.mx<f4E2M1FN>, h = #sq.mx<i8>, i = #sq.nvfp4} : () -> ()

"test.halves"() {
  // CHECK: a = #sq.half<f16>, b = #sq.half<bf16>
  a = #sq.half<f16>, b = #sq.half<bf16>} : () -> ()

"test.codebooks"() {
  // CHECK: a = #sq.nf4<group = 64>, b = #sq.nf4<group = 32, scale = f16>, c = #sq.nf4<row>, d = #sq.nf4<tensor, scale = f16>
  a = #sq.nf4<group = 64, scale = f32>, b = #sq.nf4<group = 32, scale = f16>, c = #sq.nf4<row>, d = #sq.nf4<tensor, scale = f16>} : () -> ()
