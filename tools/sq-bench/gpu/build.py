#!/usr/bin/env python3
"""Makes a folder that tests and measures our GPU code on a machine that has a GPU.

Usage: build.py FOLDER [--archs sm_90a] [--shapes 4096x4096 ...] [--layers ...]
       and there, with the folder:  python3 FOLDER/run.py

The folder has compiled layers, the demo model, and what the same layers and model give on
the CPU. The other machine needs NVIDIA's driver, Python and NumPy; neither MLIR nor a
network. With PyTorch there, its kernels (cuBLASLt, cuSPARSELt) are measured beside ours.
"""

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[2]
BUILD = Path(os.environ.get("SQ_BUILD_DIR", ROOT / "build" / "release"))
sys.path += [str(ROOT / "python"), str(HERE.parent)]

from artifact import Artifact, LanguageModel  # noqa: E402
from linear_layer import module_text  # noqa: E402
from run import get_logits, make_input  # noqa: E402

# Weights, pattern, activations, as recipes spell them.
LAYERS = [
    ("int8.row", "dense", "int8.row"),
    ("int8.row", "nm2:4", "int8.row"),
    ("int4.g64.f16", "dense", "int8.row"),
    ("int4.g64.f16", "nm2:4", "int8.row"),
    ("int4.g128.f16", "dense", "f16"),
    ("int4.g128.f16", "nm2:4", "f16"),
    ("int4.g128.f16", "nm2:4", "f32"),
    ("f16", "dense", "f16"),
    ("f16", "nm2:4", "f16"),
    ("mx.e2m1fn", "nm2:4", "int8.row"),
    ("int8.row", "unstructured0.5.row", "int8.row"),
    ("fp8.e4m3fn.row", "dense", "fp8.e4m3fn.row"),
    ("fp8.e4m3fn.row", "nm2:4", "fp8.e4m3fn.row"),
]
# Rows of activations that are compared with the CPU: each kernel, and tails.
CHECKED = [1, 9, 16, 33, 130]
# Outputs that are compared: this many, spread over all.
OUTPUTS = 64
PROMPT = [1, 306, 4, 17, 52, 9, 120, 33]


def safetensors(path, name, array):
    header = json.dumps({name: {"dtype": "F32", "shape": array.shape,
                                "data_offsets": [0, array.nbytes]}}).encode()
    header += b" " * (-len(header) % 8)
    path.write_bytes(len(header).to_bytes(8, "little") + header + array.tobytes())


def write_layer(folder, shape, weights, pattern, activations):
    n, k = map(int, shape.split("x"))
    rng = np.random.default_rng(1)
    safetensors(folder / "layer.safetensors", "layer.weight",
                rng.standard_normal((n, k), dtype=np.float32) / np.float32(k**0.5))
    rule = ["rules:", "  - match: layer"]
    if pattern != "dense":
        rule += ["    sparsity:", f"      pattern: {pattern}"]
    rule += [f"    weights: {weights}"]
    if activations != "f32":
        rule += [f"    activations: {activations}"]
    (folder / "recipe.yaml").write_text("\n".join(rule) + "\n")
    (folder / "layer.mlir").write_text(module_text(n, k))
    return n, k


def compile_model(source, recipe, output, target):
    """The kernel of the first layer."""
    report = output.with_suffix(".json")
    command = [BUILD / "bin" / "sq-compile", source, f"--target={target}", "-o", output,
               "--recipe", recipe, "--measure-errors=false", f"--report={report}"]
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"build.py: sq-compile fails: {done.stderr.strip()}")
    layers = json.loads(report.read_text())["layers"]
    report.unlink()
    return layers[0]["kernel"]


def make_layer(folder, shape, layer, archs):
    weights, pattern, activations = layer
    name = "_".join([shape, *layer]).replace(":", "")
    # A library of a path that has been loaded isn't loaded again.
    work = folder / f"{name}-work"
    target = folder / name
    for new in (work, target):
        new.mkdir()
    n, k = write_layer(work, shape, *layer)
    compile_model(work / "layer.mlir", work / "recipe.yaml", work / "cpu.so", "x86-64-v3")
    kernel = compile_model(work / "layer.mlir", work / "recipe.yaml", target / "layer.so",
                           "cuda:" + ",".join(archs))
    outputs = np.linspace(0, n - 1, min(n, OUTPUTS)).astype(np.int64)
    expected = {}
    with Artifact(work / "cpu.so") as cpu:
        for m in CHECKED:
            (y,) = cpu.call("layer", [make_input(m, k)], [(m, n)])
            expected[str(m)] = y[:, outputs]
    np.savez(target / "expected.npz", outputs=outputs, **expected)
    shutil.rmtree(work)
    print(f"{name}: {kernel}", flush=True)
    return {"folder": name, "n": n, "k": k, "weights": weights, "pattern": pattern,
            "activations": activations, "kernel": kernel,
            "bytes": (target / "layer.sqw").stat().st_size}


def make_demo(folder, archs):
    """The demo model, 2:4 and int8, and the CPU's logits of a prompt and two more tokens."""
    models = ROOT / "models" / "demo"
    recipe = ROOT / "examples" / "recipes" / "sparse24-w8a8.yaml"
    target = folder / "demo"
    target.mkdir()
    compile_model(models / "dense", recipe, target / "model.so", "cuda:" + ",".join(archs))
    work = folder / "work"
    work.mkdir()
    compile_model(models / "dense", recipe, work / "model.so", "x86-64-v3")
    vocab = json.loads((models / "dense" / "config.json").read_text())["vocab_size"]
    with LanguageModel(work / "model.so", vocab) as cpu:
        logits = get_logits(cpu, PROMPT, 2)
    np.savez(target / "expected.npz", prompt=np.array(PROMPT), logits=logits)
    shutil.rmtree(work)
    print("demo: the demo model, 2:4 int8", flush=True)
    return {"folder": "demo", "vocab": vocab}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0],
                                     epilog="\n".join(__doc__.splitlines()[1:]),
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--archs", default="sm_90a", help="as in sq-compile --target=cuda:")
    parser.add_argument("--shapes", nargs="+", default=["4096x4096"], help="outputs x inputs")
    parser.add_argument("--layers", nargs="+", metavar="WEIGHTS/PATTERN/ACTIVATIONS",
                        default=["/".join(layer) for layer in LAYERS])
    options = parser.parse_args()
    archs = options.archs.split(",")
    layers = [tuple(layer.split("/")) for layer in options.layers]
    if wrong := [layer for layer in layers if len(layer) != 3]:
        sys.exit(f"build.py: --layers has {'/'.join(wrong[0])}, expected "
                 "weights/pattern/activations")
    if wrong := [shape for shape in options.shapes if not re.fullmatch(r"[1-9]\d*x[1-9]\d*", shape)]:
        sys.exit(f"build.py: --shapes has {wrong[0]}, expected NxK")
    if options.folder.exists():
        sys.exit(f"build.py: {options.folder} is there already; delete it, or name another")
    options.folder.mkdir(parents=True)
    manifest = {
        "archs": archs,
        "commit": subprocess.run(["git", "-C", ROOT, "log", "-1", "--format=%h"],
                                 capture_output=True, text=True).stdout.strip(),
        "demo": make_demo(options.folder, archs),
        "layers": [make_layer(options.folder, shape, layer, archs)
                   for shape in options.shapes for layer in layers],
    }
    (options.folder / "manifest.json").write_text(json.dumps(manifest, indent=1))
    for file in (HERE / "run.py", HERE / "cuda.py", HERE / "peers.py",
                 ROOT / "python" / "artifact.py"):
        shutil.copy(file, options.folder)
    size = sum(f.stat().st_size for f in options.folder.rglob("*") if f.is_file())
    print(f"{options.folder}: {size / 1e6:.0f} MB; run it with: python3 {options.folder}/run.py")


if __name__ == "__main__":
    main()
