"""Dense weights in f16 and bf16: the file's own bytes, widened as they are read.

Widening is exact, so an artifact of 16 bits must give the very results of one
whose file has the same values in f32, from few rows of activations to panels, at
odd shapes, with 16 and 8 lanes. About 10 s.
"""

import json
from pathlib import Path

import ml_dtypes
import numpy as np
import pytest
from artifact import Artifact
from packed_model import WeightFile, rule, run, sparsify
from reference import F32
from safetensors.numpy import save_file
from test_tiles import module_text

SHAPES = [(33, 321), (16, 256), (17, 63), (1, 1), (5, 1031), (6, 40)]
ROWS = [1, 2, 15, 16, 41]
DTYPES = {"f16": np.float16, "bf16": ml_dtypes.bfloat16}
TARGETS = {"haswell": {"avx2", "fma", "f16c"}, "icelake-server": {"avx512f", "avx512bw", "avx512vl"}}
CPUINFO = Path("/proc/cpuinfo")


def missing(target):
    return not CPUINFO.exists() or not TARGETS[target] <= set(CPUINFO.read_text().split())


def make_weights(dtype):
    rng = np.random.default_rng(3)
    weights = {}
    for index, shape in enumerate(SHAPES):
        # Subnormal halves, too, and both zeros.
        weight = rng.standard_normal(shape) * 2.0 ** rng.integers(-20, 3, shape)
        weight[0, ::3] = -0.0
        weights[f"w{index}"] = weight.astype(dtype)
    return weights


def compile_model(folder, weights, target, *options):
    folder.mkdir()
    save_file({f"{name}.weight": w for name, w in weights.items()}, folder / "model.safetensors")
    (folder / "model.mlir").write_text(module_text(weights))
    run("sq-compile", folder / "model.mlir", "--weights-dir", folder, f"--target={target}",
        "--openmp=false", *options, "-o", folder / "model.so")
    return folder / "model.so"


def products(path, weights):
    rng = np.random.default_rng(5)
    results = {}
    with Artifact(path) as artifact:
        for name, weight in weights.items():
            for rows in ROWS:
                x = rng.standard_normal((rows, weight.shape[1])).astype(F32)
                function = f"{name}_{'one' if rows == 1 else 'many'}"
                (y,) = artifact.call(function, [x], [(rows, weight.shape[0])])
                results[name, rows] = y
                bound = np.abs(x) @ np.abs(weight.astype(F32)).T
                exact = x.astype(np.float64) @ weight.astype(np.float64).T
                assert (np.abs(y - exact) <= 1e-6 * bound + 1e-30).all(), (name, rows)
    return results


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("dtype", DTYPES)
def test_equal_to_the_same_values_in_f32(tmp_path, dtype, target):
    if missing(target):
        pytest.skip(f"needs a CPU such as {target}")
    half = make_weights(DTYPES[dtype])
    wide = {name: weight.astype(F32) for name, weight in half.items()}
    paths = [compile_model(tmp_path / name, weights, target)
             for name, weights in (("half", half), ("wide", wide))]
    # The bytes of the file, and half as many.
    stored = WeightFile(paths[0].with_suffix(".sqw")).tensors
    for name, weight in half.items():
        assert stored[f"{name}.weight"].tobytes() == weight.tobytes()
    actual, expected = products(paths[0], half), products(paths[1], wide)
    for key, y in actual.items():
        np.testing.assert_array_equal(y, expected[key], str(key))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("pattern", [None, "nm2:4", "unstructured0.6.row"])
def test_recipes_round_to_nearest_even(tmp_path, dtype, pattern):
    """NUM-F16: masked, then rounded as ml_dtypes and NumPy do; the report says how far."""
    rng = np.random.default_rng(9)
    weights = {name: (rng.standard_normal(w.shape) * 2.0 ** rng.integers(-20, 3, w.shape)).astype(F32)
               for name, w in make_weights(F32).items()}
    # Ties of bf16 and of f16.
    weights["w1"] = (1 + rng.integers(0, 64, (16, 256)) / 4096).astype(F32)
    (tmp_path / "recipe.yaml").write_text(f"rules:\n  - {rule('*', pattern, dtype)}\n")
    path = compile_model(tmp_path / "m", weights, "haswell", "--recipe", tmp_path / "recipe.yaml",
                         "--report", tmp_path / "report.json")
    stored = WeightFile(path.with_suffix(".sqw")).tensors
    report = {layer["name"]: layer for layer in json.loads((tmp_path / "report.json").read_text())["layers"]}
    for name, weight in weights.items():
        expected = sparsify(pattern, weight).astype(DTYPES[dtype])
        assert stored[f"{name}.weight"].tobytes() == expected.tobytes(), name
        layer = report[name]
        assert (layer["format"], layer["bits_per_weight"]) == (dtype, 16)
        assert layer["kernel"] == "cpu.f32"
        error = weight.astype(np.float64) - expected.astype(np.float64)
        np.testing.assert_allclose(
            layer["errors"]["sparsity_first"]["l2"], np.sqrt((error * error).sum()), rtol=1e-9)
        rounding = weight.astype(np.float64) - weight.astype(DTYPES[dtype]).astype(np.float64)
        np.testing.assert_allclose(
            layer["errors"]["quantization"]["l1"], np.abs(rounding).sum(), rtol=1e-9)


def test_beyond_f16_is_an_error(tmp_path):
    weights = {"w": np.ones((4, 8), F32)}
    weights["w"][2, 5] = 70000
    save_file({"w.weight": weights["w"]}, tmp_path / "model.safetensors")
    (tmp_path / "model.mlir").write_text(module_text(weights))
    (tmp_path / "recipe.yaml").write_text("rules:\n  - match: w\n    weights: f16\n")
    process = run("sq-compile", tmp_path / "model.mlir", "--weights-dir", tmp_path, "--recipe",
                  tmp_path / "recipe.yaml", "--target=haswell", "-o", tmp_path / "m.so", check=False)
    assert process.returncode == 1
    (line,) = [text for text in process.stderr.splitlines() if "error:" in text]
    assert "tensor 'w.weight' has 70000 at [2, 5], which is beyond f16; use bf16" in line
