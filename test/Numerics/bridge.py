"""lib/Numerics through the C functions of SQNumericsTestShim."""

import ctypes
import os
from pathlib import Path

import numpy as np

from reference import Quantized

MESSAGE_SIZE = 256


def _find():
    if path := os.environ.get("SQ_NUMERICS_SHIM"):
        return path
    root = Path(__file__).resolve().parents[2]
    built = sorted(
        root.glob("build/*/lib/SQNumericsTestShim.so"), key=lambda p: p.stat().st_mtime
    )
    if not built:
        raise FileNotFoundError(
            "SQNumericsTestShim.so: build it, or set SQ_NUMERICS_SHIM to its path"
        )
    return str(built[-1])


_library = ctypes.CDLL(_find())
_library.sq_test_pack.restype = ctypes.c_int64
_library.sq_test_wanda.restype = None


def _pointer(array):
    return None if array is None else array.ctypes.data_as(ctypes.c_void_p)


def _i64(value):
    return ctypes.c_int64(value)


def _call(function, *arguments):
    """Raises ValueError with the function's message."""
    message = ctypes.create_string_buffer(MESSAGE_SIZE)
    if function(*arguments, message):
        raise ValueError(message.value.decode())


def _scale_shape(fmt, shape):
    rows, cols = shape
    if fmt.tensor:
        return 1
    return rows * (1 if fmt.group is None else -(-cols // fmt.group))


SCALE_BYTES = {"f32": 4, "f16": 2, "e8m0": 1, "e4m3fn": 1}


def encode(fmt, x, static=None):
    x = np.ascontiguousarray(x, np.float32)
    count = _scale_shape(fmt, x.shape)
    codes = np.zeros(x.shape, np.uint8)
    if static is None:
        scales = np.zeros(count * SCALE_BYTES[fmt.scale], np.uint8)
        zero_points = np.zeros(count if fmt.family == "uint" else 0, np.int32)
        tensor_scale = ctypes.c_float(1)
    else:
        scales, zero_points = static.scales.copy(), static.zero_points.copy()
        tensor_scale = ctypes.c_float(static.tensor_scale)
    _call(
        _library.sq_test_encode,
        fmt.name.encode(),
        _pointer(x),
        _i64(x.shape[0]),
        _i64(x.shape[1]),
        ctypes.c_int(static is not None),
        _i64(count),
        _pointer(codes),
        _pointer(scales),
        _pointer(zero_points),
        ctypes.byref(tensor_scale),
    )
    return Quantized(codes, scales, zero_points, np.float32(tensor_scale.value))


def decode(fmt, q):
    out = np.zeros(q.codes.shape, np.float32)
    codes = np.ascontiguousarray(q.codes)
    count = _scale_shape(fmt, out.shape)
    zero_points = q.zero_points if q.zero_points.size else np.zeros(count, np.int32)
    _call(
        _library.sq_test_decode,
        fmt.name.encode(),
        _pointer(codes),
        _pointer(np.ascontiguousarray(q.scales)),
        _pointer(zero_points),
        ctypes.c_float(q.tensor_scale),
        _i64(count),
        _i64(out.shape[0]),
        _i64(out.shape[1]),
        _pointer(out),
    )
    return out


def mask(name, scores):
    scores = np.ascontiguousarray(scores, np.float32)
    out = np.zeros(scores.shape, np.uint8)
    _call(
        _library.sq_test_mask,
        name.encode(),
        _pointer(scores),
        _i64(scores.shape[0]),
        _i64(scores.shape[1]),
        _pointer(out),
    )
    return out


def wanda(weights, norms):
    out = np.zeros_like(weights)
    _library.sq_test_wanda(
        _pointer(weights),
        _pointer(norms),
        _i64(weights.shape[0]),
        _i64(weights.shape[1]),
        _pointer(out),
    )
    return out


def pack(bits, codes, keep):
    rows, cols = codes.shape
    payload = np.zeros(rows * (cols * bits // 8 + 1), np.uint8)
    bitmap = np.zeros(0 if keep is None else rows * -(-cols // 8), np.uint8)
    stride = _library.sq_test_pack(
        ctypes.c_uint(bits),
        _pointer(codes),
        _pointer(keep),
        _i64(rows),
        _i64(cols),
        _pointer(payload),
        _pointer(bitmap),
    )
    return stride, payload[: rows * stride].reshape(rows, stride), bitmap


def order_errors(pattern, fmt, weights):
    out = np.zeros(12)
    _call(
        _library.sq_test_order,
        pattern.encode(),
        fmt.name.encode(),
        _pointer(weights),
        _i64(weights.shape[0]),
        _i64(weights.shape[1]),
        _pointer(out),
    )
    return out
