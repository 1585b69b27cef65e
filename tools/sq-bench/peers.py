#!/usr/bin/env python3
"""Layers and models beside oneDNN, PyTorch, ONNX Runtime, OpenVINO and llama.cpp.

Usage: peers.py setup FOLDER
       peers.py layers FOLDER [--threads 2,1] [--rounds 5] [--shapes NxK ...]
       peers.py models FOLDER [--threads 2,1] [--rounds 5] [--models llama-1b ...]
       peers.py report FOLDER --markdown docs/benchmarks/peers.md --plot roofline.svg

`setup` makes a virtual environment in FOLDER with the pinned versions of
peers/requirements*.txt; llama.cpp is compiled for the CPU at hand. What cannot be
installed becomes a row "not available" with the reason. `layers` and `models` measure
and leave FOLDER/layers.json and models.json; `report` turns those into a page.

Programs take turns: in every round each of them runs each of its variants for a
moment, in a process of its own. A turn gives the median of its calls. The figure is
the best turn: other work on the machine only ever makes a turn slower. All go round
copies of their weights that are larger than the last-level cache together.
"""

import argparse
import contextlib
import datetime
import fcntl
import json
import os
import pathlib
import platform
import re
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path.insert(0, str(HERE / "peers"))

LIBRARIES = ["onednn_debian", "pytorch", "onnx_runtime", "open_vino", "ggml", "blas"]
SHAPES = {"4096x4096": [1, 8, 128, 512], "4096x14336": [1, 8, 128, 512],
          "768x3072": [1, 8, 128, 512], "16384x14336": [1]}
# Weights, pattern, activations, as recipes spell them.
LAYERS = [
    ("f32", "dense", "f32"),
    ("int8.row", "dense", "int8.row"),
    ("int4.g64.f16", "dense", "int8.row"),
    ("mx.e2m1fn", "dense", "int8.row"),
    ("mx.e2m3fn", "dense", "int8.row"),
    ("hbfp7.g64", "dense", "int8.row"),
    ("int8.row", "nm2:4", "int8.row"),
    ("int4.g64.f16", "nm2:4", "int8.row"),
    ("mx.e2m1fn", "nm2:4", "int8.row"),
    ("int8.row", "unstructured0.5.row", "int8.row"),
    ("int4.g64.f16", "unstructured0.5.row", "int8.row"),
    ("int8.row", "block16x4.0.75", "int8.row"),
    ("int8.row", "block16x4.0.9", "int8.row"),
]
# A variant this slow gets one turn.
SLOW_SECONDS = 0.5


def environment(threads):
    return dict(os.environ, OMP_NUM_THREADS=str(threads), OPENBLAS_NUM_THREADS=str(threads))


def run(command, **options):
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True,
                          **options)
    if done.returncode:
        lines = [line for line in (done.stderr + done.stdout).splitlines() if line.strip()]
        errors = [line for line in lines if "error" in line.lower()] or lines or ["no reason"]
        raise RuntimeError(f"{pathlib.Path(str(command[0])).name}: {errors[0].strip()[:200]}")
    return done.stdout


@contextlib.contextmanager
def holding(lock):
    if not lock:
        yield
        return
    with open(lock, "a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


# --------------------------------------------------------------------------- #
# Setting up
# --------------------------------------------------------------------------- #

def python_of(folder):
    return folder / "venv" / "bin" / "python"


def setup(options):
    folder = options.folder
    folder.mkdir(parents=True, exist_ok=True)
    failures = {}
    if not python_of(folder).exists():
        run([sys.executable, "-m", "venv", folder / "venv"])
    pip = [python_of(folder), "-m", "pip", "install", "--quiet"]
    requirements = (HERE / "peers" / "requirements.txt").read_text().splitlines()
    for line in [line for line in requirements if line and not line.startswith("#")]:
        try:
            run([*pip, line])
        except RuntimeError as error:
            failures[line] = str(error)
    try:
        run([*pip, "-r", HERE / "peers" / "requirements-llama.txt"],
            env=dict(os.environ, CMAKE_ARGS=(
                "-DGGML_NATIVE=ON -DMTMD_BUILD=OFF -DLLAVA_BUILD=OFF -DLLAMA_BUILD_TOOLS=OFF "
                "-DLLAMA_BUILD_TESTS=OFF -DLLAMA_BUILD_EXAMPLES=OFF")))
    except RuntimeError as error:
        failures["llama-cpp-python"] = str(error)
    for package, reason in failures.items():
        print(f"not available: {package}: {reason}")
    print(f"the others are in {folder / 'venv'}")


# --------------------------------------------------------------------------- #
# Layers
# --------------------------------------------------------------------------- #

class Worker:
    """A process that answers requests: one of peers/*worker.py."""

    def __init__(self, log, threads, *command):
        self.labels = {}
        self.log = open(log, "w")
        self.process = subprocess.Popen(
            [str(part) for part in command], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=self.log, text=True, env=environment(threads))

    def ask(self, **request):
        try:
            self.process.stdin.write(json.dumps(request) + "\n")
            self.process.stdin.flush()
            answer = self.process.stdout.readline()
        except BrokenPipeError:
            answer = ""
        if answer:
            return json.loads(answer)
        return {"failure": f"the process ended with {self.process.wait()}"}

    def close(self):
        with contextlib.suppress(BrokenPipeError):
            self.process.stdin.close()
        self.process.wait()
        self.log.close()


def layer_label(weights, pattern, activations):
    return f"{weights} {pattern} x {activations}"


class Ours:
    """sq-bench kernels, which measures the machine in the same breath."""

    def __init__(self, options, threads):
        self.program = options.build / "bin" / "sq-bench"
        self.artifacts, self.threads = options.folder / f"artifacts-{threads}", threads
        self.seconds = options.seconds

    def measure(self, shape, m, layers):
        """label: (seconds, the row of sq-bench)."""
        names = ["/".join([shape, *layer]) for layer in layers]
        axes = [",".join(dict.fromkeys(axis)) for axis in zip(*layers)]
        report = self.artifacts.parent / "sq-bench.json"
        pattern = "^kernels/(" + "|".join(re.escape(name) for name in names) + ")/m:"
        subprocess.run(
            [self.program, "kernels", f"--shapes={shape}", f"--weights={axes[0]}",
             f"--patterns={axes[1]}", f"--activations={axes[2]}", f"--m={m}",
             f"--artifacts={self.artifacts}", "--working-set=96", f"--threads={self.threads}",
             f"--benchmark_filter={pattern}", f"--benchmark_min_time={self.seconds}",
             f"--benchmark_out={report}", "--benchmark_out_format=json"],
            capture_output=True, env=environment(self.threads))
        rows = {}
        for row in json.loads(report.read_text())["benchmarks"]:
            spec = row["name"].removeprefix("kernels/").split("/")[1:4]
            if row.get("error_occurred"):
                rows[layer_label(*spec)] = None, {"unavailable": row["error_message"]}
            else:
                rows[layer_label(*spec)] = row["real_time"] / 1e6, row
        return rows


def measure_layers(options):
    result = load_results(options, "layers")
    for threads in options.threads:
        ours = Ours(options, threads)
        for shape in options.shapes:
            n, k = map(int, shape.split("x"))
            workers = []
            for library in options.libraries:
                worker = Worker(options.folder / f"{library}.log", threads,
                                python_of(options.folder), HERE / "peers" / "worker.py", library,
                                options.folder, threads)
                answer = worker.ask(do="versions")
                if "failure" in answer:
                    result["versions"][library] = "not available: " + answer["failure"]
                    worker.close()
                    continue
                result["versions"][library] = answer["versions"]
                worker.labels = worker.ask(do="make", n=n, k=k)
                workers.append(worker)
            for m in SHAPES.get(shape, options.m):
                case = {"shape": shape, "m": m, "threads": threads, "rows": {}}
                measure_case(case, ours, workers, options)
                store_result(options, "layers", result, case, ["shape", "m", "threads"])
                print(f"{shape} m={m} threads={threads}: {len(case['rows'])} rows", flush=True)
            for worker in workers:
                worker.close()


def measure_case(case, ours, workers, options):
    rows = case["rows"]

    def add(label, seconds, **facts):
        row = rows.setdefault(label, {"turns": []})
        row.update(facts)
        if seconds is not None:
            row["turns"].append(seconds)

    def is_slow(label):
        turns = rows.get(label, {}).get("turns", [])
        return bool(turns) and turns[0] > SLOW_SECONDS

    # This one compiles what isn't there.
    for label, (_, row) in ours.measure(case["shape"], case["m"], LAYERS).items():
        if "compile_s" in row and row["compile_s"] == row["compile_s"]:
            add("sq " + label, None, compile_s=row["compile_s"])
    for _ in range(options.rounds):
        layers = [layer for layer in LAYERS if not is_slow("sq " + layer_label(*layer))]
        with holding(options.lock):
            for label, (seconds, row) in ours.measure(case["shape"], case["m"], layers).items():
                facts = {"unavailable": row["unavailable"]} if "unavailable" in row else \
                    {"kernel": row["label"], "MB": row["MB"]}
                add("sq " + label, seconds, **facts)
                for key in ("read_GB/s", "int8_Gops", "f32_Gops"):
                    if key in row:
                        case.setdefault(key, []).append(row[key])
        with holding(options.lock):
            for worker in workers:
                # The threads of the one before look for work a while longer.
                time.sleep(0.25)
                for label, facts in worker.labels.items():
                    if "unavailable" in facts:
                        add(label, None, **facts)
                    elif not is_slow(label):
                        answer = worker.ask(do="time", label=label, m=case["m"],
                                            seconds=options.seconds)
                        if "failure" in answer:
                            add(label, None, unavailable=answer["failure"])
                        else:
                            add(label, answer["seconds"], **facts)


def describe_machine(options):
    cpu = re.search(r"model name\s*:\s*(.*)", pathlib.Path("/proc/cpuinfo").read_text())
    commit = subprocess.run(["git", "-C", ROOT, "log", "-1", "--format=%h"], capture_output=True,
                            text=True).stdout.strip()
    return {"cpu": cpu.group(1) if cpu else platform.machine(), "cores": os.cpu_count(),
            "date": datetime.date.today().isoformat(), "commit": commit,
            "system": platform.freedesktop_os_release().get("PRETTY_NAME", ""),
            "commands": [" ".join(["peers.py", *options.command])]}


def load_results(options, name):
    """Those of an earlier call on the same commit, to which this one adds."""
    result = {"machine": describe_machine(options), name: [], "versions": {}}
    path = options.folder / f"{name}.json"
    earlier = json.loads(path.read_text()) if path.exists() else None
    if earlier and earlier["machine"]["commit"] == result["machine"]["commit"]:
        commands = earlier["machine"]["commands"] + result["machine"]["commands"]
        result = earlier
        result["machine"]["commands"] = list(dict.fromkeys(commands))
    return result


def store_result(options, name, result, case, keys):
    """Replaces what was measured before of the same case."""
    result[name] = [other for other in result[name]
                    if any(other[key] != case[key] for key in keys)] + [case]
    (options.folder / f"{name}.json").write_text(json.dumps(result, indent=1))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0],
                                     epilog="\n".join(__doc__.splitlines()[1:]),
                                     formatter_class=argparse.RawDescriptionHelpFormatter)

    def numbers(text):
        return [int(part) for part in text.split(",")]

    def shape(text):
        if not re.fullmatch(r"[1-9]\d*x[1-9]\d*", text):
            raise argparse.ArgumentTypeError(f"'{text}' isn't NxK")
        return text

    parser.add_argument("do", choices=["setup", "layers", "models", "report"])
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build" / "release")
    parser.add_argument("--threads", type=numbers, default=[2, 1])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=0.1, help="of a turn")
    parser.add_argument("--shapes", type=shape, nargs="+", default=list(SHAPES))
    parser.add_argument("--m", type=numbers, default=[1, 128], help="for other shapes")
    parser.add_argument("--libraries", nargs="*", default=LIBRARIES)
    parser.add_argument("--models", nargs="+", default=["llama-1b", "opt-125m"])
    parser.add_argument("--lock", help="hold a lock on this file while measuring, where several "
                        "people measure on one machine")
    parser.add_argument("--markdown", type=pathlib.Path)
    parser.add_argument("--plot", type=pathlib.Path)
    options = parser.parse_args()
    options.command = ["FOLDER" if argument == str(options.folder) else argument
                       for argument in sys.argv[1:] if not argument.startswith("--lock")]
    options.folder = options.folder.resolve()
    if options.do == "setup":
        return setup(options)
    if not python_of(options.folder).exists():
        sys.exit(f"peers.py: {options.folder} has no venv; run `peers.py setup` first")
    if options.do == "layers":
        return measure_layers(options)
    if options.do == "models":
        import models
        return models.measure(options, sys.modules["__main__"])
    import report
    report.write(options)


if __name__ == "__main__":
    main()
