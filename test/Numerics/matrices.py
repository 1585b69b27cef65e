"""Matrices that random numbers alone would miss, for every comparison."""

import numpy as np
from reference import F32


def matrices(seed, rows=13, cols=150, asymmetric=False):
    """Random and adversarial matrices, with odd shapes and short groups."""
    rng = np.random.default_rng(seed)
    tiny, huge = np.finfo(F32).smallest_subnormal, np.finfo(F32).max
    if asymmetric:
        huge /= 2  # Keeps high - low within f32.
    normal = rng.standard_normal((rows, cols)).astype(F32)
    yield normal
    yield rng.standard_normal((1, 1)).astype(F32)
    yield np.zeros((3, 70), F32)
    yield np.full((3, 70), -0.0, F32)
    for magnitude in (1e-44, 1e-38, 1e-30, 1e-6, 1e5, 1e30, 1e37):
        yield (normal * magnitude).astype(F32)
    # A magnitude per row and column block, zeros in between.
    spread = np.exp2(rng.integers(-140, 120, (rows, 1 + cols // 16)))
    spread = np.repeat(spread, 16, axis=1)[:, :cols]
    yield (normal * spread).astype(F32)
    yield (normal * spread * (rng.random((rows, cols)) < 0.1)).astype(F32)
    # Ties, powers of two, and their neighbors.
    yield np.rint(normal * 8) / 8
    yield np.rint(normal * 64) / 128
    powers = np.copysign(np.exp2(np.rint(normal * 3)), normal).astype(F32)
    yield powers
    yield np.nextafter(powers, F32(0))
    yield np.nextafter(powers, F32(np.inf))
    # A steep ramp meets every code of every format; extremes.
    yield np.exp2(np.linspace(-30, 1, rows * cols)).astype(F32).reshape(rows, cols)
    yield np.linspace(-1, 1, rows * cols).astype(F32).reshape(rows, cols)
    yield np.where(normal > 0, huge, tiny).astype(F32)
    yield np.where(normal > 1, F32(huge), normal)
    yield (tiny * np.rint(normal * 200)).astype(F32)
    yield -np.abs(normal)
    yield np.abs(normal) + F32(3)
