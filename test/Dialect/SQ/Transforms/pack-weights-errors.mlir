// What only this pass refuses; wrong weight files are in
// test/Integration/CPU/test_packed_weights.py.
//
// RUN: split-file %s %t
// RUN: not sq-opt %t/packed.mlir --sq-pack-weights=output=%t/m.sqw 2>&1 | FileCheck %s --check-prefix=PACKED --implicit-check-not=error:
// PACKED: error: parameter 'fc.payload' has no source: the weights are packed already; run sq-pack-weights once, on the model as imported
// RUN: not sq-opt %t/type.mlir --sq-pack-weights=output=%t/m.sqw 2>&1 | FileCheck %s --check-prefix=TYPE --implicit-check-not=error:
// TYPE: error: parameter 'fc' has type 'tensor<8xcomplex<f32>>', which the weight file can't hold
// RUN: not sq-opt %t/name.mlir --sq-pack-weights="output=%t/m.sqw weights-dir=%t" 2>&1 | FileCheck %s --check-prefix=NAME --implicit-check-not=error:
// NAME: error: '__pad_0' can't be the name of a tensor
// RUN: not sq-opt %t/type.mlir --sq-pack-weights 2>&1 | FileCheck %s --check-prefix=OPTION --implicit-check-not=error:
// OPTION: error: sq-pack-weights needs a file to write; set the option output=<file.sqw>

//--- packed.mlir
func.func @main() -> tensor<8x4xi8> {
  %p = sq.parameter "fc.payload" at 448 : tensor<8x4xi8>
  return %p : tensor<8x4xi8>
}
//--- type.mlir
func.func @main() -> tensor<8xcomplex<f32>> {
  %p = sq.parameter "fc" from "w.safetensors" : tensor<8xcomplex<f32>>
  return %p : tensor<8xcomplex<f32>>
}
//--- name.mlir
func.func @main() -> tensor<8xf32> {
  %p = sq.parameter "__pad_0" from "w.safetensors" : tensor<8xf32>
  return %p : tensor<8xf32>
}
