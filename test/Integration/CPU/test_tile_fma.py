"""f32 activations: weights in tiles by `cpu.tile-fma`, f32 ones by `cpu.f32`.

Masks and decoded weights are those of test/Numerics/reference.py; the products are
NumPy's in f64, for few rows of activations and, from 16 on, panels of the weights. A
kernel's sums are f32 and in an order of its own, so results agree to `TOLERANCE` of the sum of magnitudes: no sum is a chain of more than 100
roundings of 2^-24 here, and most errors cancel. Compiled for a CPU of its own name
and run where the features are. About 45 s.
"""

import itertools
from pathlib import Path

import numpy as np
import pytest
import reference
from artifact import Artifact
from packed_model import round_trip, rule, run, sparsify
from reference import F32
from safetensors.numpy import save_file
from test_tiles import make_name, module_text

CPUINFO = Path("/proc/cpuinfo")
HOST = set(CPUINFO.read_text().split()) if CPUINFO.exists() else set()
TARGETS = {
    "avx512-vbmi2": ("icelake-server",
                     {"avx512f", "avx512bw", "avx512dq", "avx512vl", "avx512_vbmi2", "f16c"}),
    "avx2": ("x86-64-v3", {"avx2", "fma", "f16c"}),
}

TOLERANCE = 1e-6
PATTERNS = [None, "nm2:4", "nm4:8", "nm1:4", "nm1:16", "unstructured0.6.row"]
FORMATS = ["int8.row", "int4.row", "int3.row", "int6.row", "int8.tensor", "int4.g64.f16",
           "int4.g128", "int8.g32", "int4.g256", "mx.e2m1fn", "mx.e2m3fn", "mx.e3m2fn",
           "mx.e4m3fn", "mx.e5m2", "mx.int8", "nvfp4", "fp8.e4m3fn.row", "fp8.e5m2.tensor",
           "hbfp7.g64", "hbfp3.g64", "nf4.g64", "nf4.g32.f16", "nf4.row"]
# Groups that aren't whole bytes of nibbles, or end within 16 vectors.
DENSE_FORMATS = ["int4.g12.f16", "int8.g20", "int5.g300"]
SHAPES = [(33, 321), (16, 256), (17, 63), (40, 172), (1, 1), (5, 1031)]
ROWS = [1, 2, 15, 16, 41]

# All formats where decoding and positions are at their simplest, one for each way of
# decoding where they aren't. A vector of 1:16 covers 64 columns: no finer scales.
SPARSE_FORMATS = ["int4.g64.f16", "int8.row", "fp8.e4m3fn.row", "fp8.e5m2.tensor", "hbfp3.g64",
                  "nf4.g64.f16"]
CASES = [(pattern, fmt, None) for pattern in PATTERNS
         for fmt in (FORMATS if pattern in (None, "nm2:4") else SPARSE_FORMATS)]
CASES += [(None, fmt, None) for fmt in DENSE_FORMATS]
CASES += [(None, None, None)] * len(SHAPES)
# Quantized activations are rounded in front of products that no integer kernel has, of
# weights or activations that aren't integers, or, as here, that shall be in f32.
CASES += [(pattern, fmt, "int8.row") for pattern, fmt in itertools.product(
    (None, "nm2:4"), ("fp8.e4m3fn.row", "mx.e3m2fn", "nf4.g64"))]
ACTIVATIONS = ["fp8.e4m3fn.row", "fp8.e5m2.row", "mx.e4m3fn", "mx.e5m2", "mx.e2m3fn", "mx.e3m2fn",
               "mx.e2m1fn", "mx.int8", "hbfp7.g64", "hbfp5.g32", "hbfp3.g24", "nf4.row",
               "nf4.row.f16", "uint8.row", "uint4.row"]
CASES += [(PATTERNS[index % len(PATTERNS)], fmt, activations)
          for index, (activations, fmt) in enumerate(itertools.product(
              ACTIVATIONS, ("fp8.e4m3fn.row", "int8.row", "int4.g64.f16", "mx.e2m1fn")))]
CASES += [("nm2:4", "mx.int8", "mx.int8"), (None, "hbfp7.g64", "hbfp7.g64"),
          ("nm2:4", "nvfp4", "mx.e2m1fn"), (None, "nf4.g64", "fp8.e5m2.row")]


@pytest.fixture(scope="module", params=TARGETS)
def target(request):
    """A CPU; compiling needs no such CPU, but running does."""
    cpu, features = TARGETS[request.param]
    if missing := features - HOST:
        pytest.skip(f"needs a CPU with {', '.join(sorted(missing))}")
    return cpu


@pytest.fixture(scope="module")
def layers(target):
    """name: (pattern, format, activations, weight)."""
    rng = np.random.default_rng(7)
    result = {}
    for index, (pattern, fmt, activations) in enumerate(CASES):
        # What AVX2 has its own code for is how elements are read and looked up.
        if target == "x86-64-v3" and activations:
            continue
        shape = SHAPES[index % len(SHAPES)]
        weight = rng.standard_normal(shape).astype(F32)
        # Magnitudes that float formats store as denormals, too.
        weight *= 2.0 ** rng.integers(-9, 2, shape).astype(F32)
        weight[0] = 0
        weight[-1, ::2] = -0.0
        name = make_name(pattern, fmt, shape)
        if activations:
            name += "_by_" + activations.replace(".", "_")
        result[name] = pattern, fmt, activations, weight
    return result


@pytest.fixture(scope="module")
def artifact(layers, target, tmp_path_factory):
    folder = tmp_path_factory.mktemp("fma")
    weights = {name: layer[-1] for name, layer in layers.items()}
    save_file({f"{name}.weight": weight for name, weight in weights.items()},
              folder / "model.safetensors")
    (folder / "model.mlir").write_text(module_text(weights))
    rules = [rule(name, *layer[:-1]) for name, layer in layers.items() if layer[1]]
    (folder / "recipe.yaml").write_text("rules:\n" + "".join(f"  - {r}\n" for r in rules))
    command = [folder / "model.mlir", "--recipe", folder / "recipe.yaml", "--weights-dir", folder,
               f"--target={target}", "--openmp=false", "--prefer-kernel=cpu.tile-fma"]
    run("sq-compile", *command, "--emit=mlir-sq", "-o", folder / "packed.mlir")
    text = (folder / "packed.mlir").read_text()
    packed = [name for name, layer in layers.items() if layer[1]]
    assert text.count('kernel = "cpu.tile-fma"') == 2 * len(packed)
    run("sq-compile", *command, "-o", folder / "model.so")
    with Artifact(folder / "model.so") as opened:
        yield opened


def check(artifact, layers, name, rows, rng):
    pattern, fmt, activations, weight = layers[name]
    x = rng.standard_normal((rows, weight.shape[1])).astype(F32)
    function = f"{name}_{'one' if rows == 1 else 'many'}"
    (actual,) = artifact.call(function, [x], [(rows, weight.shape[0])])
    if activations:
        x = round_trip(activations, x)
    decoded = round_trip(fmt, sparsify(pattern, weight)).astype(np.float64)
    bound = np.abs(x) @ np.abs(decoded).T
    error = np.abs(actual - x.astype(np.float64) @ decoded.T)
    assert (error <= TOLERANCE * bound + 1e-30).all(), f"{name}: {(error / bound).max()}"
    return (error / (bound + 1e-30)).max()


@pytest.mark.parametrize("pattern", PATTERNS)
def test_products(artifact, layers, pattern):
    rng = np.random.default_rng(11)
    names = [name for name, layer in layers.items() if layer[0] == pattern]
    assert names
    worst = max(check(artifact, layers, name, rows, rng)
                for name, rows in itertools.product(names, ROWS))
    # The reference is no copy of the kernel.
    assert worst > 0


def test_dense_layers_of_avx2(tmp_path):
    """Blocks of 8 weights and 6 rows of activations, where registers are 16."""
    rng = np.random.default_rng(13)
    weights = {f"w{i}": rng.standard_normal(shape).astype(F32) for i, shape in enumerate(SHAPES)}
    save_file({f"{name}.weight": weight for name, weight in weights.items()},
              tmp_path / "model.safetensors")
    (tmp_path / "model.mlir").write_text(module_text(weights))
    run("sq-compile", tmp_path / "model.mlir", "--weights-dir", tmp_path, "--target=haswell",
        "--openmp=false", "-o", tmp_path / "model.so")
    layers = {name: (None, None, None, weight) for name, weight in weights.items()}
    with Artifact(tmp_path / "model.so") as opened:
        for name, rows in itertools.product(layers, ROWS):
            check(opened, layers, name, rows, rng)


def test_infinity_reaches_its_rows_only(artifact, layers):
    """Padding isn't multiplied: an infinity spreads as in a dense product."""
    name = next(name for name, layer in layers.items() if layer[0] is None
                and layer[1] == "int8.row")
    weight = layers[name][-1]
    x = np.zeros((1, weight.shape[1]), F32)
    x[0, -1] = np.inf
    (actual,) = artifact.call(f"{name}_one", [x], [(1, weight.shape[0])])
    decoded = round_trip("int8.row", weight)
    with np.errstate(invalid="ignore"):
        np.testing.assert_array_equal(actual, (x * decoded[:, None]).sum(-1).T)
