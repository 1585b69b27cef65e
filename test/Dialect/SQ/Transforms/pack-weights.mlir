// sq-pack-weights: what is stored, and what reads it afterwards.
//
// RUN: rm -rf %t && split-file %s %t && %python %t/weights.py %t
// RUN: sq-opt %t/model.mlir --sq-pack-weights="output=%t/m.sqw weights-dir=%t" \
// RUN:   --remark-policy=all --remark-format=emitRemark --remarks-filter=sq-pack-weights 2>&1 | FileCheck %t/model.mlir

//--- weights.py
import struct, sys, json
names = ["a", "b", "tied.weight", "run", "norm", "stat"]
data, header = b"", {}
for name in names:
    bytes_ = struct.pack("<64f", *((i * 37 % 64 - 31) / 8 for i in range(64)))
    header[name] = {"dtype": "F32", "shape": [8, 8], "data_offsets": [len(data), len(data) + 256]}
    data += bytes_
text = json.dumps(header).encode()
open(f"{sys.argv[1]}/w.safetensors", "wb").write(struct.pack("<Q", len(text)) + text + data)

//--- model.mlir
#x = affine_map<(m, n, k) -> (m, k)>
#w = affine_map<(m, n, k) -> (n, k)>
#y = affine_map<(m, n, k) -> (m, n)>

// CHECK-DAG: layer 'a': nm2:4, int8.row, 72 bytes instead of 256, 9.00 bits a weight
// CHECK-DAG: layer 'b' is stored as dense f32: f32 weights have no sparse kernel
// CHECK-DAG: the weight isn't computed from constants along its last axis; left to run time

// A masked and quantized weight is three entries; the codes of a quantized
// input feed the product.
// CHECK-LABEL: func @packed
func.func @packed(%x: tensor<2x8xf32>, %i: tensor<2x8xf32>) -> tensor<2x8xf32> {
  // CHECK: %[[Q:[a-z0-9_]+]], %[[S:[a-z0-9_]+]] = sq.quantize %{{.*}} to int<8, row>
  // CHECK: %[[P:.*]] = sq.parameter "a.payload" at {{[0-9]+}} : tensor<8x4xi8>
  // CHECK: %[[B:.*]] = sq.parameter "a.bitmap" at {{[0-9]+}} : tensor<8x1xi8>
  // CHECK: %[[C:.*]] = sq.parameter "a.scale" at {{[0-9]+}} : tensor<8x1xf32>
  // CHECK: sq.matmul ins(%[[Q]], %[[S]] : {{.*}}) weights(%[[P]], bitmap(%[[B]]), scales(%[[C]])
  // CHECK-SAME: activationFormat = #sq.int<8, row>, format = #sq.int<8, row>, pattern = #sq.nm<2:4>
  %w = sq.parameter "a" from "w.safetensors" : tensor<8x8xf32>
  %m = sq.mask magnitude(%w) nm<2:4> : tensor<8x8xf32>
  %s = sq.apply_mask %w, %m : tensor<8x8xf32>
  %q, %c = sq.quantize %s to int<8, row> : tensor<8x8xf32> -> tensor<8x8xi8>, tensor<8x1xf32>
  %d = sq.dequantize %q, %c from int<8, row> : tensor<8x8xi8>, tensor<8x1xf32> -> tensor<8x8xf32>
  %xq, %xc = sq.quantize %x to int<8, row> : tensor<2x8xf32> -> tensor<2x8xi8>, tensor<2x1xf32>
  %xd = sq.dequantize %xq, %xc from int<8, row> : tensor<2x8xi8>, tensor<2x1xf32> -> tensor<2x8xf32>
  %0 = linalg.matmul indexing_maps = [#x, #w, #y]
    ins(%xd, %d : tensor<2x8xf32>, tensor<8x8xf32>) outs(%i : tensor<2x8xf32>) -> tensor<2x8xf32>
  return %0 : tensor<2x8xf32>
}

// A mask alone is evaluated, zeros and all.
// CHECK-LABEL: func @masked
func.func @masked(%x: tensor<2x8xf32>, %i: tensor<2x8xf32>) -> tensor<2x8xf32> {
  // CHECK-NEXT: %[[W:.*]] = sq.parameter "b" at {{[0-9]+}} : tensor<8x8xf32>
  // CHECK-NEXT: linalg.matmul {{.*}}ins(%{{.*}}, %[[W]]
  %w = sq.parameter "b" from "w.safetensors" : tensor<8x8xf32>
  %m = sq.mask magnitude(%w) nm<2:4> : tensor<8x8xf32>
  %s = sq.apply_mask %w, %m : tensor<8x8xf32>
  %0 = linalg.matmul indexing_maps = [#x, #w, #y]
    ins(%x, %s : tensor<2x8xf32>, tensor<8x8xf32>) outs(%i : tensor<2x8xf32>) -> tensor<2x8xf32>
  return %0 : tensor<2x8xf32>
}

// A tied weight is stored twice: packed for the head, as f32 for the look-up.
// CHECK-LABEL: func @tied
func.func @tied(%x: tensor<2x8xf32>, %i: tensor<2x8xf32>, %at: index) -> (tensor<2x8xf32>, tensor<1x8xf32>) {
  // CHECK: %[[W:.*]] = sq.parameter "tied.weight" at {{[0-9]+}} : tensor<8x8xf32>
  // CHECK: tensor.extract_slice %[[W]]
  // CHECK: sq.parameter "tied.payload"
  // CHECK: sq.matmul
  %w = sq.parameter "tied.weight" from "w.safetensors" : tensor<8x8xf32>
  %q, %c = sq.quantize %w to int<4, row> : tensor<8x8xf32> -> tensor<8x8xi4>, tensor<8x1xf32>
  %d = sq.dequantize %q, %c from int<4, row> : tensor<8x8xi4>, tensor<8x1xf32> -> tensor<8x8xf32>
  %e = tensor.extract_slice %w[%at, 0] [1, 8] [1, 1] : tensor<8x8xf32> to tensor<1x8xf32>
  %0 = linalg.matmul indexing_maps = [#x, #w, #y]
    ins(%x, %d : tensor<2x8xf32>, tensor<8x8xf32>) outs(%i : tensor<2x8xf32>) -> tensor<2x8xf32>
  return %0, %e : tensor<2x8xf32>, tensor<1x8xf32>
}

// A mask that others read is computed at run time, from an entry of the file.
// CHECK-LABEL: func @mask_at_run_time
func.func @mask_at_run_time() -> tensor<8x8xi1> {
  // CHECK-NEXT: %[[W:.*]] = sq.parameter "run" at {{[0-9]+}} : tensor<8x8xf32>
  // CHECK-NEXT: %[[M:.*]] = sq.mask magnitude(%[[W]]) nm<2:4>
  // CHECK-NEXT: return %[[M]]
  %w = sq.parameter "run" from "w.safetensors" : tensor<8x8xf32>
  %m = sq.mask magnitude(%w) nm<2:4> : tensor<8x8xf32>
  return %m : tensor<8x8xi1>
}

// Codes that others read, too.
// CHECK-LABEL: func @codes_at_run_time
func.func @codes_at_run_time() -> (tensor<8x8xi8>, tensor<8x1xf32>) {
  // CHECK-NEXT: %[[W:.*]] = sq.parameter "norm" at {{[0-9]+}} : tensor<8x8xf32>
  // CHECK-NEXT: sq.quantize %[[W]]
  %w = sq.parameter "norm" from "w.safetensors" : tensor<8x8xf32>
  %q, %c = sq.quantize %w to int<8, row> : tensor<8x8xf32> -> tensor<8x8xi8>, tensor<8x1xf32>
  return %q, %c : tensor<8x8xi8>, tensor<8x1xf32>
}

// One weight, two treatments: two layers with names of their own.
// CHECK-LABEL: func @two_treatments
func.func @two_treatments(%x: tensor<2x8xf32>, %i: tensor<2x8xf32>) -> tensor<2x8xf32> {
  // CHECK-DAG: sq.parameter "stat.payload" at {{[0-9]+}} : tensor<8x8xi8>
  // CHECK-DAG: sq.parameter "stat.1.payload" at {{[0-9]+}} : tensor<8x4xi8>
  // CHECK: return
  %w = sq.parameter "stat" from "w.safetensors" : tensor<8x8xf32>
  %q, %c = sq.quantize %w to int<8, row> : tensor<8x8xf32> -> tensor<8x8xi8>, tensor<8x1xf32>
  %d = sq.dequantize %q, %c from int<8, row> : tensor<8x8xi8>, tensor<8x1xf32> -> tensor<8x8xf32>
  %q4, %c4 = sq.quantize %w to int<4, row> : tensor<8x8xf32> -> tensor<8x8xi4>, tensor<8x1xf32>
  %d4 = sq.dequantize %q4, %c4 from int<4, row> : tensor<8x8xi4>, tensor<8x1xf32> -> tensor<8x8xf32>
  %0 = linalg.matmul indexing_maps = [#x, #w, #y]
    ins(%x, %d : tensor<2x8xf32>, tensor<8x8xf32>) outs(%i : tensor<2x8xf32>) -> tensor<2x8xf32>
  %1 = linalg.matmul indexing_maps = [#x, #w, #y]
    ins(%x, %d4 : tensor<2x8xf32>, tensor<8x8xf32>) outs(%0 : tensor<2x8xf32>) -> tensor<2x8xf32>
  return %1 : tensor<2x8xf32>
}

// What isn't constant stays as it is.
// CHECK-LABEL: func @not_constant
func.func @not_constant(%x: tensor<2x8xf32>, %w: tensor<8x8xf32>, %i: tensor<2x8xf32>) -> tensor<2x8xf32> {
  // CHECK: sq.mask
  // CHECK: sq.apply_mask
  // CHECK: linalg.matmul
  %m = sq.mask magnitude(%w) nm<2:4> : tensor<8x8xf32>
  %s = sq.apply_mask %w, %m : tensor<8x8xf32>
  %0 = linalg.matmul indexing_maps = [#x, #w, #y]
    ins(%x, %s : tensor<2x8xf32>, tensor<8x8xf32>) outs(%i : tensor<2x8xf32>) -> tensor<2x8xf32>
  return %0 : tensor<2x8xf32>
}
