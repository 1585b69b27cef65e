"""Weights of tiny.mlir, inputs, and what the model must answer.

Usage: make-tiny.py FOLDER [SEED]. Writes weights.safetensors, tokens.npy, pos.npy,
inputs.npz, y.npy, and inputs of wrong types, ranks and shapes.
"""

import sys
from pathlib import Path

import numpy as np
from safetensors.numpy import save_file

sys.path.insert(0, str(Path(__file__).resolve().parents[3] / "Numerics"))
import reference  # noqa: E402

folder = Path(sys.argv[1])
rng = np.random.default_rng(int(sys.argv[2]) if len(sys.argv) > 2 else 1)
embed = rng.standard_normal((16, 32)).astype(np.float32)
layer = rng.standard_normal((8, 32)).astype(np.float32)
save_file({"embed": embed, "layer": layer}, folder / "weights.safetensors")

tokens = np.array([3, 0, 15], np.int32)
int8 = reference.Format("int8.row")
masked = layer * reference.sparsity_mask("nm2:4", np.abs(layer))
decoded = reference.dequantize(int8, reference.quantize(int8, masked))
y = embed[tokens].astype(np.float64) @ decoded.T.astype(np.float64)

np.save(folder / "tokens.npy", tokens)
np.save(folder / "pos.npy", np.int64(0))
np.savez(folder / "inputs.npz", tokens=tokens, pos=np.int64(0))
np.savez_compressed(folder / "deflated.npz", tokens=tokens, pos=np.int64(0))
np.save(folder / "y.npy", y)
np.save(folder / "y-off.npy", y * (1 + 1e-3))
np.save(folder / "floats.npy", tokens.astype(np.float32))
np.save(folder / "matrix.npy", tokens.reshape(1, 3))
np.save(folder / "long.npy", np.zeros(9, np.int32))
np.save(folder / "beyond.npy", np.array([3, 16, 1], np.int32))
np.save(folder / "negative.npy", np.array([-1], np.int32))
np.save(folder / "pos-vector.npy", np.zeros(2, np.int64))
(folder / "text.npy").write_text("not an array")


def patched(library, old, new):
    """A copy of an artifact that claims to need other CPU features."""
    code = library.read_bytes()
    assert code.count(old) == 1 and len(old) == len(new)
    return code.replace(old, new)


# AMD alone has sse4a, and Intel alone waitpkg: no CPU has both. And a name that
# no runtime knows.
for library in folder.glob("tiny.so"):
    features = b",sse4.1,sse4.2,"
    (folder / "foreign.so").write_bytes(patched(library, features, b",sse4a,waitpkg,"))
    (folder / "future.so").write_bytes(patched(library, features, b",sse4.1,sse9.9,"))
    weights = library.with_suffix(".sqw").read_bytes()
    (folder / "short.sqw").write_bytes(weights[:-1])
    (folder / "header.sqw").write_bytes(weights[:20])
    (folder / "empty.sqw").write_bytes(b"")
    (folder / "flipped.sqw").write_bytes(weights[:-1] + bytes([weights[-1] ^ 1]))
