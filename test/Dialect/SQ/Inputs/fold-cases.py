"""Writes a module in which every fold stands beside what NumPy computed.

Each function returns pairs: a folded value, and a constant that the second
implementation of docs/numerics.md made. Equal attributes are one constant after
canonicalization, so a pair agrees in every bit if both have one name, which is
what the CHECK lines ask for.

Usage: fold-cases.py <folder of reference.py>
"""

import sys

import numpy as np

sys.path.insert(0, sys.argv[1])
import reference  # noqa: E402

FORMATS = {
    "int8.row": "int<8, row>",
    "int4.row": "int<4, row>",
    "int3.tensor": "int<3, tensor>",
    "int4.g32.f16": "int<4, group = 32, scale = f16>",
    "uint8.row": "int<8, row, asymmetric>",
    "uint4.tensor": "int<4, tensor, asymmetric>",
    "fp8.e4m3fn.row": "fp8<f8E4M3FN, row>",
    "fp8.e5m2.tensor": "fp8<f8E5M2, tensor>",
    "mx.e4m3fn": "mx<f8E4M3FN>",
    "mx.e2m3fn": "mx<f6E2M3FN>",
    "mx.e3m2fn": "mx<f6E3M2FN>",
    "mx.e2m1fn": "mx<f4E2M1FN>",
    "mx.int8": "mx<i8>",
    "nvfp4": "nvfp4",
    "hbfp5.g64": "hbfp<5, group = 64>",
    "nf4.g32.f16": "nf4<group = 32, scale = f16>",
}
PATTERNS = {
    "nm2:4": "nm<2:4>",
    "nm3:5": "nm<3:5>",
    "unstructured0.29.row": "unstructured<0.29, row>",
    "unstructured0.5.tensor": "unstructured<0.5, tensor>",
    "block2x4.0.5": "block<2x4, 0.5>",
}
FLOAT_TYPES = {
    "e4m3fn": "f8E4M3FN",
    "e5m2": "f8E5M2",
    "e2m3fn": "f6E2M3FN",
    "e3m2fn": "f6E3M2FN",
    "e2m1fn": "f4E2M1FN",
}
SCALE_TYPES = {"f32": "f32", "f16": "f16", "e8m0": "f8E8M0FNU", "e4m3fn": "f8E4M3FN"}
STORAGE = {"f32": "<u4", "f16": "<u2"}


def nested(items, shape):
    """`items` as the text of a nested list."""
    if len(shape) == 1:
        return "[" + ", ".join(items) + "]"
    step = len(items) // shape[0]
    rows = (nested(items[i * step : (i + 1) * step], shape[1:]) for i in range(shape[0]))
    return "[" + ", ".join(rows) + "]"


def constant(array, element):
    """A dense attribute of `array`, whose elements are bits (or integers)."""
    flat = array.reshape(-1)
    if element == "i1":
        items = ["true" if x else "false" for x in flat]
    elif element.startswith("f"):
        digits = {"f32": 8, "f16": 4}.get(element, 2)
        items = [f"0x{int(x):0{digits}X}" for x in flat]
    else:
        bits = int(element[1:])
        wrapped = [int(x) & ((1 << bits) - 1) for x in flat]
        items = [str(x - (1 << bits) if x >> (bits - 1) else x) for x in wrapped]
    return f"dense<{nested(items, array.shape)}> : {tensor(array.shape, element)}"


def tensor(shape, element):
    return f"tensor<{'x'.join(map(str, shape))}x{element}>"


def bits(values):
    return np.ascontiguousarray(values, np.float32).view("<u4")


class Function:
    """One function of the module."""

    count = 0

    def __init__(self, what):
        Function.count += 1
        self.name, self.what, self.lines, self.pairs = f"case{Function.count}", what, [], []

    def const(self, array, element):
        name = f"%c{len(self.lines)}"
        self.lines.append(f"{name} = arith.constant {constant(array, element)}")
        return name

    def expect(self, value, array, element):
        self.pairs.append((value, self.const(array, element), tensor(array.shape, element)))

    def print(self):
        check = ", ".join(f"%[[V{i}:[a-z0-9_]+]], %[[V{i}]]" for i in range(len(self.pairs)))
        values = ", ".join(f"{a}, {b}" for a, b, _ in self.pairs)
        types = ", ".join(f"{t}, {t}" for _, _, t in self.pairs)
        print(f"// {self.what}\n// CHECK-LABEL: @{self.name}(\n// CHECK: return {check} :")
        print(f"func.func @{self.name}() -> ({types}) {{")
        print("".join(f"  {line}\n" for line in self.lines) + f"  return {values} : {types}\n}}\n")


def code_type(fmt):
    return FLOAT_TYPES[fmt.element] if fmt.is_float else f"i{fmt.code_bits}"


def turned(array, axis):
    """A matrix whose groups run along axis 1, with them along `axis`."""
    return np.ascontiguousarray(array.T if axis == 0 else array)


def scale_tensors(fmt, q, rows, axis):
    """The scale tensors as (bits, element type)."""
    width = {"f32": 4, "f16": 2}.get(fmt.scale, 1)
    scales = q.scales.view(STORAGE.get(fmt.scale, "u1")) if width > 1 else q.scales
    shape = (1, 1) if fmt.tensor else (rows, -1)
    result = [(turned(scales.reshape(shape), axis), SCALE_TYPES[fmt.scale])]
    if fmt.family == "uint":
        result.append((turned(q.zero_points.reshape(shape), axis), "i32"))
    if fmt.family == "nvfp4":
        result.append((bits(q.tensor_scale).reshape(1, 1), "f32"))
    return result


def quantization(name, text, x, axis):
    fmt = reference.Format(name)
    q = reference.quantize(fmt, x)
    codes, shape = turned(q.codes, axis), turned(x, axis).shape
    scales = scale_tensors(fmt, q, x.shape[0], axis)
    scale_types = ", ".join(tensor(s.shape, t) for s, t in scales)
    ctype, xtype = tensor(shape, code_type(fmt)), tensor(shape, "f32")

    f = Function(f"sq.quantize to {text}, axis {axis}")
    value = f.const(bits(turned(x, axis)), "f32")
    f.lines.append(
        f"%q:{1 + len(scales)} = sq.quantize {value} to {text} axis = {axis}"
        f" : {xtype} -> {ctype}, {scale_types}"
    )
    f.expect("%q#0", codes, code_type(fmt))
    for i, (scale, element) in enumerate(scales):
        f.expect(f"%q#{i + 1}", scale, element)
    operands = [f.const(s, t) for s, t in scales]
    types = ", ".join(tensor(s.shape, t) for s, t in scales)
    f.lines.append(
        f"%s = sq.quantize {value} static({', '.join(operands)} : {types}) to {text}"
        f" axis = {axis} : {xtype} -> {ctype}"
    )
    f.expect("%s", codes, code_type(fmt))
    f.print()

    f = Function(f"sq.dequantize from {text}, axis {axis}")
    operands = [f.const(codes, code_type(fmt))] + [f.const(s, t) for s, t in scales]
    f.lines.append(
        f"%d = sq.dequantize {', '.join(operands)} from {text} axis = {axis}"
        f" : {ctype}, {scale_types} -> {xtype}"
    )
    f.expect("%d", bits(turned(reference.dequantize(fmt, q), axis)), "f32")
    f.print()


def masking(name, text, x, axis):
    shape, norms = turned(x, axis).shape, np.abs(x[0]) + np.float32(0.5)
    f = Function(f"sq.mask {text}, axis {axis}")
    value, norm = f.const(bits(turned(x, axis)), "f32"), f.const(bits(norms), "f32")
    xtype = tensor(shape, "f32")
    for criterion, scores in {
        "magnitude": np.abs(x),
        "wanda": np.abs(x) * norms,
        "scores": x,
    }.items():
        args, extra = value, ""
        if criterion == "wanda":
            args, extra = f"{value}, {norm}", f", {tensor(norms.shape, 'f32')}"
        f.lines.append(
            f"%{criterion} = sq.mask {criterion}({args}) {text} axis = {axis} : {xtype}{extra}"
        )
        f.expect(f"%{criterion}", turned(reference.sparsity_mask(name, scores), axis), "i1")
    mask = turned(reference.sparsity_mask(name, np.abs(x)), axis)
    f.lines.append(f"%a = sq.apply_mask {value}, %magnitude : {xtype}")
    f.expect("%a", np.where(mask == 1, bits(turned(x, axis)), 0), "f32")
    f.print()


def packing(name, x, mask):
    fmt = reference.Format(name)
    codes = reference.quantize(fmt, x).codes & ((1 << fmt.code_bits) - 1)
    stride, payload, bitmap = reference.pack(fmt.code_bits, codes, mask)
    element = code_type(fmt)
    ctype, ptype = tensor(codes.shape, element), tensor(payload.shape, "i8")
    f = Function(f"sq.pack of {element}, {'dense' if mask is None else 'sparse'}")
    q, p = f.const(codes, element), f.const(payload, "i8")
    if mask is None:
        f.lines += [f"%p = sq.pack {q} : {ctype} -> {ptype}",
                    f"%u = sq.unpack {p} : {ptype} -> {ctype}"]  # fmt: skip
        f.expect("%p", payload, "i8")
        f.expect("%u", codes, element)
    else:
        m, b = f.const(mask, "i1"), f.const(bitmap, "i8")
        mtype, btype = tensor(mask.shape, "i1"), tensor(bitmap.shape, "i8")
        f.lines += [
            f"%p, %b = sq.pack {q} mask({m}) : {ctype}, {mtype} -> {ptype}, {btype}",
            f"%u = sq.unpack {p} bitmap({b}) : {ptype}, {btype} -> {ctype}",
            f"%a = sq.apply_mask {q}, {m} : {ctype}",
        ]
        f.expect("%p", payload, "i8")
        f.expect("%b", bitmap, "i8")
        f.expect("%u", np.where(mask == 1, codes, 0), element)
        f.expect("%a", np.where(mask == 1, codes, 0), element)
    f.print()


def main():
    rng = np.random.default_rng(2)
    x = rng.standard_normal((5, 70)).astype(np.float32)
    x[1] = 0.0
    x[2, ::3] = -0.0
    x[3] *= np.float32(1e-3)
    for axis in (1, 0):
        for name, text in FORMATS.items():
            quantization(name, text, x, axis)
        for name, text in PATTERNS.items():
            masking(name, text, x, axis)
    mask = reference.sparsity_mask("unstructured0.5.tensor", np.abs(x))
    for name in ("int8.row", "int3.row", "int4.row", "mx.e2m1fn", "mx.e3m2fn", "fp8.e5m2.row"):
        packing(name, x, None)
        packing(name, x, mask)


if __name__ == "__main__":
    main()
