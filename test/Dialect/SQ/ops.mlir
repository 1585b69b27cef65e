// RUN: sq-opt %s | sq-opt | FileCheck %s
// RUN: sq-opt %s --mlir-print-op-generic | sq-opt | FileCheck %s
// RUN: sq-opt %s --emit-bytecode | sq-opt | FileCheck %s
// Every op, printed, parsed and printed again; also through the generic form
// and through bytecode.

// CHECK-LABEL: @life_of_a_weight
func.func @life_of_a_weight(%x: tensor<?x64xf32>, %init: tensor<?x64xf32>) -> tensor<?x64xf32> {
  // CHECK: %[[W:.+]] = sq.parameter "layers.0.wq" from "model.safetensors" : tensor<64x64xf32>
  %w = sq.parameter "layers.0.wq" from "model.safetensors" : tensor<64x64xf32>
  // CHECK: %[[M:.+]] = sq.mask magnitude(%[[W]]) nm<2:4> : tensor<64x64xf32>
  %m = sq.mask magnitude(%w) nm<2:4> : tensor<64x64xf32>
  // CHECK: %[[S:.+]] = sq.apply_mask %[[W]], %[[M]] : tensor<64x64xf32>
  %s = sq.apply_mask %w, %m : tensor<64x64xf32>
  // CHECK: %[[Q:.+]], %[[SC:.+]] = sq.quantize %[[S]] to int<8, row> : tensor<64x64xf32> -> tensor<64x64xi8>, tensor<64x1xf32>
  %q, %scale = sq.quantize %s to int<8, row> : tensor<64x64xf32> -> tensor<64x64xi8>, tensor<64x1xf32>
  // CHECK: %[[P:.+]], %[[B:.+]] = sq.pack %[[Q]] mask(%[[M]]) : tensor<64x64xi8>, tensor<64x64xi1> -> tensor<64x32xi8>, tensor<64x8xi8>
  %p, %b = sq.pack %q mask(%m) : tensor<64x64xi8>, tensor<64x64xi1> -> tensor<64x32xi8>, tensor<64x8xi8>
  // CHECK: sq.matmul ins(%{{.+}} : tensor<?x64xf32>) weights(%[[P]], bitmap(%[[B]]), scales(%[[SC]]) : tensor<64x32xi8>, tensor<64x8xi8>, tensor<64x1xf32>) outs(%{{.+}} : tensor<?x64xf32>) {format = #sq.int<8, row>, pattern = #sq.nm<2:4>} -> tensor<?x64xf32>
  %y = sq.matmul ins(%x : tensor<?x64xf32>)
    weights(%p, bitmap(%b), scales(%scale) : tensor<64x32xi8>, tensor<64x8xi8>, tensor<64x1xf32>)
    outs(%init : tensor<?x64xf32>) {format = #sq.int<8, row>, pattern = #sq.nm<2:4>} -> tensor<?x64xf32>
  return %y : tensor<?x64xf32>
}

// CHECK-LABEL: @parameter_of_a_raw_file
func.func @parameter_of_a_raw_file() -> tensor<64x64xf32> {
  // CHECK: sq.parameter "wq.0" from "stories.bin" at 131100 : tensor<64x64xf32>
  %w = sq.parameter "wq.0" from "stories.bin" at 131100 : tensor<64x64xf32>
  return %w : tensor<64x64xf32>
}

// CHECK-LABEL: @criteria
func.func @criteria(%w: tensor<8x16xf32>, %norms: tensor<8xf32>) {
  // CHECK: sq.mask wanda(%{{.+}}, %{{.+}}) unstructured<0.5, row> axis = 0 : tensor<8x16xf32>, tensor<8xf32>
  %0 = sq.mask wanda(%w, %norms) unstructured<0.5, row> axis = 0 : tensor<8x16xf32>, tensor<8xf32>
  // CHECK: sq.mask scores(%{{.+}}) block<4x4, 0.75> : tensor<8x16xf32>
  %1 = sq.mask scores(%w) block<4x4, 0.75> : tensor<8x16xf32>
  return
}

// CHECK-LABEL: @formats
func.func @formats(%x: tensor<?x64xf32>, %w: tensor<8x64xf32>, %s: tensor<8x1xf32>) {
  // CHECK: to int<8, row, asymmetric> : tensor<?x64xf32> -> tensor<?x64xi8>, tensor<?x1xf32>, tensor<?x1xi32>
  %0:3 = sq.quantize %x to int<8, row, asymmetric> : tensor<?x64xf32> -> tensor<?x64xi8>, tensor<?x1xf32>, tensor<?x1xi32>
  // CHECK: to int<4, group = 32, scale = f16> : tensor<8x64xf32> -> tensor<8x64xi4>, tensor<8x2xf16>
  %1:2 = sq.quantize %w to int<4, group = 32, scale = f16> : tensor<8x64xf32> -> tensor<8x64xi4>, tensor<8x2xf16>
  // CHECK: to fp8<f8E4M3FN, tensor>
  %2:2 = sq.quantize %w to fp8<f8E4M3FN, tensor> : tensor<8x64xf32> -> tensor<8x64xf8E4M3FN>, tensor<1x1xf32>
  // CHECK: to mx<f4E2M1FN>
  %3:2 = sq.quantize %w to mx<f4E2M1FN> : tensor<8x64xf32> -> tensor<8x64xf4E2M1FN>, tensor<8x2xf8E8M0FNU>
  // CHECK: to nvfp4
  %4:3 = sq.quantize %w to nvfp4 : tensor<8x64xf32> -> tensor<8x64xf4E2M1FN>, tensor<8x4xf8E4M3FN>, tensor<1x1xf32>
  // CHECK: to hbfp<7, group = 64>
  %5:2 = sq.quantize %w to hbfp<7, group = 64> : tensor<8x64xf32> -> tensor<8x64xi8>, tensor<8x1xf8E8M0FNU>
  // CHECK: static(%{{.+}} : tensor<8x1xf32>) to int<8, row> : tensor<8x64xf32> -> tensor<8x64xi8>
  %6 = sq.quantize %w static(%s : tensor<8x1xf32>) to int<8, row> : tensor<8x64xf32> -> tensor<8x64xi8>
  // CHECK: sq.widen %{{.+}} from hbfp<7, group = 64> : tensor<8x64xi8> -> tensor<8x64xi8>
  %wide = sq.widen %5#0 from hbfp<7, group = 64> : tensor<8x64xi8> -> tensor<8x64xi8>
  // CHECK: sq.dequantize %{{.+}}, %{{.+}} from hbfp<7, group = 64> : tensor<8x64xi8>, tensor<8x1xf8E8M0FNU> -> tensor<8x64xf32>
  %7 = sq.dequantize %5#0, %5#1 from hbfp<7, group = 64> : tensor<8x64xi8>, tensor<8x1xf8E8M0FNU> -> tensor<8x64xf32>
  return
}

// CHECK-LABEL: @unpack
func.func @unpack(%p: tensor<8x4xi8>, %b: tensor<8x2xi8>) -> tensor<8x16xi4> {
  // CHECK: sq.unpack %{{.+}} bitmap(%{{.+}}) : tensor<8x4xi8>, tensor<8x2xi8> -> tensor<8x16xi4>
  %q = sq.unpack %p bitmap(%b) : tensor<8x4xi8>, tensor<8x2xi8> -> tensor<8x16xi4>
  return %q : tensor<8x16xi4>
}

// CHECK-LABEL: @dense_matmul
func.func @dense_matmul(%x: tensor<4x64xi8>, %xs: tensor<4x1xf32>, %p: tensor<8x32xi8>, %s: tensor<8x4xf8E4M3FN>, %t: tensor<1x1xf32>, %init: tensor<4x8xf32>) -> tensor<4x8xf32> {
  // CHECK: sq.matmul ins(%{{.+}}, %{{.+}} : tensor<4x64xi8>, tensor<4x1xf32>) weights(%{{.+}}, scales(%{{.+}}, %{{.+}}) : tensor<8x32xi8>, tensor<8x4xf8E4M3FN>, tensor<1x1xf32>) outs(%{{.+}} : tensor<4x8xf32>) {activationFormat = #sq.int<8, row>, format = #sq.nvfp4} -> tensor<4x8xf32>
  %y = sq.matmul ins(%x, %xs : tensor<4x64xi8>, tensor<4x1xf32>)
    weights(%p, scales(%s, %t) : tensor<8x32xi8>, tensor<8x4xf8E4M3FN>, tensor<1x1xf32>)
    outs(%init : tensor<4x8xf32>) {format = #sq.nvfp4, activationFormat = #sq.int<8, row>} -> tensor<4x8xf32>
  return %y : tensor<4x8xf32>
}

// CHECK-LABEL: @parameters_of_the_artifact
func.func @parameters_of_the_artifact() {
  // CHECK: sq.parameter "fc.payload" at 448 : tensor<32x32xi8>
  %p = sq.parameter "fc.payload" at 448 : tensor<32x32xi8>
  // CHECK: sq.parameter "fc.scale" : tensor<32x1xf8E8M0FNU>
  %s = sq.parameter "fc.scale" : tensor<32x1xf8E8M0FNU>
  return
}

// CHECK-LABEL: @axes
func.func @axes(%w: tensor<3x64x5xf32>, %m: tensor<3x64x5xi1>) {
  // CHECK: sq.mask magnitude(%{{.+}}) nm<16:32> axis = 1 : tensor<3x64x5xf32>
  %0 = sq.mask magnitude(%w) nm<16:32> axis = 1 : tensor<3x64x5xf32>
  // CHECK: sq.apply_mask %{{.+}}, %{{.+}} : tensor<3x64x5xf32>
  %1 = sq.apply_mask %w, %m : tensor<3x64x5xf32>
  // CHECK: sq.quantize %{{.+}} to int<4, group = 32> axis = -2 : tensor<3x64x5xf32> -> tensor<3x64x5xi4>, tensor<3x2x5xf32>
  %2:2 = sq.quantize %w to int<4, group = 32> axis = -2 : tensor<3x64x5xf32> -> tensor<3x64x5xi4>, tensor<3x2x5xf32>
  // CHECK: sq.dequantize %{{.+}}, %{{.+}} from int<4, group = 32> axis = -2
  %3 = sq.dequantize %2#0, %2#1 from int<4, group = 32> axis = -2 : tensor<3x64x5xi4>, tensor<3x2x5xf32> -> tensor<3x64x5xf32>
  return
}

// CHECK-LABEL: @dense_layout
func.func @dense_layout(%q: tensor<8x16xf4E2M1FN>) -> tensor<8x16xf4E2M1FN> {
  // CHECK: sq.pack %{{.+}} : tensor<8x16xf4E2M1FN> -> tensor<8x8xi8>
  %p = sq.pack %q : tensor<8x16xf4E2M1FN> -> tensor<8x8xi8>
  // CHECK: sq.unpack %{{.+}} : tensor<8x8xi8> -> tensor<8x16xf4E2M1FN>
  %u = sq.unpack %p : tensor<8x8xi8> -> tensor<8x16xf4E2M1FN>
  return %u : tensor<8x16xf4E2M1FN>
}

// CHECK-LABEL: @matmul_on_memrefs
func.func @matmul_on_memrefs(%x: memref<?x64xf32>, %p: memref<8x32xi8>, %b: memref<8x8xi8>, %s: memref<8x2xf32>, %out: memref<?x8xf32>) {
  // CHECK: sq.matmul ins(%{{.+}} : memref<?x64xf32>) weights(%{{.+}}, bitmap(%{{.+}}), scales(%{{.+}}) : memref<8x32xi8>, memref<8x8xi8>, memref<8x2xf32>) outs(%{{.+}} : memref<?x8xf32>) {format = #sq.int<8, group = 32>, kernel = "cpu.decode-rows", pattern = #sq.nm<2:4>}
  sq.matmul ins(%x : memref<?x64xf32>)
    weights(%p, bitmap(%b), scales(%s) : memref<8x32xi8>, memref<8x8xi8>, memref<8x2xf32>)
    outs(%out : memref<?x8xf32>) {format = #sq.int<8, group = 32>, pattern = #sq.nm<2:4>, kernel = "cpu.decode-rows"}
  return
}

// CHECK-LABEL: @matmul_in_tiles
func.func @matmul_in_tiles(%x: tensor<4x64xf32>, %p: tensor<2x512xi8>, %b: tensor<2x128xi8>, %s: tensor<2x16xf32>,
                           %init: tensor<4x20xf32>) -> tensor<4x20xf32> {
  // CHECK: layout = #sq<layout tiles>
  %y = sq.matmul ins(%x : tensor<4x64xf32>)
    weights(%p, bitmap(%b), scales(%s) : tensor<2x512xi8>, tensor<2x128xi8>, tensor<2x16xf32>)
    outs(%init : tensor<4x20xf32>) {format = #sq.int<8, row>, pattern = #sq.nm<2:4>, layout = #sq<layout tiles>} -> tensor<4x20xf32>
  return %y : tensor<4x20xf32>
}

// Weights in 16 bits have no scales, and activations in 16 bits no format.
// CHECK-LABEL: func @half_weights
func.func @half_weights(%x: tensor<?x64xf16>, %p: tensor<1x1024xi8>, %b: tensor<1x128xi8>, %d: tensor<1x2048xi8>, %init: tensor<?x16xf32>) -> tensor<?x16xf32> {
  // CHECK: sq.matmul ins(%{{.+}} : tensor<?x64xf16>) weights(%{{.+}}, bitmap(%{{.+}}) : tensor<1x1024xi8>, tensor<1x128xi8>) outs(%{{.+}} : tensor<?x16xf32>) {format = #sq.half<f16>, layout = #sq<layout fragments>, pattern = #sq.nm<2:4>} -> tensor<?x16xf32>
  %0 = sq.matmul ins(%x : tensor<?x64xf16>) weights(%p, bitmap(%b) : tensor<1x1024xi8>, tensor<1x128xi8>)
    outs(%init : tensor<?x16xf32>) {format = #sq.half<f16>, pattern = #sq.nm<2:4>, layout = #sq<layout fragments>} -> tensor<?x16xf32>
  // CHECK: sq.matmul ins(%{{.+}} : tensor<?x64xf16>) weights(%{{.+}} : tensor<1x2048xi8>) outs
  %1 = sq.matmul ins(%x : tensor<?x64xf16>) weights(%d : tensor<1x2048xi8>)
    outs(%0 : tensor<?x16xf32>) {format = #sq.half<f16>, layout = #sq<layout fragments>} -> tensor<?x16xf32>
  return %1 : tensor<?x16xf32>
}

// Codes as f16: a product may read these instead.
// CHECK-LABEL: func @widened_to_f16
func.func @widened_to_f16(%q: tensor<?x64xf8E4M3FN>, %t: tensor<?x1xf32>, %p: tensor<1x1024xi8>, %s: tensor<1x16xf32>, %init: tensor<?x16xf32>) -> tensor<?x16xf32> {
  // CHECK: %[[H:.*]] = sq.widen %{{.+}} from fp8<f8E4M3FN, row> : tensor<?x64xf8E4M3FN> -> tensor<?x64xf16>
  %h = sq.widen %q from fp8<f8E4M3FN, row> : tensor<?x64xf8E4M3FN> -> tensor<?x64xf16>
  // CHECK: sq.matmul ins(%[[H]], %{{.+}} : tensor<?x64xf16>, tensor<?x1xf32>)
  %0 = sq.matmul ins(%h, %t : tensor<?x64xf16>, tensor<?x1xf32>) weights(%p, scales(%s) : tensor<1x1024xi8>, tensor<1x16xf32>)
    outs(%init : tensor<?x16xf32>) {format = #sq.fp8<f8E4M3FN, row>, activationFormat = #sq.fp8<f8E4M3FN, row>, layout = #sq<layout fragments>} -> tensor<?x16xf32>
  return %0 : tensor<?x16xf32>
}
