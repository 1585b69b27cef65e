module @exp {
  func.func @f(%x: tensor<?x5xf32> {sq.name = "x", sq.dims = ["N"]})
      -> (tensor<?x5xf32> {sq.name = "y", sq.dims = ["N"]}) attributes {sq.symbol_max = {N = 64 : i64}} {
    %c0 = arith.constant 0 : index
    %n = tensor.dim %x, %c0 : tensor<?x5xf32>
    %empty = tensor.empty(%n) : tensor<?x5xf32>
    %y = linalg.exp ins(%x : tensor<?x5xf32>) outs(%empty : tensor<?x5xf32>) -> tensor<?x5xf32>
    return %y : tensor<?x5xf32>
  }
}
