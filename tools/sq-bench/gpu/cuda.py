"""As much of NVIDIA's driver as a benchmark needs: memory, a stream, events, graphs."""

import ctypes
from ctypes import byref, c_float, c_int, c_size_t, c_uint64, c_ulonglong, c_void_p

import numpy as np


class Driver:
    """The first device, whose primary context becomes this thread's."""

    def __init__(self):
        self.library = ctypes.CDLL("libcuda.so.1")
        self.do("cuInit", 0)
        device, context = c_int(), c_void_p()
        self.do("cuDeviceGet", byref(device), 0)
        self.do("cuDevicePrimaryCtxRetain", byref(context), device)
        self.do("cuCtxPushCurrent_v2", context)
        name, version = ctypes.create_string_buffer(96), c_int()
        self.do("cuDeviceGetName", name, 96, device)
        self.do("cuDriverGetVersion", byref(version))
        self.name = name.value.decode()
        self.version = f"{version.value // 1000}.{version.value % 1000 // 10}"
        self.stream = c_void_p()
        self.do("cuStreamCreate", byref(self.stream), 1)  # CU_STREAM_NON_BLOCKING

    def do(self, function, *arguments):
        if result := getattr(self.library, function)(*arguments):
            raise RuntimeError(f"{function} fails with {result}")

    def wait(self):
        self.do("cuStreamSynchronize", self.stream)

    def event(self):
        event = c_void_p()
        self.do("cuEventCreate", byref(event), 0)
        return event

    def time(self, queue):
        """Seconds that the device takes for what `queue` puts on the stream."""
        start, end, milliseconds = self.event(), self.event(), c_float()
        self.do("cuEventRecord", start, self.stream)
        queue()
        self.do("cuEventRecord", end, self.stream)
        self.do("cuEventSynchronize", end)
        self.do("cuEventElapsedTime", byref(milliseconds), start, end)
        for event in (start, end):
            self.do("cuEventDestroy_v2", event)
        return milliseconds.value / 1e3


class Graph:
    """What `queue` launches on the stream, recorded once: launched again, it takes the host no
    time for each kernel."""

    def __init__(self, driver, queue):
        self.driver, self.graph, self.program = driver, c_void_p(), c_void_p()
        driver.do("cuStreamBeginCapture_v2", driver.stream, 1)  # CU_STREAM_CAPTURE_MODE_THREAD_LOCAL
        try:
            queue()
        finally:
            driver.do("cuStreamEndCapture", driver.stream, byref(self.graph))
        driver.do("cuGraphInstantiateWithFlags", byref(self.program), self.graph, c_ulonglong(0))

    def launch(self):
        self.driver.do("cuGraphLaunch", self.program, self.driver.stream)

    def close(self):
        self.driver.do("cuGraphExecDestroy", self.program)
        self.driver.do("cuGraphDestroy", self.graph)


class Memory:
    """f32 on the device."""

    def __init__(self, driver, shape):
        self.driver, self.shape, self.address = driver, shape, c_uint64()
        self.bytes = int(np.prod(shape)) * 4
        driver.do("cuMemAlloc_v2", byref(self.address), c_size_t(self.bytes))

    def write(self, array):
        assert array.dtype == np.float32 and array.shape == tuple(self.shape)
        self.driver.do("cuMemcpyHtoDAsync_v2", self.address, c_void_p(array.ctypes.data),
                       c_size_t(self.bytes), self.driver.stream)
        self.driver.wait()
        return self

    def free(self):
        self.driver.do("cuMemFree_v2", self.address)
