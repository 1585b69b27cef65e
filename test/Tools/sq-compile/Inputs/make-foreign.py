"""Weights, an input, and what NumPy says of foreign.mlir's layer."""

import json
import pathlib
import sys

import numpy as np

out = pathlib.Path(sys.argv[1])
rng = np.random.default_rng(7)
w = rng.normal(size=(8, 16)).astype(np.float32)
x = rng.normal(size=(3, 16)).astype(np.float32)

header = json.dumps({"w": {"dtype": "F32", "shape": list(w.shape), "data_offsets": [0, w.nbytes]}})
header = header.encode().ljust(-(-len(header) // 8) * 8)
(out / "w.safetensors").write_bytes(len(header).to_bytes(8, "little") + header + w.tobytes())

scale = np.full((8, 1), 0.03125, np.float32)
scale[::2] = 0.015625
codes = np.clip(np.rint(w / scale), -127, 127)
mask = np.tile(np.array([1, 0, 1, 0, 0, 1, 1, 0], np.float32), 2)
y = x @ (codes * scale * mask).T
np.save(out / "x.npy", x)
np.save(out / "y.npy", y.astype(np.float32))
