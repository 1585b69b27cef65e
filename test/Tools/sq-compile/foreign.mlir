// A layer as an importer may write it: quantized, then masked, by arithmetic.
// sq-compile raises it, masks first, and packs codes, bitmap and the scales that
// were given. NumPy has the same numbers.
// UNSUPPORTED: sanitizers
// RUN: rm -rf %t && mkdir %t && %python %S/Inputs/make-foreign.py %t
// RUN: sq-compile %s --weights-dir=%t --target=native -o %t/m.so
// RUN: sq-run call %t/m.so f --input x=%t/x.npy --expect y=%t/y.npy
// RUN: sq-run info %t/m.so | FileCheck %s --check-prefix=INFO
// INFO: given mask
module @foreign {
  func.func @f(%x: tensor<3x16xf32> {sq.name = "x"}) -> (tensor<3x8xf32> {sq.name = "y"}) {
    %w = sq.parameter "w" from "w.safetensors" : tensor<8x16xf32>
    %s = arith.constant dense<[0.015625, 0.03125, 0.015625, 0.03125, 0.015625, 0.03125, 0.015625, 0.03125]> : tensor<8xf32>
    %m = arith.constant dense<[1.0, 0.0, 1.0, 0.0, 0.0, 1.0, 1.0, 0.0, 1.0, 0.0, 1.0, 0.0, 0.0, 1.0, 1.0, 0.0]> : tensor<16xf32>
    %we = tensor.empty() : tensor<8x16xf32>
    %sb = linalg.broadcast ins(%s : tensor<8xf32>) outs(%we : tensor<8x16xf32>) dimensions = [1]
    %mb = linalg.broadcast ins(%m : tensor<16xf32>) outs(%we : tensor<8x16xf32>) dimensions = [0]
    %lo = arith.constant dense<-127.0> : tensor<8x16xf32>
    %hi = arith.constant dense<127.0> : tensor<8x16xf32>
    %0 = arith.divf %w, %sb : tensor<8x16xf32>
    %1 = math.roundeven %0 : tensor<8x16xf32>
    %2 = arith.maximumf %1, %lo : tensor<8x16xf32>
    %3 = arith.minimumf %2, %hi : tensor<8x16xf32>
    %q = arith.fptosi %3 : tensor<8x16xf32> to tensor<8x16xi8>
    %4 = arith.sitofp %q : tensor<8x16xi8> to tensor<8x16xf32>
    %d = arith.mulf %4, %sb : tensor<8x16xf32>
    %sparse = arith.mulf %d, %mb : tensor<8x16xf32>
    %z = arith.constant 0.0 : f32
    %e = tensor.empty() : tensor<3x8xf32>
    %i = linalg.fill ins(%z : f32) outs(%e : tensor<3x8xf32>) -> tensor<3x8xf32>
    %y = linalg.matmul indexing_maps = [affine_map<(m, n, k) -> (m, k)>, affine_map<(m, n, k) -> (n, k)>, affine_map<(m, n, k) -> (m, n)>]
        ins(%x, %sparse : tensor<3x16xf32>, tensor<8x16xf32>) outs(%i : tensor<3x8xf32>) -> tensor<3x8xf32>
    return %y : tensor<3x8xf32>
  }
}
