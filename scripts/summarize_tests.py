#!/usr/bin/env python3
"""Sums up what scripts/test.sh ran; exits with 1 if anything failed.

Usage: summarize_tests.py RESULTS, the folder with status, checks, unit.xml,
lit.xml, pytest.xml and gtest/*.xml.
"""

import pathlib
import sys
import xml.etree.ElementTree as ET


class Suite:
    def __init__(self, name):
        self.name, self.passed, self.failed, self.skipped = name, 0, [], []

    def add(self, test, outcome, reason=""):
        if outcome == "failed":
            self.failed.append(test)
        elif outcome == "skipped":
            self.skipped.append((test, reason))
        else:
            self.passed += 1


def first_line(element):
    lines = (element.get("message") or element.text or "").strip().splitlines()
    return lines[0] if lines else "no reason given"


def read_cases(path):
    """The (name, outcome, reason) of each test case in a JUnit file."""
    for case in ET.parse(path).getroot().iter("testcase"):
        name = f"{case.get('classname') or ''}.{case.get('name')}".lstrip(".")
        skipped = case.find("skipped")
        if case.find("failure") is not None or case.find("error") is not None:
            yield name, "failed", ""
        elif skipped is not None:
            yield name, "skipped", first_line(skipped)
        elif case.get("status") in ("notrun", "disabled"):
            yield name, "skipped", "disabled"
        elif case.get("status") == "fail":
            yield name, "failed", ""
        else:
            yield name, "passed", ""


def read_unit(results):
    """GoogleTest's own counts, and ctest's for binaries that left none."""
    suite = Suite("unit")
    counted = set()
    for path in sorted((results / "gtest").glob("*.xml")):
        counted.add(path.stem)
        for case in read_cases(path):
            suite.add(*case)
    failures = set(suite.failed)
    for case in ET.parse(results / "unit.xml").getroot().iter("testcase"):
        name = case.get("name")
        failed = case.get("status") == "fail" or case.find("failure") is not None
        if name not in counted:
            suite.add(name, "failed" if failed else "passed")
        elif failed and not failures:
            # It died after writing its results, in a destructor perhaps.
            suite.add(name, "failed")
    return suite


def read_suite(results, name):
    if name == "unit":
        return read_unit(results)
    suite = Suite(name)
    for case in read_cases(results / f"{name}.xml"):
        suite.add(*case)
    return suite


def read_status(path):
    if not path.exists():
        return {}
    return {name: int(code)
            for name, code in (line.split() for line in path.read_text().splitlines())}


def main():
    results = pathlib.Path(sys.argv[1])
    suites = []
    for name, code in read_status(results / "status").items():
        try:
            suite = read_suite(results, name)
        except (OSError, ET.ParseError) as error:
            suite = Suite(name)
            suite.add(f"{name}: no results ({error})", "failed")
        if code != 0 and not suite.failed:
            suite.add(f"{name}: exit status {code}", "failed")
        if not (suite.passed or suite.failed or suite.skipped):
            suite.add(f"{name}: it ran no tests", "failed")
        suites.append(suite)
    checks = Suite("checks")
    for name, code in read_status(results / "checks").items():
        checks.add(name, "failed" if code else "passed")
    suites.append(checks)

    print()
    for suite in suites:
        for test, reason in suite.skipped:
            print(f"SKIP {suite.name}: {test}: {reason}")
    for suite in suites:
        for test in suite.failed:
            print(f"FAIL {suite.name}: {test}")
    print()
    totals = [0, 0, 0]
    for suite in suites:
        counts = suite.passed, len(suite.failed), len(suite.skipped)
        totals = [total + count for total, count in zip(totals, counts)]
        print("{:<8} {:>5} passed, {:>3} failed, {:>3} skipped".format(suite.name, *counts))
    print("{} passed, {} failed, {} skipped".format(*totals))
    return 1 if totals[1] or not totals[0] else 0


if __name__ == "__main__":
    sys.exit(main())
