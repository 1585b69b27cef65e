"""convert-sq-to-linalg, executed, against test/Numerics/reference.py.

Every op, format, pattern and criterion, compiled as a user would compile it and
compared bit for bit. All functions are in one module, cut in two for two cores;
it takes about 20 s on two cores.
"""

import itertools
from dataclasses import dataclass
from typing import Callable

import guarded
import ml_dtypes
import numpy as np
import pytest
import reference
import spelling
from matrices import matrices
from spelling import Format, tensor

TARGET = "haswell"

FORMATS = [
    *(f"int{b}.row" for b in range(2, 9)),
    *("int8.tensor", "int4.tensor", "int4.g32", "int8.g128", "int5.g7", "int3.g1", "int6.g16"),
    *("int8.row.f16", "int4.g64.f16", "int2.g16.f16", "int3.tensor.f16"),
    *("fp8.e4m3fn.row", "fp8.e4m3fn.tensor", "fp8.e5m2.row", "fp8.e5m2.tensor"),
    *("mx.e4m3fn", "mx.e5m2", "mx.e2m3fn", "mx.e3m2fn", "mx.e2m1fn", "mx.int8"),
    *("nvfp4", "hbfp7.g64", "hbfp5.g64", "hbfp3.g64", "hbfp2.g5", "hbfp4.g16", "hbfp6.g33"),
    *("nf4.g64", "nf4.g16.f16", "nf4.row", "nf4.tensor"),
    *(f"uint{b}.{scope}" for b in range(2, 9) for scope in ("row", "tensor")),
]
PATTERNS = [
    *("nm2:4", "nm1:4", "nm3:5", "nm16:32", "nm1:2", "nm7:13", "nm64:64"),
    *("unstructured0.5.row", "unstructured0.29.tensor", "unstructured1.row", "unstructured0.row"),
    *("block4x1.0.5", "block1x4.0.75", "block16x4.0.5", "block3x5.0.5"),
]
# 1, primes, tails of 8, of 32 and of every N:M, whole groups.
COLUMNS = [1, 7, 31, 33, 64, 100, 150]


@dataclass
class Case:
    """A function and what it must do."""

    name: str
    text: str
    check: Callable  # Takes what calls the function.
    # sq-compile refuses masks on codes: they come too late. The op has a
    # meaning all the same; for such cases sq-opt lowers it first.
    lower_first: bool = False


CASES = []


def case(name, arguments, results, body, lower_first=False):
    """Makes a case of the function that follows; it gets a `call(inputs,
    results)`."""

    def add(check):
        symbol = "".join(c if c.isalnum() else "_" for c in name)
        norms = {"norms": ["D1"]}  # Wanda's share the extent of the last axis.
        text = spelling.function(symbol, arguments, results, body, norms)
        CASES.append(Case(symbol, text, check, lower_first))
        return check

    return add


def assert_same(actual, expected, what):
    """Equal bytes, but any NaN is as good as another."""
    expected = np.asarray(expected)
    assert actual.shape == expected.shape, what
    if expected.dtype == np.float32:
        nan = np.isnan(expected)
        np.testing.assert_array_equal(np.isnan(actual), nan, what)
        actual, expected = (np.where(nan, np.float32(0), v) for v in (actual, expected))
    itemsize = expected.dtype.itemsize
    np.testing.assert_array_equal(
        np.ascontiguousarray(actual).view(f"u{itemsize}"),
        np.ascontiguousarray(expected).view(f"u{itemsize}"),
        what,
    )


def inputs_of(fmt, cols, seed=3, rows=5):
    """Matrices of `cols` columns for a format, and NaN where it has a meaning."""
    for x in matrices(seed, rows, cols, asymmetric=fmt.family == "uint"):
        if x.shape == (rows, cols):
            yield x
    yield np.zeros((rows, cols), np.float32)
    yield np.full((rows, cols), -0.0, np.float32)
    if fmt.family == "mx":
        for bad in (np.nan, np.inf, -np.inf):
            x = np.ones((rows, cols), np.float32)
            x[rows // 2, cols // 2] = bad
            yield x


def flatten(x, axis):
    """x with `axis` last, as a matrix."""
    return np.moveaxis(x, axis, -1).reshape(-1, x.shape[axis])


def unflatten(matrix, shape, axis):
    """The inverse for a result of the input's shape."""
    moved = [d for i, d in enumerate(shape) if i != axis % len(shape)]
    return np.ascontiguousarray(np.moveaxis(matrix.reshape([*moved, shape[axis]]), -1, axis))


# Quantizing


def quantize_results(fmt, shape, axis):
    """IR of the results of %q, %s0, ... of a quantization, and their types."""
    body = spelling.codes_to_bytes(fmt, "q", shape, "codes")
    types = spelling.scale_types(fmt, shape, axis)
    results = [("codes", tensor(shape, "i8"))]
    return body, results + [(f"s{i}", t) for i, t in enumerate(types)]


def add_quantize(name, shape, axis=-1):
    fmt = Format(name)
    attribute = spelling.format_attribute(fmt)
    at = "" if axis == -1 else f" axis = {axis}"
    types = spelling.scale_types(fmt, shape, axis)
    scales = ", ".join(f"%s{i}" for i in range(len(types)))
    code = tensor(shape, spelling.code_type(fmt))
    real = tensor(shape, "f32")
    body, results = quantize_results(fmt, shape, axis)
    body.insert(
        0, f"%q, {scales} = sq.quantize %x to {attribute}{at} : {real} -> {code}, {', '.join(types)}"
    )
    body.append(
        f"%y = sq.dequantize %q, {scales} from {attribute}{at}"
        f" : {code}, {', '.join(types)} -> {real}"
    )
    label = f"quantize_{name}_{'x'.join('M' if d is None else str(d) for d in shape)}_axis_{axis}"

    @case(label.replace("-1", "last"), [("x", real)], results + [("y", real)], body)
    def check(call):
        cols = shape[axis]
        others = [d for i, d in enumerate(shape) if i != axis % len(shape)]
        rows = int(np.prod([1 if d is None else d for d in others]))
        for x in inputs_of(fmt, cols, rows=rows if None not in shape else 5):
            concrete = [x.shape[0] if d is None else d for d in shape]
            expected = reference.quantize(fmt, x)
            arrays = spelling.scale_arrays(fmt, expected, concrete, axis)
            codes, *rest, values = call(
                [unflatten(x, concrete, axis)],
                [(concrete, np.int8), *((a.shape, a.dtype) for a in arrays), (concrete, np.float32)],
            )
            for actual, wanted in zip(rest, arrays, strict=True):
                assert_same(actual, wanted, "scales")
            assert_same(codes, unflatten(expected.codes.view(np.int8), concrete, axis), "codes")
            wanted = reference.dequantize(fmt, expected)
            assert_same(values, unflatten(wanted, concrete, axis), "values")


def add_static(name, cols):
    """sq.quantize static(...): the scales of one matrix, the values of another;
    and sq.dequantize of all codes, those that no encoder emits too."""
    fmt = Format(name)
    attribute = spelling.format_attribute(fmt)
    shape = [4, cols]
    types = spelling.scale_types(fmt, shape)
    arguments = [(f"s{i}", t) for i, t in enumerate(types)]
    scales = ", ".join(f"%{s}" for s, _ in arguments)
    code, real = tensor(shape, spelling.code_type(fmt)), tensor(shape, "f32")
    body = [
        f"%q = sq.quantize %x static({scales} : {', '.join(types)}) to {attribute}"
        f" : {real} -> {code}",
        *spelling.codes_to_bytes(fmt, "q", shape, "codes"),
        *spelling.codes_from_bytes(fmt, "all", shape, "any"),
        f"%y = sq.dequantize %any, {scales} from {attribute} : {code}, {', '.join(types)} -> {real}",
    ]
    arguments = [("x", real), ("all", tensor(shape, "i8")), *arguments]

    @case(
        f"static_{name}_{cols}", arguments, [("codes", tensor(shape, "i8")), ("y", real)], body
    )
    def check(call):
        rng = np.random.default_rng(cols)
        for x in inputs_of(fmt, cols, rows=4):
            if not np.isfinite(x).all():
                continue
            static = reference.quantize(fmt, x)
            if fmt.family == "mx":  # A NaN scale is legal, and has codes 0.
                static.scales[0] = 255
            # Far more and far less than the scale was made for, and ties.
            factors = rng.choice(np.float32([0, 0.01, 0.5, 1, 5]), x.shape)
            with np.errstate(over="ignore"):
                values = (x * factors).astype(np.float32)
            values = np.where(np.isinf(values), x, values)
            every = rng.integers(0, 256, x.shape).astype(np.uint8)
            every.flat[: min(every.size, 256)] = np.arange(256)[: every.size]
            codes = every & (2**fmt.code_bits - 1)
            if not fmt.is_float and fmt.family != "uint":
                sign = 1 << (fmt.code_bits - 1)
                codes = ((codes ^ sign).astype(np.int16) - sign).astype(np.int8).view(np.uint8)
            arrays = spelling.scale_arrays(fmt, static, x.shape)
            actual, decoded = call(
                [values, every.view(np.int8), *arrays], [(x.shape, np.int8), (x.shape, np.float32)]
            )
            expected = reference.quantize_static(fmt, values, static)
            assert_same(actual, expected.view(np.int8), "codes")
            static.codes = codes
            assert_same(decoded, reference.dequantize(fmt, static), "values")


for i, name in enumerate(FORMATS):
    cols = [COLUMNS[i % len(COLUMNS)], COLUMNS[(i + 3) % len(COLUMNS)]]
    for k in cols:
        add_quantize(name, [None, k])
    add_static(name, cols[0] if cols[0] > 1 else 97)
    add_quantize(name, [COLUMNS[(i + 1) % 7], 6], axis=0)
    if i % 4 == 0:
        add_quantize(name, [3, COLUMNS[(i + 2) % 7], 2], axis=1)
        add_quantize(name, [COLUMNS[(i + 5) % 7]])


# Masks


def score_inputs(rows, cols):
    for x in matrices(11, rows, cols):
        if x.size == rows * cols:
            yield x.reshape(rows, cols)


def add_mask(pattern, criterion, shape, axis=-1):
    """sq.mask and sq.apply_mask of its own input."""
    at = "" if axis == -1 else f" axis = {axis}"
    real, bit = tensor(shape, "f32"), tensor(shape, "i1")
    extent = shape[axis]
    norms = tensor([extent], "f32")
    operands, types = "%x", real
    arguments = [("x", real)]
    if criterion == "wanda":
        operands, types = "%x, %norms", f"{real}, {norms}"
        arguments.append(("norms", norms))
    attribute = spelling.pattern_attribute(pattern)
    body = [
        f"%m = sq.mask {criterion}({operands}) {attribute}{at} : {types}",
        f"%y = sq.apply_mask %x, %m : {real}",
    ]
    label = f"mask_{criterion}_{pattern}_{'x'.join('M' if d is None else str(d) for d in shape)}"

    @case(f"{label}_axis_{axis}".replace("-1", "last"), arguments, [("m", bit), ("y", real)], body)
    def check(call):
        rng = np.random.default_rng(5)
        sizes = [tuple(shape)]
        if None in shape:
            sizes = [(1, 1), (3, 7), (13, extent or 50), (16, extent or 64)]
            sizes = [s for s in sizes if extent is None or s[1] == extent]
        for size in sizes:
            cols = size[axis]
            rows = int(np.prod(size)) // cols
            scale = np.abs(rng.standard_normal(cols)).astype(np.float32)
            for x in score_inputs(rows, cols):
                with np.errstate(over="ignore"):
                    scores = {
                        "magnitude": np.abs(x),
                        "wanda": np.abs(x) * scale,
                        "scores": x,
                    }[criterion]
                expected = reference.sparsity_mask(pattern, scores).astype(bool)
                inputs = [unflatten(x, size, axis)]
                if criterion == "wanda":
                    inputs.append(scale)
                mask, applied = call(inputs, [(size, np.bool_), (size, np.float32)])
                assert_same(mask, unflatten(expected, size, axis), "mask")
                wanted = np.where(expected, x, np.float32(0)).astype(np.float32)
                assert_same(applied, unflatten(wanted, size, axis), "masked values")


for i, pattern in enumerate(PATTERNS):
    criteria = ["magnitude", "wanda", "scores"]
    for j, criterion in enumerate(criteria):
        add_mask(pattern, criterion, [None, None if (i + j) % 2 else 50])
    add_mask(pattern, criteria[i % 3], [33, 6], axis=0)
    if not pattern.startswith("block"):
        add_mask(pattern, criteria[(i + 1) % 3], [3, 20, 2], axis=1)


def add_apply_mask(name):
    """sq.apply_mask of codes: what is dropped becomes the zero code."""
    fmt = Format(name)
    shape = [None, 33]
    code, byte = tensor(shape, spelling.code_type(fmt)), tensor(shape, "i8")
    body = [
        *spelling.codes_from_bytes(fmt, "x", shape, "c"),
        f"%s = sq.apply_mask %c, %m : {code}",
        *spelling.codes_to_bytes(fmt, "s", shape, "y"),
    ]

    arguments = [("x", byte), ("m", tensor(shape, "i1"))]

    @case(f"apply_mask_{name}", arguments, [("y", byte)], body, lower_first=True)
    def check(call):
        rng = np.random.default_rng(2)
        limit = 2 ** (fmt.code_bits - 1)
        low, high = (0, 2 * limit) if fmt.is_float else (-limit, limit)
        codes = rng.integers(low, high, (9, 33)).astype(np.int16).astype(np.int8)
        mask = rng.random(codes.shape) < 0.5
        (actual,) = call([codes, mask], [(codes.shape, np.int8)])
        assert_same(actual, np.where(mask, codes, 0).astype(np.int8), "codes")


for name in ("int8.row", "int4.row", "int3.row", "mx.e4m3fn", "mx.e3m2fn", "nvfp4"):
    add_apply_mask(name)


def add_apply_mask_to_reals():
    """NUM-S6: a dropped NaN or infinity is +0.0, a kept -0.0 stays."""
    shape = [None, 6]
    real = tensor(shape, "f32")

    @case(
        "apply_mask_special",
        [("x", real), ("m", tensor(shape, "i1"))],
        [("y", real)],
        [f"%y = sq.apply_mask %x, %m : {real}"],
    )
    def check(call):
        x = np.float32([[np.nan, np.inf, -np.inf, -0.0, 0.0, 1e-45]] * 2)
        mask = np.array([[False] * 6, [True] * 6])
        (actual,) = call([x, mask], [(x.shape, np.float32)])
        assert_same(actual, np.where(mask, x, np.float32(0)), "values")


add_apply_mask_to_reals()


# Widening

# What makes elements integers (NUM-F14), and their type in ml_dtypes.
WIDENED = {"int4.row": (1, ml_dtypes.int4), "int3.row": (1, None), "hbfp3.g64": (1, ml_dtypes.int4),
           "mx.e2m1fn": (2, ml_dtypes.float4_e2m1fn), "mx.e2m3fn": (8, ml_dtypes.float6_e2m3fn)}


def integers_of(name, raw):
    """The integers that the low bits of bytes stand for."""
    factor, element = WIDENED[name]
    bits = Format(name).code_bits
    raw = raw & (2**bits - 1)
    if element is None or np.dtype(element).kind == "i" or "int" in np.dtype(element).name:
        sign = 1 << (bits - 1)
        return (raw.astype(np.int16) ^ sign) - sign
    return (raw.view(element).astype(np.float32) * factor).astype(np.int16)


def add_widen(name, cols):
    """Widened codes, and their product with int8 weights."""
    fmt, attribute = Format(name), spelling.format_attribute(Format(name))
    rows, outputs, shape = 3, 4, [3, cols]
    raw = np.random.default_rng(cols).integers(0, 256, shape).astype(np.uint8)
    weights = np.random.default_rng(cols + 1).integers(-128, 128, (outputs, cols)).astype(np.int8)
    code, byte = tensor(shape, spelling.code_type(fmt)), tensor(shape, "i8")
    (scale_type,) = spelling.scale_types(fmt, shape, -1)
    payload, scale = tensor(weights.shape, "i8"), tensor([outputs, 1], "f32")
    product = tensor([rows, outputs], "f32")
    x = np.random.default_rng(cols + 2).standard_normal(shape).astype(np.float32)
    scales = spelling.scale_arrays(fmt, reference.quantize(fmt, x), shape, -1)[0]
    body = [
        *spelling.codes_from_bytes(fmt, "codes", shape, "c"),
        f"%wide = sq.widen %c from {attribute} : {code} -> {byte}",
        f"%product = sq.matmul ins(%wide, %xs : {byte}, {scale_type})"
        f" weights(%w, scales(%ws) : {payload}, {scale}) outs(%init : {product})"
        f" {{format = #sq.int<8, row>, activationFormat = #sq.{attribute}}} -> {product}"]
    arguments = [("codes", byte), ("xs", scale_type), ("w", payload), ("ws", scale),
                 ("init", product)]

    @case(f"widen_{name}_{cols}", arguments, [("wide", byte), ("product", product)], body)
    def check(call):
        weight_scales = np.asarray([[0.5], [1.0], [0.25], [3.0]], np.float32)
        init = np.full((rows, outputs), 0.125, np.float32)
        wide, actual = call([raw.view(np.int8), scales, weights, weight_scales, init],
                            [(shape, np.int8), ((rows, outputs), np.float32)])
        integers = integers_of(name, raw)
        assert_same(wide, integers.astype(np.int8), "integers")
        scale = reference.stored_scale_values(fmt, reference.quantize(fmt, x).scales)
        scale = np.asarray(scale, np.float64).reshape(rows, -1)
        size = fmt.group or cols
        left = integers / WIDENED[name][0] * np.repeat(scale, size, axis=1)[:, :cols]
        expected = left @ (weights * weight_scales.astype(np.float64)).T + init
        magnitude = np.abs(left) @ np.abs(weights * weight_scales).T + init
        assert (np.abs(actual - expected) <= 8 * 2.0**-24 * magnitude).all()


for name, cols in itertools.product(WIDENED, [1, 33, 100]):
    add_widen(name, cols)


# The packed layout


def add_pack(name, pattern, rows, cols):
    """sq.pack of codes, and sq.unpack of what the reference packs."""
    fmt = Format(name)
    shape = [rows, cols]
    rng = np.random.default_rng(rows * cols)
    keep = None
    if pattern == "none":  # Nothing is kept, so there is no payload.
        keep = np.zeros(shape, np.uint8)
    elif pattern != "dense":
        # Scores without zeros or ties: all rows keep what the pattern allows.
        keep = reference.sparsity_mask(pattern, np.abs(rng.standard_normal(shape)) + 1)
    raw = rng.integers(0, 256, shape).astype(np.uint8)
    bits = fmt.code_bits
    stride, payload, bitmap = reference.pack(bits, raw, keep)
    code, byte = tensor(shape, spelling.code_type(fmt)), tensor(shape, "i8")
    packed, bitmaps = tensor(payload.shape, "i8"), tensor([rows, -(-cols // 8)], "i8")
    arguments = [("codes", byte), ("p", packed)]
    results = [("packed", packed), ("y", byte)]
    if keep is None:
        body = [
            *spelling.codes_from_bytes(fmt, "codes", shape, "c"),
            f"%packed = sq.pack %c : {code} -> {packed}",
            f"%u = sq.unpack %p : {packed} -> {code}",
        ]
    else:
        mask = tensor(shape, "i1")
        arguments += [("m", mask), ("b", bitmaps)]
        results.append(("map", bitmaps))
        body = [
            *spelling.codes_from_bytes(fmt, "codes", shape, "c"),
            f"%packed, %map = sq.pack %c mask(%m) : {code}, {mask} -> {packed}, {bitmaps}",
            f"%u = sq.unpack %p bitmap(%b) : {packed}, {bitmaps} -> {code}",
        ]
    body += spelling.codes_to_bytes(fmt, "u", shape, "y")

    @case(f"pack_{name}_{pattern}_{rows}x{cols}", arguments, results, body)
    def check(call):
        inputs = [raw.view(np.int8), payload.view(np.int8)]
        outputs = [(payload.shape, np.int8), (tuple(shape), np.int8)]
        codes = raw & (2**bits - 1)
        if not fmt.is_float:
            sign = 1 << (bits - 1)
            codes = (codes ^ sign).astype(np.int16) - sign
        if keep is not None:
            inputs += [keep.astype(bool), bitmap.view(np.int8)]
            outputs.append((bitmap.shape, np.int8))
            codes = np.where(keep == 1, codes, 0)
        results = call(inputs, outputs)
        assert_same(results[0], payload.view(np.int8), "payload")
        assert_same(results[1], codes.astype(np.int8), "codes")
        if keep is not None:
            assert_same(results[2], bitmap.view(np.int8), "bitmap")


PACKED = [*(f"int{b}.row" for b in range(2, 9)), "mx.e4m3fn", "mx.e2m3fn", "mx.e2m1fn"]
PACK_PATTERNS = ["dense", "nm2:4", "nm3:5", "unstructured0.5.tensor", "block3x5.0.5", "none"]
PACK_COLUMNS = [1, 7, 8, 33, 64, 65, 172]
for i, (name, pattern) in enumerate(itertools.product(PACKED, PACK_PATTERNS)):
    add_pack(name, pattern, 1 + i % 5, PACK_COLUMNS[i % len(PACK_COLUMNS)])


# Running them


@pytest.fixture(scope="module")
def artifacts(tmp_path_factory):
    """Function name -> guarded. Two compilers, for two cores."""
    if reason := guarded.missing_feature(TARGET):
        pytest.skip(reason)
    folder = tmp_path_factory.mktemp("reference")
    plain = [c for c in CASES if not c.lower_first]
    parts = [plain[0::2], plain[1::2], [c for c in CASES if c.lower_first]]
    running = []
    for i, part in enumerate(parts):
        text = "".join(c.text for c in part)
        if part[0].lower_first:
            text = guarded.lower(text)
        path = folder / f"part{i}.so"
        running.append((path, part, guarded.start_compile(text, path, TARGET, "--openmp=false")))
    found = {}
    for path, part, process in running:
        guarded.finish_compile(process)
        opened = guarded.GuardedArtifact(path)
        found.update({c.name: opened for c in part})
    return found


@pytest.mark.parametrize("case", CASES, ids=lambda c: c.name)
def test_case(case, artifacts):
    case.check(lambda inputs, results: artifacts[case.name].call(case.name, inputs, results))
