"""Assembles all PTX of a module that gpu-module-to-binary has printed.

Usage: assemble.py PTXAS < module.mlir

Prints a line for each architecture; fails where ptxas does, where a kernel
spills registers, and where a symbol is left for a linker.
"""

import re
import subprocess
import sys
import tempfile

OBJECT = re.compile(r'chip = "(\w+)"[^>]*>[^>]*?assembly = "((?:[^"\\]|\\.)*)"')


def unescape(text):
    """MLIR's escapes: two hex digits, or the character itself."""
    return re.sub(r"\\([0-9A-F]{2}|.)",
                  lambda m: chr(int(m[1], 16)) if len(m[1]) == 2 else m[1], text).rstrip("\0")


def assemble(ptxas, arch, ptx):
    with tempfile.TemporaryDirectory() as folder:
        with open(f"{folder}/kernels.ptx", "w", encoding="ascii") as file:
            file.write(ptx)
        result = subprocess.run(
            [ptxas, "-v", f"-arch={arch}", f"{folder}/kernels.ptx", "-o", f"{folder}/kernels.cubin"],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    if result.returncode:
        sys.exit(f"assemble: {arch}: {result.stdout}")
    spills = [line for line in result.stdout.splitlines()
              if re.search(r"[1-9]\d* bytes spill", line)]
    if spills:
        sys.exit(f"assemble: {arch}: spills: {spills[0].strip()}")
    registers = [int(n) for n in re.findall(r"Used (\d+) registers", result.stdout)]
    kernels = len(re.findall(r"\.entry ", ptx))
    print(f"{arch}: {kernels} kernels, at most {max(registers)} registers")


def main():
    objects = OBJECT.findall(sys.stdin.read())
    if not objects:
        sys.exit("assemble: no objects with PTX in the module")
    for arch, assembly in objects:
        assemble(sys.argv[1], arch, unescape(assembly))


if __name__ == "__main__":
    main()
