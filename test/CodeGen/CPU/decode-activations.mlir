// RUN: sq-opt %s --sq-decode-activations --remark-policy=all --remarks-filter=sq-decode-activations 2>&1 | FileCheck %s
// RUN: sq-opt %s --sq-decode-activations --convert-sq-to-linalg=keep-kernels=cpu.tile-dot,cpu.tile-fma --canonicalize | FileCheck %s --check-prefix=LOOPS

// Two kernels that multiply in f32 share one decoded input.
// CHECK: ActivationsDecoded{{.*}}activations in {{.*}}fp8.e4m3fn.row{{.*}} are rounded and multiplied in f32
// CHECK-LABEL: @shared
// CHECK: %[[Q:.*]], %[[S:.*]] = sq.quantize %{{.*}} to fp8<f8E4M3FN, row>
// CHECK-NEXT: %[[X:.*]] = sq.dequantize %[[Q]], %[[S]] from fp8<f8E4M3FN, row>
// CHECK-NEXT: sq.matmul ins(%[[X]] : tensor<1x64xf32>)
// CHECK-NOT: activationFormat
// CHECK: sq.matmul ins(%[[X]] : tensor<1x64xf32>)
// CHECK-NOT: activationFormat
// CHECK: return

// No codes are stored: rounding and decoding are one loop.
// LOOPS-LABEL: @shared
// LOOPS-NOT: tensor<1x64xf8E4M3FN>
// LOOPS: arith.trunci {{.*}} i32 to i8
// LOOPS: linalg.yield {{.*}} f32
// LOOPS-NOT: linalg.generic
// LOOPS: return
func.func @shared(%x: tensor<1x64xf32>, %p: tensor<1x1024xi8>, %s: tensor<1x16xf32>,
                  %y: tensor<1x16xf32>) -> (tensor<1x16xf32>, tensor<1x16xf32>) {
  %q, %xs = sq.quantize %x to fp8<f8E4M3FN, row> : tensor<1x64xf32> -> tensor<1x64xf8E4M3FN>, tensor<1x1xf32>
  %0 = sq.matmul ins(%q, %xs : tensor<1x64xf8E4M3FN>, tensor<1x1xf32>) weights(%p, scales(%s) : tensor<1x1024xi8>, tensor<1x16xf32>)
    outs(%y : tensor<1x16xf32>) {format = #sq.int<8, row>, activationFormat = #sq.fp8<f8E4M3FN, row>, layout = #sq<layout tiles>, kernel = "cpu.tile-fma"} -> tensor<1x16xf32>
  %1 = sq.matmul ins(%q, %xs : tensor<1x64xf8E4M3FN>, tensor<1x1xf32>) weights(%p, scales(%s) : tensor<1x1024xi8>, tensor<1x16xf32>)
    outs(%y : tensor<1x16xf32>) {format = #sq.fp8<f8E4M3FN, row>, activationFormat = #sq.fp8<f8E4M3FN, row>, layout = #sq<layout tiles>, kernel = "cpu.tile-fma"} -> tensor<1x16xf32>
  return %0, %1 : tensor<1x16xf32>, tensor<1x16xf32>
}

// Kernels on integers take codes.
// CHECK-LABEL: @integers
// CHECK-NOT: sq.dequantize
// CHECK: activationFormat = #sq.int<8, row>
func.func @integers(%q: tensor<1x64xi8>, %xs: tensor<1x1xf32>, %p: tensor<1x1024xi8>, %s: tensor<1x16xf32>,
                    %y: tensor<1x16xf32>) -> tensor<1x16xf32> {
  %0 = sq.matmul ins(%q, %xs : tensor<1x64xi8>, tensor<1x1xf32>) weights(%p, scales(%s) : tensor<1x1024xi8>, tensor<1x16xf32>)
    outs(%y : tensor<1x16xf32>) {format = #sq.int<8, row>, activationFormat = #sq.int<8, row>, layout = #sq<layout tiles>, kernel = "cpu.tile-dot"} -> tensor<1x16xf32>
  return %0 : tensor<1x16xf32>
}

// Codes of another scale than the product's are not what sq.quantize undoes.
// LOOPS-LABEL: @other_scale
// LOOPS: linalg.generic {{.*}}outs(%{{.*}} : tensor<1x64xf8E4M3FN>)
// LOOPS: linalg.generic {{.*}}outs(%{{.*}} : tensor<1x64xf32>)
func.func @other_scale(%x: tensor<1x64xf32>, %xs: tensor<1x1xf32>) -> tensor<1x64xf32> {
  %q, %own = sq.quantize %x to fp8<f8E4M3FN, row> : tensor<1x64xf32> -> tensor<1x64xf8E4M3FN>, tensor<1x1xf32>
  %0 = sq.dequantize %q, %xs from fp8<f8E4M3FN, row> : tensor<1x64xf8E4M3FN>, tensor<1x1xf32> -> tensor<1x64xf32>
  return %0 : tensor<1x64xf32>
}

// Kernels on bytes take integers as bytes; two of them share these, and no codes
// are stored.
// CHECK-LABEL: @widened
// CHECK: %[[Q:.*]], %[[S:.*]] = sq.quantize %{{.*}} to mx<f4E2M1FN>
// CHECK-NEXT: %[[X:.*]] = sq.widen %[[Q]] from mx<f4E2M1FN>
// CHECK-NEXT: sq.matmul ins(%[[X]], %[[S]] : tensor<1x64xi8>, tensor<1x2xf8E8M0FNU>)
// CHECK-SAME: activationFormat = #sq.mx<f4E2M1FN>
// CHECK-NEXT: sq.matmul ins(%[[X]], %[[S]] :
// LOOPS-LABEL: @widened
// LOOPS-NOT: tensor<{{.*}}xf4E2M1FN>
// LOOPS: arith.fptosi
// LOOPS: linalg.yield {{.*}} : i8
// LOOPS: sq.matmul
func.func @widened(%x: tensor<1x64xf32>, %p: tensor<1x1024xi8>, %s: tensor<1x16xf32>,
                   %y: tensor<1x16xf32>) -> (tensor<1x16xf32>, tensor<1x16xf32>) {
  %q, %xs = sq.quantize %x to mx<f4E2M1FN> : tensor<1x64xf32> -> tensor<1x64xf4E2M1FN>, tensor<1x2xf8E8M0FNU>
  %0 = sq.matmul ins(%q, %xs : tensor<1x64xf4E2M1FN>, tensor<1x2xf8E8M0FNU>) weights(%p, scales(%s) : tensor<1x1024xi8>, tensor<1x16xf32>)
    outs(%y : tensor<1x16xf32>) {format = #sq.int<8, row>, activationFormat = #sq.mx<f4E2M1FN>, layout = #sq<layout tiles>, kernel = "cpu.tile-dot"} -> tensor<1x16xf32>
  %1 = sq.matmul ins(%q, %xs : tensor<1x64xf4E2M1FN>, tensor<1x2xf8E8M0FNU>) weights(%p, scales(%s) : tensor<1x1024xi8>, tensor<1x16xf32>)
    outs(%y : tensor<1x16xf32>) {format = #sq.int<8, row>, activationFormat = #sq.mx<f4E2M1FN>, layout = #sq<layout tiles>, kernel = "cpu.tile-dot"} -> tensor<1x16xf32>
  return %0, %1 : tensor<1x16xf32>, tensor<1x16xf32>
}

// f16 and bf16 are widened for kernels that multiply in f32.
// CHECK-LABEL: @halves
// CHECK: %[[X:.*]] = arith.extf %{{.*}} : tensor<1x64xf16> to tensor<1x64xf32>
// CHECK-NEXT: sq.matmul ins(%[[X]] : tensor<1x64xf32>)
func.func @halves(%x: tensor<1x64xf16>, %p: tensor<1x1024xi8>, %s: tensor<1x16xf32>,
                  %y: tensor<1x16xf32>) -> tensor<1x16xf32> {
  %0 = sq.matmul ins(%x : tensor<1x64xf16>) weights(%p, scales(%s) : tensor<1x1024xi8>, tensor<1x16xf32>)
    outs(%y : tensor<1x16xf32>) {format = #sq.int<8, row>, layout = #sq<layout tiles>, kernel = "cpu.tile-fma"} -> tensor<1x16xf32>
  return %0 : tensor<1x16xf32>
}
