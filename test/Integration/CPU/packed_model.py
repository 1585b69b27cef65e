"""Models of linear layers for tests of recipes and weight files.

A model is a dictionary of NumPy weights; the compiler reads them from a
safetensors file, and what it wrote is read back with the `safetensors` package
and decoded by test/Numerics/reference.py, which shares no code with it.
"""

import json
import os
import pathlib
import subprocess
import sys

import ml_dtypes
import numpy as np
from safetensors import safe_open
from safetensors.numpy import save_file

ROOT = pathlib.Path(__file__).resolve().parents[3]
BUILD = pathlib.Path(os.environ.get("SQ_BUILD_DIR", ROOT / "build" / "release"))
sys.path.insert(0, str(ROOT / "test" / "Numerics"))

import reference  # noqa: E402
from reference import F32  # noqa: E402

HALVES = {"f16": np.float16, "bf16": ml_dtypes.bfloat16}


def run(tool, *arguments, check=True):
    command = [str(BUILD / "bin" / tool), *map(str, arguments)]
    result = subprocess.run(command, capture_output=True, text=True)
    if check:
        assert result.returncode == 0, f"{command}\n{result.stderr}"
    return result


def module_text(weights, source="model.safetensors"):
    """A function that multiplies an input by every weight [N, K]."""
    lines, results, types = [], [], []
    for index, (name, weight) in enumerate(weights.items()):
        n, k = weight.shape
        w, x, y = f"tensor<{n}x{k}xf32>", f"tensor<1x{k}xf32>", f"tensor<1x{n}xf32>"
        lines += [
            f'%w{index} = sq.parameter "{name}.weight" from "{source}" : {w}',
            f"%x{index} = tensor.empty() : {x}",
            f"%i{index} = tensor.empty() : {y}",
            f"%y{index} = linalg.matmul indexing_maps = [#x, #w, #y] "
            f"ins(%x{index}, %w{index} : {x}, {w}) outs(%i{index} : {y}) -> {y}",
        ]
        results.append(f"%y{index}")
        types.append(y)
    body = "\n".join("  " + line for line in lines)
    return (
        "#x = affine_map<(m, n, k) -> (m, k)>\n"
        "#w = affine_map<(m, n, k) -> (n, k)>\n"
        "#y = affine_map<(m, n, k) -> (m, n)>\n"
        f"func.func @main() -> ({', '.join(types)}) {{\n{body}\n"
        f"  return {', '.join(results)} : {', '.join(types)}\n}}\n"
    )


def write_model(folder, weights):
    save_file({f"{n}.weight": w for n, w in weights.items()}, folder / "model.safetensors")
    (folder / "model.mlir").write_text(module_text(weights))


def rule(match, pattern=None, weights=None, activations=None, norms=None):
    """One rule as YAML; JSON is YAML."""
    entry = {"match": match}
    if pattern:
        entry["sparsity"] = {"pattern": pattern}
        if norms:
            entry["sparsity"] |= {"criterion": "wanda", "norms": norms}
    if weights:
        entry["weights"] = weights
    if activations:
        entry["activations"] = activations
    return json.dumps(entry)


def pack(folder, rules, *options, check=True):
    """Compresses and packs folder/model.mlir; returns the process."""
    (folder / "recipe.yaml").write_text("rules:\n" + "".join(f"  - {r}\n" for r in rules))
    pack_options = " ".join([f"output={folder}/model.sqw", f"weights-dir={folder}", *options])
    return run(
        "sq-opt", folder / "model.mlir", f"--sq-compress=recipe={folder}/recipe.yaml",
        f"--sq-pack-weights={pack_options}", check=check)


class WeightFile:
    """A .sqw file as any reader of safetensors sees it."""

    def __init__(self, path):
        with safe_open(path, framework="np") as file:
            self.tensors = {name: file.get_tensor(name) for name in file.keys()}
            self.metadata = file.metadata()
        self.layers = json.loads(self.metadata["sq.layers"])

    def mask(self, name):
        rows, cols = self.layers[name]["shape"]
        if f"{name}.bitmap" not in self.tensors:
            return np.ones((rows, cols), np.uint8)
        bits = np.unpackbits(self.tensors[f"{name}.bitmap"], axis=1, bitorder="little")
        assert not bits[:, cols:].any(), "bits beyond the last column"
        return bits[:, :cols]

    def codes(self, name):
        """Codes of all elements, those that aren't stored as 0."""
        fmt = reference.Format(self.layers[name]["format"])
        mask = self.mask(name)
        payload = self.tensors[f"{name}.payload"]
        codes = np.zeros(mask.shape, np.uint8)
        for row in range(mask.shape[0]):
            kept = int(mask[row].sum())
            bits = np.unpackbits(payload[row], bitorder="little")
            assert not bits[kept * fmt.code_bits:].any(), "bits beyond the last code"
            bits = bits[: kept * fmt.code_bits].reshape(kept, fmt.code_bits)
            values = np.packbits(bits, axis=1, bitorder="little").reshape(-1)
            if not fmt.is_float:  # Two's complement, to the byte.
                shift = 8 - fmt.code_bits
                values = ((values << shift).view(np.int8) >> shift).view(np.uint8)
            codes[row][mask[row] == 1] = values
        return codes

    def decode(self, name):
        fmt = reference.Format(self.layers[name]["format"])
        scales = np.ascontiguousarray(self.tensors[f"{name}.scale"]).reshape(-1)
        tensor_scale = self.tensors.get(f"{name}.tensor_scale", np.ones((1, 1), F32))
        return reference.dequantize(
            fmt,
            reference.Quantized(
                self.codes(name), scales.view(np.uint8), np.zeros(0, np.int32),
                tensor_scale.reshape(-1)[0]))


def make_mask(pattern, weight, norms=None):
    if pattern is None:
        return np.ones(weight.shape, np.uint8)
    scores = np.abs(weight) if norms is None else np.abs(weight) * norms[None, :]
    return reference.sparsity_mask(pattern, scores)


def sparsify(pattern, weight, norms=None):
    return np.where(make_mask(pattern, weight, norms) == 1, weight, F32(0))


def round_trip(fmt_name, weight):
    if fmt_name is None:
        return weight
    if fmt_name in HALVES:
        return weight.astype(HALVES[fmt_name]).astype(np.float32)
    fmt = reference.Format(fmt_name)
    return reference.dequantize(fmt, reference.quantize(fmt, weight))
