"""The report against NumPy, on the demo model and on layers of every kind."""

import json
import re

import numpy as np
import pytest
from packed_model import (
    ROOT, WeightFile, make_mask, pack, round_trip, rule, run, sparsify, write_model)
from reference import F32
from safetensors.numpy import load_file

DEMO = ROOT / "models" / "demo"
RECIPES = ROOT / "examples" / "recipes"


def norms(x):
    x = x.astype(np.float64)
    return {"l1": np.abs(x).sum(), "l2": np.sqrt((x * x).sum())}


def expected_errors(weight, pattern, fmt):
    sparse, quantized = sparsify(pattern, weight), round_trip(fmt, weight)
    first = sparsify(pattern, quantized)
    errors = {
        "sparsity": norms(weight - sparse),
        "quantization": norms(weight - quantized),
        "sparsity_first": norms(weight - round_trip(fmt, sparse)),
        "quantization_first": norms(weight - first),
    }
    errors["threshold"] = {
        n: errors["sparsity"][n] + errors["quantization"][n] for n in ("l1", "l2")}
    whole = norms(weight)
    for values in errors.values():
        values |= {f"relative_{n}": values[n] / whole[n] for n in ("l1", "l2")}
    return errors


def check_layer(layer, weight, pattern=None, fmt=None, stored="f32"):
    """`stored`: what a layer without a format is in the weight file."""
    weight = weight.astype(F32)
    rows, cols = weight.shape
    mask = make_mask(pattern, weight)
    assert layer["shape"] == [rows, cols]
    assert layer["pattern"] == (pattern or "dense")
    assert layer["criterion"] == ("magnitude" if pattern else "")
    assert layer["format"] == (fmt or stored)
    assert layer["order"] == ("given" if pattern and fmt else "")
    assert layer["source_zeros"] == (weight == 0).sum()
    assert layer["kept"] == mask.sum()
    assert layer["dropped_nonzeros"] == ((weight != 0) & (mask == 0)).sum()
    assert layer["dense_bytes"] == 4 * rows * cols
    for name, values in expected_errors(weight, pattern, fmt).items():
        assert layer["errors"][name] == pytest.approx(values, rel=1e-9, abs=1e-12), name
    quantized_mask = make_mask(pattern, round_trip(fmt, weight))
    if not (pattern or "").startswith("block"):  # Blocks at an edge differ in size.
        assert layer["errors"]["swapped"] == ((mask == 1) & (quantized_mask == 0)).sum()
    difference = (layer["errors"]["quantization_first"]["l1"]
                  - layer["errors"]["sparsity_first"]["l1"])
    if "swap_bound" in layer["errors"]:
        assert difference <= layer["errors"]["swap_bound"] * (1 + 1e-9) + 1e-6


def check_bytes(layer, path):
    """The sizes against the file itself."""
    tensors, name = load_file(path), layer["name"]
    if layer["why_dense"]:
        assert layer["payload_bytes"] == tensors[f"{name}.weight"].nbytes
        assert layer["bitmap_bytes"] == layer["scale_bytes"] == 0
    else:
        sizes = {key: tensors[f"{name}.{key}"].nbytes if f"{name}.{key}" in tensors else 0
                 for key in ("payload", "bitmap", "positions", "scale", "tensor_scale")}
        assert layer["payload_bytes"] == sizes["payload"]
        assert layer["bitmap_bytes"] == sizes["bitmap"] + sizes["positions"]
        assert layer["scale_bytes"] == sizes["scale"] + sizes["tensor_scale"]
    parts = sum(layer[f"{part}_bytes"] for part in ("payload", "bitmap", "scale"))
    assert layer["stored_bytes"] == parts
    rows, cols = layer["shape"]
    assert layer["bits_per_weight"] == pytest.approx(8 * parts / (rows * cols))


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    folder = tmp_path_factory.mktemp("demo")
    process = run(
        "sq-compile", DEMO / "sparse24", "--recipe", RECIPES / "sparse24-int8.yaml",
        "--target=x86_64-linux-gnu:x86-64-v3", "--openmp=false", "-o", folder / "model.so",
        f"--report={folder}/report.json", "--name=demo")
    return folder, json.loads((folder / "report.json").read_text()), process.stderr


def test_demo_model(demo):
    folder, report, _ = demo
    weights = load_file(DEMO / "sparse24" / "model.safetensors")
    assert (report["version"], report["model"]) == (1, "demo")
    assert report["target"].endswith(":x86-64-v3")
    assert report["weights"]["bytes"] == (folder / "model.sqw").stat().st_size
    layers = report["layers"]
    assert len(layers) == 22
    for layer in layers:
        weight = weights[f"{layer['name']}.weight"]
        if layer["name"].endswith("_proj"):
            check_layer(layer, weight, "nm2:4", "int8.row")
            assert layer["dropped_nonzeros"] == 0, "it was fine-tuned at 2:4"
            assert layer["kernel"] == "cpu.tile-fma"
            assert layer["why_not_faster"] == (
                "not cpu.tile-dot: activations in f32 have no integer kernel")
        else:
            check_layer(layer, weight, stored="f16")
            assert layer["bits_per_weight"] == 16
            assert layer["why_dense"] == "no rule matches it"
            assert layer["kernel"] == "cpu.f32"
        check_bytes(layer, folder / "model.sqw")
        assert layer["copy_bytes"] == 0
    totals = report["totals"]
    assert totals["layers"] == 22 and totals["packed"] == totals["sparse"] == 21
    for key in ("dense_bytes", "stored_bytes", "copy_bytes"):
        assert totals[key] == sum(layer[key] for layer in layers)


def test_info_says_the_same(demo):
    folder, report, _ = demo
    text = run("sq-run", "info", folder / "model.so").stdout
    for layer in report["layers"]:
        line = next(x for x in text.splitlines() if x.split()[:1] == [layer["name"]])
        words = line.split()
        rows, cols = layer["shape"]
        assert words[1:4] == [str(rows), "x", str(cols)]
        assert words[4:8] == [
            layer["pattern"], layer["format"], layer["kernel"], str(layer["stored_bytes"])]
        error = layer["errors"]["sparsity_first"]["relative_l2"]
        assert float(words[words.index("error") + 1]) == pytest.approx(error, abs=6e-6)
    assert "no rule matches it" in text


def test_summary(demo):
    # Layers that differ in their number only share a row.
    _, report, text = demo
    row = re.search(r"^model\.layers\.\*\.mlp\.up_proj +3 +512x192 +nm2:4 +int8\.row "
                    r"+cpu\.tile-fma +5\.17 +([\d.]+)-([\d.]+)$", text, re.MULTILINE)
    errors = [x["errors"]["sparsity_first"]["relative_l2"] for x in report["layers"]
              if x["name"].endswith("up_proj")]
    assert [float(x) for x in row.groups()] == pytest.approx([min(errors), max(errors)], abs=6e-5)
    assert "\n  no rule matches it\n" in text


def test_one_shot_pruning_shows(tmp_path):
    run("sq-compile", DEMO / "dense", "--recipe", RECIPES / "sparse24.yaml", "--emit=mlir-sq",
        "--quiet", "-o", tmp_path / "model.mlir", f"--report={tmp_path}/report.json")
    weights = load_file(DEMO / "dense" / "model.safetensors")
    for layer in json.loads((tmp_path / "report.json").read_text())["layers"]:
        if layer["name"].endswith("_proj"):
            check_layer(layer, weights[f"{layer['name']}.weight"], "nm2:4")
            rows, cols = layer["shape"]
            assert layer["dropped_nonzeros"] > 0.4 * rows * cols
            assert layer["why_dense"] == "f32 weights have no sparse kernel"


CASES = {
    "a": ("nm2:4", "int4.g32"), "b": ("unstructured0.5.tensor", "mx.e2m1fn"),
    "c": ("block16x4.0.5", "hbfp5.g64"), "d": (None, "nvfp4"), "e": (None, None),
    "f": ("nm1:4", "int8.tensor"), "g": ("unstructured0.7.row", "fp8.e4m3fn.row"),
}


def test_every_kind_of_layer(tmp_path):
    # More than one block of rows each: errors are sums over them.
    rng = np.random.default_rng(8)
    weights = {name: rng.standard_normal((1040, 512)).astype(F32) for name in CASES}
    write_model(tmp_path, weights)
    rules = [rule(name, p, f) for name, (p, f) in CASES.items() if p or f]
    pack(tmp_path, rules, f"report={tmp_path}/report.json")
    report = json.loads((tmp_path / "report.json").read_text())
    for layer in report["layers"]:
        pattern, fmt = CASES[layer["name"]]
        check_layer(layer, weights[layer["name"]], pattern, fmt)
        check_bytes(layer, tmp_path / "model.sqw")
    assert WeightFile(tmp_path / "model.sqw").metadata["sq.format_version"] == "1"


def test_what_keeps_a_layer_from_a_faster_kernel(tmp_path):
    weights = {"fc": np.ones((16, 64), F32)}
    write_model(tmp_path, weights)
    (tmp_path / "recipe.yaml").write_text(
        "rules:\n  - " + rule("fc", "nm2:4", "int8.row", "int8.row"))
    process = run(
        "sq-compile", tmp_path / "model.mlir", "--recipe", tmp_path / "recipe.yaml",
        "--target=x86_64-linux-gnu:x86-64-v3", "--emit=mlir-sq", "-o", tmp_path / "out.mlir",
        f"--report={tmp_path}/report.json", "--remarks")
    (layer,) = json.loads((tmp_path / "report.json").read_text())["layers"]
    assert layer["activation_format"] == "int8.row"
    if layer["kernel"] == "cpu.reference":
        assert layer["why_not_faster"]
        assert layer["why_not_faster"] in process.stderr
    assert "remark: " in process.stderr and "layer 'fc'" in process.stderr


MASKED_TOO_LATE = """
  %q, %c = sq.quantize %w0 to int<4, row> : tensor<16x64xf32> -> tensor<16x64xi4>, tensor<16x1xf32>
  %d = sq.dequantize %q, %c from int<4, row> : tensor<16x64xi4>, tensor<16x1xf32> -> tensor<16x64xf32>
  %m = sq.mask magnitude({source}) {pattern} : tensor<16x64xf32>
  %r = sq.apply_mask %d, %m : tensor<16x64xf32>
"""
ORDERS = {
    # The mask is made from what was quantized: it is made anew.
    "mask recomputed": ("%d", "nm<2:4>", "nm2:4"),
    # From the weight, but applied too late: no decoded value changes.
    "commuted": ("%w0", "nm<2:4>", "nm2:4"),
    # Blocks may drop a row's largest weight: then its scale gets smaller.
    "rescaled": ("%w0", "block<16x4, 0.5>", "block16x4.0.5"),
}


@pytest.mark.parametrize("order", ORDERS)
def test_what_was_done_about_the_order(tmp_path, order):
    source, spelling, pattern = ORDERS[order]
    weight = np.random.default_rng(9).standard_normal((16, 64)).astype(F32)
    write_model(tmp_path, {"fc": weight})
    head, tail = (tmp_path / "model.mlir").read_text().split("  %x0", 1)
    late = MASKED_TOO_LATE.format(source=source, pattern=spelling)
    tail = tail.replace("ins(%x0, %w0 ", "ins(%x0, %r ")
    (tmp_path / "model.mlir").write_text(f"{head}{late}  %x0{tail}")
    run("sq-compile", tmp_path / "model.mlir", "--target=x86_64-linux-gnu:x86-64-v3",
        "--emit=mlir-sq", "--quiet", "-o", tmp_path / "out.mlir",
        f"--report={tmp_path}/report.json")
    (layer,) = json.loads((tmp_path / "report.json").read_text())["layers"]
    assert layer["order"] == order
    check_layer(layer | {"order": "given"}, weight, pattern, "int4.row")
