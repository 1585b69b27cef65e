"""Configuration of the lit suite. Tests mirror the rooms of lib/."""

import os
import shutil

import lit.formats

config.name = "sparse-quant"
config.test_format = lit.formats.ShTest(execute_external=False)
config.suffixes = [".mlir", ".test"]
config.test_source_root = os.path.dirname(__file__)
config.test_exec_root = os.path.join(config.sq_obj_root, "test")
config.excludes = ["Inputs", "Unit", "CMakeLists.txt"]

# The project's tools first, then FileCheck, not, mlir-opt and friends.
config.environment["PATH"] = os.path.pathsep.join(
    [config.sq_tools_dir, config.llvm_tools_dir, os.environ.get("PATH", "")])
config.substitutions.append(("%sq_lib", config.sq_lib_dir))
config.substitutions.append(("%sq_obj", config.sq_obj_root))
config.substitutions.append(("%llvm_lib", os.path.join(config.llvm_tools_dir, "..", "lib")))
config.substitutions.append(("%sq_src", config.sq_src_root))
# In front of what opens a model for GPUs: a driver that interprets its PTX.
config.substitutions.append(("%ptx-driver", "CUDA_FORCE_PTX_JIT=1 LD_LIBRARY_PATH=" + os.path.join(
    config.test_exec_root, "PTX")))
# A Python with NumPy and ml_dtypes: the set-up script's virtual environment.
venv_python = os.path.join(config.sq_src_root, ".venv", "bin", "python")
python = os.environ.get(
    "SQ_PYTHON", venv_python if os.path.exists(venv_python) else config.python_executable)
config.substitutions.append(("%python", python))

# Trained weights that are too large, or not free enough, for the repository.
# Tests that read them say `REQUIRES: sq-data`; without the folder they are
# reported as UNSUPPORTED.
data_dir = os.environ.get(
    "SQ_DATA_DIR", os.path.join(config.sq_src_root, "..", "shared", "data"))
if os.path.isdir(data_dir):
    config.available_features.add("sq-data")
    config.substitutions.append(("%sq_data", os.path.abspath(data_dir)))
else:
    lit_config.note(f"skipping tests on trained weights: no folder {data_dir} "
                    "(set SQ_DATA_DIR)")

# Running the code that we generate needs the features that the test's RUN line
# names; compiling for a target never does.
if os.path.exists("/proc/cpuinfo"):
    with open("/proc/cpuinfo") as cpuinfo:
        flags = set(cpuinfo.read().split())
    for flag in ("avx2", "avx512f", "avx512_vnni", "avx512_vbmi2"):
        if flag in flags:
            config.available_features.add(f"host-{flag.replace('_', '-')}")
# Assembling PTX needs a CUDA toolkit; generating it doesn't.
cuda_root = os.environ.get("CUDA_ROOT", "/usr/local/cuda")
ptxas = shutil.which("ptxas") or shutil.which("ptxas", path=os.path.join(cuda_root, "bin"))
if ptxas:
    config.available_features.add("ptxas")
    config.substitutions.append(("%ptxas", ptxas))
else:
    lit_config.note("not assembling PTX: no ptxas on the path or in CUDA_ROOT")
if config.benchmarks:
    config.available_features.add("sq-bench")
if config.sanitizers:
    config.available_features.add("sanitizers")
for name in ("ASAN_OPTIONS", "UBSAN_OPTIONS", "OMP_NUM_THREADS"):
    if name in os.environ:
        config.environment[name] = os.environ[name]
