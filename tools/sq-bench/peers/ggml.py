"""ggml's matrix products, called as llama.cpp calls them, from the libraries in the
package llama-cpp-python."""

import ctypes
import importlib.metadata
import importlib.util
import pathlib

import numpy as np

folder = pathlib.Path(importlib.util.find_spec("llama_cpp").origin).parent / "lib"
base = ctypes.CDLL(str(folder / "libggml-base.so"), ctypes.RTLD_GLOBAL)
cpu = ctypes.CDLL(str(folder / "libggml-cpu.so"), ctypes.RTLD_GLOBAL)

Pointer, Size, Int = ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int64


def function(library, name, result, *arguments):
    found = getattr(library, name)
    found.restype, found.argtypes = result, arguments
    return found


class InitParams(ctypes.Structure):
    _fields_ = [("mem_size", Size), ("mem_buffer", Pointer), ("no_alloc", ctypes.c_bool)]


init = function(base, "ggml_init", Pointer, InitParams)
tensor_2d = function(base, "ggml_new_tensor_2d", Pointer, Pointer, ctypes.c_int, Int, Int)
mul_mat = function(base, "ggml_mul_mat", Pointer, Pointer, Pointer, Pointer)
new_graph = function(base, "ggml_new_graph", Pointer, Pointer)
expand = function(base, "ggml_build_forward_expand", None, Pointer, Pointer)
alloc = function(base, "ggml_backend_alloc_ctx_tensors_from_buft", Pointer, Pointer, Pointer)
default_buffer = function(base, "ggml_backend_get_default_buffer_type", Pointer, Pointer)
tensor_set = function(base, "ggml_backend_tensor_set", None, Pointer, Pointer, Size, Size)
tensor_get = function(base, "ggml_backend_tensor_get", None, Pointer, Pointer, Size, Size)
compute = function(base, "ggml_backend_graph_compute", ctypes.c_int, Pointer, Pointer)
row_size = function(base, "ggml_row_size", Size, ctypes.c_int, Int)
quantize = function(base, "ggml_quantize_chunk", Size, ctypes.c_int, Pointer, Pointer, Int, Int,
                    Int, Pointer)
cpu_init = function(cpu, "ggml_backend_cpu_init", Pointer)
set_threads = function(cpu, "ggml_backend_cpu_set_n_threads", None, Pointer, ctypes.c_int)
# Where llama.cpp puts weights that have a layout of their own for this CPU.
repack_buffer = function(cpu, "_Z35ggml_backend_cpu_repack_buffer_typev", Pointer)


def context(megabytes=16):
    return init(InitParams(megabytes << 20, None, True))


class Base:
    repack = False

    def __init__(self, weight, copies, peer_context):
        self.backend = cpu_init()
        set_threads(self.backend, peer_context.threads)
        self.n, self.k = weight.shape
        self.weight_context = context()
        self.weights = [tensor_2d(self.weight_context, self.type, self.k, self.n)
                        for _ in range(copies)]
        buffer_type = repack_buffer() if self.repack else default_buffer(self.backend)
        if not alloc(self.weight_context, buffer_type):
            raise MemoryError("ggml cannot allocate the weights")
        packed = np.empty(self.n * row_size(self.type, self.k), np.uint8)
        weight = np.ascontiguousarray(weight)
        quantize(self.type, weight.ctypes.data, packed.ctypes.data, 0, self.n, self.k, None)
        for tensor in self.weights:
            tensor_set(tensor, packed.ctypes.data, 0, packed.nbytes)

    def prepare(self, x):
        own = context(64)
        m = x.shape[0]
        source = tensor_2d(own, 0, self.k, m)
        graphs = []
        for weight in self.weights:
            product = mul_mat(own, weight, source)
            graph = new_graph(own)
            expand(graph, product)
            graphs.append((graph, product, m))
        if not alloc(own, default_buffer(self.backend)):
            raise MemoryError("ggml cannot allocate the activations")
        x = np.ascontiguousarray(x)
        tensor_set(source, x.ctypes.data, 0, x.nbytes)
        return graphs

    def call(self, copy, graphs):
        if compute(self.backend, graphs[copy][0]):
            raise RuntimeError("ggml cannot compute the graph")
        return graphs[copy]

    def result(self, graph):
        y = np.empty((graph[2], self.n), np.float32)
        tensor_get(graph[1], y.ctypes.data, 0, y.nbytes)
        return y


class Q4(Base):
    type, bits = 2, 4.5


class Q4Repacked(Q4):
    repack = True


class Q8(Base):
    type, bits = 8, 8.5


def versions():
    return f"ggml of llama-cpp-python {importlib.metadata.version('llama-cpp-python')}"


PEERS = {"ggml Q4_0": Q4, "ggml Q4_0, repacked": Q4Repacked, "ggml Q8_0": Q8}
