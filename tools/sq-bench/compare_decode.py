#!/usr/bin/env python3
"""Single-thread decode: artifacts against llama2.c's run.c on one checkpoint.

Usage: compare_decode.py --run-c RUN.C --checkpoint MODEL.bin --tokenizer TOK.bin
                         [--build BUILD] [--rounds N] [--recipe RECIPE.yaml ...]

Compiles RUN.C (not part of this repository) with `gcc -O3 -march=native`, and
the checkpoint with sq-compile, dense and once for each recipe. Then all of them
write the same greedy text in turn, round after round, so that a machine whose
speed drifts treats them alike; both sides count sampling and printing and leave
the first token out. Prints the median, and the ratio to run.c, pair by pair.
Exits with 1 if the dense artifact's text differs from run.c's.
"""

import argparse
import os
import pathlib
import re
import statistics
import subprocess
import sys
import tempfile

STEPS = 256


def run(command, pattern):
    """Text on stdout, and the tokens a second that `pattern` finds on stderr."""
    done = subprocess.run(command, capture_output=True, check=True,
                          env=dict(os.environ, OMP_NUM_THREADS="1"))
    speed = re.search(pattern, done.stderr.decode())
    if not speed:
        sys.exit(f"{command[0]}: no speed in its output: {done.stderr.decode()}")
    return done.stdout.decode(errors="replace").strip(), float(speed.group(1))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--run-c", required=True, type=pathlib.Path)
    parser.add_argument("--checkpoint", required=True, type=pathlib.Path)
    parser.add_argument("--tokenizer", required=True, type=pathlib.Path)
    parser.add_argument("--build", default="build/release", type=pathlib.Path)
    parser.add_argument("--rounds", default=9, type=int)
    parser.add_argument("--recipe", action="append", default=[], type=pathlib.Path)
    options = parser.parse_args()
    tools = options.build / "bin"

    with tempfile.TemporaryDirectory() as scratch:
        scratch = pathlib.Path(scratch)
        peer = scratch / "run"
        subprocess.run(["gcc", "-O3", "-march=native", "-o", peer, options.run_c, "-lm"],
                       check=True)
        commands = {"run.c": [peer, options.checkpoint, "-z", options.tokenizer,
                              "-t", "0", "-n", str(STEPS)]}
        for recipe in [None, *options.recipe]:
            name = recipe.stem if recipe else "dense f32"
            artifact = scratch / f"{name.replace(' ', '-')}.so"
            compile_command = [tools / "sq-compile", options.checkpoint, "-o", artifact]
            if recipe:
                compile_command += ["--recipe", recipe]
            subprocess.run(compile_command, check=True, capture_output=True)
            commands[name] = [tools / "sq-run", "generate", artifact, "--tokenizer",
                              options.tokenizer, "--steps", str(STEPS), "--threads", "1"]

        texts, speeds = {}, {name: [] for name in commands}
        for _ in range(options.rounds):
            for name, command in commands.items():
                pattern = r"achieved tok/s: ([\d.]+)" if name == "run.c" else \
                    r"decode: .* ([\d.]+) tokens/s"
                texts[name], speed = run(command, pattern)
                speeds[name].append(speed)

    print(f"{'':24} tokens/s   to run.c (median, min, max of {options.rounds} pairs)")
    for name, values in speeds.items():
        ratios = [a / b for a, b in zip(values, speeds["run.c"])]
        print(f"{name:24} {statistics.median(values):8.0f}   {statistics.median(ratios):.2f}"
              f"  {min(ratios):.2f}  {max(ratios):.2f}")
    if texts["dense f32"] != texts["run.c"]:
        sys.exit("the dense artifact's text differs from run.c's")
    print("the dense artifact's text is run.c's")


if __name__ == "__main__":
    main()
