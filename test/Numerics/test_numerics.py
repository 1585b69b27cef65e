"""lib/Numerics and docs/numerics.md as NumPy agree, bit for bit."""

from statistics import NormalDist

import bridge
import numpy as np
import pytest
import reference
from matrices import matrices
from reference import F32, Format

SYMMETRIC = [
    *(f"int{b}.row" for b in range(2, 9)),
    *("int8.tensor", "int4.tensor", "int4.g32", "int8.g128", "int5.g7", "int3.g1"),
    *("int8.row.f16", "int4.g64.f16", "int2.g16.f16", "int3.tensor.f16"),
    *("fp8.e4m3fn.row", "fp8.e4m3fn.tensor", "fp8.e5m2.row", "fp8.e5m2.tensor"),
    *("mx.e4m3fn", "mx.e5m2", "mx.e2m3fn", "mx.e3m2fn", "mx.e2m1fn", "mx.int8"),
    *("nvfp4", "hbfp7.g64", "hbfp5.g64", "hbfp3.g64", "hbfp2.g5", "hbfp6.g33"),
    *("nf4.g64", "nf4.g64.f16", "nf4.row", "nf4.tensor.f16", "nf4.g7"),
]
ASYMMETRIC = [f"uint{b}.{scope}" for b in range(2, 9) for scope in ("row", "tensor")]
FORMATS = SYMMETRIC + ASYMMETRIC
PATTERNS = [
    *(f"nm{nm}" for nm in "1:2 2:4 1:4 4:8 16:32 3:5 7:13 1:64 32:64 64:64".split()),
    *(f"unstructured{s}.{scope}" for s in "0 0.29 0.5 0.9 0.95 1".split()
      for scope in ("row", "tensor")),
    *(f"block{b}.{s}" for b in "16x4 4x1 16x1 1x4 64x64 3x5".split()
      for s in "0 0.5 0.75 1".split()),
]


def assert_same(actual, expected):
    np.testing.assert_array_equal(actual.scales, expected.scales)
    np.testing.assert_array_equal(actual.codes, expected.codes)
    np.testing.assert_array_equal(actual.zero_points, expected.zero_points)
    assert np.float32(actual.tensor_scale).tobytes() == np.float32(
        expected.tensor_scale
    ).tobytes()


def assert_same_bits(actual, expected):
    """As bytes, but any NaN is as good as another."""
    nan = np.isnan(expected)
    np.testing.assert_array_equal(np.isnan(actual), nan)
    np.testing.assert_array_equal(
        np.where(nan, 0, actual).astype(F32).view(np.uint32),
        np.where(nan, 0, expected).astype(F32).view(np.uint32),
    )


@pytest.mark.parametrize("name", FORMATS)
def test_encode_and_decode(name):
    """NUM-F3 to NUM-F13."""
    fmt = Format(name)
    for seed in range(3):
        for x in matrices(seed, asymmetric=fmt.family == "uint"):
            expected = reference.quantize(fmt, x)
            actual = bridge.encode(fmt, x)
            assert_same(actual, expected)
            assert_same_bits(bridge.decode(fmt, actual), reference.dequantize(fmt, actual))


@pytest.mark.parametrize("name", FORMATS)
def test_idempotence(name):
    """NUM-C3, by the reference as well."""
    fmt = Format(name)
    if fmt.family == "hbfp":
        pytest.skip("NUM-F11")
    for x in matrices(7, asymmetric=fmt.family == "uint"):
        once = reference.quantize(fmt, x)
        assert_same(reference.quantize(fmt, reference.dequantize(fmt, once)), once)


@pytest.mark.parametrize("name", FORMATS)
def test_every_code_decodes(name):
    """NUM-F2, NUM-F13: the codes that no encoder emits, too."""
    fmt = Format(name)
    if fmt.is_float or fmt.family in ("uint", "nf4"):
        codes = np.arange(2**fmt.code_bits).astype(np.uint8)
    else:
        half = 2 ** (fmt.bits - 1)
        codes = np.arange(-half, half).astype(np.int8).view(np.uint8)
    codes = codes.reshape(1, -1)
    x = np.linspace(-1, 2, codes.size).astype(F32).reshape(codes.shape)
    q = reference.quantize(fmt, x)
    q.codes = codes
    assert_same_bits(bridge.decode(fmt, q), reference.dequantize(fmt, q))


def test_nf4_values_are_quantiles():
    """NUM-F15: QLoRA's construction, which leaves out the largest quantiles. The
    published f32 were computed in f32, so they agree to a few units of 2^-24."""
    quantile, offset = NormalDist().inv_cdf, 0.9677083
    above = [quantile(p) for p in np.linspace(offset, 0.5, 9)[:-1]]
    below = [-quantile(p) for p in np.linspace(offset, 0.5, 8)[:-1]]
    values = np.sort([*above, 0.0, *below]) / max(above)
    by_code = bridge.decode(Format("nf4.row"), reference.Quantized(
        ((np.arange(16) - 7) % 16).astype(np.uint8).reshape(1, -1),
        np.array([1], F32).view(np.uint8), np.zeros(0, np.int32)))
    np.testing.assert_allclose(by_code[0], values, atol=1e-6)


def test_nf4_boundaries():
    """NUM-F15: around the middle of each pair of values, one f32 at a time."""
    fmt = Format("nf4.row")
    values = np.sort(reference.NF4)
    middles = ((values[:-1].astype(np.float64) + values[1:]) / 2).astype(F32)
    near = np.concatenate([(middles.view(np.int32) + step).view(F32) for step in range(-3, 4)])
    x = np.append(near, F32(-1)).reshape(1, -1)
    assert_same(bridge.encode(fmt, x), reference.quantize(fmt, x))


@pytest.mark.parametrize("name", FORMATS)
def test_static_scales(name):
    """NUM-F12: the scales of one matrix, the values of another."""
    fmt = Format(name)
    rng = np.random.default_rng(3)
    x = rng.standard_normal((4, 100)).astype(F32)
    static = reference.quantize(fmt, x)
    assert_same(bridge.encode(fmt, x, static), static)
    y = (x * rng.choice(F32([0.01, 1, 5]), x.shape)).astype(F32)
    expected = reference.quantize_static(fmt, y, static)
    np.testing.assert_array_equal(bridge.encode(fmt, y, static).codes, expected)


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_not_finite(name, bad):
    """NUM-C2, NUM-F9."""
    fmt = Format(name)
    x = np.ones((3, 70), F32)
    x[1, 40] = bad
    if fmt.family == "mx":
        assert_same(bridge.encode(fmt, x), reference.quantize(fmt, x))
        return
    with pytest.raises(ValueError, match=r"value at \[1, 40\]"):
        bridge.encode(fmt, x)


@pytest.mark.parametrize("name", PATTERNS)
def test_masks(name):
    """NUM-S1 to NUM-S4, for magnitudes, Wanda and signed scores."""
    rng = np.random.default_rng(5)
    norms = np.abs(rng.standard_normal(150)).astype(F32)
    for rows, cols in ((13, 150), (64, 128), (70, 129), (1, 3)):
        for x in matrices(11, rows, cols):
            magnitude = np.abs(x)
            np.testing.assert_array_equal(
                bridge.mask(name, magnitude), reference.sparsity_mask(name, magnitude)
            )
            np.testing.assert_array_equal(
                bridge.mask(name, x), reference.sparsity_mask(name, x)
            )
        with np.errstate(over="ignore"):
            wanda = magnitude * norms[: x.shape[1]]
        np.testing.assert_array_equal(bridge.wanda(x, norms), wanda)
        np.testing.assert_array_equal(
            bridge.mask(name, wanda), reference.sparsity_mask(name, wanda)
        )


def test_long_masks():
    rng = np.random.default_rng(6)
    scores = np.abs(rng.standard_normal((37, 3000))).astype(F32)
    for x in (scores, np.rint(scores * 4), scores * F32(1e-40)):
        for name in ("unstructured0.5.tensor", "unstructured0.95.row", "block1x4.0.5"):
            np.testing.assert_array_equal(
                bridge.mask(name, x), reference.sparsity_mask(name, x)
            )


@pytest.mark.parametrize("cols", [3000, 70000])
def test_unlike_rows(cols):
    """The threshold of a row says nothing of the next one's; a long row is no array of
    keys that a cache holds."""
    scores = np.random.default_rng(7).standard_normal((9, cols)).astype(F32)
    with np.errstate(over="ignore", under="ignore"):
        scores *= F32([1, 1e30, 1e-40, -1, 0, 1e-3, 1e38, 1, 1])[:, None]
    scores[-2:] = np.rint(scores[-2:])
    scores[-1, : cols // 2] = np.inf
    for name in ("unstructured0.5.row", "unstructured0.001.row", "unstructured0.999.row"):
        np.testing.assert_array_equal(
            bridge.mask(name, scores), reference.sparsity_mask(name, scores)
        )


@pytest.mark.parametrize("bits", range(2, 9))
@pytest.mark.parametrize("density", [None, 0.0, 0.3, 0.5, 1.0])
def test_pack(bits, density):
    """NUM-L1 to NUM-L3."""
    rng = np.random.default_rng(bits)
    for cols in (1, 7, 8, 33, 256):
        codes = rng.integers(0, 256, (5, cols)).astype(np.uint8)
        keep = None
        if density is not None:
            keep = (rng.random(codes.shape) < density).astype(np.uint8)
        stride, payload, bitmap = bridge.pack(bits, codes, keep)
        expected = reference.pack(bits, codes, keep)
        assert stride == expected[0]
        np.testing.assert_array_equal(payload, expected[1])
        np.testing.assert_array_equal(bitmap, expected[2].reshape(-1))


@pytest.mark.parametrize("name", SYMMETRIC)
@pytest.mark.parametrize("pattern", ["nm2:4", "unstructured0.5.row", "block1x4.0.5"])
def test_order_errors(name, pattern):
    """The norms of both orders, from their definitions in f64."""
    fmt = Format(name)
    x = np.random.default_rng(9).standard_normal((4, 128)).astype(F32)

    def q(v):
        return reference.dequantize(fmt, reference.quantize(fmt, v))

    def mask(v):
        return reference.sparsity_mask(pattern, np.abs(v))

    quantized = q(x)
    first, second = mask(x), mask(quantized)
    steps = [x * first, quantized, q(x * first), quantized * second]
    errors = [x.astype(np.float64) - step for step in steps]
    l1 = [np.abs(e).sum() for e in errors]
    l2 = [np.sqrt((e * e).sum()) for e in errors]
    expected = np.ravel([*zip(l1, l2), (l1[0] + l1[1], l2[0] + l2[1])])
    actual = bridge.order_errors(pattern, fmt, x)
    np.testing.assert_allclose(actual[:10], expected, rtol=1e-12)
    assert actual[10] == (first > second).sum()
