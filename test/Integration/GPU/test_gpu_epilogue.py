"""Biases, an activation function, a gate and a rounding in the kernels of products, from their
PTX, against NumPy in f64.

The pieces are ops of their own in the model, and are computed where the products' elements
are in registers (test/CodeGen/GPU/epilogue.mlir): by the kernel for few tokens, and by the
one for many, for tails of tiles as well.
"""

import numpy as np
import pytest
from artifact import Artifact
from packed_model import round_trip, rule, run, sparsify
from ptx_driver import load_driver
from reference import F32
from safetensors.numpy import save_file

N, K = 45, 130
MODEL = f"""
#x = affine_map<(m, n, k) -> (m, k)>
#w = affine_map<(m, n, k) -> (n, k)>
#y = affine_map<(m, n, k) -> (m, n)>
#id = affine_map<(m, n) -> (m, n)>
!x = tensor<?x{K}xf32>
!w = tensor<{N}x{K}xf32>
!y = tensor<?x{N}xf32>
!h = tensor<?x{N}xf16>
func.func @f(%x: !x {{sq.name = "x", sq.dims = ["M", ""]}})
    -> (!h {{sq.name = "h", sq.dims = ["M", ""]}}, !y {{sq.name = "y", sq.dims = ["M", ""]}})
    attributes {{sq.symbol_max = {{M = 64}}}} {{
  %gate = sq.parameter "gate" from "model.safetensors" : !w
  %up = sq.parameter "up" from "model.safetensors" : !w
  %gate_bias = sq.parameter "gate_bias" from "model.safetensors" : tensor<{N}xf32>
  %up_bias = sq.parameter "up_bias" from "model.safetensors" : tensor<{N}xf32>
  %one = arith.constant 1.0 : f32
  %c0 = arith.constant 0 : index
  %m = tensor.dim %x, %c0 : !x
  %e = tensor.empty(%m) : !y
  %b0 = linalg.broadcast ins(%gate_bias : tensor<{N}xf32>) outs(%e : !y) dimensions = [0]
  %g = linalg.matmul indexing_maps = [#x, #w, #y] ins(%x, %gate : !x, !w) outs(%b0 : !y) -> !y
  %b1 = linalg.broadcast ins(%up_bias : tensor<{N}xf32>) outs(%e : !y) dimensions = [0]
  %u = linalg.matmul indexing_maps = [#x, #w, #y] ins(%x, %up : !x, !w) outs(%b1 : !y) -> !y
  %s = linalg.generic {{indexing_maps = [#id, #id, #id], iterator_types = ["parallel", "parallel"]}}
    ins(%g, %u : !y, !y) outs(%e : !y) {{
  ^bb0(%a: f32, %b: f32, %o: f32):
    %0 = arith.negf %a : f32
    %1 = math.exp %0 : f32
    %2 = arith.addf %1, %one : f32
    %3 = arith.divf %a, %2 : f32
    %4 = arith.mulf %3, %b : f32
    linalg.yield %4 : f32
  }} -> !y
  %h = arith.truncf %s : !y to !h
  return %h, %g : !h, !y
}}
"""


@pytest.mark.parametrize("activations", [None, "f16", "int8.row"])
def test_gated(activations, tmp_path, monkeypatch):
    load_driver()
    monkeypatch.setenv("SQ_PTX_CAPABILITY", "90")
    rng = np.random.default_rng(5)
    weights = {name: rng.standard_normal((N, K)).astype(F32) / 8 for name in ("gate", "up")}
    biases = {f"{name}_bias": rng.standard_normal(N).astype(F32) for name in weights}
    save_file(weights | biases, tmp_path / "model.safetensors")
    (tmp_path / "model.mlir").write_text(MODEL)
    (tmp_path / "recipe.yaml").write_text(
        f"rules:\n  - {rule('*', 'nm2:4', 'mx.e2m1fn', activations)}\n")
    run("sq-compile", tmp_path / "model.mlir", "--recipe", tmp_path / "recipe.yaml",
        "--weights-dir", tmp_path, "--target=cuda:sm_90a", "-o", tmp_path / "model.so")
    kept = {name: round_trip("mx.e2m1fn", sparsify("nm2:4", weight)).astype(np.float64)
            for name, weight in weights.items()}
    with Artifact(tmp_path / "model.so") as opened:
        for m in (1, 9, 16, 17, 64):
            x = rng.standard_normal((m, K)).astype(F32)
            half, gate = np.empty((m, N), np.float16), np.empty((m, N), F32)
            opened.call_into("f", [x], [half, gate])
            left = round_trip(activations, x).astype(np.float64)
            g = left @ kept["gate"].T + biases["gate_bias"]
            u = left @ kept["up"].T + biases["up_bias"]
            np.testing.assert_allclose(gate, g, rtol=1e-5, atol=1e-5)
            np.testing.assert_allclose(half.astype(F32), g / (1 + np.exp(-g)) * u, rtol=2e-3,
                                       atol=1e-3)
