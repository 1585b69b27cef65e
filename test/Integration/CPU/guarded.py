"""Small modules: compiled by sq-compile for a target, called with guarded memory.

Every array that generated code sees ends where an inaccessible page begins, so
that a read or a write beyond it is a crash (pytest's faulthandler names the
test) and not a lucky number.
"""

import ctypes
import mmap
import subprocess
from pathlib import Path

import numpy as np
from artifact import Artifact
from conftest import find_build

PAGE = mmap.PAGESIZE


def host_flags():
    """The flags of /proc/cpuinfo; empty elsewhere."""
    try:
        return set(Path("/proc/cpuinfo").read_text().split())
    except OSError:
        return set()


# What running a target's code takes of the host.
TARGETS = {
    "x86-64-v2": "sse4_2",
    "haswell": "avx2",
    "icelake-server": "avx512_vbmi2",
}


def missing_feature(target):
    """The reason to skip a test that runs code for `target`, or None."""
    flag = TARGETS[target]
    return None if flag in host_flags() else f"this CPU has no {flag}"


def start_compile(text, path, target, *options):
    """Starts sq-compile on the text of a module; see `finish_compile`."""
    source = path.with_suffix(".mlir")
    source.write_text(text)
    command = [find_build() / "bin" / "sq-compile", source, "-o", path, f"--target={target}", *options]
    return subprocess.Popen(command, stderr=subprocess.PIPE, text=True)


def finish_compile(process):
    errors = process.communicate()[1]
    if process.returncode:
        raise RuntimeError(f"sq-compile: {errors[:4000]}")


def lower(text):
    """The module after convert-sq-to-linalg alone."""
    command = [find_build() / "bin" / "sq-opt", "--convert-sq-to-linalg", "-"]
    return subprocess.run(command, input=text, capture_output=True, text=True, check=True).stdout


# Memory

_libc = ctypes.CDLL(None, use_errno=True)
_libc.mprotect.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]


class Guarded:
    """An array whose last byte is the last before a page without access.

    `array` has the contents, alignment no better than its elements'.
    """

    def __init__(self, shape, dtype):
        dtype = np.dtype(dtype)
        size = int(np.prod(shape)) * dtype.itemsize
        pages = -(-size // PAGE) + 1
        self._map = mmap.mmap(-1, pages * PAGE)
        self._bytes = np.frombuffer(self._map, np.uint8)
        self._guard = self._bytes.ctypes.data + (pages - 1) * PAGE
        start = (pages - 1) * PAGE - size
        # What the callee forgets to write is seen, and so is what it writes
        # before the array.
        self._bytes[: start + size] = 0xA5
        self._before = self._bytes[:start]
        self.array = self._bytes[start : start + size].view(dtype).reshape(shape)
        self._protect(0)

    def _protect(self, access):
        if _libc.mprotect(self._guard, PAGE, access):
            raise OSError(ctypes.get_errno(), "mprotect")

    def check_before(self):
        assert (self._before == 0xA5).all(), "wrote before the array"


class GuardedArtifact(Artifact):
    def call(self, name, inputs, results):
        """Calls `name`; `results` are the (shape, dtype) of each. Returns arrays."""
        guarded = [Guarded(np.shape(x), np.asarray(x).dtype) for x in inputs]
        for memory, value in zip(guarded, inputs):
            memory.array[...] = value
        outputs = [Guarded(shape, dtype) for shape, dtype in results]
        self.call_into(name, [g.array for g in guarded], [g.array for g in outputs])
        for memory in outputs:
            memory.check_before()
        for memory, value in zip(guarded, inputs):
            assert memory.array.tobytes() == np.asarray(value).tobytes(), "an input changed"
        return [memory.array.copy() for memory in outputs]
