#!/usr/bin/env python3
"""Does every relative link in a Markdown page lead somewhere, and does
docs/README.md lead to every page of docs?

Links to files, folders and headings are checked; links with a scheme aren't.
"""

import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)(?:\s+\"[^\"]*\")?\)")


def prose(text):
    """The lines outside of fenced code, numbered from 1; inline code is blank."""
    fenced = False
    for number, line in enumerate(text.splitlines(), 1):
        if line.lstrip().startswith("```"):
            fenced = not fenced
        elif not fenced:
            yield number, re.sub(r"`[^`]*`", "``", line)


def anchors(page):
    """The fragments that GitHub gives the headings of a page."""
    result, fenced = set(), False
    for line in page.read_text().splitlines():
        if line.lstrip().startswith("```"):
            fenced = not fenced
        match = not fenced and re.match(r"#{1,6}\s+(.*)", line)
        if not match:
            continue
        slug = re.sub(r"[^\w\- ]", "", match.group(1).strip().lower()).replace(" ", "-")
        name, count = slug, 0
        while name in result:
            count += 1
            name = f"{slug}-{count}"
        result.add(name)
    return result


def broken(page):
    for number, line in prose(page.read_text()):
        for target in LINK.findall(line):
            if re.match(r"[a-zA-Z][a-zA-Z0-9+.-]*:", target):
                continue
            path, _, fragment = target.partition("#")
            file = (page.parent / path).resolve() if path else page
            if not file.exists():
                yield number, target, "no such file"
            elif not file.is_relative_to(ROOT):
                yield number, target, "outside of the repository"
            elif fragment and file.suffix == ".md" and fragment not in anchors(file):
                yield number, target, "no such heading"


def unlisted(pages):
    """The pages of docs that its index doesn't have; reference has its own."""
    index = ROOT / "docs" / "README.md"
    listed = {(index.parent / target).resolve()
              for _, line in prose(index.read_text()) for target in LINK.findall(line)}
    for page in pages:
        if (page.is_relative_to(index.parent) and page != index and page not in listed
                and page.parent.name != "reference"):
            yield page


def main():
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", "*.md"],
        cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True).stdout
    pages = [ROOT / name for name in listed.split("\0") if name and (ROOT / name).exists()]
    failures = [f"{page.relative_to(ROOT)}:{number}: {target}: {what}"
                for page in pages for number, target, what in broken(page)]
    failures += [f"{page.relative_to(ROOT)}: not in docs/README.md" for page in unlisted(pages)]
    if failures:
        sys.exit("\n".join(failures))


if __name__ == "__main__":
    main()
