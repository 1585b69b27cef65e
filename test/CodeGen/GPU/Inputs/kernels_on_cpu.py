"""Makes a library for the CPU of the kernels of a module in the NVVM dialect.

Usage: kernels_on_cpu.py MODULE.mlir OUT.so

For kernels without shared memory and barriers: a thread of a block can then run
from its begin to its end, and the fake driver (FakeCUDA.h) runs one after the
other. What a kernel reads of its place are two variables of the library, and
`NAME.thunk` calls it with what cuLaunchKernel is given.
"""

import re
import subprocess
import sys
import tempfile

LLVM = "/usr/lib/llvm-22/bin/"
PLACES = {"tid.x": "fake_tid", "ctaid.x": "fake_ctaid"}


def kernels_of(text):
    """The ops within the gpu.module, as a module."""
    begin = re.search(r"^( *)gpu\.module @\w+.*\{$", text, flags=re.MULTILINE)
    if not begin:
        sys.exit("kernels_on_cpu: no gpu.module")
    end = re.compile(rf"^{begin[1]}}}$", flags=re.MULTILINE).search(text, begin.end())
    return "module {" + text[begin.end():end.start()] + "}\n"


def place(match):
    name = match[2]
    if name not in PLACES:
        sys.exit(f"kernels_on_cpu: no {name} on a CPU")
    return f"{match[1]}load i32, ptr @{PLACES[name]}"


def thunk(name, parameters):
    types = [p.split()[0] for p in parameters.split(", ") if p]
    lines = [f'define void @"{name}.thunk"(ptr %args) {{']
    for i, kind in enumerate(types):
        lines += [f"  %place{i} = getelementptr ptr, ptr %args, i64 {i}",
                  f"  %address{i} = load ptr, ptr %place{i}",
                  f"  %value{i} = load {kind}, ptr %address{i}"]
    values = ", ".join(f"{kind} %value{i}" for i, kind in enumerate(types))
    return "\n".join(lines + [f'  call void @{name}({values})', "  ret void", "}"])


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        text = kernels_of(file.read())
    ir = subprocess.run([LLVM + "mlir-translate", "--mlir-to-llvmir"], input=text, text=True,
                        capture_output=True, check=True).stdout
    ir = re.sub(r"(= )(?:tail )?call .*?@llvm\.nvvm\.read\.ptx\.sreg\.([\w.]+)\(\)", place, ir)
    ir = ir.replace("ptx_kernel ", "")
    for name, parameters in re.findall(r"^define void @([\w.]+)\((.*?)\)", ir, flags=re.MULTILINE):
        ir += "\n" + thunk(name, parameters) + "\n"
    for name in PLACES.values():
        ir += f"@{name} = global i32 0\n"
    with tempfile.NamedTemporaryFile("w", suffix=".ll") as file:
        file.write(ir)
        file.flush()
        subprocess.run([LLVM + "clang", "-O1", "-w", "-fPIC", "-shared", file.name, "-o",
                        sys.argv[2], "-lm"], check=True)


if __name__ == "__main__":
    main()
