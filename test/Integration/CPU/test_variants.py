"""One artifact with code for several CPUs (`--target=multi:...`), against NumPy.

Every variant that this machine can run reads the same weight file and gives the same
bits; one that it can't run is refused with the reason, and the best that it can run is
what an artifact takes by itself. About 15 s.
"""

import numpy as np
import pytest
from artifact import Artifact, list_variants
from packed_model import rule, run
from reference import F32
from safetensors.numpy import save_file
from test_tiles import HOST, TARGETS, check, make_name, module_text

# What each name needs beyond x86-64, in /proc/cpuinfo's words.
NEEDS = {"x86-64-v3": TARGETS["avx2"][1], "cascadelake": TARGETS["avx512-vnni"][1],
         "icelake-server": TARGETS["avx512-vbmi2"][1],
         "sapphirerapids": TARGETS["avx512-vbmi2"][1] | {"avx512_fp16"}}
RUNNABLE = [name for name, needs in NEEDS.items() if needs <= HOST]
pytestmark = pytest.mark.skipif(
    not RUNNABLE, reason="no variant runs here: needs a CPU with avx2, fma and f16c")

# All of them read these in tiles.
LAYERS = [(None, "int8.row", (33, 321)), (None, "mx.e2m1fn", (40, 172)),
          ("nm2:4", "int8.row", (17, 63)), ("nm2:4", "int4.g64.f16", (70, 410)), ("unstructured0.5.row", "int8.row", (17, 64))]


def compile_model(folder, target, layers):
    save_file({f"{name}.weight": layer[2] for name, layer in layers.items()},
              folder / "model.safetensors")
    (folder / "model.mlir").write_text(
        module_text({name: layer[2] for name, layer in layers.items()}))
    rules = [rule(name, pattern, fmt, "int8.row") for name, (pattern, fmt, _) in layers.items()]
    (folder / "recipe.yaml").write_text("rules:\n" + "".join(f"  - {r}\n" for r in rules))
    return run("sq-compile", folder / "model.mlir", "--recipe", folder / "recipe.yaml",
               "--weights-dir", folder, f"--target={target}", "-o", folder / "model.so")


@pytest.fixture(scope="module")
def layers():
    rng = np.random.default_rng(7)
    return {make_name(pattern, fmt, shape):
            (pattern, fmt, rng.standard_normal(shape).astype(F32))
            for pattern, fmt, shape in LAYERS}


@pytest.fixture(scope="module")
def folder(layers, tmp_path_factory):
    folder = tmp_path_factory.mktemp("variants")
    compiled = compile_model(folder, f"multi:{','.join(NEEDS)}", layers)
    for name in NEEDS:
        assert f"on {name}:" in compiled.stderr
    assert [path.name for path in folder.glob("*.sqw")] == ["model.sqw"]
    return folder


def test_list(folder):
    """The API tells which there are, and why one doesn't run here."""
    variants = list_variants(folder / "model.so")
    assert [name for name, _ in variants] == list(NEEDS)
    for name, why_not in variants:
        assert (why_not == "") == (name in RUNNABLE), why_not
        if why_not:
            assert "this CPU lacks features that the model was compiled for" in why_not


@pytest.mark.parametrize("variant", NEEDS)
def test_products(folder, layers, variant):
    if variant not in RUNNABLE:
        with pytest.raises(RuntimeError, match="this CPU lacks features"):
            Artifact(folder / "model.so", variant=variant)
        return
    with (Artifact(folder / "model.so", variant=variant) as opened,
          Artifact(folder / "model.so", variant=RUNNABLE[0]) as least):
        rng = np.random.default_rng(11)
        for name, (_, _, weight) in layers.items():
            for rows in (1, 5, 19):
                check(opened, layers, name, rows, rng)
                x = rng.standard_normal((rows, weight.shape[1])).astype(F32)
                function, shape = f"{name}_many", [(rows, weight.shape[0])]
                np.testing.assert_array_equal(opened.call(function, [x], shape),
                                              least.call(function, [x], shape))


def test_info(folder):
    """Which kernels a variant has, and which of them is taken."""
    lines = run("sq-run", "info", folder / "model.so").stdout.splitlines()
    start = lines.index("variants, from the least to the best; the last that runs here is taken")
    for line, name in zip(lines[start + 1:], NEEDS):
        assert line.split()[0] == name
        if name not in RUNNABLE:
            assert " not here: this CPU lacks features" in line
        else:
            assert line.endswith("runs here, taken" if name == RUNNABLE[-1] else "runs here")
    assert sum(f", {RUNNABLE[-1]}," in line for line in lines if line.startswith("target")) == 1
    least = run("sq-run", "info", folder / "model.so", "--variant=x86-64-v3").stdout
    assert "cpu.tile-dot " in least
    error = run("sq-run", "info", folder / "model.so", "--variant=z80", check=False)
    assert error.returncode == 1
    assert f"the model has no variant 'z80'; it has: {', '.join(NEEDS)}" in error.stderr


def test_none_runs(layers, tmp_path):
    if "avx512_fp16" in HOST:
        pytest.skip("needs a CPU without AVX512_FP16, which both variants have")
    name, layer = next(iter(layers.items()))
    compile_model(tmp_path, "multi:sapphirerapids,graniterapids", {name: layer})
    error = run("sq-run", "info", tmp_path / "model.so", check=False)
    assert error.returncode == 1
    assert ("none of the 2 variants runs here; the least, sapphirerapids: this CPU lacks features "
            "that the model was compiled for: ") in error.stderr
