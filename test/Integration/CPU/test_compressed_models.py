"""Compressed models compute what NumPy computes on the decoded weights.

Masks, codes, scales and decoded weights come from test/Numerics/reference.py,
logits from llama.py in float64.
"""

import json
from dataclasses import replace

import checkpoints
import numpy as np
import pytest
import reference
from artifact import Artifact, LanguageModel
from conftest import DEMO, run_tool, trained_model
from llama import forward, relative_error
from reference import Format

FORMATS = ["int8.row", "int4.g64", "mx.e4m3fn", "mx.e2m3fn", "mx.e2m1fn", "hbfp7.g64", "hbfp5.g64"]
PATTERNS = ["dense", "nm2:4", "unstructured0.5.row", "nm1:4"]
TOLERANCE = 1e-3


def decoded(weight, pattern, weights):
    """Mask first, then quantize, then decode."""
    if pattern != "dense":
        weight = weight * reference.sparsity_mask(pattern, np.abs(weight))
    if weights:
        fmt = Format(weights)
        weight = reference.dequantize(fmt, reference.quantize(fmt, weight))
    return weight


def quantize_rows(name):
    """A scale for each token, from the f32 input of the layer."""
    fmt = Format(name)
    return lambda x: reference.dequantize(fmt, reference.quantize(fmt, x.astype(np.float32)))


def write_recipe(rules):
    """Rules are (glob, pattern, weights, activations); a pattern of None keeps
    the layers as they are."""
    text = "rules:\n"
    for match, pattern, weights, activations in rules:
        text += f'  - match: "{match}"\n'
        if pattern is None:
            text += "    dense: true\n"
        elif pattern != "dense":
            text += f"    sparsity:\n      pattern: {pattern}\n"
        text += f"    weights: {weights}\n" if weights else ""
        text += f"    activations: {activations}\n" if activations else ""
    return text


def apply_recipe(model, rules):
    """The reference's version of a recipe. Globs here are `*suffix` or names."""
    compressed, inputs = {}, {}
    for layer in model.linear_layers:
        for match, pattern, weights, activations in rules:
            if layer == match or (match[0] == "*" and layer.endswith(match[1:])):
                if pattern is not None:
                    weight = model.weights[layer + ".weight"]
                    compressed[layer] = decoded(weight, pattern, weights)
                if activations:
                    inputs[layer] = quantize_rows(activations)
                break
    return replace(model, compressed=compressed, inputs=inputs)


def kernels(artifact):
    """Layer name -> kernel, from the report."""
    layers = json.loads(artifact.with_suffix(".json").read_text())["layers"]
    return {layer["name"]: layer["kernel"] for layer in layers}


def tokens_of(model, count):
    tokens = np.random.default_rng(2).integers(0, model.config.vocab, count)
    tokens[0] = 1
    return tokens


def measure(compiler, path, rules, functions=("prefill", "decode"), count=24):
    """The worst error of the functions, and the layers' kernels."""
    artifact = compiler.compile(path, write_recipe(rules), ",".join(functions))
    model = apply_recipe(checkpoints.read(path), rules)
    tokens = tokens_of(model, count)
    expected = forward(model, tokens)
    with LanguageModel(artifact.with_suffix(".so"), model.config.vocab, threads=2) as compiled:
        errors = [relative_error(getattr(compiled, name)(tokens), expected) for name in functions]
    return max(errors), kernels(artifact)


def combination(fmt, pattern):
    """Rules, and the function to compile: each format and each pattern takes
    part both in `prefill` and in `decode`, in turns, which halves the time."""
    turn = FORMATS.index(fmt) + PATTERNS.index(pattern)
    return [("*_proj", pattern, fmt, None)], (("prefill", "decode")[turn % 2],)


@pytest.fixture(scope="module")
def started(request, compiler):
    """Starts compiling for all tests of this file that were selected."""
    for item in request.session.items:
        if item.originalname == "test_formats_and_patterns":
            rules, functions = combination(**item.callspec.params)
            compiler.start(DEMO / "dense", write_recipe(rules), ",".join(functions))


@pytest.mark.parametrize("pattern", PATTERNS)
@pytest.mark.parametrize("fmt", FORMATS)
def test_formats_and_patterns(compiler, started, fmt, pattern):
    rules, functions = combination(fmt, pattern)
    error, used = measure(compiler, DEMO / "dense", rules, functions)
    assert error <= TOLERANCE
    kernels = {used[name] for name in used if name.endswith("_proj")}
    assert kernels in ({"cpu.tile-fma"}, {"cpu.decode-rows"}), "with and without AVX-512"


# Each format once, each pattern once or more, half of them for each function.
DIAGONAL = [(fmt, PATTERNS[(i // 2 + 1) % 4]) for i, fmt in enumerate(FORMATS)]


@pytest.mark.parametrize("fmt,pattern", DIAGONAL)
def test_odd_widths(compiler, fmt, pattern):
    """Rows of 172 leave a tail of groups, bitmap bytes and vectors."""
    path = trained_model("stories260K")
    for each in DIAGONAL:
        rules, functions = combination(*each)
        compiler.start(path, write_recipe(rules), ",".join(functions))
    rules, functions = combination(fmt, pattern)
    error, used = measure(compiler, path, rules, functions)
    assert error <= TOLERANCE
    kernels = {used[name] for name in used if name.endswith("_proj")}
    assert kernels in ({"cpu.tile-fma"}, {"cpu.decode-rows"}), "with and without AVX-512"


@pytest.mark.parametrize(
    "pattern,fmt,function", [("nm2:4", "int4.g10", "prefill"), ("nm1:4", "hbfp5.g6", "decode")]
)
def test_reference_kernel(compiler, pattern, fmt, function):
    """Scale groups that aren't whole vectors, neither of sparse weights nor of dense ones."""
    rules = [("*_proj", pattern, fmt, None)]
    error, used = measure(compiler, DEMO / "dense", rules, [function])
    assert error <= TOLERANCE
    assert {used[name] for name in used if name.endswith("_proj")} == {"cpu.reference"}


def test_mixed_recipe(compiler):
    """The first rule that matches wins; a tied head is compressed, the
    embedding is not."""
    rules = [
        ("model.embed_tokens", "nm2:4", "int8.row", None),
        ("*down_proj", None, None, None),
        ("*q_proj", "dense", "mx.e4m3fn", None),
        ("*_proj", "unstructured0.5.tensor", "int4.g64", None),
    ]
    error, used = measure(compiler, DEMO / "dense", rules)
    assert error <= TOLERANCE
    dense = {name for name in used if used[name] == "cpu.f32"}
    assert dense == {f"model.layers.{i}.mlp.down_proj" for i in range(3)}


LAYER = """\
#x = affine_map<(m, n, k) -> (m, k)>
#w = affine_map<(m, n, k) -> (n, k)>
#y = affine_map<(m, n, k) -> (m, n)>
module @layer {
  func.func @f(%x: tensor<?x172xf32> {sq.name = "x", sq.dims = ["T", ""]})
      -> (tensor<?x40xf32> {sq.name = "y", sq.dims = ["T", ""]}) {
    %w = sq.parameter "w" from "layer.safetensors" : tensor<40x172xf32>
    %zero = arith.constant 0.0 : f32
    %c0 = arith.constant 0 : index
    %t = tensor.dim %x, %c0 : tensor<?x172xf32>
    %e = tensor.empty(%t) : tensor<?x40xf32>
    %i = linalg.fill ins(%zero : f32) outs(%e : tensor<?x40xf32>) -> tensor<?x40xf32>
    %y = linalg.matmul indexing_maps = [#x, #w, #y]
      ins(%x, %w : tensor<?x172xf32>, tensor<40x172xf32>)
      outs(%i : tensor<?x40xf32>) -> tensor<?x40xf32>
    return %y : tensor<?x40xf32>
  }
}
"""
ACTIVATIONS = ["int8.row", "int4.row", "uint8.row", "fp8.e4m3fn.row", "mx.e4m3fn", "mx.e2m3fn",
               "mx.int8", "hbfp7.g64", "hbfp5.g64"]


@pytest.mark.parametrize("activations", ACTIVATIONS)
def test_layer_with_quantized_activations(tmp_path, activations):
    """One layer, whose input is known exactly: 1e-5, f32 sums of 172 products."""
    rng = np.random.default_rng(3)
    weight = rng.standard_normal((40, 172)).astype(np.float32)
    x = (rng.standard_normal((9, 172)) * np.exp2(rng.integers(-9, 9, (9, 1)))).astype(np.float32)
    x[4] = 0
    x[5] = np.abs(x[5])
    checkpoints.write_safetensors(tmp_path / "layer.safetensors", {"w": weight})
    (tmp_path / "layer.mlir").write_text(LAYER)
    (tmp_path / "recipe").write_text(write_recipe([("w", "nm2:4", "int8.row", activations)]))
    run_tool("sq-compile", tmp_path / "layer.mlir", "--recipe", tmp_path / "recipe",
             "-o", tmp_path / "layer.so")
    weight = decoded(weight, "nm2:4", "int8.row").astype(np.float64)
    expected = quantize_rows(activations)(x) @ weight.T
    with Artifact(tmp_path / "layer.so") as layer:
        (y,) = layer.call("f", [x], [(9, 40)])
    assert not y[4].any()
    rows = [row for row in range(9) if row != 4]
    assert relative_error(y[rows], expected[rows]) <= 1e-5


@pytest.mark.parametrize(
    "weights,activations,function",
    [("int8.row", "int8.row", "prefill"), ("mx.e2m3fn", "mx.e4m3fn", "decode"),
     ("hbfp7.g64", "hbfp7.g64", "prefill")],
)
def test_model_with_quantized_activations(compiler, weights, activations, function):
    """Where a rounding error of f32 moves an activation across a boundary between
    codes, all later layers of that token see another input, so single tokens may
    differ by what quantization itself costs. Hence the median over tokens."""
    rules = [("*_proj", "nm2:4", weights, activations)]
    artifact = compiler.compile(DEMO / "dense", write_recipe(rules), function)
    model = apply_recipe(checkpoints.read(DEMO / "dense"), rules)
    tokens = tokens_of(model, 24)
    expected = forward(model, tokens)
    unquantized = forward(replace(model, inputs={}), tokens)
    with LanguageModel(artifact.with_suffix(".so"), model.config.vocab, threads=2) as compiled:
        logits = getattr(compiled, function)(tokens)

    def median(other):
        return np.median([relative_error(logits[i : i + 1], other[i : i + 1]) for i in range(24)])

    assert median(expected) <= TOLERANCE
    # The activations have been quantized: f32 ones are farther away.
    assert median(unquantized) > 5 * TOLERANCE
