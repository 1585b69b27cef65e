"""Order enforcement, executed: a module as it is, and after sq-enforce-order.

Every function masks what a quantizer made, behind some way of carrying it. Class
1 must not change a bit of what is computed. In all classes the result must be
what NumPy gets by masking first and quantizing then (test/Numerics/reference.py).
Both modules are lowered with the reference lowering; NUM-T4 and NUM-S6 say why
equality is exact. And the numbers of the remarks, against NumPy. About 6 s.
"""

import ctypes
import re
import subprocess

import numpy as np
import pytest
import reference
from conftest import find_build

LLVM = "/usr/lib/llvm-22/bin"
ROWS, COLS = 8, 64
PATTERN = "nm2:4"

# name: IR spelling, type of codes, types of scales after "8x64".
FORMATS = {
    "int8.row": ("int<8, row>", "i8", "tensor<8x1xf32>"),
    "int4.g32": ("int<4, group = 32>", "i4", "tensor<8x2xf32>"),
    "uint8.row": ("int<8, row, asymmetric>", "i8", "tensor<8x1xf32>, tensor<8x1xi32>"),
    "fp8.e4m3fn.row": ("fp8<f8E4M3FN, row>", "f8E4M3FN", "tensor<8x1xf32>"),
    "mx.e2m1fn": ("mx<f4E2M1FN>", "f4E2M1FN", "tensor<8x2xf8E8M0FNU>"),
    "nvfp4": ("nvfp4", "f4E2M1FN", "tensor<8x4xf8E4M3FN>, tensor<1x1xf32>"),
    "hbfp5.g64": ("hbfp<5, group = 64>", "i6", "tensor<8x1xf8E8M0FNU>"),
}

X = "tensor<8x64xf32>"


# name: type behind the carrier; IR that makes %out#0 of %d and %out#1 of %x, or
# of each of them a line with VALUE and RESULT; NumPy of the move, and of the
# way back for a mask. Without a way back the quantizer is repeated where the
# mask is.
CARRIERS = {
    "none": (X, "RESULT = tensor.cast VALUE : X to X", lambda v: v, lambda m: m),
    "expand_shape": (
        "tensor<2x4x64xf32>",
        "RESULT = tensor.expand_shape VALUE [[0, 1], [2]] output_shape [2, 4, 64] : X into TYPE",
        lambda v: v.reshape(2, 4, 64),
        lambda m: m.reshape(8, 64),
    ),
    "collapse_shape": (
        "tensor<512xf32>",
        "RESULT = tensor.collapse_shape VALUE [[0, 1]] : X into TYPE",
        lambda v: v.reshape(512),
        lambda m: m.reshape(8, 64),
    ),
    "reshape": (
        "tensor<16x32xf32>",
        "RESULT = tensor.reshape VALUE(%shape) : (X, tensor<2xindex>) -> TYPE",
        lambda v: v.reshape(16, 32),
        lambda m: m.reshape(8, 64),
    ),
    "transpose": (
        "tensor<64x8xf32>",
        "RESULT = linalg.transpose ins(VALUE : X) outs(%init : TYPE) permutation = [1, 0]",
        np.transpose,
        np.transpose,
    ),
    "extract_slice": (
        "tensor<4x64xf32>",
        "RESULT = tensor.extract_slice VALUE[2, 0] [4, 64] [1, 1] : X to TYPE",
        lambda v: v[2:6],
        lambda m: np.pad(m, ((2, 2), (0, 0)), constant_values=1),
    ),
    "slice_cuts_groups": (
        "tensor<8x40xf32>",
        "RESULT = tensor.extract_slice VALUE[0, 8] [8, 40] [1, 1] : X to TYPE",
        lambda v: v[:, 8:48],
        lambda m: np.pad(m, ((0, 0), (8, 16)), constant_values=1),
    ),
    "broadcast": (
        "tensor<3x8x64xf32>",
        "RESULT = linalg.broadcast ins(VALUE : X) outs(%init : TYPE) dimensions = [0]",
        lambda v: np.broadcast_to(v, (3, 8, 64)),
        None,
    ),
    "if": (
        X,
        f"""RESULT = scf.if %cond -> ({X}) {{
      scf.yield VALUE : X
    }} else {{
      scf.yield VALUE : X
    }}""",
        lambda v: v,
        lambda m: m,
    ),
    "for": (
        X,
        """RESULT = scf.for %i = %c0 to %n step %c1 iter_args(%w = VALUE) -> (X) {
      scf.yield %w : X
    }""",
        lambda v: v,
        lambda m: m,
    ),
    "while": (
        X,
        """RESULT, %unusedNAME = scf.while (%w = VALUE, %i = %c0) : (X, index) -> (X, index) {
      %go = arith.cmpi ult, %i, %n : index
      scf.condition(%go) %w, %i : X, index
    } do {
    ^bb0(%w: X, %i: index):
      %j = arith.addi %i, %c1 : index
      scf.yield %w, %j : X, index
    }""",
        lambda v: v,
        lambda m: m,
    ),
    "call": (X, "RESULT = func.call @pass_FUNC_NAME(VALUE) : (X) -> X", lambda v: v, lambda m: m),
}


def carry(carrier, value, result, function):
    kind, text, _, _ = CARRIERS[carrier]
    for old, new in (
        ("FUNC", function),
        ("NAME", value[1:]),
        ("VALUE", value),
        ("RESULT", result),
        ("TYPE", kind),
        ("X", X),
    ):
        text = text.replace(old, new)
    return text


def function_of(name, fmt, carrier, order_class):
    """Class 1: the mask of the real values. 2: a given mask. 3: of the quantized."""
    spelling, codes, scales = FORMATS[fmt]
    kind = CARRIERS[carrier][0]
    names = ", ".join(f"%s{i}" for i in range(scales.count("tensor")))
    masks = kind.replace("f32", "i1")
    ir = ""
    if carrier == "call":
        for value in "dx":
            ir += f"func.func private @pass_{name}_{value}(%v: {X}) -> {X} {{ return %v : {X} }}\n"
    ir += f"""func.func @{name}(%x: {X}, %m2: {masks}, %n: index) -> {kind} attributes {{llvm.emit_c_interface}} {{
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %cond = arith.cmpi ugt, %n, %c1 : index
  %shape = arith.constant dense<[16, 32]> : tensor<2xindex>
  %init = tensor.empty() : {kind}
  %q, {names} = sq.quantize %x to {spelling} : {X} -> tensor<8x64x{codes}>, {scales}
  %d = sq.dequantize %q, {names} from {spelling} : tensor<8x64x{codes}>, {scales} -> {X}
  {carry(carrier, "%d", "%moved", name)}
  {carry(carrier, "%x", "%real", name)}
"""
    scored = {1: "%real", 3: "%moved"}.get(order_class)
    axis = " axis = 0" if carrier == "transpose" else ""
    if scored:
        ir += f"  %m1 = sq.mask magnitude({scored}) nm<2:4>{axis} : {kind}\n"
    mask = "%m1" if scored else "%m2"
    return ir + f"  %r = sq.apply_mask %moved, {mask} : {kind}\n  return %r : {kind}\n}}\n"


CASES = [(fmt, "none", c) for fmt in FORMATS for c in (1, 2, 3)]
CASES += [
    (fmt, carrier, c)
    for carrier in CARRIERS
    if carrier != "none"
    for c, fmt in ((1, "int8.row"), (2, "mx.e2m1fn"), (3, "int4.g32"))
]
# Where a magnitude mask of the real values doesn't commute: a zero point, or a
# scale from outside of what the mask sees.
SCALE_CHANGING = {("uint8.row", "none"), ("int8.row", "slice_cuts_groups")}
# Where it commutes and the pass doesn't see it: groups that are reshaped, and
# real values that take the same way as the quantized ones, but by another op.
NOT_SEEN = {"collapse_shape", "reshape", "if", "for", "while", "call"}

LOWER = """convert-sq-to-linalg, convert-elementwise-to-linalg, canonicalize,
one-shot-bufferize{bufferize-function-boundaries function-boundary-type-conversion=identity-layout-map},
canonicalize, func.func(sq-lower-copies, convert-linalg-to-loops), expand-strided-metadata, lower-affine,
convert-scf-to-cf, convert-math-to-llvm, convert-math-to-libm, arith-expand{include-bf16 include-f8e8m0 include-f4e2m1},
finalize-memref-to-llvm, convert-func-to-llvm, convert-arith-to-llvm, convert-index-to-llvm,
convert-cf-to-llvm, reconcile-unrealized-casts""".replace("\n", " ")


def name_of(case):
    fmt, carrier, order_class = case
    return f"{fmt}_{carrier}_{order_class}".replace(".", "_")


def build(directory, ordered):
    name = "after" if ordered else "before"
    module = directory / "module.mlir"
    module.write_text("\n".join(function_of(name_of(c), *c) for c in CASES))
    passes = ("sq-enforce-order, sq-verify-order, " if ordered else "") + LOWER
    llvm = directory / f"{name}.mlir"
    run = subprocess.run(
        [
            find_build() / "bin" / "sq-opt",
            module,
            f"--pass-pipeline=builtin.module({passes})",
            "--remark-policy=all",
            "--remarks-filter=sq-enforce-order",
            "-o",
            llvm,
        ],
        capture_output=True,
        text=True,
    )
    assert run.returncode == 0, run.stderr[-3000:]
    ir = directory / f"{name}.ll"
    subprocess.run([f"{LLVM}/mlir-translate", "--mlir-to-llvmir", llvm, "-o", ir], check=True)
    library = directory / f"{name}.so"
    subprocess.run(
        [f"{LLVM}/clang", "-O0", "-ffp-contract=off", "-w", "-shared", "-fPIC", "-x", "ir", ir, "-o", library, "-lm"],
        check=True,
    )
    return ctypes.CDLL(str(library)), run.stderr


@pytest.fixture(scope="module")
def modules(tmp_path_factory):
    directory = tmp_path_factory.mktemp("order")
    before, _ = build(directory, ordered=False)
    after, remarks = build(directory, ordered=True)
    return before, after, remarks


def memref(rank):
    class Descriptor(ctypes.Structure):
        _fields_ = [
            ("allocated", ctypes.c_void_p),
            ("aligned", ctypes.c_void_p),
            ("offset", ctypes.c_int64),
            ("sizes", ctypes.c_int64 * rank),
            ("strides", ctypes.c_int64 * rank),
        ]

    return Descriptor


def describe(array):
    strides = [s // array.itemsize for s in array.strides]
    pointer = array.ctypes.data
    kind = memref(array.ndim)
    sizes = (ctypes.c_int64 * array.ndim)(*array.shape)
    return kind(pointer, pointer, 0, sizes, (ctypes.c_int64 * array.ndim)(*strides))


def call(library, name, x, mask, n):
    shape = mask.shape
    result = memref(len(shape))()
    # They are owned here while the call lasts.
    x, mask = np.ascontiguousarray(x).copy(), np.ascontiguousarray(mask).copy()
    arguments = [describe(x), describe(mask)]
    getattr(library, "_mlir_ciface_" + name)(
        ctypes.byref(result), *map(ctypes.byref, arguments), ctypes.c_int64(n)
    )
    assert tuple(result.sizes) == shape
    start = result.aligned + 4 * result.offset
    flat = np.ctypeslib.as_array(
        ctypes.cast(start, ctypes.POINTER(ctypes.c_float)),
        (1 + sum(s * (e - 1) for s, e in zip(result.strides, shape)),),
    )
    return np.lib.stride_tricks.as_strided(flat, shape, [4 * s for s in result.strides]).copy()


def magnitude_mask(values, axis):
    moved = np.moveaxis(np.abs(values), axis, -1)
    flat = np.ascontiguousarray(moved).reshape(-1, moved.shape[-1])
    mask = reference.sparsity_mask(PATTERN, flat).reshape(moved.shape)
    return np.moveaxis(mask, -1, axis)


def round_trip(fmt, x):
    form = reference.Format(fmt)
    return reference.dequantize(form, reference.quantize(form, np.ascontiguousarray(x)))


def expected(case, x, given):
    fmt, carrier, order_class = case
    _, _, move, back = CARRIERS[carrier]
    real = move(x)
    axis = 0 if carrier == "transpose" else -1
    mask = given if order_class == 2 else magnitude_mask(real, axis)
    if back is not None:
        return move(round_trip(fmt, np.where(back(mask), x, np.float32(0))))
    sparse = np.where(mask, real, np.float32(0))
    return round_trip(fmt, sparse.reshape(-1, sparse.shape[-1])).reshape(sparse.shape)


def inputs(case, seed):
    generator = np.random.default_rng(seed)
    x = generator.standard_normal((ROWS, COLS)).astype(np.float32)
    x *= np.float32(2.0) ** generator.integers(-6, 6, (ROWS, 1)).astype(np.float32)
    x[1] = 0  # a group of zeros
    x[2, 5] = np.float32(-0.0)
    x[3, :8] = np.float32(0.5)  # ties
    given = generator.random(CARRIERS[case[1]][2](x).shape) < 0.5
    return x, given.astype(np.uint8)


@pytest.mark.parametrize("case", CASES, ids=name_of)
def test_order(modules, case):
    before, after, remarks = modules
    name = name_of(case)
    commutes = case[2] == 1 and case[:2] not in SCALE_CHANGING
    shown = [
        int(line.split("Class=")[1][0])
        for line in remarks.splitlines()
        if f"Function={name} " in line
    ]
    assert shown[0] == (2 if case[2] == 1 and (not commutes or case[1] in NOT_SEEN) else case[2])
    for seed in range(5):
        x, given = inputs(case, seed)
        result = call(after, name, x, given, 2)
        want = expected(case, x, given)
        np.testing.assert_array_equal(result.view(np.uint32), np.ascontiguousarray(want).view(np.uint32))
        if commutes:
            old = call(before, name, x, given, 2)
            np.testing.assert_array_equal(result.view(np.uint32), old.view(np.uint32))


# Formats whose codes are evenly spaced: the distance of two, per scale (NUM-F14).
BINS = {"int8.row": 1.0, "int4.g32": 1.0, "hbfp5.g64": 1.0}


@pytest.mark.parametrize("fmt", [f for f in FORMATS if f != "uint8.row"])
def test_remark_numbers(tmp_path, fmt):
    """Swapped, and Bound by NUM-T6, of constant data."""
    x = np.random.default_rng(1).standard_normal((ROWS, COLS)).astype(np.float32)
    spelling, codes, scales = FORMATS[fmt]
    names = ", ".join(f"%s{i}" for i in range(scales.count("tensor")))
    module = tmp_path / "constant.mlir"
    module.write_text(f"""func.func @f() -> tensor<8x64xi1> {{
  %x = arith.constant dense<"0x{x.tobytes().hex().upper()}"> : {X}
  %q, {names} = sq.quantize %x to {spelling} : {X} -> tensor<8x64x{codes}>, {scales}
  %d = sq.dequantize %q, {names} from {spelling} : tensor<8x64x{codes}>, {scales} -> {X}
  %m = sq.mask magnitude(%d) nm<2:4> : {X}
  return %m : tensor<8x64xi1>
}}""")
    run = subprocess.run(
        [
            find_build() / "bin" / "sq-opt",
            module,
            "--sq-enforce-order=mode=report",
            "--remark-policy=all",
            "--remarks-filter=sq-enforce-order",
        ],
        capture_output=True,
        text=True,
        check=True,
    )
    shown = dict(re.findall(r"(\w+)=([^,\s]+)", run.stderr))
    form = reference.Format(fmt)
    quantized = reference.quantize(form, x)
    decoded = reference.dequantize(form, quantized)
    real, late = magnitude_mask(x, -1), magnitude_mask(decoded, -1)
    swapped = int(((real == 1) & (late == 0)).sum())
    assert shown["Class"] == "3" and int(shown["Swapped"]) == swapped
    if fmt not in BINS:
        assert shown["Bound"] == ("0" if swapped == 0 else "unknown")
        return
    largest = float(reference.stored_scale_values(form, quantized.scales).max())
    assert float(shown["Bound"]) == pytest.approx(swapped * BINS[fmt] * largest, rel=1e-5)
    first = round_trip(fmt, np.where(real, x, np.float32(0)))
    gain = np.abs(x - decoded * late).sum(dtype=np.float64) - np.abs(x - first).sum(dtype=np.float64)
    assert gain <= float(shown["Bound"]) * (1 + 1e-5)
