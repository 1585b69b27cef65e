#!/usr/bin/env python3
"""Assembles every kernel for tensor cores, and writes what each takes of a GPU.

Usage: gpu_kernel_table.py [--check] [OUTPUT]

OUTPUT is docs/benchmarks/gpu-kernels.md. With --check nothing is written; it fails where a
kernel spills that isn't listed as spilling, or takes other shared memory or another time at
least than listed. The numbers of registers are ptxas's, and differ between its versions.
Needs ptxas, and sq-opt in SQ_BUILD_DIR or build/release.
"""

import os
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from ptxas import assemble, find_ptxas, read_objects

ROOT = Path(__file__).resolve().parents[1]
BUILD = Path(os.environ.get("SQ_BUILD_DIR", ROOT / "build" / "release"))
ARCHS = ["sm_80", "sm_89", "sm_90a", "sm_100a", "sm_120a"]
FP8_ARCHS = ["sm_89", "sm_120a"]
ROWS, COLS = 4096, 4096
TOKENS = {8: "stream, 8 tokens", 16: "stream, 16 tokens", 512: "tiles"}
# Kernel, weights, their format, bits, scale group (0: a row), scale type, activations.
KERNELS = [
    ("gpu.mma-s8", "int8.row", "int<8, row>", 8, 0, "f32", "int8"),
    ("gpu.mma-s8", "int4.row", "int<4, row>", 4, 0, "f32", "int8"),
    ("gpu.mma-s8", "int4.g64.f16", "int<4, group = 64, scale = f16>", 4, 64, "f16", "int8"),
    ("gpu.mma-s8", "int4.g32.f16", "int<4, group = 32, scale = f16>", 4, 32, "f16", "int8"),
    ("gpu.mma-s8", "mx.e2m1fn", "mx<f4E2M1FN>", 4, 32, "f8E8M0FNU", "int8"),
    ("gpu.mma-bf16", "mx.e2m1fn", "mx<f4E2M1FN>", 4, 32, "f8E8M0FNU", "f32"),
    ("gpu.mma-bf16", "int8.row", "int<8, row>", 8, 0, "f32", "f32"),
    ("gpu.mma-bf16", "int4.g64.f16", "int<4, group = 64, scale = f16>", 4, 64, "f16", "f32"),
    ("gpu.mma-bf16", "int4.g128.f16", "int<4, group = 128, scale = f16>", 4, 128, "f16", "f32"),
    ("gpu.mma-bf16", "mx.e4m3fn", "mx<f8E4M3FN>", 8, 32, "f8E8M0FNU", "f32"),
    ("gpu.mma-bf16", "bf16", "half<bf16>", 16, 0, None, "bf16"),
    ("gpu.mma-bf16", "int4.g64.f16", "int<4, group = 64, scale = f16>", 4, 64, "f16", "bf16"),
    ("gpu.mma-f16", "f16", "half<f16>", 16, 0, None, "f16"),
    ("gpu.mma-f16", "int8.g64.f16", "int<8, group = 64, scale = f16>", 8, 64, "f16", "f16"),
    ("gpu.mma-f16", "int4.g64.f16", "int<4, group = 64, scale = f16>", 4, 64, "f16", "f16"),
    ("gpu.mma-f16", "int4.g128.f16", "int<4, group = 128, scale = f16>", 4, 128, "f16", "f16"),
    ("gpu.mma-f16", "mx.e2m1fn", "mx<f4E2M1FN>", 4, 32, "f8E8M0FNU", "f16"),
    ("gpu.mma-f16", "mx.e4m3fn", "mx<f8E4M3FN>", 8, 32, "f8E8M0FNU", "f16"),
    ("gpu.mma-f16", "fp8.e4m3fn.row", "fp8<f8E4M3FN, row>", 8, 0, "f32", "f16"),
    ("gpu.mma-fp8", "fp8.e4m3fn.row", "fp8<f8E4M3FN, row>", 8, 0, "f32", "fp8"),
]
# From NVIDIA's data sheets, of the SXM cards with 80 GB: bytes a second, dense operations a
# second. On the H100 only wgmma reaches the latter.
CARDS = {"A100": (2.039e12, {"s8": 624e12, "bf16": 312e12, "f16": 312e12}),
         "H100": (3.35e12, {"s8": 1979e12, "bf16": 989e12, "f16": 989e12})}
# Element type, format, bytes of what is multiplied, and parts.
ACTIVATIONS = {"int8": ("xi8", "int<8, row>", 1, 1),
               "fp8": ("xf8E4M3FN", "fp8<f8E4M3FN, row>", 1, 1),
               "f16": ("xf16", None, 2, 1), "bf16": ("xbf16", None, 2, 1),
               "f32": ("xf32", None, 2, 3)}


# As they stand in a row, and as attributes. With bitmaps, these weights alone.
PATTERNS = {"dense": None, "2:4": "nm<2:4>", "50 %": "unstructured<0.5, row>"}
WITH_BITMAPS = {"int8.row", "int4.g64.f16", "mx.e2m1fn", "fp8.e4m3fn.row"}


def sizes(bits, group, activations, pattern):
    """Bytes of a tile of 16 rows, payload and metadata: those of NUM-L11 and L12."""
    e = ACTIVATIONS[activations][2]
    step = (64 if pattern == "2:4" else 32) // e
    unit = step * 128 // (bits * 16 // e)
    block = max(unit, 128 // e, group)
    units = -(-COLS // block) * (block // unit)
    if pattern == "50 %":
        return units * 512 // 2, -(-(16 + units * 512 // bits + 4 * (units + 1)) // 16) * 16
    return units * 512, units * unit // 64 * 128 if pattern == "2:4" else 0


def count_scales(group, scale):
    """Of a tile, and bytes of one."""
    size = {"f16": 2, "f8E8M0FNU": 1, "f32": 4, None: 0}[scale]
    return 16 * (COLS // group if group else 1), size


def least_time(card, kernel, bits, group, scale, activations, pattern, tokens):
    """Microseconds of reading everything once or of multiplying, whichever is longer."""
    bandwidth, peaks = CARDS[card]
    peak = peaks.get(kernel.split("-")[1])
    if not peak:
        return "–"
    scales, scale_bytes = count_scales(group, scale)
    tile = sum(sizes(bits, group, activations, pattern)) + scales * scale_bytes
    # f32 is three parts of bf16; results are f32.
    _, _, size, planes = ACTIVATIONS[activations]
    memory = (ROWS // 16 * tile + tokens * COLS * planes * size + tokens * ROWS * 4) / bandwidth
    multiply = 2 * ROWS * COLS * tokens * planes / (2 if pattern == "2:4" else 1) / peak
    return f"{1e6 * max(memory, multiply):.1f} " + ("mma" if multiply > memory else "memory")


def module(kernel, attribute, bits, group, scale, activations, pattern, tokens, archs):
    """A product on memrefs."""
    payload, metadata = sizes(bits, group, activations, pattern)
    tiles = ROWS // 16
    row = f"1x{tiles * payload + 64}" if pattern == "50 %" else f"{tiles}x{payload}"
    types = {"p": f"memref<{row}xi8>",
             "b": f"memref<{tiles}x{metadata}xi8>",
             "s": f"memref<{tiles}x{count_scales(group, scale)[0]}x{scale or 'f32'}>",
             "o": f"memref<{tokens}x{ROWS}xf32>", "t": f"memref<{tokens}x1xf32>"}
    element, format_, _, _ = ACTIVATIONS[activations]
    types["x"] = f"memref<{tokens}x{COLS}{element}>"
    inputs = ["x"] + (["t"] if format_ else [])
    weights = ", ".join(["%p"] + (["bitmap(%b)"] if metadata else [])
                        + (["scales(%s)"] if scale else []))
    weight_types = ["p"] + (["b"] if metadata else []) + (["s"] if scale else [])
    attributes = [f"format = #sq.{attribute}", "layout = #sq<layout fragments>",
                  f'kernel = "{kernel}"']
    attributes += [f"activationFormat = #sq.{format_}"] if format_ else []
    attributes += [f"pattern = #sq.{PATTERNS[pattern]}"] if metadata else []
    names = ", ".join(f'"{arch}"' for arch in archs)
    return f"""module attributes {{dlti.target_system_spec = #dlti.target_system_spec<
  "GPU" = #dlti.target_device_spec<"sq.archs" = [{names}]>>}} {{
func.func @product({", ".join(f"%{n}: {t}" for n, t in types.items())}) {{
  sq.matmul ins({", ".join("%" + n for n in inputs)} : {", ".join(types[n] for n in inputs)})
    weights({weights} : {", ".join(types[n] for n in weight_types)})
    outs(%o : {types["o"]}) {{{", ".join(attributes)}}}
  return
}}
}}
"""


def measure(ptxas, text, archs):
    """{arch: (registers, spilled bytes)} of the kernel that multiplies, and shared bytes."""
    command = [BUILD / "bin" / "sq-opt", "-"]
    outlined = subprocess.run([*command, "--sq-gpu-outline-pipeline"], input=text, text=True,
                              capture_output=True, check=True).stdout
    shared = max(map(int, re.findall(r"dynamic_shared_memory_size %c(\d+)_i32", outlined)))
    isa = subprocess.run([*command, "--sq-gpu-to-nvvm-pipeline",
                          "--gpu-module-to-binary=format=isa"], input=outlined, text=True,
                         capture_output=True, check=True).stdout
    found = {}
    for arch, ptx in read_objects(isa):
        log = assemble(ptxas, arch, ptx)
        # Of the kernels that prepare activations none has as many.
        registers = max(int(n) for n in re.findall(r"Used (\d+) registers", log))
        spills = sum(int(n) for n in re.findall(r"(\d+) bytes spill stores", log))
        found[arch] = registers, spills
    assert set(found) == set(archs), isa[:400]
    return found, shared


def make_rows(ptxas):
    cases = [(k, pattern, tokens) for k in KERNELS for pattern in PATTERNS for tokens in TOKENS
             if pattern != "50 %" or k[1] in WITH_BITMAPS]

    def work(case):
        (kernel, weights, attribute, bits, group, scale, activations), pattern, tokens = case
        archs = [a for a in ARCHS if activations != "fp8" or a in FP8_ARCHS]
        text = module(kernel, attribute, bits, group, scale, activations, pattern, tokens, archs)
        found, shared = measure(ptxas, text, archs)
        cells = [f"`{kernel}`", weights, activations, pattern, TOKENS[tokens],
                 f"{shared / 1024:.1f}"]
        cells += [least_time(card, kernel, bits, group, scale, activations, pattern, tokens)
                  for card in CARDS]
        for arch in ARCHS:
            registers, spills = found.get(arch, ("–", 0))
            cells.append(f"{registers}, {spills} spilled" if spills else str(registers))
        return "| " + " | ".join(cells) + " |"

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        return list(pool.map(work, cases))


def significant(row):
    """What --check compares: not the numbers of registers."""
    cells = [c.strip() for c in row.strip("|\n ").split("|")]
    known = 6 + len(CARDS)
    return cells[:known] + [re.sub(r"^\d+", "", c) for c in cells[known:]]


def main():
    arguments = [a for a in sys.argv[1:] if a != "--check"]
    output = Path(arguments[0]) if arguments else ROOT / "docs" / "benchmarks" / "gpu-kernels.md"
    ptxas = find_ptxas()
    if not ptxas:
        sys.exit("gpu_kernel_table: no ptxas on the path or in CUDA_ROOT")
    rows = make_rows(ptxas)
    if "--check" in sys.argv[1:]:
        listed = [significant(line) for line in output.read_text().splitlines()
                  if line.startswith("| `gpu.")]
        made = [significant(row) for row in rows]
        for a, b in zip(listed, made):
            if a != b:
                sys.exit(f"gpu_kernel_table: listed {a}\nbut is        {b}\n"
                         "run scripts/gpu_kernel_table.py if that is meant")
        if len(listed) != len(made):
            sys.exit(f"gpu_kernel_table: {len(listed)} kernels are listed, {len(made)} exist")
        print(f"gpu_kernel_table: {len(made)} kernels as listed")
        return
    version = re.search(r"V[\d.]+", subprocess.run(
        [ptxas, "--version"], capture_output=True, text=True, check=True).stdout)[0]
    header = ["kernel", "weights", "activations", "pattern", "variant", "shared KiB",
              *(f"{card}, us at least" for card in CARDS), *ARCHS]
    output.write_text(
        "<!-- Generated by scripts/gpu_kernel_table.py. -->\n\n# Kernels for tensor cores\n\n"
        "Registers a thread of the kernels that [gpu.md](../gpu.md) describes, and bytes that "
        f"they spill, by ptxas {version[1:]}; shared memory of a block of 256 threads. Layers "
        f"are {ROWS} x {COLS}. A kernel that spills and isn't listed as spilling fails the "
        "tests.\n\n"
        "*At least* is the roofline, computed and not measured: what the card's memory takes to "
        "read weights, metadata, scales and prepared activations and to write f32 results once, "
        "or its tensor cores to multiply 8, 16 and 512 tokens at the data sheet's rate (A100 and "
        "H100 SXM, 80 GB), whichever is longer. On the H100 that rate is `wgmma`'s; `mma` is "
        "slower. Weights with a bitmap (50 %) that are multiplied with many tokens are expanded "
        "first, which isn't in that time.\n\n"
        "| " + " | ".join(header) + " |\n| " + " | ".join(["---"] * len(header)) + " |\n" +
        "\n".join(rows) + "\n")


if __name__ == "__main__":
    main()
