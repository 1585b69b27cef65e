"""docs/numerics.md in NumPy and ml_dtypes: a second implementation.

Written from the rules, not from lib/Numerics; whole arrays at a time, and slow
where that is plain. Every function is named after what it computes and cites
the rules that it follows.
"""

import re
from dataclasses import dataclass

import ml_dtypes
import numpy as np

F32 = np.float32

# NUM-F1, NUM-F2: dtype, largest finite value, emax.
FLOATS = {
    "e4m3fn": (ml_dtypes.float8_e4m3fn, 448.0, 8),
    "e5m2": (ml_dtypes.float8_e5m2, 57344.0, 15),
    "e2m3fn": (ml_dtypes.float6_e2m3fn, 7.5, 2),
    "e3m2fn": (ml_dtypes.float6_e3m2fn, 28.0, 4),
    "e2m1fn": (ml_dtypes.float4_e2m1fn, 6.0, 2),
}


# NUM-F15, in the order of the codes 0..15.
NF4 = F32([
    0.0, 0.07958029955625534, 0.16093020141124725, 0.24611230194568634, 0.33791524171829224,
    0.44070982933044434, 0.5626170039176941, 0.7229568362236023, 1.0,
    -1.0, -0.6961928009986877, -0.5250730514526367, -0.39491748809814453,
    -0.28444138169288635, -0.18477343022823334, -0.09105003625154495,
])


@dataclass
class Quantized:
    codes: np.ndarray  # uint8 [rows, cols]
    scales: np.ndarray  # uint8, raw bytes
    zero_points: np.ndarray  # int32
    tensor_scale: np.float32 = F32(1)


class Format:
    """A name of NUM-F1, taken apart."""

    def __init__(self, name):
        self.name = name
        self.group = None  # elements per scale; None: see `tensor`
        self.tensor = ".tensor" in name
        self.family = re.match(r"u?int|fp8|mx|nvfp4|hbfp|nf4", name)[0]
        self.element = None
        if self.family == "mx":
            self.element, self.group, self.scale = name[3:], 32, "e8m0"
        elif self.family == "nvfp4":
            self.element, self.group, self.scale = "e2m1fn", 16, "e4m3fn"
        elif self.family == "fp8":
            self.element, self.scale = name.split(".")[1], "f32"
        else:
            self.bits = int(re.match(r"[a-z]+(\d)", name)[1])
            if self.family == "nf4":
                self.element = "nf4"
            self.scale = "f16" if name.endswith(".f16") else "f32"
            group = re.search(r"\.g(\d+)", name)
            self.group = int(group[1]) if group else None
            if self.family == "hbfp":
                self.bits += 1
                self.scale = "e8m0"
        if self.element == "int8":
            self.bits = 8

    @property
    def is_float(self):
        return self.element in FLOATS

    @property
    def code_bits(self):
        if self.is_float:
            return ml_dtypes.finfo(FLOATS[self.element][0]).bits
        return self.bits

    @property
    def largest(self):
        """Q."""
        if self.is_float:
            return F32(FLOATS[self.element][1])
        if self.family == "uint":
            return F32(2**self.bits - 1)
        if self.family == "nf4":
            return F32(1)
        return F32(2 ** (self.bits - 1) - 1) / F32(64 if self.family == "mx" else 1)

    def groups(self, x):
        """x as [groups, group length], padded with zeros (NUM-C4)."""
        if self.tensor:
            return x.reshape(1, -1)
        if self.group is None:
            return x
        pad = -x.shape[1] % self.group
        return np.pad(x, ((0, 0), (0, pad))).reshape(-1, self.group)

    def ungroup(self, grouped, shape):
        if self.tensor or self.group is None:
            return grouped.reshape(shape)
        return grouped.reshape(shape[0], -1)[:, : shape[1]]


def encode_float(x, element):
    """NUM-F3 for floats: ml_dtypes rounds; we saturate and drop -0."""
    dtype, largest, _ = FLOATS[element]
    codes = np.clip(x, -largest, largest).astype(dtype).view(np.uint8)
    sign = 1 << (ml_dtypes.finfo(dtype).bits - 1)
    return np.where(codes == sign, 0, codes).astype(np.uint8)


def encode_nf4(ratio):
    """NUM-F15: the nearest of all values, differences being exact in f64."""
    codes = np.arange(16)
    ratio = np.clip(ratio, -1, 1).astype(np.float64)
    distance = np.abs(ratio[..., None] - NF4.astype(np.float64))
    nearest = distance == distance.min(axis=-1, keepdims=True)
    # Of two, the even code.
    return np.where(nearest, codes + 16 * (codes % 2), 99).argmin(axis=-1).astype(np.uint8)


def encode_element(fmt, ratio):
    """NUM-F3 of x / scale."""
    if fmt.family == "nf4":
        return encode_nf4(ratio)
    if fmt.is_float:
        return encode_float(ratio, fmt.element)
    limit = 2 ** (fmt.bits - 1) - 1
    if fmt.family == "mx":
        ratio = ratio.astype(np.float64) * 64
    return np.clip(np.rint(ratio), -limit, limit).astype(np.int8).view(np.uint8)


def decode_element(fmt, codes):
    """NUM-F2."""
    if fmt.family == "nf4":
        return NF4[codes & 15]
    if fmt.is_float:
        return codes.view(FLOATS[fmt.element][0]).astype(F32)
    value = codes.view(np.int8).astype(F32)
    return value / F32(64) if fmt.family == "mx" else value


def power_of_two_exponent(fmt, largest):
    """NUM-F9, NUM-F11: the exponent of the scale, clamped."""
    mantissa, exponent = np.frexp(largest.astype(np.float64))  # [0.5, 1) * 2^e
    if fmt.family == "hbfp":
        e = np.where(mantissa == 0.5, exponent - 1, exponent) - (fmt.bits - 1)
    else:
        e = exponent - 1 - (FLOATS[fmt.element][2] if fmt.is_float else 0)
    return np.clip(np.where(largest == 0, -127, e), -127, 127)


def choose_scales(fmt, groups, tensor_scale):
    """Scale values and stored bytes, one row a group (NUM-F4 to NUM-F11)."""
    largest = np.abs(groups).max(axis=1, initial=0)
    if fmt.scale == "e8m0":
        bad = ~np.isfinite(groups).all(axis=1)
        e = power_of_two_exponent(fmt, np.where(bad, 0, largest))
        stored = np.where(bad, 255, e + 127).astype(np.uint8)
        value = np.where(bad, np.nan, np.ldexp(1.0, e)).astype(F32)
        return value, stored[:, None]
    if fmt.family == "nvfp4":
        quotient = largest / F32(6) / tensor_scale if tensor_scale else largest * 0
        stored = encode_float(np.maximum(quotient, F32(2.0**-7)), "e4m3fn")
        value = stored.view(ml_dtypes.float8_e4m3fn).astype(F32) * tensor_scale
        stored = stored[:, None]
    elif fmt.scale == "f16":
        quotient = np.maximum(largest / fmt.largest, F32(2.0 ** (fmt.bits - 25)))
        half = np.minimum(quotient, F32(65504)).astype(np.float16)
        value, stored = half.astype(F32), half[:, None].view(np.uint8)
    else:
        value = np.maximum(largest / fmt.largest, F32(2.0**-126))
        while np.isinf(value * fmt.largest).any():
            smaller = np.nextafter(value, F32(0))
            value = np.where(np.isinf(value * fmt.largest), smaller, value)
        stored = value[:, None].view(np.uint8)
    first_code = encode_element(fmt, -largest / np.where(value == 0, F32(1), value))
    empty = (largest == 0) | (value == 0) | (first_code == 0)
    return np.where(empty, F32(0), value), np.where(empty[:, None], 0, stored)


def divide(groups, scales):
    scales = scales[:, None]
    usable = scales > 0
    return np.where(usable, groups / np.where(usable, scales, F32(1)), F32(0))


def quantize_asymmetric(fmt, x):
    """NUM-F8, a group at a time as the rule is written."""
    groups = fmt.groups(x)
    top = fmt.largest
    codes, scales, zero_points = [], [], []
    for group in groups:
        low = min(F32(0), group.min(initial=0))
        high = max(F32(0), group.max(initial=0))
        s = F32(high - low) / top
        s = (np.array([s]).view(np.uint32) & 0xFFFFFF00).view(F32)[0]
        while True:
            s = max(s, F32(2.0**-126))
            above = min(np.rint(high / s), top)
            below = min(np.rint(-low / s), top)
            if above + below >= top or s == F32(2.0**-126):
                break
            s = (np.array([s]).view(np.uint32) - np.uint32(256)).view(F32)[0]
        if above == 0 and below == 0:
            s = F32(0)
        z = int(below)
        ratio = np.rint(group / s) if s else group * 0
        codes.append(np.clip(ratio + z, 0, top).astype(np.uint8))
        scales.append(s)
        zero_points.append(z)
    codes = fmt.ungroup(np.array(codes), x.shape)
    scales = np.array(scales, F32).view(np.uint8)
    return Quantized(codes, scales, np.array(zero_points, np.int32))


def quantize(fmt, x):
    with np.errstate(all="ignore"):
        if fmt.family == "uint":
            return quantize_asymmetric(fmt, x)
        tensor_scale = F32(1)
        if fmt.family == "nvfp4":
            top = np.abs(x).max(initial=0)
            tensor_scale = max(top / F32(2688), F32(2.0**-126)) if top else F32(0)
        groups = fmt.groups(x)
        scales, stored = choose_scales(fmt, groups, tensor_scale)
        codes = encode_element(fmt, divide(groups, scales))
        codes = np.where(scales[:, None] > 0, codes, 0).astype(np.uint8)
        if fmt.family == "nvfp4" and not stored.any():
            tensor_scale = F32(0)
        no_zero_points = np.zeros(0, np.int32)
        return Quantized(
            fmt.ungroup(codes, x.shape), stored.reshape(-1), no_zero_points, tensor_scale
        )


def stored_scale_values(fmt, scales):
    dtype = {
        "f32": F32,
        "f16": np.float16,
        "e8m0": ml_dtypes.float8_e8m0fnu,
        "e4m3fn": ml_dtypes.float8_e4m3fn,
    }[fmt.scale]
    return scales.view(dtype).astype(F32)[:, None]


def quantize_static(fmt, x, static):
    """NUM-F12: the codes of x under the scales of `static`."""
    with np.errstate(all="ignore"):
        scales = stored_scale_values(fmt, static.scales)[:, 0] * static.tensor_scale
        ratio = divide(fmt.groups(x), scales)
        if fmt.family == "uint":
            zero_points = static.zero_points[:, None]
            codes = np.clip(np.rint(ratio) + zero_points, 0, fmt.largest)
        else:
            codes = encode_element(fmt, ratio)
        return fmt.ungroup(codes.astype(np.uint8), x.shape)


def dequantize(fmt, q):
    """NUM-F13."""
    with np.errstate(all="ignore"):
        groups = fmt.groups(q.codes)
        scales = stored_scale_values(fmt, q.scales)
        if fmt.family == "uint":
            value = (groups.astype(np.int32) - q.zero_points[:, None]).astype(F32)
            return fmt.ungroup(value * scales, q.codes.shape)
        value = decode_element(fmt, np.ascontiguousarray(groups)) * scales
        if fmt.family == "nvfp4":
            value = value * q.tensor_scale
        return fmt.ungroup(value, q.codes.shape)


# Sparsity


def keep_largest(scores, kept):
    """NUM-S1 along the last axis; a stable sort keeps the lower index."""
    order = np.argsort(-scores.astype(np.float64), axis=-1, kind="stable")
    mask = np.zeros(scores.shape, np.uint8)
    np.put_along_axis(mask, order[..., :kept], 1, axis=-1)
    return mask


def kept_count(sparsity, count):
    """NUM-S3."""
    return count - min(count, int(np.floor(sparsity * count + 1e-6)))


def sparsity_mask(name, scores):
    rows, cols = scores.shape
    if nm := re.fullmatch(r"nm(\d+):(\d+)", name):
        n, m = int(nm[1]), int(nm[2])
        padded = np.pad(scores, ((0, 0), (0, -cols % m)))
        groups = padded.reshape(rows, -1, m)
        return keep_largest(groups, n).reshape(rows, -1)[:, :cols]
    if unstructured := re.fullmatch(r"unstructured(.*)\.(row|tensor)", name):
        runs = scores.reshape(1, -1) if unstructured[2] == "tensor" else scores
        kept = kept_count(float(unstructured[1]), runs.shape[1])
        return keep_largest(runs, kept).reshape(rows, cols)
    block = re.fullmatch(r"block(\d+)x(\d+)\.(.*)", name)
    r, c, sparsity = int(block[1]), int(block[2]), float(block[3])
    padded = np.pad(scores.astype(np.float64), ((0, -rows % r), (0, -cols % c)))
    tiles = padded.reshape(padded.shape[0] // r, r, padded.shape[1] // c, c)
    sums = np.zeros((tiles.shape[0], tiles.shape[2]))
    for i in range(r):  # NUM-S4: the order of the sum is part of the rule.
        for j in range(c):
            sums = sums + tiles[:, i, :, j]
    keep = keep_largest(sums, kept_count(sparsity, sums.shape[1]))
    return np.kron(keep, np.ones((r, c), np.uint8))[:rows, :cols]


def pack(bits, codes, mask):
    """NUM-L1 to NUM-L3. Returns stride, payload, bitmap."""
    payloads = []
    for row in range(codes.shape[0]):
        kept = codes[row] if mask is None else codes[row][mask[row] == 1]
        expanded = np.unpackbits(kept[:, None], axis=1, bitorder="little")
        payloads.append(np.packbits(expanded[:, :bits].reshape(-1), bitorder="little"))
    stride = max((len(p) for p in payloads), default=0)
    payload = np.zeros((codes.shape[0], stride), np.uint8)
    for row, bytes_ in enumerate(payloads):
        payload[row, : len(bytes_)] = bytes_
    bitmap = np.zeros(0, np.uint8)
    if mask is not None:
        bitmap = np.packbits(mask, axis=1, bitorder="little")
    return stride, payload, bitmap


FACTORS = {"e2m1fn": 2, "e2m3fn": 8, "int8": 64}


def tile_bytes(fmt, codes):
    """NUM-L5: what a code is stored as, before nibbles."""
    if fmt.code_bits > 4 and fmt.is_float and fmt.element in FACTORS:
        elements = decode_element(fmt, codes.reshape(-1)) * FACTORS[fmt.element]
        return elements.astype(np.int8).view(np.uint8).reshape(codes.shape)
    return codes.astype(np.uint8)


def pack_block_tiles(fmt, codes, mask, pattern):
    """NUM-L6 and L10. Returns payload and indices, [tiles, bytes] each."""
    block = re.fullmatch(r"block(\d+)x(\d+)\.(.*)", pattern)
    width, sparsity = int(block[2]), float(block[3])
    rows, cols = codes.shape
    step = 4 if width % 4 == 0 else 1
    unit = 8 if fmt.code_bits <= 4 else 4
    tiles, blocks = -(-rows // 16), -(-cols // width)
    total = -(-blocks * width // unit) * unit
    kept = blocks - int(np.floor(sparsity * blocks + 1e-6))
    kept = -(-max(kept * width, 1) // unit) * unit // step
    padded = [(0, tiles * 16 - rows), (0, total - cols)]
    stored = np.pad(tile_bytes(fmt, codes) * mask, padded).reshape(tiles, 16, -1)
    mask = np.pad(mask, padded).reshape(tiles, 16, total // step, step)
    payload, indices = [], []
    for tile in range(tiles):
        keeps = mask[tile].any(axis=(0, 2))
        fill = np.flatnonzero(~keeps)[: kept - keeps.sum()]
        index = np.sort(np.append(np.flatnonzero(keeps), fill))
        columns = (index[:, None] * step + np.arange(step)).reshape(-1)
        vectors = stored[tile][:, columns].reshape(16, -1, 4).swapaxes(0, 1).reshape(-1, 64)
        if fmt.code_bits <= 4:
            vectors = (vectors[0::2] & 15 | vectors[1::2] << 4).astype(np.uint8)
        payload.append(vectors.reshape(-1))
        indices.append(index.astype("<u2").view(np.uint8))
    return np.stack(payload), np.stack(indices)


def pack_bitmap_tiles(fmt, codes, mask):
    """NUM-L5, L6 and L9. Returns payload [bytes] and bitmap [tiles, bytes]."""
    rows, cols = codes.shape
    stored = tile_bytes(fmt, codes)
    tiles, units = -(-rows // 16), -(-cols // 64)
    padded = [(0, tiles * 16 - rows), (0, units * 64 - cols)]
    # [tile, vector, row, byte]: the 64 codes of a vector lie together.
    def arrange(matrix):
        return np.pad(matrix, padded).reshape(tiles, 16, units * 16, 4).swapaxes(1, 2)
    stored, kept = arrange(stored), arrange(mask)
    payload, bitmap = [], []
    size = 0
    for tile in range(tiles):
        start, masks, offsets = size, [], []
        for vector in range(units * 16):
            if vector % 16 == 0:
                offsets.append(size - start)
            bits = kept[tile, vector].reshape(-1)
            masks.append(np.packbits(bits, bitorder="little"))
            values = stored[tile, vector].reshape(-1)[bits == 1]
            if fmt.code_bits <= 4:
                values = np.append(values & 15, np.zeros(len(values) % 2, np.uint8))
                values = (values[0::2] | values[1::2] << 4).astype(np.uint8)
            payload.append(values)
            size += len(values)
        bitmap.append(np.concatenate([
            np.array([start], "<u8").view(np.uint8), *masks,
            np.array(offsets, "<u4").view(np.uint8)]))
    return np.concatenate([*payload, np.zeros(64, np.uint8)]), np.stack(bitmap)


def pack_tile_scales(scales, rows):
    """NUM-L8: [rows, groups], one a row or one in all, to [tiles, groups * 16]."""
    scales = np.broadcast_to(scales, (rows, scales.shape[1]))
    tiles = -(-rows // 16)
    padded = np.zeros((tiles * 16, scales.shape[1]), scales.dtype)
    padded[:rows] = scales
    return padded.reshape(tiles, 16, -1).swapaxes(1, 2).reshape(tiles, -1)
