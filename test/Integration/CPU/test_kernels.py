"""sq.matmul by every kernel of the table, executed, against NumPy.

The kernel is written on the op. Weights are quantized and packed by
test/Numerics/reference.py, and every operand ends at a page without access.

Tolerance. The decoded weights are exact in f32, so what remains is a sum of K
products and the initial value in f32. For any order, and with or without fused
multiply-adds, its error is at most gamma(K + 1) * (|init| + sum |x||w|), with
gamma(n) = n u / (1 - n u) and u = 2^-24 (Higham, Accuracy and Stability of
Numerical Algorithms, section 3.1). Integer sums are exact; `exact_case` holds
them to that. The whole file takes about 13 s on two cores.
"""

import itertools
from dataclasses import dataclass
from typing import Callable

import guarded
import numpy as np
import pytest
import reference
import spelling
from spelling import Format, tensor

F32 = np.float32
U = 2.0**-24
ROWS = [1, 2, 3, 7, 16, 33]
EXTENTS = [
    *((1, 1), (3, 7), (8, 64), (5, 172), (4, 31), (6, 352), (7, 33), (2, 100), (13, 128)),
    *((16, 17), (3, 300)),
]

VECTOR, REFERENCE = "cpu.decode-rows", "cpu.reference"
WEIGHTS = [
    *(f"int{b}.row" for b in range(2, 9)),
    *("int8.tensor", "int4.g32", "int4.g64.f16", "int8.row.f16", "int3.g32"),
    *("fp8.e4m3fn.row", "fp8.e5m2.tensor"),
    *("mx.e4m3fn", "mx.e5m2", "mx.e2m3fn", "mx.e3m2fn", "mx.e2m1fn", "mx.int8"),
    *("nvfp4", "hbfp7.g64", "hbfp5.g64", "hbfp3.g32", "nf4.g64", "nf4.row.f16"),
]
# Groups that no vector divides: the reference lowering alone takes them.
ODD_GROUPS = ["int4.g5", "hbfp2.g7", "int8.g1"]
PATTERNS = ["dense", "nm2:4", "unstructured0.5.row", "nm16:32", "block1x4.0.75", "nm3:5"]
INTEGERS = ["int8.row", "int4.g32", "int5.row", "mx.int8", "hbfp7.g64", "hbfp5.g64"]
ACTIVATIONS = ["int8.row", "int8.tensor", "uint8.row", "uint8.tensor", "int4.row"]


@dataclass
class Case:
    name: str
    text: str
    check: Callable


class Weights:
    """Random weights, masked, quantized and packed by the reference."""

    def __init__(self, fmt, pattern, shape, seed):
        rng = np.random.default_rng(seed)
        w = rng.standard_normal(shape).astype(F32)
        w *= np.exp2(rng.integers(-6, 7, (shape[0], 1))).astype(F32)
        keep = None
        if pattern != "dense":
            keep = reference.sparsity_mask(pattern, np.abs(w))
            w = w * keep
        self.quantized = reference.quantize(fmt, w)
        self.values = reference.dequantize(fmt, self.quantized)
        _, payload, bitmap = reference.pack(fmt.code_bits, self.quantized.codes, keep)
        self.operands = [payload.view(np.int8)]
        if keep is not None:
            self.operands.append(bitmap.view(np.int8))
        self.operands += spelling.scale_arrays(fmt, self.quantized, shape)


def matmul_text(name, kernel, fmt, pattern, shape, payload, rows, act=None):
    """A function of the input, its scales, the weights and the initial value."""
    n, k = shape
    out = tensor([rows, n], "f32")
    x_type = tensor([rows, k], "f32" if act is None else spelling.code_type(act))
    x_name, body, arguments = "x", [], [("x", x_type)]
    if act is not None and spelling.code_type(act) != "i8":
        arguments = [("x", tensor([rows, k], "i8"))]
        body = spelling.codes_from_bytes(act, "x", [rows, k], "narrow")
        x_name = "narrow"
    x_scales = []
    if act is not None:
        for i, type_ in enumerate(spelling.scale_types(act, [rows, k])):
            x_scales.append((f"xs{i}", type_))
    weights = [("p", tensor(payload.shape, "i8"))]
    if pattern != "dense":
        weights.append(("b", tensor([n, -(-k // 8)], "i8")))
    scales = [(f"s{i}", t) for i, t in enumerate(spelling.scale_types(fmt, shape))]
    arguments += [*x_scales, *weights, *scales, ("init", out)]
    ins = ", ".join([f"%{x_name}", *(f"%{s}" for s, _ in x_scales)])
    in_types = ", ".join([x_type, *(t for _, t in x_scales)])
    packed = "%p, " + ("bitmap(%b), " if pattern != "dense" else "")
    packed += f"scales({', '.join(f'%{s}' for s, _ in scales)})"
    packed_types = ", ".join(t for _, t in [*weights, *scales])
    attributes = [f"format = #sq.{spelling.format_attribute(fmt)}", f'kernel = "{kernel}"']
    if pattern != "dense":
        attributes.append(f"pattern = #sq.{spelling.pattern_attribute(pattern)}")
    if act is not None:
        attributes.append(f"activationFormat = #sq.{spelling.format_attribute(act)}")
    body.append(
        f"%y = sq.matmul ins({ins} : {in_types}) weights({packed} : {packed_types})"
        f" outs(%init : {out}) {{{', '.join(attributes)}}} -> {out}"
    )
    return spelling.function(name, arguments, [("y", out)], body)


def symbol(*parts):
    return "".join(c if c.isalnum() else "_" for c in "_".join(map(str, parts)))


def float_case(index, kernel, name, pattern, rows):
    """f32 activations; `rows` None is dynamic."""
    fmt = Format(name)
    shape = EXTENTS[index % len(EXTENTS)]
    weights = Weights(fmt, pattern, shape, index)
    label = symbol(kernel, name, pattern, *shape, "M" if rows is None else rows)
    text = matmul_text(label, kernel, fmt, pattern, shape, weights.operands[0], rows)

    def check(call):
        rng = np.random.default_rng(index)
        for m in ROWS if rows is None else [rows]:
            x = rng.standard_normal((m, shape[1])).astype(F32)
            init = rng.standard_normal((m, shape[0])).astype(F32)
            (y,) = call([x, *weights.operands, init], [(init.shape, F32)])
            exact = init + x.astype(np.float64) @ weights.values.T.astype(np.float64)
            size = np.abs(init) + np.abs(x).astype(np.float64) @ np.abs(weights.values.T)
            n = shape[1] + 1
            assert (np.abs(y - exact) <= n * U / (1 - n * U) * size).all()

    return Case(label, text, check)


def integers(fmt, q):
    """The integers that codes stand for, zero points taken off."""
    if fmt.family == "uint":
        zero_points = q.zero_points[:, None]
        return q.codes.astype(np.int64) - (zero_points[0] if fmt.tensor else zero_points)
    return q.codes.view(np.int8).astype(np.int64)


def scale_columns(fmt, q, shape):
    """The scale of each element, [rows, cols], in f64; MXINT8's 2^-6 included."""
    scales = reference.stored_scale_values(fmt, q.scales).astype(np.float64)
    if fmt.family == "mx":
        scales = scales / 64
    ones = np.ones(shape)
    return fmt.ungroup(fmt.groups(ones) * scales, shape)


def integer_case(index, name, act_name, pattern):
    """Integer activations: what the scales multiply is exact.

    Error: each of G groups is an exact sum, converted to f32, scaled at most
    four times and added, so at most gamma(5 + G) * (|init| + sum of groups).
    """
    fmt, act = Format(name), Format(act_name)
    shape = EXTENTS[index % len(EXTENTS)]
    weights = Weights(fmt, pattern, shape, index)
    label = symbol("integer", name, act_name, pattern, *shape)
    text = matmul_text(label, REFERENCE, fmt, pattern, shape, weights.operands[0], None, act)

    def check(call):
        rng = np.random.default_rng(index)
        for m in ROWS:
            x = rng.standard_normal((m, shape[1])).astype(F32)
            q = reference.quantize(act, x)
            init = rng.standard_normal((m, shape[0])).astype(F32)
            inputs = [q.codes.view(np.int8), *spelling.scale_arrays(act, q, x.shape)]
            (y,) = call([*inputs, *weights.operands, init], [(init.shape, F32)])
            left = integers(act, q) * scale_columns(act, q, x.shape)
            right = integers(fmt, weights.quantized) * scale_columns(fmt, weights.quantized, shape)
            groups = -(-shape[1] // fmt.group) if fmt.group else 1
            length = fmt.group or shape[1]
            exact, size = init.astype(np.float64), np.abs(init).astype(np.float64)
            for g in range(groups):
                part = slice(g * length, (g + 1) * length)
                sums = left[:, part] @ right[:, part].T
                exact, size = exact + sums, size + np.abs(sums)
            n = 5 + groups
            # `exact_case` tells exact sums from rounded ones.
            assert (np.abs(y - exact) <= n * U / (1 - n * U) * size + 2.0**-149).all()

    return Case(label, text, check)


def mixed_case(index, name, act_name, kernel=REFERENCE):
    """Both sides are decoded to f32: one isn't integer, or the kernel does so."""
    fmt, act = Format(name), Format(act_name)
    shape = EXTENTS[index % len(EXTENTS)]
    weights = Weights(fmt, "nm2:4", shape, index)
    label = symbol("mixed", kernel, name, act_name, *shape)
    text = matmul_text(label, kernel, fmt, "nm2:4", shape, weights.operands[0], None, act)

    def check(call):
        rng = np.random.default_rng(index)
        for m in ROWS:
            q = reference.quantize(act, rng.standard_normal((m, shape[1])).astype(F32))
            x = reference.dequantize(act, q)
            init = np.zeros((m, shape[0]), F32)
            inputs = [q.codes.view(np.int8), *spelling.scale_arrays(act, q, x.shape)]
            (y,) = call([*inputs, *weights.operands, init], [(init.shape, F32)])
            exact = x.astype(np.float64) @ weights.values.T.astype(np.float64)
            size = np.abs(x).astype(np.float64) @ np.abs(weights.values.T)
            n = shape[1] + 1
            assert (np.abs(y - exact) <= n * U / (1 - n * U) * size).all()

    return Case(label, text, check)


def exact_case(label, extent, act_name):
    """All codes the largest, scales 1: the result is the integer itself. Beyond
    2^24 products an f32 accumulator, beyond 2^31 an i32 one, would be wrong."""
    fmt, act = Format("int8.row"), Format(act_name)
    shape = (1, extent)
    text = matmul_text(label, REFERENCE, fmt, "dense", shape, np.empty(shape), None, act)

    def check(call):
        top = 127 if act.family == "int" else 255
        rng = np.random.default_rng(extent)
        for odd in range(3):
            x = np.full(shape, top, np.int16)
            x[0, rng.integers(0, extent, odd)] -= 1
            scales = [np.ones((1, 1), F32)]
            if act.family == "uint":
                scales.append(np.zeros((1, 1), np.int32))
            w = np.full(shape, 127, np.int8)
            total = int((x.astype(np.int64) * 127).sum())
            init = np.zeros((1, 1), F32)
            (y,) = call(
                [x.astype(np.uint8).view(np.int8), *scales, w, np.ones((1, 1), F32), init],
                [((1, 1), F32)],
            )
            assert y[0, 0] == F32(total)

    return Case(label, text, check)


def all_cases(kernels):
    cases = []
    for index, (name, pattern) in enumerate(itertools.product(WEIGHTS, PATTERNS)):
        for kernel in kernels:
            # Some with a fixed number of rows: decode has one.
            rows = {0: 1, 1: None, 2: None, 3: None, 4: 3}[index % 5]
            cases.append(float_case(index, kernel, name, pattern, rows))
    return cases


def reference_cases():
    cases = []
    for index, (name, pattern) in enumerate(itertools.product(ODD_GROUPS, PATTERNS[:4])):
        cases.append(float_case(index + 3, REFERENCE, name, pattern, None))
    for index, (name, act) in enumerate(itertools.product(INTEGERS, ACTIVATIONS)):
        cases.append(integer_case(index, name, act, PATTERNS[index % 4]))
    mixed = [("fp8.e4m3fn.row", "int8.row"), ("int8.row", "fp8.e4m3fn.row"), ("nvfp4", "uint8.row"),
             ("nf4.g32", "nf4.row")]
    for index, (name, act) in enumerate(mixed):
        cases.append(mixed_case(index + 2, name, act))
    for act in ("int8.row", "uint8.row"):
        for extent in (300, 2000, 140000):
            cases.append(exact_case(symbol("exact", act, extent), extent, act))
    return cases


def decoded_activation_cases():
    """cpu.decode-rows on quantized activations."""
    weights = ["int8.row", "int4.g64", "mx.e2m1fn", "nvfp4"]
    acts = ["int8.row", "int8.tensor", "uint8.row", "uint8.tensor"]
    return [mixed_case(index, name, act, VECTOR)
            for index, (name, act) in enumerate(itertools.product(weights, acts))]


# Targets with registers of 16, 8 and 4 lanes. All of the table on the widest;
# the reference lowering is the same code but for what LLVM makes of it.
CASES = {
    "icelake-server": all_cases([VECTOR, REFERENCE]) + reference_cases() + decoded_activation_cases(),
    "haswell": all_cases([VECTOR])[::2] + decoded_activation_cases()[::2],
    "x86-64-v2": all_cases([VECTOR])[1::3] + reference_cases()[::7] + decoded_activation_cases()[1::5],
}


@pytest.fixture(scope="module")
def artifacts(tmp_path_factory):
    """(target, function name) -> guarded. Two compilers at a time."""
    folder = tmp_path_factory.mktemp("kernels")
    found = {}
    jobs = []
    for target, cases in CASES.items():
        if not guarded.missing_feature(target):
            parts = 2 if len(cases) > 100 else 1
            jobs += [(target, i, cases[i::parts]) for i in range(parts)]
    for pair in (jobs[i : i + 2] for i in range(0, len(jobs), 2)):
        running = []
        for target, i, cases in pair:
            path = folder / f"{target}-{i}.so"
            text = "".join(c.text for c in cases)
            running.append((path, target, cases, guarded.start_compile(text, path, target)))
        for path, target, cases, process in running:
            guarded.finish_compile(process)
            opened = guarded.GuardedArtifact(path)
            found.update({(target, c.name): opened for c in cases})
    return found


@pytest.mark.parametrize(
    "target,case",
    [
        pytest.param(
            target,
            case,
            id=f"{target}-{case.name}",
            marks=pytest.mark.skipif(
                guarded.missing_feature(target) is not None,
                reason=str(guarded.missing_feature(target)),
            ),
        )
        for target, cases in CASES.items()
        for case in cases
    ],
)
def test_matmul(target, case, artifacts):
    call = artifacts[target, case.name].call
    case.check(lambda inputs, results: call(case.name, inputs, results))
