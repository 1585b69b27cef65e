func.func @two(%x: tensor<32x512xf32>, %w: tensor<512x512xf32>) -> tensor<32x512xf32> {
  %zero = arith.constant 0.0 : f32
  %empty = tensor.empty() : tensor<32x512xf32>
  %init = linalg.fill ins(%zero : f32) outs(%empty : tensor<32x512xf32>) -> tensor<32x512xf32>
  %0 = linalg.matmul
      indexing_maps = [affine_map<(m, n, k) -> (m, k)>, affine_map<(m, n, k) -> (n, k)>, affine_map<(m, n, k) -> (m, n)>]
      ins(%x, %w : tensor<32x512xf32>, tensor<512x512xf32>)
      outs(%init : tensor<32x512xf32>) -> tensor<32x512xf32>
  %1 = linalg.matmul
      indexing_maps = [affine_map<(m, n, k) -> (m, k)>, affine_map<(m, n, k) -> (n, k)>, affine_map<(m, n, k) -> (m, n)>]
      ins(%0, %w : tensor<32x512xf32>, tensor<512x512xf32>)
      outs(%init : tensor<32x512xf32>) -> tensor<32x512xf32>
  return %1 : tensor<32x512xf32>
}
