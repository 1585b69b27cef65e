"""Whole models of random weights: ours in several recipes beside llama.cpp."""

import json
import pathlib
import subprocess
import time

PROMPT, DECODE = 128, 32

RECIPES = {
    "int8": """rules:
  - match: "*"
    weights: int8.row
    activations: int8.row
""",
    "int4": """rules:
  - match: "*"
    weights: int4.g64.f16
    activations: int8.row
""",
    "2:4 int8, dense int8 head": """rules:
  - match: "*_proj"
    sparsity:
      pattern: nm2:4
    weights: int8.row
    activations: int8.row
  - match: "*"
    weights: int8.row
    activations: int8.row
""",
    "2:4 int4, dense int4 head": """rules:
  - match: "*_proj"
    sparsity:
      pattern: nm2:4
    weights: int4.g64.f16
    activations: int8.row
  - match: "*"
    weights: int4.g64.f16
    activations: int8.row
""",
}


def compile_models(folder, options, peers):
    """label: (artifact or None, facts). What is newer than the compiler stays."""
    result = {}
    compiler = options.build / "bin" / "sq-compile"
    for label, recipe in RECIPES.items():
        path = folder / "".join(c if c.isalnum() else "-" for c in label)
        path.mkdir(exist_ok=True)
        facts = path / "facts.json"
        if facts.exists() and facts.stat().st_mtime > compiler.stat().st_mtime:
            result[label] = path / "model.so", json.loads(facts.read_text())
            continue
        (path / "recipe.yaml").write_text(recipe)
        start = time.perf_counter()
        try:
            peers.run([compiler, folder / "hf", "--recipe",
                       path / "recipe.yaml", "--max-seq=1024", "--measure-errors=false", "-o",
                       path / "model.so"])
        except RuntimeError as error:
            result[label] = None, {"unavailable": str(error)}
            continue
        result[label] = path / "model.so", {
            "compile_s": time.perf_counter() - start,
            "MB": (path / "model.sqw").stat().st_size / 1e6}
        facts.write_text(json.dumps(result[label][1]))
    return result


def bench(artifact, threads, options, peers):
    report = options.folder / "model.json"
    peers.run([options.build / "bin" / "sq-bench", "model", artifact, f"--prompt={PROMPT}",
               f"--decode={DECODE}", f"--threads={threads}", "--benchmark_min_time=0.05",
               f"--benchmark_out={report}", "--benchmark_out_format=json"],
              env=peers.environment(threads))
    prefill, decode = json.loads(report.read_text())["benchmarks"]
    return {"prefill": prefill["tokens/s"], "decode": decode["tokens/s"],
            "decode_GB/s": decode["GB/s"], "read_GB/s": decode["read_GB/s"]}


def measure(options, peers):
    result = peers.load_results(options, "models")
    here = pathlib.Path(__file__).resolve().parent
    for name in options.models:
        folder = options.folder / "models" / name
        if not (folder / "Q8_0.gguf").exists():
            folder.mkdir(parents=True, exist_ok=True)
            try:
                peers.run([peers.python_of(options.folder), here / "write_model.py", name, folder])
            except RuntimeError as error:
                print(f"not available: {name}: {error}")
                continue
        ours = compile_models(folder, options, peers)
        for threads in options.threads:
            case = {"model": name, "threads": threads, "rows": {}}
            rows = case["rows"]
            for label, (_, facts) in ours.items():
                rows["sq " + label] = {"turns": [], **facts}
            workers = {}
            for kind in ("Q4_0", "Q8_0"):
                path = folder / f"{kind}.gguf"
                rows["llama.cpp " + kind] = {"turns": [], "MB": path.stat().st_size / 1e6}
                workers["llama.cpp " + kind] = peers.Worker(
                    options.folder / "llama.log", threads, peers.python_of(options.folder),
                    here / "llama_worker.py", path, threads)
            for _ in range(options.rounds):
                for label, (artifact, _) in ours.items():
                    if artifact:
                        with peers.holding(options.lock):
                            rows["sq " + label]["turns"].append(
                                bench(artifact, threads, options, peers))
                for label, worker in workers.items():
                    with peers.holding(options.lock):
                        time.sleep(0.25)
                        answer = worker.ask(prompt=PROMPT, decode=DECODE)
                    if "failure" in answer:
                        rows[label]["unavailable"] = answer["failure"]
                    else:
                        rows[label]["turns"].append(answer)
            for worker in workers.values():
                worker.close()
            peers.store_result(options, "models", result, case, ["model", "threads"])
            print(f"{name} threads={threads}", flush=True)
