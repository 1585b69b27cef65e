#!/usr/bin/env python3
"""Writes docs/reference: the dialect, the passes of each room, the pipelines.

Usage: generate_docs.py [--check]

The sources are the .td files and, for pipelines, the sq-opt of $SQ_BUILD_DIR
(default: build/release). With --check nothing is written; a page that isn't
what would be written is an error.
"""

import os
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
INCLUDE = ROOT / "include"
OUT = ROOT / "docs" / "reference"
BUILD = pathlib.Path(os.environ.get("SQ_BUILD_DIR", ROOT / "build" / "release"))
LLVM = pathlib.Path("/usr/lib/llvm-22")
COMMAND = "python3 scripts/generate_docs.py"
NOTE = f"<!-- Made by `{COMMAND}`; edit the sources, not this page. -->\n\n"


def tblgen(source, *generators):
    """What mlir-tblgen makes of a .td file, without its own note and [TOC]."""
    result = subprocess.run(
        [LLVM / "bin" / "mlir-tblgen", *generators, "-I", INCLUDE,
         "-I", LLVM / "include", source],
        stdout=subprocess.PIPE, text=True, check=False)
    if result.returncode:
        sys.exit(f"docs: mlir-tblgen fails on {source.relative_to(ROOT)}")
    text = re.sub(r"<!--.*?-->\n*", "", result.stdout)
    return text.replace("[TOC]\n\n", "")


def tidy(text):
    """No runs of blank lines, no trailing blanks, one newline at the end."""
    text = re.sub(r"[ \t]+$", "", text, flags=re.MULTILINE)
    return NOTE + re.sub(r"\n{3,}", "\n\n", text).strip() + "\n"


def dialect_page():
    folder = INCLUDE / "sparse-quant" / "Dialect" / "SQ" / "IR"
    text = tblgen(folder / "SQOps.td", "-gen-dialect-doc", "-dialect=sq")
    text = text.replace("# 'sq' Dialect", "# The `sq` dialect", 1)
    for generator, title in (("-gen-attr-interface-docs", "Attribute interfaces"),
                             ("-gen-op-interface-docs", "Op interfaces")):
        interfaces = tblgen(folder / "SQInterfaces.td", generator)
        # Its title becomes a section of this page, its sections subsections.
        interfaces = re.sub(r"^# .*", f"# {title}", interfaces, flags=re.MULTILINE)
        if "\n## " in interfaces:
            text += "\n" + re.sub(r"^#", "##", interfaces, flags=re.MULTILINE)
    return tidy(text)


def pass_pages():
    """A page for each room that declares passes."""
    for source in sorted((INCLUDE / "sparse-quant").rglob("Passes.td")):
        room = source.parent.relative_to(INCLUDE / "sparse-quant")
        text = tblgen(source, "-gen-pass-doc")
        text = re.sub(r"^### `-", "## `", text, flags=re.MULTILINE)
        name = "passes-" + "-".join(room.parts).lower() + ".md"
        yield name, room, tidy(f"# Passes of `{room}`\n\n{text}")


def run_sq_opt(*arguments):
    """The outputs of sq-opt on a module with one empty function."""
    tool = BUILD / "bin" / "sq-opt"
    if not tool.exists():
        sys.exit(f"docs: no {tool}; build it first: bash scripts/build.sh release sq-opt")
    return subprocess.run([tool, *arguments], input="func.func @f() { return }", text=True,
                          capture_output=True, check=True)


def pipelines():
    """Name, summary and options (names and texts) of each of our pipelines."""
    section = run_sq_opt("--help").stdout.split("Pass Pipelines:\n", 1)[1]
    entries, depth, options = [], None, None
    for line in section.splitlines():
        match = re.match(r"^( +)(--|=)(\S+)(?: +- +(.*))?$", line)
        if not match:
            break
        indentation, marker, name, text = match.groups("")
        depth = depth or len(indentation)
        if marker == "=":  # a value of the option before; indented as LLVM likes
            options.append((f"={name}", text))
        elif len(indentation) < depth:
            break
        elif len(indentation) == depth:
            options = []
            entries.append((name, text, options))
        else:
            options.append((name, text))
    return [entry for entry in entries if entry[0].startswith("sq-")]


def pipelines_page():
    """The pipelines as sq-opt has them: their options and their passes."""
    page = ("# Pipelines of `sq-opt`\n\n"
            "`sq-compile` runs the same stages; [compile.md](../compile.md) says what "
            "each is for. Below each pipeline stand the passes that it runs by default, "
            "in order, as `--dump-pass-pipeline` has them (without the options of the "
            "canonicalizer).\n")
    for name, summary, options in pipelines():
        page += f"\n## `{name}`\n\n{summary}\n"
        if options:
            page += "\nOptions:\n\n"
        for option, text in options:
            page += f"- `{option}`: {text}\n"
        dump = run_sq_opt(f"--{name}", "--dump-pass-pipeline").stderr
        dump = dump[dump.index("builtin.module("):]
        dump = re.sub(r"canonicalize\{[^}]*\}", "canonicalize", dump)
        dump = re.sub(r"(?<=\S) {2,}", " ", dump)
        page += f"\n```\n{dump.strip()}\n```\n"
    return tidy(page)


def index_page(rooms):
    page = ("# Reference\n\n"
            "Generated from the sources, so it is as current as they are.\n\n"
            "| page | what is in it |\n| --- | --- |\n"
            "| [dialect.md](dialect.md) | ops, attributes, enums and interfaces of `sq`; "
            "every verifier rule |\n")
    for name, room in rooms:
        page += f"| [{name}]({name}) | passes of `{room}` |\n"
    page += ("| [pipelines.md](pipelines.md) | pipelines of `sq-opt`: options and passes |\n"
             "\nSource of this page and all others here: the `.td` files and `sq-opt`, by "
             f"`{COMMAND}`.\n")
    return tidy(page)


def main():
    check = sys.argv[1:] == ["--check"]
    if sys.argv[1:] and not check:
        sys.exit(__doc__)
    pages = {"dialect.md": dialect_page(), "pipelines.md": pipelines_page()}
    rooms = []
    for name, room, text in pass_pages():
        pages[name] = text
        rooms.append((name, room))
    pages["README.md"] = index_page(rooms)

    written = {path.name: path.read_text() for path in OUT.glob("*.md")}
    stale = sorted(name for name in pages.keys() | written.keys()
                   if pages.get(name) != written.get(name))
    if check:
        if stale:
            sys.exit("docs: not current: " + ", ".join(f"docs/reference/{n}" for n in stale)
                     + f"\nrun: {COMMAND}   (and commit docs/reference)")
        return
    OUT.mkdir(parents=True, exist_ok=True)
    for name in stale:
        if name in pages:
            (OUT / name).write_text(pages[name])
        else:
            (OUT / name).unlink()
        print(f"docs/reference/{name}")


if __name__ == "__main__":
    main()
