func.func @scale(%x: tensor<i64> {sq.name = "x"}) -> (tensor<i64> {sq.name = "y"}) {
  %y = arith.addi %x, %x : tensor<i64>
  return %y : tensor<i64>
}
