"""The driver that interprets PTX, from Python: models find it, and single kernels run.

    driver = load_driver()
    driver.run(text, "name", grid=2, block=64, arguments=[x, y, np.int32(7)])

Arrays are copied to the device and back; scalars are passed as they are.
"""

import ctypes
import os
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[2]
BUILD = Path(os.environ.get("SQ_BUILD_DIR", ROOT / "build" / "release"))


class LaunchError(RuntimeError):
    pass


class Driver:
    def __init__(self, library):
        self.library = library

    def check(self, result, what):
        if result:
            raise LaunchError(f"{what}: {result}")

    def run(self, text, name, arguments, grid=1, block=32, shared=0):
        library = self.library
        module, function = ctypes.c_void_p(), ctypes.c_void_p()
        self.check(library.cuModuleLoadDataEx(ctypes.byref(module), text.encode(), 0, None, None),
                   "load")
        buffers = []
        try:
            self.check(library.cuModuleGetFunction(ctypes.byref(function), module, name.encode()),
                       "find")
            values = []
            for argument in arguments:
                if not isinstance(argument, np.ndarray):
                    values.append(np.array(argument))
                    continue
                address = ctypes.c_uint64()
                self.check(library.cuMemAlloc_v2(ctypes.byref(address),
                                                 ctypes.c_size_t(argument.nbytes)), "allocate")
                buffers.append((address, argument))
                library.cuMemcpyHtoDAsync_v2(address, ctypes.c_void_p(argument.ctypes.data),
                                             ctypes.c_size_t(argument.nbytes), None)
                values.append(np.array(address.value, np.uint64))
            pointers = (ctypes.c_void_p * len(values))(*(v.ctypes.data for v in values))
            self.check(library.cuLaunchKernel(function, grid, 1, 1, block, 1, 1, shared, None,
                                              pointers, None), "launch")
            for address, array in buffers:
                library.cuMemcpyDtoHAsync_v2(ctypes.c_void_p(array.ctypes.data), address,
                                             ctypes.c_size_t(array.nbytes), None)
        finally:
            for address, _ in buffers:
                library.cuMemFree_v2(address)
            library.cuModuleUnload(module)


def load_driver():
    """Models that are opened from now on run on it, from their PTX."""
    os.environ["CUDA_FORCE_PTX_JIT"] = "1"
    return Driver(ctypes.CDLL(str(BUILD / "test" / "PTX" / "libcuda.so.1"), ctypes.RTLD_GLOBAL))
