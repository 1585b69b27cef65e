"""Assembles all PTX of a module that gpu-module-to-binary has printed.

Usage: assemble.py PTXAS < module.mlir

Prints a line for each architecture; fails where ptxas does, where a kernel
spills registers, and where a symbol is left for a linker.
"""

import re
import sys
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[4] / "scripts"))

from ptxas import assemble, read_objects  # noqa: E402


def main():
    objects = read_objects(sys.stdin.read())
    if not objects:
        sys.exit("assemble: no objects with PTX in the module")
    for arch, ptx in objects:
        try:
            log = assemble(sys.argv[1], arch, ptx)
        except RuntimeError as error:
            sys.exit(f"assemble: {error}")
        spills = [line for line in log.splitlines() if re.search(r"[1-9]\d* bytes spill", line)]
        if spills:
            sys.exit(f"assemble: {arch}: spills: {spills[0].strip()}")
        registers = [int(n) for n in re.findall(r"Used (\d+) registers", log)]
        kernels = len(re.findall(r"\.entry ", ptx))
        print(f"{arch}: {kernels} kernels, at most {max(registers)} registers")


if __name__ == "__main__":
    main()
