#!/usr/bin/env python3
"""Prints the table of scripts/demo.sh from the files in its output folder."""

import json
import pathlib
import re
import sys

# Title, artifact, and whether its file and kernels are what one would ship. The
# others hold their rounded weights as dense f32, only to be scored.
ROWS = [
    ("dense", "dense", True),
    ("int8", "int8", True),
    None,
    ("2:4 one-shot", "dense-24", False),
    ("2:4 one-shot, then int8", "dense-24-int8", True),
    ("int8, then 2:4 one-shot", "dense-int8-24", False),
    ("threshold", ("dense-24", "int8", "dense"), False),
    None,
    ("2:4 fine-tuned", "sparse24-24", False),
    ("2:4 fine-tuned, then int8", "sparse24-24-int8", True),
    ("int8, then 2:4 fine-tuned", "sparse24-int8-24", False),
    ("threshold", ("sparse24-24", "int8", "dense"), False),
]


def perplexity(folder, name):
    if isinstance(name, tuple):
        sparse, quantized, dense = (perplexity(folder, part) for part in name)
        return sparse + quantized - dense
    return json.loads((folder / f"{name}.perplexity.json").read_text())["perplexity"]


def decode_speed(folder, name):
    text = (folder / f"{name}.speed").read_text()
    speeds = re.findall(r"^decode: .*, ([0-9.]+) tokens/s$", text, re.MULTILINE)
    if not speeds:
        sys.exit(f"no decode speed in {name}.speed:\n{text}")
    return max(map(float, speeds))


def runs(folder):
    return (folder / "dense.speed").read_text().count("decode: ")


def main():
    folder = pathlib.Path(sys.argv[1])
    print(f"{'weights of linear layers':<28}{'perplexity':>12}{'file':>12}{'decode':>16}")
    for row in ROWS:
        if row is None:
            print()
            continue
        title, name, ships = row
        line = f"{title:<28}{perplexity(folder, name):>12.3f}"
        if ships:
            size = (folder / f"{name}.sqw").stat().st_size
            line += f"{size / 1e6:>9.2f} MB{decode_speed(folder, name):>10.0f} tok/s"
        print(line)
    print()
    print("threshold = sparse + int8 - dense: above it, the two harm each other.")
    print("int8: weights with a scale a row, activations with a scale a token.")
    print("file: all weights, embedding and head in f16. decode: one stream, one thread, the fastest of "
          f"{runs(folder)}.")


if __name__ == "__main__":
    main()
