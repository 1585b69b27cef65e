"""PTX out of what gpu-module-to-binary prints, and what ptxas says of it."""

import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

OBJECT = re.compile(r'chip = "(\w+)"[^>]*>[^>]*?assembly = "((?:[^"\\]|\\.)*)"')


def find_ptxas():
    """Its path, or None."""
    folder = os.path.join(os.environ.get("CUDA_ROOT", "/usr/local/cuda"), "bin")
    return shutil.which("ptxas") or shutil.which("ptxas", path=folder)


def read_objects(module):
    """(architecture, PTX) of each object of a printed module."""
    # MLIR's escapes: two hex digits, or the character itself.
    return [(arch, re.sub(r"\\([0-9A-F]{2}|.)",
                          lambda m: chr(int(m[1], 16)) if len(m[1]) == 2 else m[1],
                          text).rstrip("\0"))
            for arch, text in OBJECT.findall(module)]


def assemble(ptxas, arch, ptx):
    """What `ptxas -v` prints; RuntimeError if it fails."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "kernels.ptx"
        path.write_text(ptx, encoding="ascii")
        result = subprocess.run(
            [ptxas, "-v", f"-arch={arch}", path, "-o", path.with_suffix(".cubin")],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    if result.returncode:
        raise RuntimeError(f"{arch}: {result.stdout}")
    return result.stdout
