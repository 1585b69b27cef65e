"""Compiles models for the tests of this folder, and finds the trained ones."""

import os

# Small products gain nothing from BLAS threads, and lose much on a busy machine.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
sys.path.append(str(ROOT / "python"))  # artifact.py
sys.path.append(str(ROOT / "test" / "Numerics"))  # reference.py

DEMO = ROOT / "models" / "demo"
DATA = Path(os.environ.get("SQ_DATA_DIR", ROOT.parent / "shared" / "data"))


def find_build():
    if path := os.environ.get("SQ_BUILD_DIR"):
        return Path(path)
    built = sorted(ROOT.glob("build/*/bin/sq-compile"), key=lambda p: p.stat().st_mtime)
    if not built:
        pytest.exit("build sq-compile, sq-import and sq-run first, or set SQ_BUILD_DIR", 1)
    return built[-1].parents[1]


def is_sanitized():
    cache = find_build() / "CMakeCache.txt"
    return cache.exists() and "SQ_SANITIZE:STRING=address" in cache.read_text()


# Artifacts of a sanitized build want its runtime in the program that loads them,
# and Python hasn't got it.
if is_sanitized():
    collect_ignore_glob = ["test_*.py"]


def pytest_report_header():
    if is_sanitized():
        return "SKIP: tests that load artifacts into Python, in a sanitized build"
    return None


def run_tool(name, *arguments):
    """Standard output of one of our tools, which must succeed."""
    command = [find_build() / "bin" / name, *arguments]
    result = subprocess.run(list(map(str, command)), capture_output=True, text=True)
    assert result.returncode == 0, f"{name}: {result.stderr}"
    return result.stdout


def find_model(name):
    """The path of a trained model, or None."""
    path = DEMO / name
    if name == "stories260K":
        path = DATA / name / "stories260K.bin"
    elif name == "babyllama105":
        path = DATA / name / "model5000.bin"
    return path if path.exists() else None


def trained_model(name):
    """The same, but skips the test where the model is absent."""
    path = find_model(name)
    if not path:
        pytest.skip(f"no trained weights of {name} in {DATA} (set SQ_DATA_DIR)")
    return path


class Compiler:
    """Compiles on as many processes as there are cores; asks for nothing twice."""

    def __init__(self, folder):
        self.folder = folder
        self.pool = ThreadPoolExecutor(os.cpu_count())
        self.jobs = {}

    def start(self, source, recipe=None, functions="prefill,decode"):
        """A future of the artifact's path."""
        key = (source, recipe, functions)
        if key not in self.jobs:
            stem = self.folder / f"model{len(self.jobs)}"
            self.jobs[key] = self.pool.submit(self._compile, stem, *key)
        return self.jobs[key]

    def compile(self, *arguments, **keywords):
        """The artifact's path, without a suffix; `.so`, `.json` (the report)."""
        return self.start(*arguments, **keywords).result()

    def _compile(self, stem, source, recipe, functions):
        options = ["-o", stem.with_suffix(".so"), "--report", stem.with_suffix(".json")]
        if recipe:
            stem.with_suffix(".yaml").write_text(recipe)
            options += ["--recipe", stem.with_suffix(".yaml")]
        if functions != "prefill,decode":
            module = stem.with_suffix(".mlir")
            run_tool("sq-import", source, f"--functions={functions}", "-o", module)
            folder = source if source.is_dir() else source.parent
            source, options = module, options + ["--weights-dir", folder]
        run_tool("sq-compile", source, *options)
        return stem


@pytest.fixture(scope="session")
def compiler(tmp_path_factory):
    compiler = Compiler(tmp_path_factory.mktemp("models"))
    yield compiler
    compiler.pool.shutdown(cancel_futures=True)
