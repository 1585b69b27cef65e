"""The oneDNN that Debian packages, by the program onednn.cpp. The packages are unpacked,
not installed."""

import pathlib
import subprocess

import worker


class Program:
    """int8 by int8 to f32; the input is quantized before."""
    bits = 8
    source = "s8"

    def __init__(self, weight, copies, context):
        self.shape, self.copies, self.program = weight.shape, copies, build(context.folder)

    def prepare(self, x):
        return x

    def call(self, copy, x):
        return None

    def result(self, y):
        # The program makes codes of its own; only its speed is of interest.
        return float("nan")

    def measure(self, x, seconds):
        arguments = [*self.shape, x.shape[0], self.copies, seconds, self.source]
        return float(subprocess.run([self.program, *map(str, arguments)], check=True,
                                    capture_output=True, text=True).stdout)


class ProgramU8(Program):
    source = "u8"


def build(folder):
    program = folder / "onednn"
    if program.exists():
        return program
    packages = folder / "debian"
    packages.mkdir(exist_ok=True)

    def run(*command):
        done = subprocess.run(command, cwd=packages, capture_output=True, text=True)
        if done.returncode:
            raise RuntimeError(f"{command[0]}: {done.stderr.strip().splitlines()[-1]}")

    run("apt-get", "download", "libdnnl-dev", "libdnnl2", "ocl-icd-libopencl1")
    for package in packages.glob("*.deb"):
        run("dpkg", "-x", package, ".")
    library = next(packages.glob("usr/lib/*/libdnnl.so")).parent
    source = pathlib.Path(__file__).with_name("onednn.cpp")
    run("g++", "-O2", "-std=c++17", source, "-I", packages / "usr/include", "-L", library,
        "-ldnnl", f"-Wl,--disable-new-dtags,-rpath,{library},-rpath-link,{library}", "-o", program)
    return program


def versions():
    program = build(pathlib.Path(worker.sys.argv[2]))
    found = subprocess.run([program, "version"], check=True, capture_output=True, text=True)
    return f"oneDNN {found.stdout.strip()} (Debian)"


PEERS = {
    "oneDNN (Debian), s8 product alone": Program,
    "oneDNN (Debian), u8 product alone": ProgramU8,
}
