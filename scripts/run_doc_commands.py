#!/usr/bin/env python3
"""Runs the commands of a Markdown page and compares what they print.

Usage: run_doc_commands.py PAGE SCRATCH

Commands are written as from the root of a checkout with the tools in PATH, and
run in SCRATCH, which has links to the folders of the repository. Fenced blocks
are taken in order:
  ```<language> <file>   is written to <file> in SCRATCH
  ```sh                  is run there by bash; it must succeed
  ```output              is what the sh block before it printed: its lines occur
                         in that order, "..." stands for any text, and a line of
                         "..." for any lines; blanks may be wider or narrower
Other blocks are ignored: commands that install, build or test are in plain ones.
"""

import pathlib
import re
import shutil
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
FOLDERS = ["examples", "include", "models", "scripts", ".venv"]
FENCE = re.compile(r"^```(\S*)\s*(\S*)\s*$")


def blocks(text):
    """Each fenced block: line number, language, file, content."""
    lines = text.splitlines()
    index = 0
    while index < len(lines):
        match = FENCE.match(lines[index])
        index += 1
        if not match:
            continue
        start = index
        while index < len(lines) and lines[index] != "```":
            index += 1
        yield start, match.group(1), match.group(2), lines[start:index]
        index += 1


def line_regex(line):
    parts = [re.escape(part) for part in narrow(line).split("...")]
    return re.compile(".*".join(parts))


def narrow(line):
    return " ".join(line.split())


def first_missing(expected, printed):
    """The first line of `expected` that `printed` lacks, or None."""
    position, anywhere = 0, True
    for line in expected:
        if line.strip() == "...":
            anywhere = True
            continue
        regex = line_regex(line)
        end = len(printed) if anywhere else min(position + 1, len(printed))
        found = next((i for i in range(position, end) if regex.fullmatch(narrow(printed[i]))), None)
        if found is None:
            return line
        position, anywhere = found + 1, False
    return None


def run(commands, scratch):
    return subprocess.run(
        ["bash", "-euo", "pipefail", "-c", "\n".join(commands)], cwd=scratch,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        errors="replace", check=False)


def main():
    page, scratch = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
    shutil.rmtree(scratch, ignore_errors=True)
    scratch.mkdir(parents=True)
    for folder in FOLDERS:
        (scratch / folder).symlink_to(ROOT / folder)
    printed, count = None, 0
    for line, language, file, content in blocks(page.read_text()):
        if file:
            (scratch / file).write_text("\n".join(content) + "\n")
        elif language == "sh":
            result = run(content, scratch)
            printed = result.stdout.splitlines()
            count += 1
            if result.returncode:
                sys.exit(f"{page.name}:{line}: exit status {result.returncode}\n{result.stdout}")
        elif language == "output":
            if printed is None:
                sys.exit(f"{page.name}:{line}: output without a command before it")
            missing = first_missing(content, printed)
            if missing is not None:
                sys.exit(f"{page.name}:{line}: not printed, or not in this place: {missing}\n"
                         "the command printed:\n" + "\n".join(printed))
    if not count:
        sys.exit(f"{page.name}: no commands")
    print(f"{page.name}: {count} commands run")


if __name__ == "__main__":
    main()
