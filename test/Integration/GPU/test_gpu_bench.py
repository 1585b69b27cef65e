"""tools/sq-bench/gpu on the interpreter of PTX: what is right is measured, and only that.

Figures mean nothing there; that the folder is complete, and that one table comes out, does.
"""

import os
import subprocess
import sys

import numpy as np
import pytest
from ptx_driver import BUILD, ROOT


def run(*command):
    environment = dict(os.environ, CUDA_FORCE_PTX_JIT="1", SQ_BUILD_DIR=str(BUILD),
                       LD_LIBRARY_PATH=str(BUILD / "test" / "PTX"))
    return subprocess.run([sys.executable, *map(str, command)], capture_output=True, text=True,
                          env=environment)


def build(folder, *options):
    return run(ROOT / "tools/sq-bench/gpu/build.py", folder, *options)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("bench") / "bundle"
    done = build(folder, "--shapes", "24x96", "--layers", "int8.row/nm2:4/int8.row",
                 "int4.g32/dense/f32", "f16/nm2:4/f16")
    assert done.returncode == 0, done.stderr
    return folder


def test_table(folder, tmp_path):
    done = run(folder / "run.py", "--m", "1,9", "--rounds", "1", "--working-set", "0",
               "--markdown", tmp_path / "table.md")
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count("right  ") == 4
    table = (tmp_path / "table.md").read_text()
    assert table.strip() in done.stdout
    rows = [line for line in table.splitlines() if line.startswith("| ours: ")]
    assert [row.split(" | ")[0] for row in rows] == [
        "| ours: int8.row nm2:4 x int8.row", "| ours: int4.g32 dense x f32",
        "| ours: f16 nm2:4 x f16"]
    # Microseconds and Tops of two numbers of rows, and GB/s of one row.
    assert all(row.count(" | ") == 5 for row in rows)


def test_nothing_wrong_is_measured(folder):
    file = folder / "24x96_int8.row_nm24_int8.row" / "expected.npz"
    before = file.read_bytes()
    with np.load(file) as expected:
        values = dict(expected)
    values["9"][4, 3] *= 1.01
    np.savez(file, **values)
    try:
        done = run(folder / "run.py", "--m", "1")
    finally:
        file.write_bytes(before)
    assert done.returncode == 1
    assert "WRONG  24x96_int8.row_nm24_int8.row, gpu.mma-s8" in done.stdout
    assert "1 of 4 are wrong; nothing is measured" in done.stderr
    assert "| ours" not in done.stdout


def test_code_that_does_not_load(folder, monkeypatch):
    monkeypatch.setenv("SQ_PTX_CAPABILITY", "80")
    done = run(folder / "run.py", "--check-only")
    assert done.returncode == 1
    assert "WRONG  demo model, logits: the model has no code for this GPU" in done.stdout


def test_no_driver(folder):
    environment = {k: v for k, v in os.environ.items() if k != "LD_LIBRARY_PATH"}

    def run_without_interpreter(*command):
        return subprocess.run([sys.executable, *command], capture_output=True, text=True,
                              env=environment)

    if not run_without_interpreter("-c", "import ctypes; ctypes.CDLL('libcuda.so.1')").returncode:
        pytest.skip("this machine has a driver for GPUs")
    done = run_without_interpreter(folder / "run.py")
    assert done.returncode == 1
    assert "run.py: no GPU with a driver that works: libcuda.so.1" in done.stderr


def test_refusals(folder, tmp_path):
    assert "is there already; delete it, or name another" in build(folder).stderr
    done = build(tmp_path / "new", "--layers", "int8.row/dense")
    assert "--layers has int8.row/dense, expected weights/pattern/activations" in done.stderr
    done = build(tmp_path / "other", "--layers", "int8.row/nm5:4/int8.row")
    assert done.returncode == 1 and "sq-compile fails" in done.stderr
