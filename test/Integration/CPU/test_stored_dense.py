"""Sparse weights that are stored with zeros where that is faster, against NumPy.

Products are compared to those of test_tiles.py: exact sums of integers, and the few
roundings after them, whose order another CPU's kernel may change. About 15 s.
"""

import itertools
import json

import numpy as np
import pytest
import reference
from artifact import Artifact
from packed_model import rule, run, sparsify
from reference import F32
from safetensors import safe_open
from safetensors.numpy import save_file
from test_tiles import module_text, quantize_activations

SHAPE, FORMAT = (512, 1024), "int4.row"
# A bit a weight is more than what 10 % zeros save.
LAYERS = {
    "few_dropped": "unstructured0.1.row",
    "half_dropped": "unstructured0.5.row",
    "two_of_four": "nm2:4",
}


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    folder = tmp_path_factory.mktemp("stored-dense")
    rng = np.random.default_rng(5)
    weights = {name: rng.standard_normal(SHAPE).astype(F32) for name in LAYERS}
    save_file({f"{name}.weight": w for name, w in weights.items()}, folder / "model.safetensors")
    (folder / "model.mlir").write_text(module_text(weights))
    rules = [rule(name, pattern, FORMAT, "int8.row") for name, pattern in LAYERS.items()]
    (folder / "recipe.yaml").write_text("rules:\n" + "".join(f"  - {r}\n" for r in rules))
    return folder, weights


def compile_model(folder, target, *options):
    return run("sq-compile", folder / "model.mlir", "--recipe", folder / "recipe.yaml",
               "--weights-dir", folder, f"--target={target}", f"--report={folder}/report.json",
               *options)


def test_decision(model):
    """The packed module, the file, the report and the remarks say the same."""
    folder, _ = model
    process = compile_model(folder, "x86_64-linux-gnu:icelake-server", "--emit=mlir-sq", "-o",
                            folder / "packed.mlir", "--remarks")
    layers = {layer["name"]: layer
              for layer in json.loads((folder / "report.json").read_text())["layers"]}
    text = (folder / "packed.mlir").read_text()
    with safe_open(folder / "packed.sqw", framework="np") as file:
        names = set(file.keys())
        stored = json.loads(file.metadata()["sq.layers"])
    rows, cols = SHAPE
    dense = layers["few_dropped"]
    assert dense["pattern"] == LAYERS["few_dropped"], "still a fact about the weights"
    assert "predicted" in dense["why_stored_dense"] and "with zeros" in dense["why_stored_dense"]
    assert dense["payload_bytes"] == rows * cols / 2 and dense["bitmap_bytes"] == 0
    assert dense["bits_per_weight"] == 4 + 32 / cols
    assert "few_dropped.bitmap" not in names and stored["few_dropped"]["stored_dense"]
    assert "layer 'few_dropped' is stored dense: predicted" in process.stderr
    for name in ("half_dropped", "two_of_four"):
        assert layers[name]["why_stored_dense"] == ""
        assert layers[name]["bits_per_weight"] < 4
        assert not stored[name]["stored_dense"]
    assert text.count('pattern = #sq.unstructured<0.1, row>') == 2


def test_products(model):
    folder, weights = model
    compile_model(folder, "native", "-o", folder / "model.so")
    rng = np.random.default_rng(6)
    with Artifact(folder / "model.so") as artifact:
        for (name, pattern), rows in itertools.product(LAYERS.items(), (1, 5, 33)):
            x = rng.standard_normal((rows, SHAPE[1])).astype(F32)
            codes, scales = quantize_activations(x)
            quantized = reference.quantize(
                reference.Format(FORMAT), sparsify(pattern, weights[name]))
            integers = quantized.codes.view(np.int8).reshape(SHAPE).astype(np.int64)
            sums = (codes @ integers.T).astype(F32)
            expected = sums * quantized.scales.view(F32)[None, :] * scales
            function = f"{name}_{'one' if rows == 1 else 'many'}"
            (actual,) = artifact.call(function, [x], [(rows, SHAPE[0])])
            np.testing.assert_allclose(actual, expected, rtol=1e-6, atol=0)
