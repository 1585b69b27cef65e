"""Kernels under AddressSanitizer, at odd shapes.

Generated code is instrumented (`sq-compile --sanitize-addresses`) and called in a
process that has the sanitizer's runtime, with activations, results and temporaries
from its malloc: an access outside of one of them ends the process. Weights are
mapped from a file; test_tile_bitmaps.py puts guard pages behind those. About 25 s.
"""

import itertools
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from guarded import host_flags
from packed_model import rule, run
from reference import F32
from safetensors.numpy import save_file
from test_tiles import make_name, module_text

PATTERNS = [None, "nm2:4", "nm1:4", "unstructured0.5.row", "block16x4.0.75"]
FORMATS = ["int8.row", "int4.g64.f16", "mx.e2m1fn", "fp8.e4m3fn.row"]
SHAPES = [(33, 321), (1, 1), (17, 63), (49, 172), (7, 410)]
# Six bits, which bitmaps don't have.
CASES = [*itertools.product(PATTERNS, FORMATS), (None, "mx.e2m3fn"), ("nm2:4", "hbfp5.g64")]
ROWS = [1, 3, 9, 16, 37]


def find_runtime():
    name = "libclang_rt.asan-x86_64.so"
    try:
        path = subprocess.run(["clang-22", f"--print-file-name={name}"], capture_output=True, text=True,
                              check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return None
    return path if os.path.isabs(path) else None


RUNTIME = find_runtime()
pytestmark = [
    pytest.mark.skipif(RUNTIME is None, reason="needs clang's runtime of AddressSanitizer"),
    pytest.mark.skipif("avx512_vbmi2" not in host_flags(), reason="needs a CPU with AVX512_VBMI2"),
]

PROGRAM = """\
import sys
import numpy as np
from artifact import Artifact

rng = np.random.default_rng(5)
with Artifact(sys.argv[1]) as opened:
    for call in sys.argv[2:]:
        function, m, n, k = call.split(",")
        x = rng.standard_normal((int(m), int(k))).astype(np.float32)
        (y,) = opened.call(function, [x], [(int(m), int(n))])
        assert np.isfinite(y).all(), call
        print(call)
"""


def call_sanitized(path, calls):
    python = str(Path(__file__).resolve().parents[3] / "python")  # artifact.py
    environment = os.environ | {"LD_PRELOAD": RUNTIME, "ASAN_OPTIONS": "detect_leaks=0",
                                "PYTHONPATH": python, "PYTHONMALLOC": "malloc"}
    return subprocess.run([sys.executable, "-c", PROGRAM, path, *calls], capture_output=True, text=True,
                          env=environment)


@pytest.mark.parametrize("activations", ["int8.row", None])
def test_no_access_is_out_of_bounds(activations, tmp_path):
    rng = np.random.default_rng(3)
    layers = {}
    for index, (pattern, fmt) in enumerate(CASES):
        shape = SHAPES[index % len(SHAPES)]
        layers[make_name(pattern, fmt, shape)] = pattern, fmt, rng.standard_normal(shape).astype(F32)
    weights = {name: weight for name, (_, _, weight) in layers.items()}
    save_file({f"{name}.weight": weight for name, weight in weights.items()},
              tmp_path / "model.safetensors")
    (tmp_path / "model.mlir").write_text(module_text(weights))
    rules = [rule(name, pattern, fmt, activations) for name, (pattern, fmt, _) in layers.items()]
    (tmp_path / "recipe.yaml").write_text("rules:\n" + "".join(f"  - {r}\n" for r in rules))
    run("sq-compile", tmp_path / "model.mlir", "--recipe", tmp_path / "recipe.yaml", "--weights-dir",
        tmp_path, "--target=icelake-server", "--openmp=false", "--sanitize-addresses", "-o",
        tmp_path / "model.so")
    calls = [f"{name}_{'one' if m == 1 else 'many'},{m},{weight.shape[0]},{weight.shape[1]}"
             for (name, weight), m in itertools.product(weights.items(), ROWS)]
    result = call_sanitized(tmp_path / "model.so", calls)
    assert result.returncode == 0, result.stderr[:3000]
    assert result.stdout.split() == calls


OUT_OF_BOUNDS = """\
func.func @f(%x: tensor<1x4xf32> {sq.name = "x"}) -> (tensor<1x4xf32> {sq.name = "y"}) {
  %c5 = arith.constant 5 : index
  %c0 = arith.constant 0 : index
  %e = tensor.empty() : tensor<1x4xf32>
  %y = linalg.generic {indexing_maps = [affine_map<(i, j) -> (i, j)>], iterator_types = ["parallel", "parallel"]}
      outs(%e : tensor<1x4xf32>) {
  ^bb0(%o: f32):
    %j = linalg.index 1 : index
    %k = arith.addi %j, %c5 : index
    %v = tensor.extract %x[%c0, %k] : tensor<1x4xf32>
    linalg.yield %v : f32
  } -> tensor<1x4xf32>
  return %y : tensor<1x4xf32>
}
"""


def test_an_access_out_of_bounds_is_found(tmp_path):
    (tmp_path / "model.mlir").write_text(OUT_OF_BOUNDS)
    run("sq-compile", tmp_path / "model.mlir", "--target=icelake-server", "--sanitize-addresses", "-o",
        tmp_path / "model.so")
    result = call_sanitized(tmp_path / "model.so", ["f,1,4,4"])
    assert result.returncode != 0
    assert "heap-buffer-overflow" in result.stderr
