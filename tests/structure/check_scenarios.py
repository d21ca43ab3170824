#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The list of scenarios in tests/README.md against the test programs: each test is in it once, and nothing else is.

usage: check_scenarios.py SOURCE_DIR

It first checks itself on lists that must be refused.
"""
import ast
import collections
import glob
import os
import re
import sys

FOLDERS = ("e2e", "interop")
COLUMNS = 4  # test, signalling, media, record


def tests_of(source):
    """Class.method of every test in a program's text."""
    found = []
    for node in ast.parse(source).body:
        if isinstance(node, ast.ClassDef):
            found += [f"{node.name}.{item.name}" for item in node.body
                      if isinstance(item, ast.FunctionDef) and item.name.startswith("test_")]
    return found


def rows_of(page):
    """For each heading "### folder/test_x.py": its rows, a list of cells each."""
    found, rows = {}, None
    for line in page.split("\n"):
        heading = re.match(r"#+ (.*)", line)
        if heading:
            is_program = re.fullmatch(r"(?:%s)/test_\w+\.py" % "|".join(FOLDERS), heading.group(1))
            rows = found.setdefault(heading.group(1), []) if is_program else None
        elif rows is not None and line.startswith("| `"):
            rows.append([cell.strip() for cell in line.strip().strip("|").split("|")])
    return found


def compare(programs, page):
    """@programs  name to text.  @return what is wrong, a line each"""
    wrong, listed = [], rows_of(page)
    for name in sorted(set(programs) | set(listed)):
        there = tests_of(programs[name]) if name in programs else []
        said = [row[0].strip("`") for row in listed.get(name, [])]
        wrong += [f"{name}: {test} is not in the list" for test in there if test not in said]
        wrong += [f"{name}: {test} is in the list, and is no test" for test in sorted(set(said)) if test not in there]
        wrong += [f"{name}: {test} is in the list more than once" for test, n in collections.Counter(said).items() if n > 1]
        wrong += [f"{name}: {row[0]} has not {COLUMNS} filled cells" for row in listed.get(name, [])
                  if len(row) != COLUMNS or not all(row)]
    return wrong


def check_itself():
    programs = {"e2e/test_x.py": "class A:\n    def test_one(self): pass\n    def helper(self): pass\n"}
    head, row = "### e2e/test_x.py\n", "| `A.test_one` | a | b | c |\n"
    assert compare(programs, head + row) == []
    for page in ("", head, row, head + row + row, head + row + "| `A.test_two` | a | b | c |\n", head + "| `A.test_one` | a | b |\n",
                 head + "| `A.test_one` | a |  | c |\n", head + "## other\n" + row,
                 head + row + "### e2e/test_y.py\n| `A.test_one` | a | b | c |\n"):
        assert compare(programs, page), page


def main():
    check_itself()
    tests = os.path.join(sys.argv[1], "tests")
    programs = {}
    for folder in FOLDERS:
        for path in glob.glob(os.path.join(tests, folder, "test_*.py")):
            with open(path, encoding="utf-8") as f:
                programs[f"{folder}/{os.path.basename(path)}"] = f.read()
    with open(os.path.join(tests, "README.md"), encoding="utf-8") as f:
        wrong = compare(programs, f.read())
    print("\n".join(f"tests/README.md: {line}" for line in wrong) or f"{len(programs)} programs, all in the list")
    return 1 if wrong or not programs else 0


if __name__ == "__main__":
    sys.exit(main())
