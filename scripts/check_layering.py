#!/usr/bin/env python3
"""Checks the layering of docs/architecture.md over the #include lines.

A room includes itself and rooms of a lower rank. Rooms below the dialect do not
see MLIR, and the runtime, which is linked into every artifact, sees neither
MLIR nor LLVM nor any other room. Exits with 1 and one line per violation.
"""

import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent

# Folders under lib/ and include/sparse-quant/, longest prefix first.
RANKS = {
    "Support": 0,
    "Numerics": 1,
    "Dialect/SQ/IR": 2,
    "Analysis": 3,
    "Target": 3,
    "Dialect/SQ/Transforms": 4,
    "Conversion": 5,
    "CodeGen": 5,
    "Import": 5,
    "Pipelines": 6,
    "InitAll": 7,
    "tools": 8,
    "Runtime": None,
}
WITHOUT_MLIR = {"Support", "Numerics", "Runtime"}
WITHOUT_LLVM = {"Runtime"}
SOURCES = {".c", ".cpp", ".h", ".td"}
INCLUDE = re.compile(r'^\s*#?\s*include\s+["<]([^">]+)[">]')


def room_of(path):
    """The room of a path below lib/ or include/sparse-quant/, or None."""
    for room in RANKS:
        if path == room or path.startswith((room + "/", room + ".")):
            return room
    return None


def check_include(room, header):
    """What is wrong with `header` in a file of `room`, or None."""
    if header.startswith("mlir/") and room in WITHOUT_MLIR:
        return f"{room} must not include MLIR"
    if header.startswith(("llvm/", "llvm-c/")) and room in WITHOUT_LLVM:
        return f"{room} must not include LLVM"
    if not header.startswith("sparse-quant/"):
        return None
    target = room_of(header.removeprefix("sparse-quant/"))
    if target is None:
        return f"'{header}' belongs to no room; add it to RANKS"
    if target == room:
        return None
    if RANKS[room] is None:
        return f"{room} must not include other rooms"
    if RANKS[target] is None or RANKS[target] >= RANKS[room]:
        return f"{room} must not include {target}"
    return None


def sources():
    """Each source file with its room."""
    for base in ("lib", "include/sparse-quant"):
        for path in sorted((ROOT / base).rglob("*")):
            if path.suffix in SOURCES:
                yield path, room_of(path.relative_to(ROOT / base).as_posix())
    for path in sorted((ROOT / "tools").rglob("*")):
        if path.suffix in SOURCES:
            yield path, "tools"
    # The C headers are the ABI of artifacts; they follow the runtime's rules.
    for path in sorted((ROOT / "include/sparse-quant-c").rglob("*.h")):
        yield path, "Runtime"


def main():
    errors, count = [], 0
    for path, room in sources():
        where = path.relative_to(ROOT).as_posix()
        count += 1
        if room is None:
            errors.append(f"{where}: belongs to no room; add it to RANKS")
            continue
        for number, line in enumerate(path.read_text().splitlines(), 1):
            match = INCLUDE.match(line)
            problem = match and check_include(room, match.group(1))
            if problem:
                errors.append(f"{where}:{number}: {problem}")
    for error in errors:
        print(error)
    if not count:
        print("no sources found")
    return 1 if errors or not count else 0


if __name__ == "__main__":
    sys.exit(main())
