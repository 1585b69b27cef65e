#!/usr/bin/env python3
"""Checks that every verifier rule of the dialect is stated, checked and tested.

A rule ID such as SQ-PACK-3 stands in three places: in the description of an op
or attribute (.td), in the message of the check (.cpp, or a trait's message in
the .td), and in an expected-error of a negative test. Exits with 1 and one line
per ID that lacks one of them.
"""

import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
RULE = re.compile(r"\bSQ-[A-Z0-9]+-[0-9]+\b")
# In messages the ID stands in brackets, or it is passed to a shared helper.
MESSAGE = re.compile(r'"(?:[^"\\]|\\.)*?(SQ-[A-Z0-9]+-[0-9]+)\]?"')
DESCRIPTION = re.compile(r"description\s*=\s*(\[\{.*?\}\]|\"[^\"]*\")", re.DOTALL)
EXPECTED = re.compile(r"expected-error(?:-re)?\s*(?:@\S+)?\s*(?:\d+)?\s*\{\{(.*)\}\}")


def texts(folder, pattern):
    """The content of each file of `folder` that `pattern` matches."""
    for path in sorted((ROOT / folder).rglob(pattern)):
        yield path.read_text()


def collect():
    """Rule IDs by where they stand: stated, checked, tested."""
    stated, checked, tested = set(), set(), set()
    for text in texts("include/sparse-quant/Dialect/SQ/IR", "*.td"):
        for description in DESCRIPTION.findall(text):
            stated.update(RULE.findall(description))
        checked.update(MESSAGE.findall(DESCRIPTION.sub("", text)))
    for text in texts("lib/Dialect/SQ/IR", "*.cpp"):
        checked.update(MESSAGE.findall(text))
    for text in texts("test/Dialect/SQ", "*.mlir"):
        for message in EXPECTED.findall(text):
            tested.update(RULE.findall(message))
    return stated, checked, tested


def main():
    stated, checked, tested = collect()
    problems = []
    for rule in sorted(stated | checked | tested):
        if rule not in stated:
            problems.append(f"{rule}: no description states it")
        if rule not in checked:
            problems.append(f"{rule}: no message in lib/Dialect/SQ/IR carries it")
        if rule not in tested:
            problems.append(f"{rule}: no expected-error in test/Dialect/SQ carries it")
    for problem in problems:
        print(problem)
    if not stated:
        print("no rules found")
    return 1 if problems or not stated else 0


if __name__ == "__main__":
    sys.exit(main())
