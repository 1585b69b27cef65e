// What each key of a recipe writes into the IR. Masks come first, then
// quantization; what several products share is computed once.
//
// RUN: split-file %s %t
// RUN: sq-opt %t/model.mlir --sq-compress=recipe=%t/recipe.yaml | FileCheck %t/model.mlir
// RUN: sq-opt %t/layers.mlir --sq-compress=recipe=%t/layers.yaml \
// RUN:   --remark-policy=all --remark-format=emitRemark --remarks-filter=sq-compress 2>&1 | FileCheck %t/layers.mlir

//--- recipe.yaml
rules:
  - match: "*.both"
    sparsity: {pattern: nm2:4}
    weights: int8.row
    activations: int8.row
  - match: "*.{sparse,masked}"   # alternatives
    sparsity: {pattern: "1:4", criterion: magnitude}
  - match: "layer.[0-9].quantized"
    weights: mx.e4m3fn
  - match: "*.{query,key}"
    weights: int8.row
    activations: bf16             # rounded, without codes
  - match: "layer.1.dense.weight" # the parameter's own name fits, too
    dense: true
  - match: "layer.1.*"            # takes what is left of layer 1
    sparsity: {pattern: block4x4.0.5}
    weights: hbfp7.g64

//--- model.mlir
#x = affine_map<(m, n, k) -> (m, k)>
#w = affine_map<(m, n, k) -> (n, k)>
#y = affine_map<(m, n, k) -> (m, n)>

// CHECK-LABEL: func @both
// CHECK-SAME: (%[[X:[a-z0-9]+]]: tensor<?x8xf32>
func.func @both(%x: tensor<?x8xf32>, %a: tensor<?x8xf32>) -> tensor<?x8xf32> {
  // CHECK: %[[XQ:.*]], %[[XS:.*]] = sq.quantize %[[X]] to int<8, row>
  // CHECK: %[[XD:.*]] = sq.dequantize %[[XQ]], %[[XS]] from int<8, row>
  // CHECK: %[[W:.*]] = sq.parameter "layer.0.both.weight"
  // CHECK: %[[M:.*]] = sq.mask magnitude(%[[W]]) nm<2:4>
  // CHECK: %[[S:.*]] = sq.apply_mask %[[W]], %[[M]]
  // CHECK: %[[Q:.*]], %[[QS:.*]] = sq.quantize %[[S]] to int<8, row>
  // CHECK: %[[D:.*]] = sq.dequantize %[[Q]], %[[QS]] from int<8, row>
  // CHECK: linalg.matmul {{.*}}ins(%[[XD]], %[[D]]
  %w = sq.parameter "layer.0.both.weight" from "w.safetensors" : tensor<8x8xf32>
  %0 = linalg.matmul indexing_maps = [#x, #w, #y]
    ins(%x, %w : tensor<?x8xf32>, tensor<8x8xf32>) outs(%a : tensor<?x8xf32>) -> tensor<?x8xf32>
  return %0 : tensor<?x8xf32>
}

// Only a mask; linalg.contract is a linear layer, too.
// CHECK-LABEL: func @sparse
func.func @sparse(%x: tensor<2x8xf32>, %a: tensor<2x8xf32>) -> tensor<2x8xf32> {
  // CHECK: %[[M:.*]] = sq.mask magnitude(%{{.*}}) nm<1:4>
  // CHECK: %[[S:.*]] = sq.apply_mask %{{.*}}, %[[M]]
  // CHECK-NOT: sq.quantize
  // CHECK: linalg.contract {{.*}}ins(%{{.*}}, %[[S]]
  %w = sq.parameter "layer.0.sparse.weight" from "w.safetensors" : tensor<8x8xf32>
  %0 = linalg.contract indexing_maps = [#x, #w, #y]
    ins(%x, %w : tensor<2x8xf32>, tensor<8x8xf32>) outs(%a : tensor<2x8xf32>) -> tensor<2x8xf32>
  return %0 : tensor<2x8xf32>
}

// Only quantization; so is the linalg.generic that says the same.
// CHECK-LABEL: func @quantized
func.func @quantized(%x: tensor<2x64xf32>, %a: tensor<2x8xf32>) -> tensor<2x8xf32> {
  // CHECK-NOT: sq.mask
  // CHECK: sq.quantize %{{.*}} to mx<f8E4M3FN>
  // CHECK: %[[D:.*]] = sq.dequantize
  // CHECK: linalg.generic {{.*}} ins(%{{.*}}, %[[D]]
  %w = sq.parameter "layer.0.quantized.weight" from "w.safetensors" : tensor<8x64xf32>
  %0 = linalg.generic {indexing_maps = [#x, #w, #y], iterator_types = ["parallel", "parallel", "reduction"]}
    ins(%x, %w : tensor<2x64xf32>, tensor<8x64xf32>) outs(%a : tensor<2x8xf32>) {
  ^bb0(%l: f32, %r: f32, %acc: f32):
    %p = arith.mulf %l, %r : f32
    %s = arith.addf %acc, %p : f32
    linalg.yield %s : f32
  } -> tensor<2x8xf32>
  return %0 : tensor<2x8xf32>
}

// Activations in 16 bits are rounded and widened, once for all that read them.
// CHECK-LABEL: func @halves
// CHECK-SAME: (%[[X:[a-z0-9]+]]: tensor<?x8xf32>
func.func @halves(%x: tensor<?x8xf32>, %a: tensor<?x8xf32>) -> (tensor<?x8xf32>, tensor<?x8xf32>) {
  // CHECK: %[[H:.*]] = arith.truncf %[[X]] : tensor<?x8xf32> to tensor<?x8xbf16>
  // CHECK: %[[F:.*]] = arith.extf %[[H]] : tensor<?x8xbf16> to tensor<?x8xf32>
  // CHECK-NOT: arith.truncf
  // CHECK: linalg.matmul {{.*}}ins(%[[F]],
  // CHECK: linalg.matmul {{.*}}ins(%[[F]],
  %q = sq.parameter "layer.0.query.weight" from "w.safetensors" : tensor<8x8xf32>
  %k = sq.parameter "layer.0.key.weight" from "w.safetensors" : tensor<8x8xf32>
  %0 = linalg.matmul indexing_maps = [#x, #w, #y]
    ins(%x, %q : tensor<?x8xf32>, tensor<8x8xf32>) outs(%a : tensor<?x8xf32>) -> tensor<?x8xf32>
  %1 = linalg.matmul indexing_maps = [#x, #w, #y]
    ins(%x, %k : tensor<?x8xf32>, tensor<8x8xf32>) outs(%a : tensor<?x8xf32>) -> tensor<?x8xf32>
  return %0, %1 : tensor<?x8xf32>, tensor<?x8xf32>
}

// The first rule that matches the layer's or the parameter's name decides.
// CHECK-LABEL: func @first_match
func.func @first_match(%x: tensor<2x8xf32>, %a: tensor<2x8xf32>) -> (tensor<2x8xf32>, tensor<2x8xf32>) {
  // CHECK: %[[DENSE:.*]] = sq.parameter "layer.1.dense.weight"
  // CHECK: sq.parameter "layer.1.other.weight"
  // CHECK: sq.mask magnitude(%{{.*}}) block<4x4, {{5.0.*e-01|0.5}}>
  // CHECK: sq.quantize %{{.*}} to hbfp<7, group = 64>
  // CHECK: linalg.matmul {{.*}}ins(%{{.*}}, %[[DENSE]] :
  %w = sq.parameter "layer.1.dense.weight" from "w.safetensors" : tensor<8x8xf32>
  %v = sq.parameter "layer.1.other.weight" from "w.safetensors" : tensor<8x8xf32>
  %0 = linalg.matmul indexing_maps = [#x, #w, #y]
    ins(%x, %w : tensor<2x8xf32>, tensor<8x8xf32>) outs(%a : tensor<2x8xf32>) -> tensor<2x8xf32>
  %1 = linalg.matmul indexing_maps = [#x, #w, #y]
    ins(%x, %v : tensor<2x8xf32>, tensor<8x8xf32>) outs(%a : tensor<2x8xf32>) -> tensor<2x8xf32>
  return %0, %1 : tensor<2x8xf32>, tensor<2x8xf32>
}

//--- layers.yaml
rules:
  - match: "tied"
    weights: int8.row
  - match: "shared"
    weights: int4.g4
    activations: int8.row
  - match: "odd \"name\"*"
    sparsity: {pattern: unstructured0.5.tensor}

//--- layers.mlir
#x = affine_map<(m, n, k) -> (m, k)>
#w = affine_map<(m, n, k) -> (n, k)>
#y = affine_map<(m, n, k) -> (m, n)>

// Remarks come first.
// CHECK-DAG: layer 'tied' of 8x8: pattern dense, weights int8.row, activations f32 (rule 'tied')
// CHECK-DAG: layer 'shared' of 8x8: pattern dense, weights int4.g4, activations int8.row (rule 'shared')
// CHECK-DAG: layer 'odd "name" é[0]' of 8x8: pattern unstructured0.5.tensor, weights f32
// CHECK-DAG: layer 'unnamed' stays dense: no rule matches it
// CHECK-DAG: weight 'transposed.weight' is stored [K, N]; only [N, K] is compressed
// CHECK-DAG: the weight is masked or quantized already; left as it is

// A tied weight: the head is a linear layer and is compressed, the look-up
// reads the parameter as it is.
// CHECK-LABEL: func @tied
func.func @tied(%i: index, %x: tensor<2x8xf32>, %a: tensor<2x8xf32>) -> (tensor<1x8xf32>, tensor<2x8xf32>) {
  // CHECK: %[[W:.*]] = sq.parameter "tied.weight"
  // CHECK: %[[D:.*]] = sq.dequantize
  // CHECK: tensor.extract_slice %[[W]]
  // CHECK: linalg.matmul {{.*}}ins(%{{.*}}, %[[D]]
  %w = sq.parameter "tied.weight" from "w.safetensors" : tensor<8x8xf32>
  %e = tensor.extract_slice %w[%i, 0] [1, 8] [1, 1] : tensor<8x8xf32> to tensor<1x8xf32>
  %0 = linalg.matmul indexing_maps = [#x, #w, #y]
    ins(%x, %w : tensor<2x8xf32>, tensor<8x8xf32>) outs(%a : tensor<2x8xf32>) -> tensor<2x8xf32>
  return %e, %0 : tensor<1x8xf32>, tensor<2x8xf32>
}

// Two products of one input, by one weight: both are quantized once.
// CHECK-LABEL: func @shared_inside
func.func @shared_inside(%x: tensor<2x8xf32>, %a: tensor<2x8xf32>) -> (tensor<2x8xf32>, tensor<2x8xf32>) {
  // CHECK-COUNT-2: sq.quantize
  // CHECK-NOT: sq.quantize
  // CHECK: return
  %w = sq.parameter "shared.weight" from "w.safetensors" : tensor<8x8xf32>
  %0 = linalg.matmul indexing_maps = [#x, #w, #y]
    ins(%x, %w : tensor<2x8xf32>, tensor<8x8xf32>) outs(%a : tensor<2x8xf32>) -> tensor<2x8xf32>
  %1 = linalg.matmul indexing_maps = [#x, #w, #y]
    ins(%x, %w : tensor<2x8xf32>, tensor<8x8xf32>) outs(%0 : tensor<2x8xf32>) -> tensor<2x8xf32>
  return %0, %1 : tensor<2x8xf32>, tensor<2x8xf32>
}

// Another function's use of the same bytes gets the same treatment.
// CHECK-LABEL: func @shared_between
func.func @shared_between(%x: tensor<1x8xf32>, %a: tensor<1x8xf32>) -> tensor<1x8xf32> {
  // CHECK-DAG: sq.quantize %{{.*}} to int<8, row>
  // CHECK-DAG: sq.quantize %{{.*}} to int<4, group = 4>
  // CHECK: return
  %w = sq.parameter "shared.weight" from "w.safetensors" : tensor<8x8xf32>
  %0 = linalg.matmul indexing_maps = [#x, #w, #y]
    ins(%x, %w : tensor<1x8xf32>, tensor<8x8xf32>) outs(%a : tensor<1x8xf32>) -> tensor<1x8xf32>
  return %0 : tensor<1x8xf32>
}

// CHECK-LABEL: func @left_alone
func.func @left_alone(%x: tensor<2x8xf32>, %a: tensor<2x8xf32>) -> (tensor<2x8xf32>, tensor<2x8xf32>, tensor<2x8xf32>, tensor<2x8xf32>) {
  // CHECK: sq.parameter "odd \22name\22 \C3\A9[0].weight"
  // CHECK: sq.mask {{.*}} unstructured<{{.*}}, tensor>
  // CHECK: %[[N:.*]] = sq.parameter "unnamed.weight"
  // CHECK: %[[T:.*]] = sq.parameter "transposed.weight"
  // CHECK: linalg.matmul {{.*}}ins(%{{.*}}, %[[N]] :
  // CHECK: linalg.matmul ins(%{{.*}}, %[[T]] :
  %o = sq.parameter "odd \22name\22 \C3\A9[0].weight" from "w.safetensors" : tensor<8x8xf32>
  %n = sq.parameter "unnamed.weight" from "w.safetensors" : tensor<8x8xf32>
  %t = sq.parameter "transposed.weight" from "w.safetensors" : tensor<8x8xf32>
  %d = sq.parameter "done.weight" from "w.safetensors" : tensor<8x8xf32>
  %m = sq.mask magnitude(%d) nm<2:4> : tensor<8x8xf32>
  %s = sq.apply_mask %d, %m : tensor<8x8xf32>
  %0 = linalg.matmul indexing_maps = [#x, #w, #y]
    ins(%x, %n : tensor<2x8xf32>, tensor<8x8xf32>) outs(%a : tensor<2x8xf32>) -> tensor<2x8xf32>
  %1 = linalg.matmul ins(%x, %t : tensor<2x8xf32>, tensor<8x8xf32>) outs(%a : tensor<2x8xf32>) -> tensor<2x8xf32>
  %2 = linalg.matmul indexing_maps = [#x, #w, #y]
    ins(%x, %s : tensor<2x8xf32>, tensor<8x8xf32>) outs(%a : tensor<2x8xf32>) -> tensor<2x8xf32>
  %3 = linalg.matmul indexing_maps = [#x, #w, #y]
    ins(%x, %o : tensor<2x8xf32>, tensor<8x8xf32>) outs(%a : tensor<2x8xf32>) -> tensor<2x8xf32>
  return %0, %1, %2, %3 : tensor<2x8xf32>, tensor<2x8xf32>, tensor<2x8xf32>, tensor<2x8xf32>
}
