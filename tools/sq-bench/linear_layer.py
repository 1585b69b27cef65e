"""One linear layer as IR, for the programs here that compile layers."""


def module_text(n, k):
    """A function `layer`, y = x W^T, of the tensor "layer.weight" in layer.safetensors."""
    x, w, y = f"tensor<?x{k}xf32>", f"tensor<{n}x{k}xf32>", f"tensor<?x{n}xf32>"
    return f"""#x = affine_map<(m, n, k) -> (m, k)>
#w = affine_map<(m, n, k) -> (n, k)>
#y = affine_map<(m, n, k) -> (m, n)>
func.func @layer(%x: {x} {{sq.name = "x", sq.dims = ["M", ""]}})
    -> ({y} {{sq.name = "y", sq.dims = ["M", ""]}}) attributes {{sq.symbol_max = {{M = 65536}}}} {{
  %w = sq.parameter "layer.weight" from "layer.safetensors" : {w}
  %zero = arith.constant 0.0 : f32
  %c0 = arith.constant 0 : index
  %m = tensor.dim %x, %c0 : {x}
  %e = tensor.empty(%m) : {y}
  %i = linalg.fill ins(%zero : f32) outs(%e : {y}) -> {y}
  %r = linalg.matmul indexing_maps = [#x, #w, #y] ins(%x, %w : {x}, {w}) outs(%i : {y}) -> {y}
  return %r : {y}
}}
"""
