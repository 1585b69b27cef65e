"""Inputs of tails.mlir and what NumPy computes from them, as files PREFIX.NAME.npy."""

import sys

import numpy as np


def main():
    rng = np.random.default_rng(1)
    x = rng.standard_normal((131, 19)).astype(np.float32)
    w = rng.standard_normal((33, 19)).astype(np.float32)
    y = x.astype(np.float64) @ w.T + 1
    angle = np.arange(4099, dtype=np.float32)
    arrays = {"x": x, "w": w, "y": y, "s": y.sum(axis=0), "angle": angle,
              "sin": np.sin(angle.astype(np.float64)), "cos": np.cos(angle.astype(np.float64))}
    for name, array in arrays.items():
        np.save(f"{sys.argv[1]}.{name}.npy", array.astype(np.float32))


if __name__ == "__main__":
    main()
