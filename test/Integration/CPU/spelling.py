"""How the formats and patterns of docs/numerics.md are spelled in IR."""

import re

import ml_dtypes
import numpy as np
from reference import Format

ELEMENT_TYPES = {
    "e4m3fn": "f8E4M3FN",
    "e5m2": "f8E5M2",
    "e2m3fn": "f6E2M3FN",
    "e3m2fn": "f6E3M2FN",
    "e2m1fn": "f4E2M1FN",
    "int8": "i8",
}
SCALES = {
    "f32": ("f32", np.float32),
    "f16": ("f16", np.float16),
    "e8m0": ("f8E8M0FNU", ml_dtypes.float8_e8m0fnu),
    "e4m3fn": ("f8E4M3FN", ml_dtypes.float8_e4m3fn),
}


def format_attribute(fmt):
    """`int8.row` as `int<8, row>`."""
    scope = f"group = {fmt.group}" if fmt.group else "tensor" if fmt.tensor else "row"
    if fmt.family == "int":
        half = ", scale = f16" if fmt.scale == "f16" else ""
        return f"int<{fmt.bits}, {scope}{half}>"
    if fmt.family == "nf4":
        return f"nf4<{scope}{', scale = f16' if fmt.scale == 'f16' else ''}>"
    if fmt.family == "uint":
        return f"int<{fmt.bits}, {scope}, asymmetric>"
    if fmt.family == "fp8":
        return f"fp8<{ELEMENT_TYPES[fmt.element]}, {scope}>"
    if fmt.family == "mx":
        return f"mx<{ELEMENT_TYPES[fmt.element]}>"
    if fmt.family == "hbfp":
        return f"hbfp<{fmt.bits - 1}, {scope}>"
    return "nvfp4"


def pattern_attribute(name):
    """`unstructured0.5.row` as `unstructured<0.5, row>`."""
    if nm := re.fullmatch(r"nm(\d+:\d+)", name):
        return f"nm<{nm[1]}>"
    if unstructured := re.fullmatch(r"unstructured(.*)\.(row|tensor)", name):
        return f"unstructured<{float(unstructured[1])}, {unstructured[2]}>"
    block = re.fullmatch(r"block(\d+x\d+)\.(.*)", name)
    return f"block<{block[1]}, {float(block[2])}>"


def code_type(fmt):
    if fmt.is_float:
        return ELEMENT_TYPES[fmt.element]
    return f"i{fmt.code_bits}"


def tensor(shape, element):
    """`tensor<?x64xf32>`; None is dynamic."""
    return f"tensor<{''.join('?x' if d is None else f'{d}x' for d in shape)}{element}>"


def scale_types(fmt, shape, axis=-1):
    """The types of the scale operands of a matrix of `shape`."""
    shape = list(shape)
    if fmt.tensor:
        scales = [1] * len(shape)
    else:
        scales = list(shape)
        scales[axis] = -(-shape[axis] // fmt.group) if fmt.group else 1
    types = [tensor(scales, SCALES[fmt.scale][0])]
    if fmt.family == "uint":
        types.append(tensor(scales, "i32"))
    if fmt.family == "nvfp4":
        types.append(tensor([1] * len(shape), "f32"))
    return types


def scale_arrays(fmt, q, shape, axis=-1):
    """The scale operands of a reference.Quantized of a matrix of `shape`, whose
    groups run along `axis`."""
    dtype = SCALES[fmt.scale][1]
    scales = q.scales.view(dtype)

    def arrange(values):
        if fmt.tensor:
            return values.reshape([1] * len(shape))
        moved = [d for i, d in enumerate(shape) if i != axis % len(shape)]
        return np.moveaxis(values.reshape([*moved, -1]), -1, axis)

    arrays = [arrange(scales)]
    if fmt.family == "uint":
        arrays.append(arrange(q.zero_points))
    if fmt.family == "nvfp4":
        arrays.append(np.full([1] * len(shape), q.tensor_scale, np.float32))
    return [np.ascontiguousarray(a) for a in arrays]


def codes_to_bytes(fmt, value, shape, name):
    """IR that turns codes `%value` into i8 `%name`: interfaces of artifacts
    have no narrower integers and no narrower floats."""
    element, bits = code_type(fmt), fmt.code_bits
    lines = []
    if fmt.is_float:
        integer = tensor(shape, f"i{bits}")
        lines.append(
            f"%{name}_int = arith.bitcast %{value} : {tensor(shape, element)} to {integer}"
        )
        value = f"{name}_int"
    else:
        integer = tensor(shape, element)
    extend = "extsi" if fmt.family in ("int", "hbfp", "mx") and not fmt.is_float else "extui"
    result = tensor(shape, "i8")
    if bits == 8:
        lines.append(f"%{name} = tensor.cast %{value} : {integer} to {result}")
    else:
        lines.append(f"%{name} = arith.{extend} %{value} : {integer} to {result}")
    return lines


def codes_from_bytes(fmt, value, shape, name):
    """IR that turns i8 `%value` into codes `%name`."""
    element, bits = code_type(fmt), fmt.code_bits
    byte, integer = tensor(shape, "i8"), tensor(shape, f"i{bits}")
    target = f"{name}_int" if fmt.is_float else name
    op = "tensor.cast" if bits == 8 else "arith.trunci"
    lines = [f"%{target} = {op} %{value} : {byte} to {integer}"]
    if fmt.is_float:
        lines.append(f"%{name} = arith.bitcast %{target} : {integer} to {tensor(shape, element)}")
    return lines


def function(name, arguments, results, body, symbols={}):
    """A function of named, typed arguments; dynamic extents of equal position
    share a symbol, unless `symbols` has other names for those of an argument.
    `results` are (value, type)."""

    def attributes(type_, kind, label):
        dims = type_[len("tensor<") :].split("x")[:-1]
        chosen = symbols.get(label, [f"D{i}" for i in range(len(dims))])
        names = ", ".join(f'"{s}"' if d == "?" else '""' for s, d in zip(chosen, dims))
        entries = [f'sq.name = "{label}"'] if kind == "argument" else []
        if "?" in dims:
            entries.append(f"sq.dims = [{names}]")
        return f"{type_} {{{', '.join(entries)}}}" if entries else type_

    ins = ", ".join(f"%{a}: {attributes(t, 'argument', a)}" for a, t in arguments)
    outs = ", ".join(attributes(t, "result", "") for _, t in results)
    lines = "\n  ".join(body)
    values = ", ".join(f"%{v}" for v, _ in results)
    types = ", ".join(t for _, t in results)
    return f"func.func @{name}({ins}) -> ({outs}) {{\n  {lines}\n  return {values} : {types}\n}}\n"


__all__ = [
    "Format",
    "code_type",
    "codes_from_bytes",
    "codes_to_bytes",
    "format_attribute",
    "function",
    "pattern_attribute",
    "scale_arrays",
    "scale_types",
    "tensor",
]
