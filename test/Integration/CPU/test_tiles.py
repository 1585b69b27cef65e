"""Weights in tiles, multiplied by `cpu.tile-dot` and `cpu.tile-panel`, against NumPy.

Masks, codes, scales and quantized activations are those of
test/Numerics/reference.py; the products are NumPy's. With a scale a row, sums are
exact integers and the few roundings after them are repeated here, so the results
are equal bit for bit. With scale groups they agree to a few ulp of the sum of
magnitudes. Compiled for a CPU of each instruction set that the kernel knows, and
run where the features are. About 40 s.
"""

import itertools
from pathlib import Path

import ml_dtypes
import numpy as np
import pytest
import reference
from artifact import Artifact
from packed_model import round_trip, rule, run, sparsify
from reference import F32
from safetensors.numpy import save_file

CPUINFO = Path("/proc/cpuinfo")
HOST = set(CPUINFO.read_text().split()) if CPUINFO.exists() else set()
AVX2 = {"avx2", "fma", "f16c"}
AVX512 = {"avx512f", "avx512bw", "avx512dq", "avx512vl"}
# Not the CPUs by name: those have features that kernels don't need and that another
# CPU may lack.
TARGETS = {
    "avx2": ("x86-64-v3", AVX2),
    "avx-vnni": ("alderlake", AVX2 | {"avx_vnni"}),
    "avx512": ("x86-64-v4", AVX512),
    "avx512-vnni": ("cascadelake", AVX512 | {"avx512_vnni"}),
    "avx512-vbmi2": ("icelake-server", AVX512 | {"avx512_vnni", "avx512vbmi", "avx512_vbmi2"}),
}

# With positions; and with bitmaps, which differ in how full a vector is.
POSITIONS = ["nm2:4", "nm1:4", "nm4:8", "nm2:8", "nm1:16", "nm8:16"]
BITMAPS = ["unstructured0.5.row", "unstructured0.9.tensor", "block4x4.0.75", "nm3:5"]
PATTERNS = [None, *POSITIONS, *BITMAPS]
FORMATS = ["int8.row", "int4.row", "int3.row", "int8.tensor", "int4.g64.f16", "int4.g128",
           "int8.g32", "mx.e2m1fn", "mx.e2m3fn", "mx.int8", "nvfp4", "hbfp7.g64", "hbfp3.g64",
           "hbfp5.g64"]
SHAPES = [(33, 321), (16, 64), (17, 63), (40, 172), (1, 1), (70, 410)]
# From 16 rows on, cpu.tile-panel (MANY): 19 ends in a part of a small block of rows, 22
# in one of a large block.
MANY = 16
# Below that, blocks of 8, 4, 2 and 1; the last ones of 5 and 11 aren't full.
ROWS = [1, 2, 5, 8, 11, 16, 19, 22]
# Weights and rows that take several panels of columns and chunks of rows.
LARGE = [(None, "int8.row", (50, 5500)), ("nm2:4", "int4.g64.f16", (50, 5500))]
LARGE_ROWS = 517


def module_text(weights):
    """For each weight `<name>`, functions name_one ([1, K]) and name_many."""
    lines = ["#x = affine_map<(m, n, k) -> (m, k)>", "#w = affine_map<(m, n, k) -> (n, k)>",
             "#y = affine_map<(m, n, k) -> (m, n)>"]
    for name, weight in weights.items():
        n, k = weight.shape
        for suffix, m in (("one", "1"), ("many", "?")):
            x, w, y = (f"tensor<{m}x{k}xf32>", f"tensor<{n}x{k}xf32>", f"tensor<{m}x{n}xf32>")
            dims = '{sq.name = "x", sq.dims = ["M", ""]}' if m == "?" else '{sq.name = "x"}'
            out = '{sq.name = "y", sq.dims = ["M", ""]}' if m == "?" else '{sq.name = "y"}'
            limit = ' attributes {sq.symbol_max = {M = 1024}}' if m == "?" else ""
            lines += [
                f"func.func @{name}_{suffix}(%x: {x} {dims}) -> ({y} {out}){limit} {{",
                f'  %w = sq.parameter "{name}.weight" from "model.safetensors" : {w}',
                "  %zero = arith.constant 0.0 : f32",
            ]
            if m == "?":
                lines += ["  %c0 = arith.constant 0 : index",
                          f"  %m = tensor.dim %x, %c0 : {x}",
                          f"  %e = tensor.empty(%m) : {y}"]
            else:
                lines += [f"  %e = tensor.empty() : {y}"]
            lines += [
                f"  %i = linalg.fill ins(%zero : f32) outs(%e : {y}) -> {y}",
                f"  %r = linalg.matmul indexing_maps = [#x, #w, #y] ins(%x, %w : {x}, {w})"
                f" outs(%i : {y}) -> {y}",
                f"  return %r : {y}", "}"]
    return "\n".join(lines) + "\n"


# A vector of 1:16 covers 64 columns: no scale may change within.
TOO_FINE_FOR_1_OF_16 = {"int8.g32", "mx.e2m1fn", "mx.e2m3fn", "mx.int8", "nvfp4"}
# How a format's elements are read doesn't depend on what is dropped: all formats
# dense, with positions and with a bitmap once, and the rest with some.
ALL_FORMATS = {None, "nm2:4", "unstructured0.5.row"}
SOME_FORMATS = {"int8.row", "int4.row", "int4.g64.f16", "int4.g128", "mx.e2m1fn", "hbfp3.g64"}
SOME_DENSE = {"int8.row", "int4.row", "int8.g32", "mx.e2m1fn", "mx.e2m3fn", "mx.int8", "hbfp7.g64",
              "hbfp5.g64"}
EXPANDED = {"int8.row", "mx.e2m1fn"}
CASES = [(pattern, fmt) for pattern, fmt in itertools.product(PATTERNS, FORMATS)
         if (pattern in ALL_FORMATS or fmt in SOME_FORMATS)
         and (pattern != "nm1:16" or fmt not in TOO_FINE_FOR_1_OF_16)]


def make_name(pattern, fmt, shape):
    text = f"{pattern or 'dense'}_{fmt}_{shape[0]}x{shape[1]}"
    return "".join(c if c.isalnum() else "_" for c in text)


@pytest.fixture(scope="module", params=TARGETS)
def target(request):
    """Name of the set and of a CPU; compiling needs no such CPU, but running does."""
    cpu, features = TARGETS[request.param]
    if missing := features - HOST:
        pytest.skip(f"needs a CPU with {', '.join(sorted(missing))}")
    return request.param, cpu


@pytest.fixture(scope="module")
def layers(target):
    """name: (pattern, format, weight)."""
    rng = np.random.default_rng(7)
    result = {}
    for index, (pattern, fmt) in enumerate(CASES):
        # All pairs for one set; for the others, each pattern once, dense what their panels
        # multiply in different ways, and with a bitmap what is expanded in different ways.
        some = SOME_DENSE if not pattern else EXPANDED if pattern in BITMAPS else set()
        if target[0] != "avx512-vbmi2" and fmt != "int4.g64.f16" and fmt not in some:
            continue
        shape = SHAPES[index % len(SHAPES)]
        weight = rng.standard_normal(shape).astype(F32)
        weight[0] = 0
        weight[-1, ::2] = -0.0
        result[make_name(pattern, fmt, shape)] = pattern, fmt, weight
    for pattern, fmt, shape in LARGE:
        weight = rng.standard_normal(shape).astype(F32)
        result[make_name(pattern, fmt, shape)] = pattern, fmt, weight
    return result


@pytest.fixture(scope="module")
def artifact(layers, target, tmp_path_factory):
    folder = tmp_path_factory.mktemp("tiles")
    weights = {name: weight for name, (_, _, weight) in layers.items()}
    save_file({f"{name}.weight": weight for name, weight in weights.items()},
              folder / "model.safetensors")
    (folder / "model.mlir").write_text(module_text(weights))
    rules = [rule(name, pattern, fmt, "int8.row") for name, (pattern, fmt, _) in layers.items()]
    (folder / "recipe.yaml").write_text("rules:\n" + "".join(f"  - {r}\n" for r in rules))
    command = [folder / "model.mlir", "--recipe", folder / "recipe.yaml", "--weights-dir", folder,
               f"--target={target[1]}", "--openmp=false",
               f"--prefer-kernel=cpu.tile-panel:{MANY}"]
    packed = run("sq-compile", *command, "--emit=mlir-sq", "-o", folder / "packed.mlir")
    assert packed.returncode == 0
    text = (folder / "packed.mlir").read_text()
    assert text.count('kernel = "cpu.tile-panel"') == len(layers)
    assert text.count('kernel = "cpu.tile-dot"') == len(layers)
    run("sq-compile", *command, "-o", folder / "model.so")
    with Artifact(folder / "model.so") as opened:
        yield opened


def quantize_activations(x):
    """Integer codes [M, K] and scales [M, 1] of int8.row."""
    fmt = reference.Format("int8.row")
    quantized = reference.quantize(fmt, x)
    return (quantized.codes.view(np.int8).reshape(x.shape).astype(np.int64),
            quantized.scales.view(F32).reshape(-1, 1))


def check(artifact, layers, name, rows, rng):
    pattern, fmt_name, weight = layers[name]
    x = rng.standard_normal((rows, weight.shape[1])).astype(F32)
    function = f"{name}_{'one' if rows == 1 else 'many'}"
    (actual,) = artifact.call(function, [x], [(rows, weight.shape[0])])
    codes, scales = quantize_activations(x)
    fmt = reference.Format(fmt_name)
    kept = sparsify(pattern, weight)
    if fmt_name.endswith(".row"):
        quantized = reference.quantize(fmt, kept)
        integers = quantized.codes.view(np.int8).reshape(weight.shape).astype(np.int64)
        sums = (codes @ integers.T).astype(F32)
        expected = sums * quantized.scales.view(F32)[None, :] * scales
        np.testing.assert_array_equal(actual, expected, name)
        return
    decoded = round_trip(fmt_name, kept).astype(np.float64)
    products = codes * scales.astype(np.float64)
    bound = np.abs(products) @ np.abs(decoded).T
    error = np.abs(actual - products @ decoded.T)
    assert (error <= 4e-7 * bound + 1e-30).all(), f"{name}: {(error / bound).max()}"


@pytest.mark.parametrize("pattern", PATTERNS)
def test_products(artifact, layers, pattern):
    rng = np.random.default_rng(11)
    names = [name for name, layer in layers.items() if layer[0] == pattern]
    assert names
    for name, rows in itertools.product(names, ROWS):
        check(artifact, layers, name, rows, rng)


@pytest.mark.parametrize("case", LARGE, ids=lambda case: case[1])
def test_several_panels(artifact, layers, case):
    check(artifact, layers, make_name(*case), LARGE_ROWS, np.random.default_rng(13))


CODES = """\
func.func @product(%x: tensor<3x64xi8> {{sq.name = "x"}}, %p: tensor<1x{size}xi8> {{sq.name = "p"}})
    -> (tensor<3x16xf32> {{sq.name = "y"}}) {{
  %xs = arith.constant dense<1.0> : tensor<1x1xf32>
  %s = arith.constant dense<1.0> : tensor<1x16xf32>
  %y = arith.constant dense<0.0> : tensor<3x16xf32>
  %0 = sq.matmul ins(%x, %xs : tensor<3x64xi8>, tensor<1x1xf32>)
    weights(%p, scales(%s) : tensor<1x{size}xi8>, tensor<1x16xf32>) outs(%y : tensor<3x16xf32>)
    {{format = #sq.int<{bits}, row>, activationFormat = #sq.int<8, tensor>, layout = #sq<layout tiles>,
      kernel = "{kernel}"}}
    -> tensor<3x16xf32>
  return %0 : tensor<3x16xf32>
}}
"""


def pack_tile(w, bits):
    """NUM-L5: byte 4r + i of vector v is column 4v + i of row r. NUM-L6: of up to six bits, the
    nibbles of two vectors and of two more, and the lower two bits of all four."""
    vectors = w.reshape(16, 16, 4).transpose(1, 0, 2).reshape(16, 64)
    if bits > 6:
        return vectors.reshape(1, -1)
    four = vectors.view(np.uint8).reshape(4, 4, 64)
    nibbles = four >> 2 & 15
    low = sum((four[:, v] & 3) << 2 * v for v in range(4))
    parts = nibbles[:, 0] | nibbles[:, 1] << 4, nibbles[:, 2] | nibbles[:, 3] << 4, low
    return np.stack(parts, axis=1).astype(np.uint8).view(np.int8).reshape(1, -1)


@pytest.mark.parametrize("kernel,bits", [("cpu.tile-dot", 8), ("cpu.tile-dot", 6),
                                         ("cpu.tile-panel", 8),
                                         ("cpu.tile-panel", 7), ("cpu.tile-panel", 6),
                                         ("cpu.tile-panel", 5)])
def test_extreme_codes(target, kernel, bits, tmp_path):
    """Sums of the largest products: pmaddubsw adds two of them in 16 bits, and panels of
    weights with few bits two or four such sums."""
    (tmp_path / "model.mlir").write_text(CODES.format(
        kernel=kernel, bits=bits, size=1024 if bits > 6 else 768))
    run("sq-compile", tmp_path / "model.mlir", f"--target={target[1]}", "-o",
        tmp_path / "model.so")
    rng = np.random.default_rng(13)
    top = 2**(bits - 1)
    with Artifact(tmp_path / "model.so") as opened:
        for codes in ([127], [-127], [-127, 127], range(-127, 128)):
            x = rng.choice(np.array(codes, np.int8), (3, 64))
            for weights in ([top - 1], [-top], [-top, top - 1], range(-top, top)):
                w = rng.choice(np.array(weights, np.int8), (16, 64))
                (actual,) = opened.call("product", [x, pack_tile(w, bits)], [(3, 16)])
                expected = x.astype(np.int64) @ w.T.astype(np.int64)
                np.testing.assert_array_equal(actual, expected.astype(F32))


# Three groups of MXINT8 weights, whose sums of products may reach 32 * 127 * 128.
POWERS = """\
func.func @product(%x: tensor<19x96xi8> {sq.name = "x"}, %p: tensor<1x1536xi8> {sq.name = "p"},
                   %s: tensor<1x48xf8E8M0FNU> {sq.name = "s"})
    -> (tensor<19x16xf32> {sq.name = "y"}) {
  %xs = arith.constant dense<1.0> : tensor<1x1xf32>
  %y = arith.constant dense<0.0> : tensor<19x16xf32>
  %0 = sq.matmul ins(%x, %xs : tensor<19x96xi8>, tensor<1x1xf32>)
    weights(%p, scales(%s) : tensor<1x1536xi8>, tensor<1x48xf8E8M0FNU>) outs(%y : tensor<19x16xf32>)
    {format = #sq.mx<i8>, activationFormat = #sq.int<8, tensor>, layout = #sq<layout tiles>}
    -> tensor<19x16xf32>
  return %0 : tensor<19x16xf32>
}
"""


def test_powers_of_two_as_scales(target, tmp_path):
    """From the smallest, a denormal, to where 3 * 2^22 times a scale is no float (from 2^105
    on) and NaN; the sums are exact, since the scales of a row are close to each other."""
    (tmp_path / "model.mlir").write_text(POWERS)
    command = [tmp_path / "model.mlir", f"--target={target[1]}", "--prefer-kernel=cpu.tile-panel:1"]
    run("sq-compile", *command, "--emit=mlir-sq", "-o", tmp_path / "packed.mlir")
    assert 'kernel = "cpu.tile-panel"' in (tmp_path / "packed.mlir").read_text()
    run("sq-compile", *command, "-o", tmp_path / "model.so")
    rng = np.random.default_rng(17)
    with Artifact(tmp_path / "model.so") as opened:
        for codes, values in itertools.product(
                ([0], [1, 0], [127], [126, 127, 128], [230, 231], [231, 232], [232], [231, 255]),
                ([0], [-128], [127], range(-128, 128))):
            w = rng.choice(np.array(values, np.int8), (16, 96))
            x = rng.choice(np.array(values, np.int8).clip(-127), (19, 96))
            # NUM-L5: byte 4r + i of vector v is column 4v + i of row r; of a group the
            # scales of 16 rows.
            tile = w.reshape(16, 24, 4).transpose(1, 0, 2).reshape(1, 1536)
            scale_codes = rng.choice(np.array(codes, np.uint8), (3, 16))
            stored = scale_codes.reshape(1, 48).view(ml_dtypes.float8_e8m0fnu)
            (actual,) = opened.call("product", [x, tile, stored], [(19, 16)])
            scales = np.ldexp(1.0, scale_codes.astype(np.int64) - 127)
            scales[scale_codes == 255] = np.nan
            sums = np.einsum("mgk,ngk->mgn", x.astype(np.int64).reshape(19, 3, 32),
                             w.astype(np.int64).reshape(16, 3, 32))
            expected = ((sums * scales).sum(axis=1) / 64).astype(F32)
            np.testing.assert_array_equal(actual, expected)
