#!/usr/bin/env python3
"""Layers with many rows of activations beside oneDNN's, as PyTorch calls it.

Usage: compare_prefill.py [--build BUILD] [--shapes NxK ...] [--rows M ...] [--rounds N]

Wants a Python with torch (2.13.0 was used) and safetensors. Compiles one layer of
random weights for each recipe and shape, and runs it and `onednn.qlinear_pointwise`
(dense int8, f32 results) in turn on one thread, with a loop of nothing but vpdpbusd
(clang) for the peak. Times are those of the processor, so that other programs of the
machine don't count. oneDNN gets quantized activations; ours quantizes them in the call,
and what that takes is measured with a layer of 16 outputs and left out.
"""

import argparse
import ctypes
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

os.environ["OMP_NUM_THREADS"] = "1"
HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parents[1] / "python"))

import numpy as np  # noqa: E402
import torch  # noqa: E402
from artifact import Artifact  # noqa: E402
from linear_layer import module_text  # noqa: E402
from safetensors.numpy import save_file  # noqa: E402

LAYERS = {
    "int8.row": None, "2:4 int8.row": "nm2:4", "50 % int8.row": "unstructured0.5.row",
    "int4.g64.f16": None, "2:4 int4.g64.f16": "nm2:4",
}
SUMS, STEPS = 24, 200000
PEAK = """#include <immintrin.h>
int peak(long steps) {
  __m512i x = _mm512_set1_epi8(3), w = _mm512_set1_epi8(1), sums[24];
  for (int i = 0; i < 24; ++i) sums[i] = _mm512_set1_epi32(i);
  for (; steps; --steps) {
#pragma clang loop unroll(full)
    for (int i = 0; i < 24; ++i) sums[i] = _mm512_dpbusd_epi32(sums[i], x, w);
    __asm__ volatile("");
  }
  for (int i = 1; i < 24; ++i) sums[0] = _mm512_add_epi32(sums[0], sums[i]);
  return _mm512_reduce_add_epi32(sums[0]);
}
"""


def compile_layer(build, folder, n, k, name):
    folder.mkdir()
    weight = np.random.default_rng(1).standard_normal((n, k)).astype(np.float32)
    save_file({"layer.weight": weight}, folder / "layer.safetensors")
    (folder / "model.mlir").write_text(module_text(n, k))
    pattern = LAYERS[name]
    sparsity = f", sparsity: {{pattern: '{pattern}'}}" if pattern else ""
    (folder / "recipe.yaml").write_text(
        f"rules:\n  - {{match: '*', weights: {name.split()[-1]}, activations: int8.row{sparsity}}}\n")
    subprocess.run([build / "bin" / "sq-compile", folder / "model.mlir", "--recipe",
                    folder / "recipe.yaml", "--weights-dir", folder, "--target=native", "--quiet",
                    "-o", folder / "layer.so"], check=True)
    return Artifact(folder / "layer.so", 1)


def call(artifact, x, n):
    out = np.zeros((x.shape[0], n), np.float32)
    return lambda: artifact.call_into("layer", [x], [out])


def call_onednn(m, n, k):
    weight = torch.randint(-127, 127, (n, k), dtype=torch.int8)
    x = torch.randint(0, 255, (m, k), dtype=torch.uint8)
    packed = torch.ops.onednn.qlinear_prepack(weight, [m, k])
    scales, zeros = torch.rand(n) * 0.01, torch.zeros(n, dtype=torch.int64)
    return lambda: torch.ops.onednn.qlinear_pointwise(
        x, 0.05, 128, packed, scales, zeros, None, 1.0, 0, torch.float32, "none", [], "")


def measure(programs, rounds):
    """The median of each, after a round that isn't counted."""
    times = {name: [] for name in programs}
    for turn in range(rounds + 1):
        for name, program in programs.items():
            start = time.process_time()
            program()
            if turn:
                times[name].append(time.process_time() - start)
    return {name: statistics.median(values) for name, values in times.items()}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--build", default="build/release", type=pathlib.Path)
    parser.add_argument("--shapes", nargs="*", default=["4096x4096", "4096x14336", "768x3072"])
    parser.add_argument("--rows", nargs="*", type=int, default=[128, 512])
    parser.add_argument("--rounds", type=int, default=9)
    options = parser.parse_args()
    torch.set_num_threads(1)
    torch.backends.quantized.engine = "onednn"
    with tempfile.TemporaryDirectory() as scratch:
        scratch = pathlib.Path(scratch)
        (scratch / "peak.c").write_text(PEAK)
        subprocess.run(["clang-22", "-O3", "-march=native", "-shared", "-fPIC", "-o",
                        scratch / "peak.so", scratch / "peak.c"], check=True)
        peak = ctypes.CDLL(str(scratch / "peak.so")).peak
        print("| layer | rows | weights | ms | Tops | of the peak | oneDNN's time / ours |")
        print("| --- | --- | --- | --- | --- | --- | --- |")
        for shape in options.shapes:
            n, k = map(int, shape.split("x"))
            ours = {name: compile_layer(options.build, scratch / f"{shape}-{i}", n, k, name)
                    for i, name in enumerate(LAYERS)}
            tiny = compile_layer(options.build, scratch / f"{shape}-tiny", 16, k, "int8.row")
            for m in options.rows:
                x = np.random.default_rng(2).standard_normal((m, k)).astype(np.float32)
                programs = {"oneDNN int8": call_onednn(m, n, k), "tiny": call(tiny, x, 16),
                            "peak": lambda: peak(ctypes.c_long(STEPS))}
                programs |= {name: call(artifact, x, n) for name, artifact in ours.items()}
                times = measure(programs, options.rounds)
                best = STEPS * SUMS * 128 / times.pop("peak")
                quantize, peer = times.pop("tiny"), times["oneDNN int8"]
                for name, seconds in times.items():
                    seconds -= 0 if name == "oneDNN int8" else quantize
                    speed = 2 * m * n * k / seconds
                    print(f"| {shape} | {m} | {name} | {seconds * 1e3:.2f} | {speed / 1e12:.2f} |"
                          f" {speed / best:.0%} | {peer / seconds:.2f} |", flush=True)


if __name__ == "__main__":
    main()
