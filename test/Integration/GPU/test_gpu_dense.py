"""Layers that stay dense, from their PTX, against NumPy in f64: weights in f32, f16 and bf16.

Up to 16 tokens warps reduce rows of weights; more go to tensor cores, whose parts in bf16
hold all bits of both sides, so that only sums are rounded.
"""

import ml_dtypes
import numpy as np
import pytest
from artifact import Artifact
from packed_model import run
from ptx_driver import load_driver
from reference import F32
from safetensors.numpy import save_file
from test_tiles import module_text

SHAPES = [(33, 131), (16, 64), (17, 63), (1, 1), (130, 70)]
TOKENS = [1, 16, 17, 45, 130]
DTYPES = {"f32": np.float32, "f16": np.float16, "bf16": ml_dtypes.bfloat16}


@pytest.mark.parametrize("dtype", DTYPES)
def test_products(dtype, tmp_path, monkeypatch):
    load_driver()
    monkeypatch.setenv("SQ_PTX_CAPABILITY", "90")
    rng = np.random.default_rng(3)
    # Subnormal halves, too, and both zeros.
    weights = {}
    for index, shape in enumerate(SHAPES):
        weight = rng.standard_normal(shape) * 2.0 ** rng.integers(-20, 3, shape)
        weight[0, ::3] = -0.0
        weights[f"w{index}"] = weight.astype(DTYPES[dtype])
    save_file({f"{name}.weight": w for name, w in weights.items()}, tmp_path / "model.safetensors")
    (tmp_path / "model.mlir").write_text(module_text(weights))
    run("sq-compile", tmp_path / "model.mlir", "--weights-dir", tmp_path, "--target=cuda:sm_90a",
        "-o", tmp_path / "model.so")
    with Artifact(tmp_path / "model.so") as opened:
        for name, weight in weights.items():
            n, k = weight.shape
            for m in TOKENS:
                x = rng.standard_normal((m, k)).astype(F32)
                function = f"{name}_{'one' if m == 1 else 'many'}"
                (actual,) = opened.call(function, [x], [(m, n)])
                w = weight.astype(np.float64)
                # As a sum of up to nine products of parts for each of K, in any order.
                bound = (9 * k + 8) * 2.0**-24 * (np.abs(x).astype(np.float64) @ np.abs(w).T)
                difference = np.abs(actual - x.astype(np.float64) @ w.T)
                assert (difference <= bound + 1e-30).all(), (name, m, difference.max())
