// sq-pack-weights: a file's own f16 and bf16 stay 16 bits where every reader can
// widen them.
//
// RUN: rm -rf %t && split-file %s %t && %python %t/weights.py %t
// RUN: sq-opt %t/model.mlir --sq-pack-weights="output=%t/m.sqw weights-dir=%t" \
// RUN:   --remark-policy=all --remark-format=emitRemark --remarks-filter=sq-pack-weights 2>&1 | FileCheck %t/model.mlir
// RUN: sq-opt %t/model.mlir --sq-pack-weights="output=%t/study.sqw weights-dir=%t study-order=sparsity" | FileCheck %t/model.mlir --check-prefix=STUDY

//--- weights.py
import struct, sys, json
data, header = b"", {}
for name, dtype in {"a": "BF16", "b": "F16", "tied": "BF16", "twice": "F16"}.items():
    header[name] = {"dtype": dtype, "shape": [8, 8], "data_offsets": [len(data), len(data) + 128]}
    data += struct.pack("<64H", *range(0x3c00, 0x3c40))
text = json.dumps(header).encode()
open(f"{sys.argv[1]}/w.safetensors", "wb").write(struct.pack("<Q", len(text)) + text + data)

//--- model.mlir
#x = affine_map<(m, n, k) -> (m, k)>
#w = affine_map<(m, n, k) -> (n, k)>
#y = affine_map<(m, n, k) -> (m, n)>

// CHECK-DAG: layer 'a' is stored as dense bf16: nothing compresses it
// CHECK-DAG: layer 'b' is stored as dense f16: nothing compresses it
// CHECK-DAG: layer 'twice' is stored as dense f32: nothing compresses it

// The product reads 16 bits and widens to the type of its sum.
// CHECK-LABEL: func @products
// STUDY-LABEL: func @products
func.func @products(%x: tensor<2x8xf32>, %i: tensor<2x8xf32>) -> tensor<2x8xf32> {
  // CHECK: %[[A:.*]] = sq.parameter "a" at {{[0-9]+}} : tensor<8x8xbf16>
  // CHECK: linalg.matmul {{.*}}ins(%{{.*}}, %[[A]] : tensor<2x8xf32>, tensor<8x8xbf16>) outs(%{{.*}} : tensor<2x8xf32>)
  // A study compares values that may be any f32.
  // STUDY: sq.parameter "a" at {{[0-9]+}} : tensor<8x8xf32>
  %a = sq.parameter "a" from "w.safetensors" : tensor<8x8xf32>
  %0 = linalg.matmul indexing_maps = [#x, #w, #y]
    ins(%x, %a : tensor<2x8xf32>, tensor<8x8xf32>) outs(%i : tensor<2x8xf32>) -> tensor<2x8xf32>
  // However the product is spelled.
  // CHECK: %[[B:.*]] = sq.parameter "b" at {{[0-9]+}} : tensor<8x8xf16>
  // CHECK-NOT: linalg.contract
  // CHECK: linalg.matmul {{.*}}ins(%{{.*}}, %[[B]] : tensor<2x8xf32>, tensor<8x8xf16>)
  %b = sq.parameter "b" from "w.safetensors" : tensor<8x8xf32>
  %1 = linalg.contract indexing_maps = [#x, #w, #y]
    ins(%0, %b : tensor<2x8xf32>, tensor<8x8xf32>) outs(%i : tensor<2x8xf32>) -> tensor<2x8xf32>
  return %1 : tensor<2x8xf32>
}

// A look-up of elements widens them, and shares the entry with the product.
// CHECK-LABEL: func @look_up
func.func @look_up(%x: tensor<2x8xf32>, %i: tensor<2x8xf32>, %row: index, %col: index) -> (f32, tensor<2x8xf32>) {
  // CHECK: %[[T:.*]] = sq.parameter "tied" at [[AT:[0-9]+]] : tensor<8x8xbf16>
  // CHECK: %[[E:.*]] = tensor.extract %[[T]][%{{.*}}, %{{.*}}] : tensor<8x8xbf16>
  // CHECK: %[[F:.*]] = arith.extf %[[E]] : bf16 to f32
  // CHECK: linalg.matmul {{.*}} tensor<8x8xbf16>
  // CHECK: return %[[F]]
  %t = sq.parameter "tied" from "w.safetensors" : tensor<8x8xf32>
  %0 = tensor.extract %t[%row, %col] : tensor<8x8xf32>
  %1 = linalg.matmul indexing_maps = [#x, #w, #y]
    ins(%x, %t : tensor<2x8xf32>, tensor<8x8xf32>) outs(%i : tensor<2x8xf32>) -> tensor<2x8xf32>
  return %0, %1 : f32, tensor<2x8xf32>
}

// One reader of whole tensors makes it f32 for all: it is stored once.
// CHECK-LABEL: func @other_reader
func.func @other_reader(%x: tensor<2x8xf32>, %i: tensor<2x8xf32>) -> (tensor<8x8xf32>, tensor<2x8xf32>) {
  // CHECK: %[[W:.*]] = sq.parameter "twice" at {{[0-9]+}} : tensor<8x8xf32>
  // CHECK: math.absf %[[W]]
  // CHECK: linalg.matmul {{.*}}ins(%{{.*}}, %[[W]]
  %w = sq.parameter "twice" from "w.safetensors" : tensor<8x8xf32>
  %0 = math.absf %w : tensor<8x8xf32>
  %1 = linalg.matmul indexing_maps = [#x, #w, #y]
    ins(%x, %w : tensor<2x8xf32>, tensor<8x8xf32>) outs(%i : tensor<2x8xf32>) -> tensor<2x8xf32>
  return %0, %1 : tensor<8x8xf32>, tensor<2x8xf32>
}

// What was rounded by ops is stored as rounded, and shares its entry with a look-up.
// CHECK-LABEL: func @rounded
func.func @rounded(%x: tensor<2x8xf32>, %i: tensor<2x8xf32>, %row: index, %col: index) -> (f32, tensor<2x8xf32>) {
  // CHECK: %[[R:.*]] = sq.parameter "a{{[.0-9]*}}" at [[AT:[0-9]+]] : tensor<8x8xf16>
  // CHECK: tensor.extract %[[R]]
  // CHECK: linalg.matmul {{.*}}ins(%{{.*}}, %[[R]] : tensor<2x8xf32>, tensor<8x8xf16>)
  // CHECK-NOT: arith.truncf
  %w = sq.parameter "a" from "w.safetensors" : tensor<8x8xf32>
  %h = arith.truncf %w : tensor<8x8xf32> to tensor<8x8xf16>
  %f = arith.extf %h : tensor<8x8xf16> to tensor<8x8xf32>
  %0 = tensor.extract %f[%row, %col] : tensor<8x8xf32>
  %1 = linalg.matmul indexing_maps = [#x, #w, #y]
    ins(%x, %f : tensor<2x8xf32>, tensor<8x8xf32>) outs(%i : tensor<2x8xf32>) -> tensor<2x8xf32>
  return %0, %1 : f32, tensor<2x8xf32>
}
