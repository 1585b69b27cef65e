func.func @masks(%w: tensor<8x16xf32>) -> (tensor<8x16xi1>, tensor<8x16xi1>) {
  %m = sq.mask magnitude(%w) nm<2:4> : tensor<8x16xf32>
  %n = sq.mask magnitude(%w) unstructured<0.5, row> : tensor<8x16xf32>
  return %m, %n : tensor<8x16xi1>, tensor<8x16xi1>
}
