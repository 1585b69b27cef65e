"""The weight file: what the packer stored is what NumPy computes, bit for bit."""

import itertools
import re

import numpy as np
import pytest
from packed_model import (
    WeightFile, make_mask, pack, round_trip, rule, run, sparsify, write_model)
from reference import F32
from safetensors.numpy import load_file, save_file

FORMATS = [
    "int8.row", "int8.tensor", "int4.g64", "int4.g64.f16", "int3.g32", "fp8.e4m3fn.row",
    "fp8.e5m2.tensor", "mx.e4m3fn", "mx.e2m3fn", "mx.e2m1fn", "mx.int8", "nvfp4",
    "hbfp7.g64", "hbfp5.g64", "hbfp3.g64", "nf4.g64", "nf4.g64.f16",
]
PATTERNS = [
    None, "nm2:4", "nm1:4", "nm4:8", "nm16:32", "unstructured0.5.row",
    "unstructured0.75.tensor", "block16x4.0.5", "block1x4.0.75",
]


def random_weight(rng, rows, cols, dtype=F32):
    weight = rng.standard_normal((rows, cols)).astype(dtype)
    weight[0] = 0  # A row, and so a group, of zeros.
    weight[1, ::3] = -0.0
    weight[2] = np.rint(weight[2])  # Ties.
    return weight


def check_layer(file, name, pattern, fmt, weight, norms=None):
    weight = weight.astype(F32)
    np.testing.assert_array_equal(file.mask(name), make_mask(pattern, weight, norms), name)
    expected = round_trip(fmt, sparsify(pattern, weight, norms))
    np.testing.assert_array_equal(
        file.decode(name).view(np.uint32), expected.view(np.uint32), name)


def test_every_format_and_pattern(tmp_path):
    # 150 columns: the last group of every format and pattern is a short one.
    rng = np.random.default_rng(1)
    cases = {f"{p or 'dense'}@{f}": (p, f) for p, f in itertools.product(PATTERNS, FORMATS)}
    weights = {name: random_weight(rng, 37, 150) for name in cases}
    write_model(tmp_path, weights)
    pack(tmp_path, [rule(name, p, f) for name, (p, f) in cases.items()])
    file = WeightFile(tmp_path / "model.sqw")
    assert set(file.layers) == set(cases)
    for name, (p, f) in cases.items():
        check_layer(file, name, p, f, weights[name])


def test_layers_larger_than_a_block_of_rows(tmp_path):
    # Evaluated in parts of 2^18 elements; formats and patterns that look at the
    # whole tensor aren't. Half floats are widened exactly.
    rng = np.random.default_rng(2)
    cases = {
        "a": ("nm2:4", "int8.row"), "b": ("unstructured0.6.tensor", "int8.tensor"),
        "c": ("block16x4.0.5", "nvfp4"), "d": (None, "mx.e4m3fn"),
        "e": ("unstructured0.3.row", "hbfp7.g64"),
    }
    weights = {name: random_weight(rng, 1037, 520, np.float16) for name in cases}
    write_model(tmp_path, weights)
    pack(tmp_path, [rule(name, p, f) for name, (p, f) in cases.items()])
    file = WeightFile(tmp_path / "model.sqw")
    for name, (p, f) in cases.items():
        check_layer(file, name, p, f, weights[name])


def test_wanda(tmp_path):
    rng = np.random.default_rng(3)
    weights = {name: random_weight(rng, 33, 96) for name in "ab"}
    norms = {name: rng.exponential(size=96).astype(F32) for name in "ab"}
    norms["b"][7] = 0
    norms["b"] = norms["b"].astype(np.float16)
    write_model(tmp_path, weights)
    save_file(norms, tmp_path / "norms.safetensors")
    pack(tmp_path, [rule("*", "nm2:4", "int8.row", norms="norms.safetensors")])
    file = WeightFile(tmp_path / "model.sqw")
    for name in "ab":
        norm = norms[name].astype(F32)
        check_layer(file, name, "nm2:4", "int8.row", weights[name], norm)
        magnitude = make_mask("nm2:4", weights[name])
        assert (file.mask(name) != magnitude).any(), "the norms made no difference"


def test_negative_zero_is_a_zero(tmp_path):
    # It loses against everything, ties with 0.0, and has code 0 in all formats.
    weight = np.array([[-0.0, 0.0, 1e-3, -0.0], [0.0, -0.0, -0.0, 0.0]], F32).repeat(16, 0)
    weight = np.tile(weight, (1, 16))
    formats = ["int8.row", "int4.g64", "fp8.e4m3fn.row", "mx.e2m1fn", "nvfp4", "hbfp7.g64"]
    weights = {fmt: weight for fmt in formats}
    write_model(tmp_path, weights)
    pack(tmp_path, [rule(fmt, "nm2:4", fmt) for fmt in formats])
    file = WeightFile(tmp_path / "model.sqw")
    for fmt in formats:
        check_layer(file, fmt, "nm2:4", fmt, weight)
        kept = file.mask(fmt)[0, :4].tolist()
        assert kept == [1, 0, 1, 0], "the lower index of the zeros"
        assert not file.codes(fmt)[weight == 0].any()
        assert not np.signbit(file.decode(fmt)[weight == 0]).any()


def test_a_mask_alone_is_stored_as_f32(tmp_path):
    weight = random_weight(np.random.default_rng(4), 20, 64)
    write_model(tmp_path, {"fc": weight, "other": weight})
    pack(tmp_path, [rule("fc", "nm2:4")])
    tensors = load_file(tmp_path / "model.sqw")
    expected = sparsify("nm2:4", weight)
    np.testing.assert_array_equal(tensors["fc.weight"].view(np.uint32), expected.view(np.uint32))
    np.testing.assert_array_equal(
        tensors["other.weight"].view(np.uint32), weight.view(np.uint32))


def test_the_file_is_the_same_every_time(tmp_path):
    weights = {name: random_weight(np.random.default_rng(5), 20, 64) for name in "abc"}
    write_model(tmp_path, weights)
    rules = [rule("a", "nm2:4", "int8.row"), rule("b", None, "mx.e4m3fn")]
    contents = set()
    for _ in range(2):
        pack(tmp_path, rules, f"report={tmp_path}/report.json")
        contents.add((tmp_path / "model.sqw").read_bytes()
                     + (tmp_path / "report.json").read_bytes())
    assert len(contents) == 1


STUDIES = {
    "sparsity-first": lambda p, f, w: round_trip(f, sparsify(p, w)),
    "quantization-first": lambda p, f, w: sparsify(p, round_trip(f, w)),
    "sparsity": lambda p, f, w: sparsify(p, w),
    "quantization": lambda p, f, w: round_trip(f, w),
}


@pytest.mark.parametrize("order", STUDIES)
def test_study_orders(tmp_path, order):
    rng = np.random.default_rng(6)
    cases = {
        "a": ("nm2:4", "int4.g32"), "b": ("unstructured0.5.tensor", "mx.e2m1fn"),
        "c": ("nm1:4", None), "d": (None, "int4.row"), "e": ("block4x4.0.5", "int3.tensor"),
    }
    weights = {name: random_weight(rng, 64, 128) for name in cases}
    write_model(tmp_path, weights)
    rules = [rule(name, p, f) for name, (p, f) in cases.items()]
    pack(tmp_path, rules, f"study-order={order}")
    tensors = load_file(tmp_path / "model.sqw")
    for name, (p, f) in cases.items():
        expected = STUDIES[order](p, f, weights[name])
        np.testing.assert_array_equal(tensors[f"{name}.weight"], expected, name)


def damage(folder, weights, name):
    """One way for a model's file to be wrong; the message that it must get."""
    path = folder / "model.safetensors"
    tensors = {f"{n}.weight": w for n, w in weights.items()}
    weight = weights["fc"].copy()
    if name == "nan":
        weight[3, 5] = np.nan
        save_file(tensors | {"fc.weight": weight}, path)
        return r"tensor 'fc\.weight' of 'model\.safetensors' has a NaN at \[3, 5\]; repair the checkpoint"
    if name == "infinity":
        weight[2, 1] = np.inf
        save_file(tensors | {"fc.weight": weight}, path)
        return r"tensor 'fc\.weight' has an infinity at \[2, 1\], which 'mx\.e4m3fn' can't represent; repair the checkpoint"
    if name == "entry":
        save_file({"other": weight}, path)
        return r"'.*model\.safetensors' has no tensor 'fc\.weight'"
    if name == "dtype":
        save_file({"fc.weight": weight.astype(np.int32)}, path)
        return r"tensor 'fc\.weight' of '.*' is stored as I32; f32 parameters are read from F32, F16 and BF16"
    if name == "shape":
        save_file({"fc.weight": weight[:, :32]}, path)
        return r"tensor 'fc\.weight' of '.*' is F32\[8, 32\], but its parameter is F32\[8, 64\]"
    if name == "truncated":
        path.write_bytes(path.read_bytes()[:-1])
        return r"'.*' isn't a valid safetensors file: tensor 'fc\.weight' ends at byte 2048 of the data, which has only 2047 bytes: truncated\?"
    if name == "garbage":
        path.write_bytes(b"not a safetensors file")
        return r"'.*' isn't a valid safetensors file: a header of .*"
    path.unlink()
    return r"cannot open the weight file '.*model\.safetensors': No such file or directory"


@pytest.mark.parametrize(
    "name", ["nan", "infinity", "entry", "dtype", "shape", "truncated", "garbage", "missing"])
def test_wrong_weights(tmp_path, name):
    weights = {"fc": random_weight(np.random.default_rng(7), 8, 64)}
    write_model(tmp_path, weights)
    message = damage(tmp_path, weights, name)
    result = pack(tmp_path, [rule("*", "nm2:4", "mx.e4m3fn")], check=False)
    assert result.returncode == 1
    errors = [line for line in result.stderr.splitlines() if "error:" in line]
    assert len(errors) == 1 and re.search("error: " + message + "$", errors[0]), result.stderr
    assert not list(tmp_path.glob("model.sqw*")), "a partial file was left behind"


def test_an_output_that_cannot_be_written(tmp_path):
    write_model(tmp_path, {"fc": np.ones((8, 64), F32)})
    result = run(
        "sq-opt", tmp_path / "model.mlir", "--sq-pack-weights="
        f"output={tmp_path}/none/model.sqw weights-dir={tmp_path}", check=False)
    assert result.returncode == 1
    assert "cannot create the weight file" in result.stderr
