"""Products by every kernel for tensor cores, from their PTX, against NumPy.

Masks, codes and scales are those of test/Numerics/reference.py, and products are
NumPy's in f64; the tolerance is that of test_fuzz_kernels.py. PTX is executed by
test/PTX, for which out-of-bounds accesses, races and metadata out of order are errors.

f32 activations are multiplied in three parts; 24 bits are what these hold, so that
products are exact, and three times as many are added up. About 300 s of a
slow core.
"""

import numpy as np
import pytest
import reference
from artifact import Artifact
from packed_model import HALVES
from ptx_driver import load_driver
from reference import F32
from test_fuzz_kernels import (
    ACTIVATIONS, WEIGHTS, Layer, check, compile_layers, draw_pattern, draw_weight)

SPARSE = ["nm2:4", "nm1:4", None, "unstructured0.5.row", "block16x4.0.75", "nm4:8"]
EXTENTS = [1, 5, 16, 17, 33, 64, 65, 127, 128, 129, 131, 200, 257]
# fp8 is an instruction of some architectures alone; for these, LLVM multiplies pairs of f32, too.
ARCHS = {"fp8": "sm_120a", "fp8-range": "sm_120a", "pairs": "sm_120a", "mxfp8": "sm_120a",
         "mxfp8-as-bf16": "sm_80"}
# Up to 8 and 16 tokens go to one kernel, more to another, whose blocks have 16 to 128.
TOKENS = [1, 7, 8, 9, 16, 17, 45, 130]
MODULES = {
    "s8": ("gpu.mma-s8", "int8.row",
           ["int8.row", "int4.row", "int4.g64.f16", "int4.g32", "int8.g128", "int8.tensor",
            "int3.row.f16", "mx.int8", "hbfp7.g64", "mx.e2m3fn",
            "mx.e2m1fn"]),
    "bf16": ("gpu.mma-bf16", None,
             ["int8.row", "int4.row", "int4.g64.f16", "int4.g32", "int4.g128", "mx.int8",
              "hbfp3.g32", "int8.tensor", "int5.g64", "mx.e2m1fn"]),
    "floats": ("gpu.mma-bf16", None,
               ["mx.e4m3fn", "mx.e5m2", "mx.e3m2fn", "fp8.e4m3fn.row"]),
    "f16": ("gpu.mma-f16", "f16",
            ["int8.row", "int4.g64.f16", "int4.row", "mx.e2m1fn", "int4.g128", "int8.g64",
             "hbfp5.g64", "fp8.e4m3fn.row", "fp8.e5m2.row", "mx.e3m2fn"]),
    "bf16-input": ("gpu.mma-bf16", "bf16", ["int8.row", "int4.g64.f16", "mx.e4m3fn"]),
    # Codes that no instruction takes beside the weights' are widened.
    "fp8-as-f16": ("gpu.mma-f16", "fp8.e4m3fn.row", ["fp8.e4m3fn.row", "fp8.e5m2.row",
                                                     "int8.row", "int4.g64.f16"]),
    "mxfp8-as-bf16": ("gpu.mma-bf16", "mx.e5m2", ["mx.e4m3fn", "mx.e2m1fn", "int8.row",
                                                  "int4.g64.f16"]),
    "hbfp8-as-bf16": ("gpu.mma-bf16", "hbfp7.g64", ["int4.g32", "mx.e4m3fn"]),
    "int8-as-f16": ("gpu.mma-f16", "int8.row", ["fp8.e4m3fn.row", "mx.e3m2fn"]),
    "mxfp4-as-bf16": ("gpu.mma-bf16", "mx.e2m1fn", ["mx.e4m3fn", "int8.row"]),
    "f16-f16": ("gpu.mma-f16", "f16", ["f16"]),
    "bf16-bf16": ("gpu.mma-bf16", "bf16", ["bf16"]),
    "bf16-f32": ("gpu.mma-bf16", None, ["bf16"]),
    "fp8": ("gpu.mma-fp8", "fp8.e4m3fn.row",
            ["fp8.e4m3fn.row", "fp8.e5m2.row", "fp8.e4m3fn.tensor"]),
    "fp8-range": ("gpu.mma-fp8", "fp8.e5m2.row", ["fp8.e4m3fn.row", "fp8.e5m2.row"]),
    "mxfp4": ("gpu.mma-s8", "mx.e2m1fn", ["mx.e2m1fn", "mx.int8", "int4.g32"]),
    "mxfp6": ("gpu.mma-s8", "mx.e2m3fn", ["mx.e2m3fn"]),
    "mxint8": ("gpu.mma-s8", "mx.int8", ["mx.int8"]),
    "hbfp8": ("gpu.mma-s8", "hbfp7.g64", ["hbfp7.g64", "int4.g64.f16"]),
    "mxfp8": ("gpu.mma-fp8", "mx.e4m3fn", ["mx.e4m3fn"]),
    "bytes": ("gpu.mma-s8", "int6.row", ["int8.row", "int4.row", "int4.g64"]),
    "pairs": ("gpu.mma-s8", "int8.row", ["int4.g64.f16", "mx.e2m1fn"]),
}


def draw_layers(rng, activations, formats):
    layers = []
    for index, (fmt, pattern) in enumerate((f, p) for f in formats for p in SPARSE[:4]):
        shape = int(rng.choice(EXTENTS)), int(rng.choice(EXTENTS))
        layers.append(Layer(f"l{index}", pattern, fmt, activations, draw_weight(rng, shape),
                            int(rng.choice(TOKENS)) if index % 4 == 0 else None))
    for index, pattern in enumerate(SPARSE[4:]):
        layers.append(Layer(f"z{index}", pattern, formats[0], activations,
                            draw_weight(rng, (48, 96)), None))
    return layers


def count_groups(layer):
    if layer.format in HALVES:
        return 1
    group = reference.Format(layer.format).group
    return -(-layer.weight.shape[1] // group) if group else 1


@pytest.mark.parametrize("name", MODULES)
def test_products(name, tmp_path, monkeypatch):
    kernel, activations, formats = MODULES[name]
    arch = ARCHS.get(name, "sm_90a")
    load_driver()
    monkeypatch.setenv("SQ_PTX_CAPABILITY", arch.strip("sm_a"))
    rng = np.random.default_rng(len(name))
    layers = draw_layers(rng, activations, formats)
    compile_layers(tmp_path, layers, [f"--target=cuda:{arch}"])
    with Artifact(tmp_path / "model.so") as opened:
        for layer in layers:
            assert layer.kernel == kernel, layer.description
            n, k = layer.weight.shape
            for m in [layer.inputs] if layer.inputs else rng.choice(TOKENS, 3, replace=False):
                x = rng.standard_normal((m, k)).astype(F32)
                x[rng.random(m) < 0.1] = 0
                (actual,) = opened.call(layer.name, [x], [(m, n)])
                check(layer, x, actual, 3 * k + count_groups(layer) + 8)


@pytest.mark.parametrize("arch", ["sm_80", "sm_120a"])
def test_random_pairs(arch, tmp_path, monkeypatch):
    """Weights and activations of any two formats, by whatever kernel takes them.

    Sums of scale groups are added, too; the least have four columns.
    """
    load_driver()
    monkeypatch.setenv("SQ_PTX_CAPABILITY", arch.strip("sm_a"))
    rng = np.random.default_rng(int(arch.strip("sm_a")))
    layers = []
    for index in range(16):
        weights = str(rng.choice(WEIGHTS + list(HALVES)))
        activations = rng.choice(list(HALVES)) if weights in HALVES else ACTIVATIONS[
            rng.integers(len(ACTIVATIONS))]
        shape = int(rng.choice(EXTENTS)), int(rng.choice(EXTENTS))
        layers.append(Layer(f"l{index}", draw_pattern(rng), weights, activations,
                            draw_weight(rng, shape), None))
    compile_layers(tmp_path, layers, [f"--target=cuda:{arch}"])
    with Artifact(tmp_path / "model.so") as opened:
        for layer in layers:
            n, k = layer.weight.shape
            for m in (1, 33):
                x = rng.standard_normal((m, k)).astype(F32)
                (actual,) = opened.call(layer.name, [x], [(m, n)])
                check(layer, x, actual, 3 * k + 80)
