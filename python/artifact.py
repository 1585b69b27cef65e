"""Artifacts in Python, through the C ABI alone (sparse-quant-c/runtime.h)."""

import ctypes
from ctypes import POINTER, c_char_p, c_int32, c_int64, c_uint8, c_uint16, c_uint32, c_uint64, c_void_p

import numpy as np

# DLPack's type codes of kinds of NumPy, and of types that NumPy hasn't got.
KINDS = {"i": 0, "u": 1, "f": 2, "b": 6}
try:
    import ml_dtypes
    SMALL_FLOATS = {
        np.dtype(ml_dtypes.float8_e4m3fn): 10,
        np.dtype(ml_dtypes.float8_e5m2): 12,
        np.dtype(ml_dtypes.float8_e8m0fnu): 14,
    }
except ImportError:  # Then nobody has arrays of these types.
    SMALL_FLOATS = {}


def type_code(dtype):
    return SMALL_FLOATS[dtype] if dtype in SMALL_FLOATS else KINDS[dtype.kind]


class Tensor(ctypes.Structure):
    """sq_tensor, which is DLPack's DLTensor."""

    _fields_ = [
        ("data", c_void_p),
        ("device_type", c_int32),
        ("device_id", c_int32),
        ("ndim", c_int32),
        ("code", c_uint8),
        ("bits", c_uint8),
        ("lanes", c_uint16),
        ("shape", POINTER(c_int64)),
        ("strides", POINTER(c_int64)),
        ("byte_offset", c_uint64),
    ]

    CPU, CUDA = 1, 2

    def __init__(self, address, shape, dtype, device=CPU):
        """Of memory that is compact and row-major."""
        self.shape_storage = (c_int64 * max(len(shape), 1))(*shape)
        super().__init__(address, device, 0, len(shape), type_code(dtype), dtype.itemsize * 8, 1,
                         self.shape_storage, None, 0)

    @staticmethod
    def of(array):
        assert array.flags.c_contiguous
        return Tensor(array.ctypes.data, array.shape, array.dtype)


_call_type = ctypes.CFUNCTYPE(c_int32, c_void_p, c_void_p, POINTER(POINTER(Tensor)), c_uint32,
                              POINTER(POINTER(Tensor)), c_uint32)


class Api(ctypes.Structure):
    """sq_api."""

    _fields_ = [
        ("version", c_uint32),
        ("size", c_uint32),
        ("status_name", ctypes.CFUNCTYPE(c_char_p, c_int32)),
        ("open", ctypes.CFUNCTYPE(c_int32, c_void_p, POINTER(c_void_p), c_char_p, ctypes.c_size_t)),
        ("close", ctypes.CFUNCTYPE(None, c_void_p)),
        ("descriptor", c_void_p),
        ("num_functions", ctypes.CFUNCTYPE(c_uint32, c_void_p)),
        ("function", ctypes.CFUNCTYPE(c_void_p, c_void_p, c_uint32)),
        ("find_function", ctypes.CFUNCTYPE(c_void_p, c_void_p, c_char_p)),
        ("context_create", ctypes.CFUNCTYPE(c_int32, c_void_p, POINTER(c_void_p), c_char_p,
                                            ctypes.c_size_t)),
        ("context_destroy", ctypes.CFUNCTYPE(None, c_void_p)),
        ("context_reset", ctypes.CFUNCTYPE(c_int32, c_void_p)),
        ("context_set_threads", ctypes.CFUNCTYPE(c_int32, c_void_p, c_int32)),
        ("context_state", c_void_p),
        ("last_error", ctypes.CFUNCTYPE(c_char_p, c_void_p)),
        ("call", _call_type),
        ("variant", ctypes.CFUNCTYPE(c_int32, c_uint32, POINTER(c_void_p), c_char_p,
                                     ctypes.c_size_t)),
        ("context_set_stream", ctypes.CFUNCTYPE(c_int32, c_void_p, c_void_p)),
    ]


class OpenOptions(ctypes.Structure):
    """sq_open_options."""

    _fields_ = [("weights_path", c_char_p), ("artifact", c_void_p), ("flags", c_uint32),
                ("reserved", c_uint32)]


class ArtifactHead(ctypes.Structure):
    """The first fields of sq_artifact_desc."""

    _fields_ = [("abi_version", c_uint32), ("flags", c_uint32), ("producer", c_char_p),
                ("model_name", c_char_p), ("target_triple", c_char_p), ("target_cpu", c_char_p)]


def load_api(path):
    library = ctypes.CDLL(str(path))
    library.sq_get_api.restype = POINTER(Api)
    return library, library.sq_get_api(c_uint32(2)).contents


def find_variants(api):
    """(CPU, descriptor, why it doesn't run here) of each variant."""
    for index in range(100):
        descriptor, message = c_void_p(), ctypes.create_string_buffer(512)
        api.variant(index, ctypes.byref(descriptor), message, 512)
        if not descriptor:
            return
        head = ctypes.cast(descriptor, POINTER(ArtifactHead)).contents
        yield head.target_cpu.decode(), descriptor, message.value.decode()


def list_variants(path):
    library, api = load_api(path)
    return [(cpu, why_not) for cpu, _, why_not in find_variants(api)]


class Artifact:
    """One model with one context."""

    def __init__(self, path, threads=0, variant=None):
        self.library, self.api = load_api(path)
        self.model, self.context = c_void_p(), c_void_p()
        options = OpenOptions()
        if variant:
            (options.artifact,) = (
                found.value for cpu, found, _ in find_variants(self.api) if cpu == variant)
        message = ctypes.create_string_buffer(512)
        for create in (
            lambda: self.api.open(ctypes.byref(options), ctypes.byref(self.model), message, 512),
            lambda: self.api.context_create(self.model, ctypes.byref(self.context), message, 512),
        ):
            if create():
                raise RuntimeError(message.value.decode())
        self.api.context_set_threads(self.context, threads)

    def close(self):
        self.api.context_destroy(self.context)
        self.api.close(self.model)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def call(self, name, inputs, output_shapes):
        """Calls a function whose results are f32."""
        outputs = [np.full(shape, np.nan, np.float32) for shape in output_shapes]
        self.call_into(name, inputs, outputs)
        return outputs

    def call_into(self, name, inputs, outputs):
        """Calls a function that writes its results to `outputs`."""
        self.prepare(name, [Tensor.of(a) for a in inputs], [Tensor.of(a) for a in outputs])()

    def prepare(self, name, inputs, outputs):
        """What calls a function with these Tensors, whose memory the caller keeps."""

        def pointers(tensors):
            return (POINTER(Tensor) * len(tensors))(*map(ctypes.pointer, tensors))

        function = self.api.find_function(self.model, name.encode())
        assert function, f"no function {name}"
        arguments = (self.context, function, pointers(inputs), len(inputs), pointers(outputs),
                     len(outputs))

        def call():
            self.check(self.api.call(*arguments))

        return call

    def check(self, status):
        if status:
            raise RuntimeError(self.api.last_error(self.context).decode())

    def set_stream(self, stream):
        self.check(self.api.context_set_stream(self.context, stream))

    def reset(self):
        assert self.api.context_reset(self.context) == 0


class LanguageModel(Artifact):
    def __init__(self, path, vocab, threads=0):
        super().__init__(path, threads)
        self.vocab = vocab

    def run(self, function, tokens, pos):
        """Logits of `tokens`, which begin at position `pos`."""
        inputs = np.array(tokens, np.int32), np.array(pos, np.int64)
        return self.call(function, inputs, [(len(tokens), self.vocab)])[0]

    def prefill(self, tokens, pos=0):
        return self.run("prefill", tokens, pos)

    def decode(self, tokens, pos=0):
        """One token a call."""
        return np.concatenate(
            [self.run("decode", [token], pos + i) for i, token in enumerate(tokens)]
        )

    def greedy(self, tokens, count):
        """As llama.greedy, but a token a call."""
        self.reset()
        tokens = list(tokens)
        logits = self.prefill(tokens)[-1]
        while len(tokens) < count:
            tokens.append(int(logits.argmax()))
            logits = self.decode(tokens[-1:], len(tokens) - 1)[-1]
        return tokens
