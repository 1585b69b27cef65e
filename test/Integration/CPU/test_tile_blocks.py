"""Weights in blocks, packed and multiplied by `cpu.tile-blocks`, against NumPy.

NUM-L10 is written a second time in test/Numerics/reference.py; what the compiler
packs is equal to that, byte by byte. With a scale a row products are equal to
NumPy's bit for bit. Shapes end in parts of tiles, blocks, vectors and lines of
activations, and rows in parts of a block of 16.
About 7 s.
"""

import itertools

import numpy as np
import pytest
import reference
import test_tiles
from artifact import Artifact
from packed_model import WeightFile, make_mask, rule, run, sparsify
from reference import F32
from safetensors.numpy import save_file

# Blocks of whole vectors, of columns, of several tiles; all dropped, none dropped.
CASES = [("block16x4.0.75", "int8.row", (33, 321)), ("block16x4.0.9", "int4.row", (70, 1030)),
         ("block32x8.0.5", "int3.row", (17, 63)), ("block16x1.0.75", "int8.row", (40, 172)),
         ("block32x6.0.75", "int4.row", (33, 321)), ("block16x4.1.0", "int8.tensor", (16, 64)),
         ("block16x1.0.0", "int4.row", (1, 1)),
         # Scale groups, some of which keep nothing; of one vector; cut by the matrix.
         ("block16x4.0.75", "int4.g64.f16", (33, 321)), ("block16x4.0.9", "mx.e2m1fn", (40, 172)),
         ("block32x8.0.5", "int8.g32", (17, 63)), ("block16x4.0.75", "mx.e2m3fn", (16, 1030)),
         ("block16x4.1.0", "nvfp4", (16, 64)), ("block16x12.0.5", "hbfp7.g16", (50, 333))]
ROWS = [1, 2, 3, 7, 11, 12, 16, 19, 27, 40]
# Several chunks of rows, and columns beyond what one index byte counts.
LARGE = ("block16x4.0.9", "int8.row", (40, 9001))
TARGETS = {name: test_tiles.TARGETS[name] for name in ("avx2", "avx512-vbmi2")}


@pytest.fixture(scope="module", params=TARGETS)
def compiled(request, tmp_path_factory):
    """An artifact, its weight file, and name: (pattern, format, weight)."""
    cpu, features = TARGETS[request.param]
    if missing := features - test_tiles.HOST:
        pytest.skip(f"needs a CPU with {', '.join(sorted(missing))}")
    folder = tmp_path_factory.mktemp("blocks")
    rng = np.random.default_rng(17)
    layers = {}
    for pattern, fmt, shape in [*CASES, LARGE]:
        weight = rng.standard_normal(shape).astype(F32)
        layers[test_tiles.make_name(pattern, fmt, shape)] = pattern, fmt, weight
    save_file({f"{name}.weight": weight for name, (*_, weight) in layers.items()},
              folder / "model.safetensors")
    weights = {name: weight for name, (*_, weight) in layers.items()}
    (folder / "model.mlir").write_text(test_tiles.module_text(weights))
    rules = [rule(name, pattern, fmt, "int8.row") for name, (pattern, fmt, _) in layers.items()]
    (folder / "recipe.yaml").write_text("rules:\n" + "".join(f"  - {r}\n" for r in rules))
    command = [folder / "model.mlir", "--recipe", folder / "recipe.yaml", "--weights-dir", folder,
               f"--target={cpu}", "--openmp=false"]
    run("sq-compile", *command, "--emit=mlir-sq", "-o", folder / "packed.mlir")
    text = (folder / "packed.mlir").read_text()
    assert text.count('kernel = "cpu.tile-blocks"') == 2 * len(layers)
    run("sq-compile", *command, "-o", folder / "model.so")
    with Artifact(folder / "model.so") as artifact:
        yield artifact, WeightFile(folder / "packed.sqw"), layers


def test_the_compiler_packs_what_numpy_packs(compiled):
    _, file, layers = compiled
    for name, (pattern, fmt_name, weight) in layers.items():
        fmt = reference.Format(fmt_name)
        quantized = reference.quantize(fmt, sparsify(pattern, weight))
        codes = quantized.codes.reshape(weight.shape)
        payload, indices = reference.pack_block_tiles(
            fmt, codes, make_mask(pattern, weight), pattern)
        assert file.layers[name]["layout"] == "blocks"
        np.testing.assert_array_equal(file.tensors[f"{name}.payload"], payload, name)
        np.testing.assert_array_equal(file.tensors[f"{name}.positions"], indices, name)


def test_products(compiled):
    artifact, _, layers = compiled
    rng = np.random.default_rng(19)
    for case, rows in itertools.product(CASES, ROWS):
        test_tiles.check(artifact, layers, test_tiles.make_name(*case), rows, rng)


def test_several_chunks_of_rows(compiled):
    artifact, _, layers = compiled
    test_tiles.check(artifact, layers, test_tiles.make_name(*LARGE), 301,
                     np.random.default_rng(23))
