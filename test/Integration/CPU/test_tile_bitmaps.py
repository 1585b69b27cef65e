"""Weights of which a varying number is kept, in tiles: the bytes and the reads.

NUM-L9 is written a second time in test/Numerics/reference.py. What the compiler
packs is equal to that, byte by byte; and what NumPy packs is multiplied by
`cpu.tile-dot` and `cpu.tile-panel`, every operand ending at a page without access, since the kernel
loads whole registers from wherever a code is. test_tiles.py has more formats,
shapes and numbers of rows. Products are compiled with vpexpandb, and for AVX2, which expands
16 weights at a time. About 35 s of one core.
"""

import itertools

import guarded
import numpy as np
import pytest
import reference
import spelling
from packed_model import WeightFile, make_mask, rule, run, sparsify, write_model
from reference import F32
from spelling import Format, tensor
from test_tiles import TARGETS

TARGET = "icelake-server"
# Groups of 4 and of 12 have fewer vectors than a loop over those of several rows.
FORMATS = ["int8.row", "int4.g32.f16", "int4.g12", "int3.g4.f16", "int3.row",
           "mx.e2m1fn", "mx.e2m3fn", "hbfp7.g64", "nvfp4"]
PATTERNS = ["unstructured0.5.row", "unstructured0.97.tensor", "unstructured0.0.row", "block4x4.0.75"]
SHAPES = [(33, 130), (16, 64), (1, 1), (17, 63), (5, 200)]
CASES = [(p, f, SHAPES[i % len(SHAPES)])
         for i, (p, f) in enumerate(itertools.product(PATTERNS, FORMATS))]
ROWS = [1, 2, 9]


class Weights:
    """Random weights, masked, quantized and packed by the reference."""

    def __init__(self, pattern, fmt, shape, seed):
        rng = np.random.default_rng(seed)
        self.dense = rng.standard_normal(shape).astype(F32)
        mask = make_mask(pattern, self.dense)
        quantized = reference.quantize(fmt, sparsify(pattern, self.dense))
        self.values = reference.dequantize(fmt, quantized).astype(np.float64)
        codes = quantized.codes.reshape(shape)
        self.payload, self.bitmap = reference.pack_bitmap_tiles(fmt, codes, mask)
        first, *rest = spelling.scale_arrays(fmt, quantized, shape)
        self.scales = [reference.pack_tile_scales(first, shape[0]), *rest]


def test_the_compiler_packs_what_numpy_packs(tmp_path):
    weights = {}
    for index, (pattern, name, shape) in enumerate(CASES):
        weights[f"{pattern}@{name}"] = Weights(pattern, Format(name), shape, index)
    write_model(tmp_path, {layer: w.dense for layer, w in weights.items()})
    rules = [rule(layer, *layer.split("@"), "int8.row") for layer in weights]
    (tmp_path / "recipe.yaml").write_text("rules:\n" + "".join(f"  - {r}\n" for r in rules))
    run("sq-compile", tmp_path / "model.mlir", "--recipe", tmp_path / "recipe.yaml", "--weights-dir",
        tmp_path, f"--target={TARGET}", "--emit=mlir-sq", "-o", tmp_path / "packed.mlir")
    file = WeightFile(tmp_path / "packed.sqw")
    for layer, expected in weights.items():
        assert file.layers[layer]["layout"] == "tiles"
        np.testing.assert_array_equal(file.tensors[f"{layer}.payload"][0], expected.payload, layer)
        np.testing.assert_array_equal(file.tensors[f"{layer}.bitmap"], expected.bitmap, layer)
        np.testing.assert_array_equal(
            file.tensors[f"{layer}.scale"].view(np.uint8), expected.scales[0].view(np.uint8), layer)


def product_text(name, pattern, fmt, shape, weights, rows, kernel):
    n, k = shape
    x, out = tensor([rows, k], "i8"), tensor([rows, n], "f32")
    types = [tensor(weights.payload.reshape(1, -1).shape, "i8"), tensor(weights.bitmap.shape, "i8")]
    for scale, spelled in zip(weights.scales, spelling.scale_types(fmt, shape)):
        types.append(tensor(scale.shape, spelled.split("x")[-1].rstrip(">")))
    names = ["p", "b", *(f"s{i}" for i in range(len(weights.scales)))]
    arguments = [("x", x), ("xs", tensor([rows, 1], "f32")), *zip(names, types), ("init", out)]
    scales = ", ".join(f"%{s}" for s in names[2:])
    body = (f"%y = sq.matmul ins(%x, %xs : {x}, {tensor([rows, 1], 'f32')}) weights(%p, bitmap(%b),"
            f" scales({scales}) : {', '.join(types)}) outs(%init : {out}) {{format ="
            f" #sq.{spelling.format_attribute(fmt)}, activationFormat = #sq.int<8, row>, pattern ="
            f" #sq.{spelling.pattern_attribute(pattern)}, layout = #sq<layout tiles>,"
            f' kernel = "{kernel}"}} -> {out}')
    return spelling.function(name, arguments, [("y", out)], [body])


@pytest.mark.parametrize("target", ["avx2", "avx512-vbmi2"])
def test_products_of_guarded_operands(target, tmp_path):
    cpu, features = TARGETS[target]
    if missing := features - guarded.host_flags():
        pytest.skip(f"needs a CPU with {', '.join(sorted(missing))}")
    cases = {}
    for index, (pattern, name, shape) in enumerate(CASES):
        weights = Weights(pattern, Format(name), shape, index)
        kernels = [("cpu.tile-dot", None), ("cpu.tile-dot", 1 + index % 3)]
        # That one has a sum for each 16 columns.
        if (Format(name).group or 16) % 16 == 0:
            kernels.append(("cpu.tile-panel", 1 + index % 7))
        for kernel, rows in kernels:
            function = f"f{index}_{kernel[9:]}_{rows or 'many'}"
            text = product_text(function, pattern, Format(name), shape, weights, rows, kernel)
            cases[function] = weights, shape, rows, text
    process = guarded.start_compile(
        "".join(text for *_, text in cases.values()), tmp_path / "m.so", cpu, "--openmp=false")
    guarded.finish_compile(process)
    artifact = guarded.GuardedArtifact(tmp_path / "m.so")
    rng = np.random.default_rng(3)
    for function, (weights, (n, k), static, _) in cases.items():
        for rows in [static] if static else ROWS:
            codes = rng.integers(-127, 128, (rows, k), np.int8)
            scales = rng.uniform(0.5, 2, (rows, 1)).astype(F32)
            init = rng.standard_normal((rows, n)).astype(F32)
            operands = [codes, scales, weights.payload.view(np.int8).reshape(1, -1),
                        weights.bitmap.view(np.int8), *weights.scales, init]
            (y,) = artifact.call(function, operands, [((rows, n), F32)])
            x = codes * scales.astype(np.float64)
            size = np.abs(init) + np.abs(x) @ np.abs(weights.values.T)
            error = np.abs(y - (init + x @ weights.values.T))
            assert (error <= 4e-7 * size).all(), function
