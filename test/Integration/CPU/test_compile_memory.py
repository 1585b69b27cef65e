"""Peak memory: twice the largest layer and the output, whatever the model's size.

The model is four times its largest layer, so a compiler that keeps what it has
read fails. Maximum resident set sizes count the mapped pages of both files.
"""

import subprocess
import sys

import numpy as np
import pytest
from packed_model import BUILD, rule, write_model
from reference import F32

MIB = 2**20
LARGEST = (4096, 2048)
SMALL = (1024, 2048)
# The allocator's, and blocks of rows in their intermediate forms.
SLACK = 12 * MIB

MEASURE = """
import resource, subprocess, sys
code = subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL).returncode
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
sys.exit(code)
"""


def peak_of_packing(folder, rules):
    (folder / "recipe.yaml").write_text("rules:\n" + "".join(f"  - {r}\n" for r in rules))
    command = [
        BUILD / "bin" / "sq-opt", folder / "model.mlir",
        f"--sq-compress=recipe={folder}/recipe.yaml",
        f"--sq-pack-weights=output={folder}/model.sqw weights-dir={folder} "
        f"report={folder}/report.json"]
    result = subprocess.run(
        [sys.executable, "-c", MEASURE, *map(str, command)], capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    return int(result.stdout) * 1024


def make_models(tmp_path_factory, name, dtype):
    """A model, and one whose layers are tiny: the compiler's own memory."""
    rng = np.random.default_rng(9)
    folder = tmp_path_factory.mktemp(name)
    for part, scale in (("model", 1), ("tiny", 256)):
        weights = {
            f"l{i}": rng.standard_normal(
                (rows // scale, columns), dtype=F32).astype(dtype)
            for i, (rows, columns) in enumerate([LARGEST, *[SMALL] * 12])}
        (folder / part).mkdir()
        write_model(folder / part, weights)
    return folder


@pytest.fixture(scope="module")
def f32(tmp_path_factory):
    return make_models(tmp_path_factory, "f32", F32)


@pytest.fixture(scope="module")
def f16(tmp_path_factory):
    return make_models(tmp_path_factory, "f16", np.float16)


def check(folder, rules):
    base = peak_of_packing(folder / "tiny", rules)
    peak = peak_of_packing(folder / "model", rules)
    output = (folder / "model" / "model.sqw").stat().st_size
    largest = LARGEST[0] * LARGEST[1] * 4
    bound = base + 2 * largest + output + SLACK
    assert peak <= bound, (
        f"peak {peak / MIB:.0f} MiB, bound {bound / MIB:.0f} MiB: {base / MIB:.0f} of its own, "
        f"twice {largest / MIB:.0f} for the layer, {output / MIB:.0f} for the output")


@pytest.mark.parametrize("pattern, fmt", [
    ("nm2:4", "int8.row"), ("unstructured0.5.tensor", "int4.tensor"), (None, "nvfp4")])
def test_f32(f32, pattern, fmt):
    check(f32, [rule("*", pattern, fmt)])


def test_f16(f16):
    check(f16, [rule("*", "nm2:4", "mx.e4m3fn")])


def test_raw_files(f32):
    # llama2.c checkpoints: a parameter is an offset into a file. Here every
    # layer reads other bytes: those after the header, one by one.
    for part, scale in (("model", 1), ("tiny", 256)):
        sizes = [rows // scale * 2048 * 4 for rows, _ in [LARGEST, *[SMALL] * 12]]
        offset = (f32 / part / "model.safetensors").stat().st_size - sum(sizes)
        path, lines = f32 / part / "model.mlir", []
        for line in path.read_text().splitlines():
            if "sq.parameter" in line:
                line = line.replace('.safetensors"', f'.safetensors" at {offset}')
                offset += sizes.pop(0)
            lines.append(line)
        path.write_text("\n".join(lines))
    check(f32, [rule("*", "nm2:4", "int8.row")])
