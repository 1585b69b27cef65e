"""Artifacts for AArch64, run by an emulator and compared with NumPy.

The runtime is compiled for AArch64 and linked by sq-compile, and a small C program
loads the artifact under qemu-user: the code, the C ABI and the check of the CPU's
features are those of an Arm machine; only speed can't be learned here. Integer
products with a scale a row are equal bit for bit. About 16 s.
"""

import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
from packed_model import ROOT, round_trip, rule, run, sparsify
from reference import F32
from safetensors.numpy import save_file
from test_tiles import check, make_name, module_text

QEMU = shutil.which("qemu-aarch64")
CLANG = shutil.which("clang-22") or shutil.which("clang")
AR = shutil.which("llvm-ar-22") or shutil.which("llvm-ar") or "/usr/lib/llvm-22/bin/llvm-ar"
SYSROOT = Path("/usr/aarch64-linux-gnu")
pytestmark = pytest.mark.skipif(
    not (QEMU and CLANG and (SYSROOT / "lib" / "libc.so.6").exists()),
    reason="needs qemu-user, clang and the C library of AArch64 (scripts/setup.sh)")

# LLVM's name and qemu's; neoverse-v1 has i8mm and SVE, which LLVM uses around the layers.
TARGETS = {"neoverse-n1": "neoverse-n1", "neoverse-v1": "max"}
SHAPES = [(33, 321), (17, 63), (40, 172), (1, 1), (16, 64)]
TILES = [(None, "int8.row"), (None, "int4.row"), (None, "mx.e2m1fn"), (None, "int4.g64.f16"),
         (None, "mx.e2m3fn"), (None, "hbfp5.g64"), (None, "nvfp4"), ("nm2:4", "int8.row"),
         ("nm2:4", "int4.g64.f16"),
         ("nm1:4", "int4.row"), ("nm4:8", "mx.e2m1fn"), ("nm2:8", "int8.row"),
         ("nm8:16", "int4.row"), ("nm1:16", "int8.row"), ("unstructured0.5.row", "int8.row"),
         ("unstructured0.6.row", "int4.g64.f16"), ("unstructured0.5.row", "mx.e2m1fn")]
BLOCKS = [("block16x4.0.75", "int8.row"), ("block16x1.0.75", "int4.row")]
# With f32 activations.
FLOATS = [("nm2:4", "int4.g64.f16", None), (None, "fp8.e4m3fn.row", None), (None, "nf4.g64", None),
          ("nm4:8", "mx.e2m1fn", None), ("nm1:16", "int8.row", None),
          ("unstructured0.5.row", "mx.e2m3fn", None), ("nm2:8", "mx.e3m2fn", None),
          (None, None, None)]


class EmulatedArtifact:
    """As much of artifact.Artifact as `check` takes."""

    def __init__(self, driver, path, cpu):
        self.driver, self.path, self.cpu = driver, path, cpu

    def start(self, function, inputs, extent):
        return subprocess.run(
            [QEMU, "-cpu", self.cpu, "-L", SYSROOT, self.driver, self.path, function, str(extent)],
            input=b"".join(x.tobytes() for x in inputs), capture_output=True)

    def call(self, function, inputs, output_shapes):
        process = self.start(function, inputs, len(inputs[0]))
        assert process.returncode == 0, process.stderr.decode()
        (shape,) = output_shapes
        return [np.frombuffer(process.stdout, F32).reshape(shape)]


def cross(*arguments):
    subprocess.run([CLANG, "--target=aarch64-linux-gnu", f"-I{ROOT / 'include'}", *arguments],
                   check=True)


@pytest.fixture(scope="module")
def toolchain(tmp_path_factory):
    """The C program and libSQRuntime.a, for AArch64."""
    folder = tmp_path_factory.mktemp("aarch64")
    objects = []
    for source in sorted((ROOT / "lib" / "Runtime").glob("*.c")):
        objects.append(folder / f"{source.stem}.o")
        cross("-O2", "-fPIC", "-fvisibility=hidden", "-c", source, "-o", objects[-1])
    subprocess.run([AR, "rcs", folder / "libSQRuntime.a", *objects], check=True)
    cross("-O2", "-Wall", "-fuse-ld=lld", ROOT / "test/Integration/CPU/Inputs/call_function.c",
          "-o", folder / "call_function")
    return folder


@pytest.fixture(scope="module")
def layers():
    """name: (pattern, format, weight) of the layers in tiles, and of the others."""
    rng = np.random.default_rng(7)
    tiles, rows = {}, {}
    for index, (pattern, fmt) in enumerate(TILES + BLOCKS):
        shape = SHAPES[index % len(SHAPES)]
        weight = rng.standard_normal(shape).astype(F32)
        weight[-1, ::2] = 0
        tiles[make_name(pattern, fmt, shape)] = pattern, fmt, weight
    for index, (pattern, fmt, activations) in enumerate(FLOATS):
        weight = rng.standard_normal(SHAPES[index % len(SHAPES)]).astype(F32)
        rows[make_name(pattern, f"{fmt}_{activations}", weight.shape)] = pattern, fmt, weight
    return tiles, rows


@pytest.fixture(scope="module", params=TARGETS)
def artifact(request, toolchain, layers, tmp_path_factory):
    folder = tmp_path_factory.mktemp(request.param)
    tiles, rows = layers
    weights = {name: layer[2] for name, layer in {**tiles, **rows}.items()}
    save_file({f"{name}.weight": weight for name, weight in weights.items()},
              folder / "model.safetensors")
    (folder / "model.mlir").write_text(module_text(weights))
    rules = [rule(name, pattern, fmt, "int8.row") for name, (pattern, fmt, _) in tiles.items()]
    rules += [rule(name, pattern, fmt, activations)
              for name, (pattern, fmt, activations) in zip(rows, FLOATS) if fmt]
    (folder / "recipe.yaml").write_text("rules:\n" + "".join(f"  - {r}\n" for r in rules))
    command = [folder / "model.mlir", "--recipe", folder / "recipe.yaml", "--weights-dir", folder,
               f"--target=aarch64-linux-gnu:{request.param}", "--openmp=false",
               "--prefer-kernel=cpu.tile-panel:16"]
    run("sq-compile", *command, "--emit=mlir-sq", "-o", folder / "packed.mlir")
    packed = (folder / "packed.mlir").read_text()
    assert packed.count('kernel = "cpu.tile-dot"') == len(TILES)
    assert packed.count('kernel = "cpu.tile-panel"') == len(TILES)
    assert packed.count('kernel = "cpu.tile-blocks"') == 2 * len(BLOCKS)
    assert packed.count('kernel = "cpu.tile-fma"') == 2 * (len(rows) - 1)
    run("sq-compile", *command, f"--runtime={toolchain / 'libSQRuntime.a'}", "-o",
        folder / "model.so")
    return EmulatedArtifact(toolchain / "call_function", folder / "model.so",
                            TARGETS[request.param])


@pytest.mark.parametrize("rows", [1, 5, 18, 21])
def test_integer_products(artifact, layers, rows):
    rng = np.random.default_rng(11)
    for name in layers[0]:
        check(artifact, layers[0], name, rows, rng)


@pytest.mark.parametrize("rows", [1, 19])
def test_decoded_products(artifact, layers, rows):
    rng = np.random.default_rng(13)
    for (name, (pattern, fmt, weight)), (*_, activations) in zip(layers[1].items(), FLOATS):
        x = rng.standard_normal((rows, weight.shape[1])).astype(F32)
        function = f"{name}_{'one' if rows == 1 else 'many'}"
        (actual,) = artifact.call(function, [x], [(rows, weight.shape[0])])
        kept = sparsify(pattern, weight)
        decoded = (round_trip(fmt, kept) if fmt else kept).astype(np.float64)
        x = (round_trip(activations, x) if activations else x).astype(np.float64)
        bound = np.abs(x) @ np.abs(decoded).T
        assert (np.abs(actual - x @ decoded.T) <= 1e-6 * bound + 1e-30).all(), name


def test_missing_features(artifact, layers):
    """A CPU without dot products gets a message, no illegal instruction."""
    name, (_, _, weight) = next(iter(layers[0].items()))
    old = EmulatedArtifact(artifact.driver, artifact.path, "cortex-a53")
    process = old.start(f"{name}_one", [np.zeros((1, weight.shape[1]), F32)], 1)
    assert process.returncode == 1
    message = process.stderr.decode()
    assert "this CPU lacks features that the model was compiled for: " in message
    assert "dotprod" in message
