#x = affine_map<(m, n, k) -> (m, k)>
#w = affine_map<(m, n, k) -> (n, k)>
#y = affine_map<(m, n, k) -> (m, n)>
module @tails {
  // y = x w^T + 1, s = the sums of its columns: extents that fill no block, and
  // reductions in the middle and at the end.
  func.func @f(%x: tensor<?x19xf32> {sq.name = "x", sq.dims = ["M"]},
               %w: tensor<33x19xf32> {sq.name = "w"})
      -> (tensor<?x33xf32> {sq.name = "y", sq.dims = ["M"]}, tensor<33xf32> {sq.name = "s"})
      attributes {sq.symbol_max = {M = 300 : i64}} {
    %c0 = arith.constant 0 : index
    %one = arith.constant 1.0 : f32
    %zero = arith.constant 0.0 : f32
    %m = tensor.dim %x, %c0 : tensor<?x19xf32>
    %empty = tensor.empty(%m) : tensor<?x33xf32>
    %ones = linalg.fill ins(%one : f32) outs(%empty : tensor<?x33xf32>) -> tensor<?x33xf32>
    %y = linalg.matmul indexing_maps = [#x, #w, #y]
        ins(%x, %w : tensor<?x19xf32>, tensor<33x19xf32>) outs(%ones : tensor<?x33xf32>) -> tensor<?x33xf32>
    %row = tensor.empty() : tensor<33xf32>
    %zeros = linalg.fill ins(%zero : f32) outs(%row : tensor<33xf32>) -> tensor<33xf32>
    %s = linalg.reduce { arith.addf } ins(%y : tensor<?x33xf32>) outs(%zeros : tensor<33xf32>) dimensions = [0]
    return %y, %s : tensor<?x33xf32>, tensor<33xf32>
  }

  func.func @angles(%x: tensor<?xf32> {sq.name = "x", sq.dims = ["N"]})
      -> (tensor<?xf32> {sq.name = "sin", sq.dims = ["N"]}, tensor<?xf32> {sq.name = "cos", sq.dims = ["N"]})
      attributes {sq.symbol_max = {N = 5000 : i64}} {
    %c0 = arith.constant 0 : index
    %n = tensor.dim %x, %c0 : tensor<?xf32>
    %empty = tensor.empty(%n) : tensor<?xf32>
    %sin:2 = linalg.generic {indexing_maps = [affine_map<(i) -> (i)>, affine_map<(i) -> (i)>, affine_map<(i) -> (i)>],
                             iterator_types = ["parallel"]}
        ins(%x : tensor<?xf32>) outs(%empty, %empty : tensor<?xf32>, tensor<?xf32>) {
    ^bb0(%a: f32, %o: f32, %p: f32):
      %0 = math.sin %a : f32
      %1 = math.cos %a : f32
      linalg.yield %0, %1 : f32, f32
    } -> (tensor<?xf32>, tensor<?xf32>)
    return %sin#0, %sin#1 : tensor<?xf32>, tensor<?xf32>
  }
}
