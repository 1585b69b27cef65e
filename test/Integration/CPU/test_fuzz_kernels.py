"""Products drawn at random, by every kernel that takes them, against NumPy.

Pattern, formats, sizes, number of rows (known when the model is compiled, or not) and
of threads are drawn from a seed. The layers of one module have the target, preferred
kernel and threads in common, so one compilation serves many cases. Masks, codes and
scales are those of test/Numerics/reference.py, and products are NumPy's in f64.

Tolerance. Kernels that add up integers are exact: with a scale a row or tensor, the
two roundings that follow are repeated here, and results are equal bit for bit. With
scale groups, G exact sums are converted, scaled at most four times and added: at most
gamma(5 + G) times the sum of their magnitudes. What decodes to f32 adds up K products
in f32: at most gamma(K + 1) times the sum of magnitudes (Higham, Accuracy and
Stability of Numerical Algorithms, section 3.1), for which decoded activations, too,
are rounded once.

About 20 s. SQ_FUZZ_MODULES and SQ_FUZZ_SEED make it longer or another:

    SQ_FUZZ_MODULES=280 SQ_FUZZ_SEED=7000 pytest test/Integration/CPU/test_fuzz_kernels.py

A failure names the seed of its module, with which it alone is repeated
(SQ_FUZZ_MODULES=1 SQ_FUZZ_SEED=<seed>).
"""

import json
import os
from dataclasses import dataclass

import numpy as np
import pytest
import reference
from artifact import Artifact
from packed_model import round_trip, rule, run, sparsify
from reference import F32
from safetensors.numpy import save_file
from test_tiles import HOST, TARGETS

LAYERS = 16
U = 2.0**-24
# In turns. On the first the most kernels run.
CPUS = [TARGETS[name] for name in ("avx512-vbmi2", "avx2", "avx512-vbmi2", "avx512-vnni")]
INTEGER_KERNELS = {"cpu.tile-dot", "cpu.tile-panel", "cpu.tile-blocks", "gpu.mma-s8"}
# In turns, too: five, so that each meets each CPU. None is the compiler's own choice,
# which is what a layer gets that the kernel isn't for.
KERNELS = ["cpu.tile-panel", None, "cpu.tile-dot", "cpu.tile-fma", "cpu.tile-panel"]
MODULES = int(os.environ.get("SQ_FUZZ_MODULES", 7))
SEED = int(os.environ.get("SQ_FUZZ_SEED", 2020))
WEIGHTS = [*(f"int{bits}.row" for bits in range(2, 9)), "int8.tensor", "int4.tensor",
           "int8.row.f16", "int4.row.f16", "int4.g32", "int4.g64", "int4.g64.f16", "int4.g128",
           "int8.g32", "int8.g64", "int3.g32", "int6.g64", "int4.g16", "fp8.e4m3fn.row",
           "fp8.e5m2.row", "fp8.e4m3fn.tensor", "mx.e4m3fn", "mx.e5m2", "mx.e2m3fn", "mx.e3m2fn",
           "mx.e2m1fn", "mx.int8", "nvfp4", "hbfp7.g64", "hbfp5.g64", "hbfp3.g64", "hbfp3.g32",
           "nf4.g64", "nf4.row",
           # Groups of few columns, and of numbers that are no powers of two.
           "int4.g4", "int4.g8.f16", "int8.g8", "int3.g12", "int4.g24.f16", "int8.g48",
           "int6.g20", "hbfp7.g16", "hbfp3.g8", "nf4.g8"]
ACTIVATIONS = [*["int8.row"] * 10, *[None] * 3,
               "uint8.row", "int6.row", "int4.row", "hbfp7.g64", "hbfp3.g32", "mx.int8",
               "mx.e2m1fn", "mx.e2m3fn", "mx.e4m3fn", "fp8.e4m3fn.row", "bf16", "f16"]
EXTENTS = [1, 2, 3, 5, 7, 15, 16, 17, 31, 32, 33, 47, 48, 49, 61, 63, 64, 65, 97, 127, 128, 129,
           191, 192, 193, 251, 255, 256, 257, 319, 320, 321, 383, 385, 509, 512, 1021, 1025]
INPUTS = [1, 1, 2, 3, 4, 5, 7, 8, 9, 11, 12, 13, 15, 16, 17, 19, 24, 31, 32, 33, 40, 63, 65]


@dataclass
class Layer:
    name: str
    pattern: str
    format: str
    activations: str
    weight: np.ndarray
    # None if not known to the compiler.
    inputs: int
    kernel: str = ""

    @property
    def description(self):
        n, k = self.weight.shape
        return (f"{self.name}: {n}x{k}, {self.pattern or 'dense'}, {self.format}, activations "
                f"{self.activations or 'f32'}, M {self.inputs or 'dynamic'}, {self.kernel}")


def draw_pattern(rng):
    kind = rng.choice(["dense", "nm", "unstructured", "block"], p=[0.2, 0.35, 0.25, 0.2])
    if kind == "dense":
        return None
    if kind == "nm":
        return str(rng.choice(["nm2:4", "nm1:4", "nm4:8", "nm2:8", "nm1:8", "nm8:16", "nm1:16",
                               "nm4:16", "nm16:32", "nm3:5", "nm1:2", "nm3:4", "nm4:4"]))
    if kind == "unstructured":
        part = rng.choice(["0.1", "0.5", "0.7", "0.9", "0.99", "1.0"])
        return f"unstructured{part}.{rng.choice(['row', 'tensor'])}"
    rows, cols = rng.choice([1, 4, 16, 16, 32]), rng.choice([1, 2, 4, 6, 8, 16, 64])
    return f"block{rows}x{cols}.{rng.choice(['0.25', '0.5', '0.75', '0.95'])}"


def draw_weight(rng, shape):
    weight = rng.standard_normal(shape).astype(F32)
    weight *= np.exp2(rng.integers(-6, 7, (shape[0], 1))).astype(F32)
    weight[rng.random(shape[0]) < 0.1] = 0
    weight[:, rng.random(shape[1]) < 0.05] = -0.0
    return weight


def draw_layer(rng, index):
    shape = int(rng.choice(EXTENTS)), int(rng.choice(EXTENTS))
    return Layer(
        f"l{index}", draw_pattern(rng), str(rng.choice(WEIGHTS)),
        ACTIVATIONS[rng.integers(len(ACTIVATIONS))], draw_weight(rng, shape),
        int(rng.choice(INPUTS)) if rng.random() < 0.3 else None)


def module_text(layers):
    lines = ["#x = affine_map<(m, n, k) -> (m, k)>", "#w = affine_map<(m, n, k) -> (n, k)>",
             "#y = affine_map<(m, n, k) -> (m, n)>"]
    for layer in layers:
        n, k = layer.weight.shape
        m = layer.inputs or "?"
        x, w, y = f"tensor<{m}x{k}xf32>", f"tensor<{n}x{k}xf32>", f"tensor<{m}x{n}xf32>"
        dims, limit, extent = "", "", ""
        if m == "?":
            dims, extent = ', sq.dims = ["M", ""]', "%m"
            limit = " attributes {sq.symbol_max = {M = 1024}}"
        lines += [
            f'func.func @{layer.name}(%x: {x} {{sq.name = "x"{dims}}}) -> '
            f'({y} {{sq.name = "y"{dims}}}){limit} {{',
            f'  %w = sq.parameter "{layer.name}.weight" from "model.safetensors" : {w}',
            "  %zero = arith.constant 0.0 : f32",
            "  %c0 = arith.constant 0 : index",
            f"  %m = tensor.dim %x, %c0 : {x}",
            f"  %e = tensor.empty({extent}) : {y}",
            f"  %i = linalg.fill ins(%zero : f32) outs(%e : {y}) -> {y}",
            f"  %r = linalg.matmul indexing_maps = [#x, #w, #y] ins(%x, %w : {x}, {w})"
            f" outs(%i : {y}) -> {y}",
            f"  return %r : {y}", "}"]
    return "\n".join(lines) + "\n"


def compile_layers(folder, layers, options):
    """Writes model.so of `layers`, and their kernels into them."""
    save_file({f"{layer.name}.weight": layer.weight for layer in layers},
              folder / "model.safetensors")
    (folder / "model.mlir").write_text(module_text(layers))
    rules = [rule(layer.name, layer.pattern, layer.format, layer.activations)
             for layer in layers]
    (folder / "recipe.yaml").write_text("rules:\n" + "".join(f"  - {r}\n" for r in rules))
    command = [folder / "model.mlir", "--recipe", folder / "recipe.yaml", "--weights-dir", folder,
               *options]
    report = folder / "report.json"
    run("sq-compile", *command, "--measure-errors=false", f"--report={report}", "-o",
        folder / "model.so")
    kernels = {layer["name"]: layer["kernel"]
               for layer in json.loads(report.read_text())["layers"]}
    for layer in layers:
        layer.kernel = kernels[layer.name]


def integers_of(fmt, quantized, shape):
    """The integers that codes stand for, and their scales, [rows, cols]."""
    codes = fmt.ungroup(quantized.codes, shape)
    if fmt.family == "uint":
        zero_points = quantized.zero_points.reshape(-1)
        values = codes.astype(np.int64) - (zero_points[0] if fmt.tensor else zero_points[:, None])
    else:
        values = codes.view(np.int8).astype(np.int64)
    scales = reference.stored_scale_values(fmt, quantized.scales)
    return values, scales


def check(layer, x, actual, float_terms=None):
    """Sums of floats have K terms, their scales and conversions, or `float_terms`."""
    kept = sparsify(layer.pattern, layer.weight)
    decoded = round_trip(layer.format, kept).astype(np.float64)
    left = round_trip(layer.activations, x).astype(np.float64)
    size = np.abs(left) @ np.abs(decoded).T
    k = x.shape[1]
    if layer.kernel not in INTEGER_KERNELS:
        error, terms = np.abs(actual - left @ decoded.T), float_terms or k + 5
        check_bound(layer, error, terms, size)
        return
    fmt, act = reference.Format(layer.format), reference.Format(layer.activations)
    if fmt.family == "int" and not fmt.group and not act.group:
        codes, scales = integers_of(act, reference.quantize(act, x), x.shape)
        weights, weight_scales = integers_of(fmt, reference.quantize(fmt, kept), kept.shape)
        sums = (codes @ weights.T).astype(F32)
        expected = sums * weight_scales.astype(F32).reshape(1, -1)
        expected = expected * scales.astype(F32).reshape(-1, 1)
        np.testing.assert_array_equal(actual, expected, layer.description)
        return
    sizes = [f.group for f in (fmt, act) if f.group]
    groups = -(-k // min(sizes)) if sizes else 1
    check_bound(layer, np.abs(actual - left @ decoded.T), groups + 6, size)


def check_bound(layer, error, terms, size):
    bound = terms * U / (1 - terms * U) * size + 2.0**-126
    assert (error <= bound).all(), f"{layer.description}: {(error / bound).max()} times the bound"


@pytest.mark.parametrize("seed", range(SEED, SEED + MODULES))
def test_random_layers(seed, tmp_path):
    rng = np.random.default_rng(seed)
    cpu, features = CPUS[seed % len(CPUS)]
    if missing := features - HOST:
        pytest.skip(f"needs a CPU with {', '.join(sorted(missing))}")
    preference, threads = KERNELS[seed % len(KERNELS)], int(rng.choice([1, 1, 2, 3, 7]))
    if preference == "cpu.tile-panel":
        preference += f":{rng.choice([1, 2, 3, 7, 9, 16, 33])}"
    layers = [draw_layer(rng, index) for index in range(LAYERS)]
    options = [f"--target={cpu}", f"--openmp={'false' if threads == 1 else 'true'}"]
    if preference:
        options.append(f"--prefer-kernel={preference}")
    compile_layers(tmp_path, layers, options)
    with Artifact(tmp_path / "model.so", threads) as opened:
        for layer in layers:
            n, k = layer.weight.shape
            counts = [layer.inputs] if layer.inputs else [1, *rng.choice(INPUTS, 3)]
            for m in map(int, counts):
                x = rng.standard_normal((m, k)).astype(F32)
                x[rng.random(m) < 0.1] = 0
                (actual,) = opened.call(layer.name, [x], [(m, n)])
                check(layer, x, actual)
