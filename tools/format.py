#!/usr/bin/env python3
"""Format our C as .clang-format says, but for blanks before comments.

usage: format.py [--check] FILE...
clang-format 14 decides (later ones decide otherwise; without it nothing is
done).  What stands between code and a comment at the end of its line, and
the columns of comments that go on, stay as the author set them.
"""
import difflib
import pathlib
import re
import shutil
import subprocess
import sys

VERSION = "14"


def tool():
    for name in (f"clang-format-{VERSION}", "clang-format"):
        if path := shutil.which(name):
            said = subprocess.run([path, "--version"], capture_output=True, text=True).stdout
            if re.search(rf"version {VERSION}\.", said):
                return path
    return None


def bare(line):
    """The line as far as it is clang-format's business."""
    line = re.sub(r"[ \t]+(/\*|//)", r" \1", line)
    line = re.sub(r"[ \t]+\\$", r" \\", line)
    return line.lstrip() if not re.search(r"[;{}(),=]", line) or "*/" in line else line


def main():
    args = sys.argv[1:]
    check = args[:1] == ["--check"]
    files = args[1:] if check else args
    clang_format = tool()
    if not clang_format:
        print(f"format: no clang-format {VERSION} here, nothing checked")
        return 0
    wrong = 0
    for name in files:
        have = pathlib.Path(name).read_text().splitlines(keepends=True)
        want = subprocess.run([clang_format, name], capture_output=True, text=True,
                              check=True).stdout.splitlines(keepends=True)
        out, bad = [], 0
        matcher = difflib.SequenceMatcher(None, [bare(x) for x in have],
                                          [bare(x) for x in want], autojunk=False)
        for op, i, i2, k, k2 in matcher.get_opcodes():
            out += have[i:i2] if op == "equal" else want[k:k2]
            if op != "equal":
                bad = bad or i + 1
        if bad:
            wrong += 1
            print(f"{name}:{bad}: " + ("not formatted (make format)" if check else "formatted"))
            if not check:
                pathlib.Path(name).write_text("".join(out))
    if check:
        print(f"format: {len(files) - wrong} passed, {wrong} failed")
    return 1 if check and wrong else 0


if __name__ == "__main__":
    sys.exit(main())
