"""docs/recipes.md says which formats weights and activations may have: each that
it allows is lowered all the way, each that it doesn't is refused with a reason."""

import numpy as np
import pytest
from packed_model import rule, run, write_model
from reference import F32

ALLOWED = [
    "int8.row", "int2.row", "int8.row.f16", "uint8.row", "uint4.row", "fp8.e4m3fn.row",
    "fp8.e5m2.row", "mx.e4m3fn", "mx.e5m2", "mx.e2m3fn", "mx.e3m2fn", "mx.e2m1fn", "mx.int8",
    "hbfp7.g64", "hbfp2.g16", "nf4.row",
]
REFUSED = ["int8.tensor", "int8.g64", "uint8.tensor", "fp8.e4m3fn.tensor", "nvfp4", "nf4.g64"]


def compile_with(folder, activations, *options, cpu="x86-64-v3", check=True):
    weights = {f"l{i}": np.ones((16, 64), F32) for i in range(len(activations))}
    write_model(folder, weights)
    rules = [rule(f"l{i}", "nm2:4", "int8.row", a) for i, a in enumerate(activations)]
    (folder / "recipe.yaml").write_text("rules:\n" + "".join(f"  - {r}\n" for r in rules))
    return run(
        "sq-compile", folder / "model.mlir", "--recipe", folder / "recipe.yaml",
        f"--target=x86_64-linux-gnu:{cpu}", *options, check=check)


@pytest.mark.parametrize("cpu", ["x86-64-v3", "icelake-server"])
def test_activations(tmp_path, cpu):
    process = compile_with(
        tmp_path, ALLOWED, "--emit=asm", "-o", tmp_path / "model.s", cpu=cpu)
    for name in ALLOWED:
        assert f"int8.row x {name}" in process.stderr
    assert (tmp_path / "model.s").stat().st_size


@pytest.mark.parametrize("name", REFUSED)
def test_refused_activations(tmp_path, name):
    process = compile_with(
        tmp_path, [name], "--emit=mlir-sq", "-o", tmp_path / "model.out", check=False)
    (error,) = [line for line in process.stderr.splitlines() if "error:" in line]
    assert process.returncode == 1 and f"activations in '{name}'" in error
