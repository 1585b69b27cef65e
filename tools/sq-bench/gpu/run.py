#!/usr/bin/env python3
"""Tests and measures what build.py compiled, on this machine's GPU. One table comes out.

Usage: run.py [--m 1,8,16,64,256,1024,4096] [--rounds 5] [--check-only] [--markdown FILE]

First everything is compared with what the CPU computed; nothing is measured that is wrong.
Then ours and PyTorch's products, where there is PyTorch, take turns. A figure is the
median of the turns. In a turn, recorded calls (CUDA graphs: the host takes no part in the time)
run between two events of the device; they go round copies of the weights that are larger
together than its cache.
"""

import argparse
import json
import statistics
import sys
from pathlib import Path

try:
    import numpy as np
except ImportError:
    sys.exit("run.py: NumPy is missing, the one package of Python's that this needs")

import peers
from artifact import Artifact, LanguageModel, Tensor
from cuda import Driver, Graph, Memory

HERE = Path(__file__).resolve().parent
# Largest difference from the CPU, as a part of the row's largest value. Sums of integers are
# exact, so only scales are rounded differently; others are added in another order.
TOLERANCES = {"gpu.mma-s8": 2e-6, "gpu.mma-bf16": 1e-4, "gpu.mma-f16": 1e-4,
              "gpu.mma-fp8": 1e-4, "gpu.generic": 1e-4}


def get_tolerance(layer):
    """An activation near a tie may be its neighbor: for floats of few bits, an eighth away."""
    few_bits = layer["activations"].startswith(("fp8", "mx."))
    return 1e-2 if few_bits else TOLERANCES[layer["kernel"]]


def make_input(m, k):
    """What build.py gave the CPU."""
    return np.random.default_rng(m).standard_normal((m, k), dtype=np.float32)


def get_logits(model, prompt, steps):
    """Of a prompt, and of `steps` more tokens, each the likeliest after those before."""
    logits = [model.prefill(prompt)]
    for i in range(steps):
        logits.append(model.decode([int(logits[-1][-1].argmax())], len(prompt) + i))
    return np.concatenate(logits)


# --------------------------------------------------------------------------- #
# Correctness
# --------------------------------------------------------------------------- #

def check_layer(layer):
    """The largest difference of all numbers of rows."""
    folder = HERE / layer["folder"]
    worst = 0.0
    with Artifact(folder / "layer.so") as model, np.load(folder / "expected.npz") as expected:
        for m in [int(name) for name in expected if name != "outputs"]:
            (y,) = model.call("layer", [make_input(m, layer["k"])], [(m, layer["n"])])
            wanted = expected[str(m)]
            largest = np.abs(wanted).max(axis=1, keepdims=True)
            difference = np.abs(y[:, expected["outputs"]] - wanted) / largest
            worst = max(worst, float(np.nan_to_num(difference, nan=np.inf).max()))
    return worst


def check_demo(demo):
    """The largest difference of logits; infinite where another token is the likeliest."""
    folder = HERE / demo["folder"]
    with np.load(folder / "expected.npz") as expected:
        prompt, wanted = expected["prompt"].tolist(), expected["logits"]
    with LanguageModel(folder / "model.so", demo["vocab"]) as model:
        logits = get_logits(model, prompt, len(wanted) - len(prompt))
    if not np.array_equal(logits.argmax(axis=1), wanted.argmax(axis=1)):
        return np.inf
    return float((np.abs(logits - wanted) / np.abs(wanted).max(axis=1, keepdims=True)).max())


def check_all(manifest):
    failures = 0

    def report(name, check, tolerance):
        nonlocal failures
        try:
            difference = check()
            wrong = not difference <= tolerance
            text = f"{difference:.1e}, at most {tolerance:.0e}"
        except RuntimeError as error:
            wrong, text = True, str(error)
        failures += wrong
        print(f"{'WRONG' if wrong else 'right'}  {name}: {text}", flush=True)

    report("demo model, logits", lambda: check_demo(manifest["demo"]), 1e-2)
    for layer in manifest["layers"]:
        report(f"{layer['folder']}, {layer['kernel']}", lambda: check_layer(layer),
               get_tolerance(layer))
    return failures


# --------------------------------------------------------------------------- #
# Speed
# --------------------------------------------------------------------------- #

class Ours:
    def __init__(self, driver, layer, working_set):
        self.driver, self.layer = driver, layer
        copies = max(1, -(-working_set // layer["bytes"]))
        path = HERE / layer["folder"] / "layer.so"
        self.models = [Artifact(path) for _ in range(copies)]
        for model in self.models:
            model.set_stream(driver.stream)
        self.memory, self.graph = [], None

    def prepare(self, m):
        self.free()
        n, k = self.layer["n"], self.layer["k"]
        x, y = Memory(self.driver, (m, k)).write(make_input(m, k)), Memory(self.driver, (m, n))
        self.memory = [x, y]
        tensors = [Tensor(memory.address.value, memory.shape, np.dtype(np.float32), Tensor.CUDA)
                   for memory in self.memory]
        calls = [model.prepare("layer", tensors[:1], tensors[1:]) for model in self.models]
        # These make buffers, which a graph can't.
        for call in calls:
            call()
        self.driver.wait()
        self.length = peers.graph_length(len(calls))

        def queue():
            for i in range(self.length):
                calls[i % len(calls)]()

        self.graph = Graph(self.driver, queue)

    def time(self, count):
        """Seconds of a call, by about so many."""
        launches = max(1, count // self.length)

        def queue():
            for _ in range(launches):
                self.graph.launch()

        return self.driver.time(queue) / (launches * self.length)

    def free(self):
        if self.graph:
            self.graph.close()
        for memory in self.memory:
            memory.free()
        self.memory, self.graph = [], None

    def close(self):
        self.driver.wait()
        self.free()
        for model in self.models:
            model.close()


def one_line(error):
    return f"{type(error).__name__}: {' '.join(str(error).split())[:200]}"


def label(layer):
    return f"ours: {layer['weights']} {layer['pattern']} x {layer['activations']}"


def measure_m(programs, m, options):
    """{label: median seconds}; programs take turns."""
    turns = {}
    usable = {}
    for name, program in programs.items():
        try:
            program.prepare(m)
            # As many calls as take a hundredth of a second.
            usable[name] = program, max(3, min(1000, int(0.01 / max(program.time(3), 1e-7))))
        except Exception as error:  # What PyTorch can't do is no figure of the table.
            print(f"not available: {name}, {m} rows: {one_line(error)}", flush=True)
    for _ in range(options.rounds):
        for name, (program, count) in usable.items():
            turns.setdefault(name, []).append(program.time(count))
    return {name: statistics.median(values) for name, values in turns.items()}


def measure_shape(driver, torch, layers, options):
    n, k = layers[0]["n"], layers[0]["k"]
    working_set = options.working_set << 20
    programs = {label(layer): Ours(driver, layer, working_set) for layer in layers}
    for kind, name in peers.LABELS.items() if torch else []:
        try:
            programs[name] = peers.Peer(torch, kind, n, k, working_set)
        except Exception as error:
            print(f"not available: {name}: {one_line(error)}", flush=True)
    results = {m: measure_m(programs, m, options) for m in options.m}
    for program in programs.values():
        if isinstance(program, Ours):
            program.close()
    return results


def table(n, k, results, layers, bandwidth):
    sizes = {label(layer): layer["bytes"] for layer in layers}
    names = list(dict.fromkeys(name for row in results.values() for name in row))
    lines = [f"### {n}x{k}", "", "| program | "
             + " | ".join(f"M = {m}, us" for m in results) + " | "
             + " | ".join(f"M = {m}, Tops" for m in results)
             + " | GB/s at M = 1 |" + (" of the read bandwidth |" if bandwidth else ""),
             "| --- |" + " ---: |" * (2 * len(results) + 1 + bool(bandwidth))]
    for name in names:
        seconds = [row.get(name) for row in results.values()]
        cells = [f"{s * 1e6:.1f}" if s else "" for s in seconds]
        cells += [f"{2 * n * k * m / s / 1e12:.1f}" if s else ""
                  for m, s in zip(results, seconds)]
        rate = sizes[name] / results[1][name] if name in sizes and name in results.get(1, {}) else 0
        cells.append(f"{rate / 1e9:.0f}" if rate else "")
        if bandwidth:
            cells.append(f"{100 * rate / bandwidth:.0f} %" if rate else "")
        lines.append("| " + " | ".join([name, *cells]) + " |")
    return "\n".join(lines) + "\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0],
                                     epilog="\n".join(__doc__.splitlines()[1:]),
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--m", default="1,8,16,64,256,1024,4096",
                        type=lambda text: [int(part) for part in text.split(",")])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--working-set", type=int, default=192, help="MiB of weights")
    parser.add_argument("--check-only", action="store_true")
    parser.add_argument("--markdown", type=Path, help="write the table here, too")
    options = parser.parse_args()
    manifest = json.loads((HERE / "manifest.json").read_text())
    try:
        driver = Driver()
    except (OSError, RuntimeError) as error:
        sys.exit(f"run.py: no GPU with a driver that works: {error}")
    torch, pytorch = peers.load()
    print(f"{driver.name}, driver for CUDA {driver.version}, {pytorch}, compiled at "
          f"{manifest['commit']} for {', '.join(manifest['archs'])}", flush=True)
    if failures := check_all(manifest):
        sys.exit(f"run.py: {failures} of {len(manifest['layers']) + 1} are wrong; nothing is "
                 "measured")
    if options.check_only:
        return
    bandwidth = peers.read_bandwidth(torch) if torch else 0
    text = f"{driver.name}, driver for CUDA {driver.version}, {pytorch}"
    text += f"; reads {bandwidth / 1e9:.0f} GB/s\n\n" if bandwidth else "\n\n"
    shapes = dict.fromkeys((layer["n"], layer["k"]) for layer in manifest["layers"])
    for n, k in shapes:
        layers = [layer for layer in manifest["layers"] if (layer["n"], layer["k"]) == (n, k)]
        text += table(n, k, measure_shape(driver, torch, layers, options), layers, bandwidth) + "\n"
    print("\n" + text)
    if options.markdown:
        options.markdown.write_text(text)


if __name__ == "__main__":
    main()
