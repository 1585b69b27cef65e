// A model in miniature: an embedding, a 2:4 int8 layer, a state, and the rules
// that the runtime checks: token bound, capacity, a symbolic extent.
#cols = affine_map<(t, k) -> (t)>
#all = affine_map<(t, k) -> (t, k)>
module @tiny {
  func.func @step(
      %tokens: tensor<?xi32> {sq.name = "tokens", sq.dims = ["T"], sq.bound = 16},
      %pos: tensor<i64> {sq.name = "pos"},
      %seen: tensor<8x32xf32> {sq.state = "seen"})
      -> (tensor<?x8xf32> {sq.name = "y", sq.dims = ["T", ""]},
          tensor<8x32xf32> {sq.state = "seen"})
      attributes {sq.pos_arg = "pos", sq.capacity = 8, sq.len_symbol = "T",
                  sq.symbol_max = {T = 8}} {
    %c0 = arith.constant 0 : index
    %zero = arith.constant 0.0 : f32
    %n = tensor.dim %tokens, %c0 : tensor<?xi32>
    %table = sq.parameter "embed" from "weights.safetensors" : tensor<16x32xf32>
    %e = tensor.empty(%n) : tensor<?x32xf32>
    %x = linalg.generic {indexing_maps = [#cols, #all], iterator_types = ["parallel", "parallel"]}
        ins(%tokens : tensor<?xi32>) outs(%e : tensor<?x32xf32>) {
    ^bb0(%token: i32, %out: f32):
      %row = arith.index_cast %token : i32 to index
      %k = linalg.index 1 : index
      %v = tensor.extract %table[%row, %k] : tensor<16x32xf32>
      linalg.yield %v : f32
    } -> tensor<?x32xf32>
    %p64 = tensor.extract %pos[] : tensor<i64>
    %p = arith.index_cast %p64 : i64 to index
    %new = tensor.insert_slice %x into %seen[%p, 0] [%n, 32] [1, 1]
        : tensor<?x32xf32> into tensor<8x32xf32>

    %w = sq.parameter "layer" from "weights.safetensors" : tensor<8x32xf32>
    %m = sq.mask magnitude(%w) nm<2:4> : tensor<8x32xf32>
    %s = sq.apply_mask %w, %m : tensor<8x32xf32>
    %q, %scale = sq.quantize %s to int<8, row>
        : tensor<8x32xf32> -> tensor<8x32xi8>, tensor<8x1xf32>
    %d = sq.dequantize %q, %scale from int<8, row>
        : tensor<8x32xi8>, tensor<8x1xf32> -> tensor<8x32xf32>
    %o = tensor.empty(%n) : tensor<?x8xf32>
    %f = linalg.fill ins(%zero : f32) outs(%o : tensor<?x8xf32>) -> tensor<?x8xf32>
    %y = linalg.matmul
        indexing_maps = [affine_map<(m, n, k) -> (m, k)>, affine_map<(m, n, k) -> (n, k)>,
                         affine_map<(m, n, k) -> (m, n)>]
        ins(%x, %d : tensor<?x32xf32>, tensor<8x32xf32>) outs(%f : tensor<?x8xf32>) -> tensor<?x8xf32>
    return %y, %new : tensor<?x8xf32>, tensor<8x32xf32>
  }
}
