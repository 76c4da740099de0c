#!/usr/bin/env python3
"""What neither the compiler nor clang-format looks at.

 - the first line is the SPDX line, then comes a comment with @file NAME
 - no line over 100 columns (tabs of 8), no file over 1000 lines, no function
   over 70, but for the exceptions in tools/allow.txt
 - no banned function in src/, no mark of unfinished work
Prints `file:line: message`, then `style: N passed, N failed` (files).
"""
import pathlib
import re
import sys

COLUMNS_MAX, FILE_LINES_MAX, FUNCTION_LINES_MAX = 100, 1000, 70
SPDX = "/* SPDX-License-Identifier: ISC */"
BANNED = {
    "strcpy strcat sprintf vsprintf stpcpy gets": "has no limit: snprintf, memcpy, buf.h",
    "sscanf scanf fscanf vsscanf": "repairs what it reads: text.h",
    "atoi atol atoll atof strtol strtoul strtoll strtoull strtod":
        "takes blanks, signs, any tail: uint_parse()",
    "strtok": "keeps state and swallows empty fields: str_cut()",
    "gmtime localtime ctime asctime mktime": "shared state, time zones: stamp_print()",
    "alloca": "no limit", "system popen": "a shell",
    "getaddrinfo gethostbyname": "does not work in the sandbox: numeric addresses",
    "rand srand random": "not random: getrandom()", "tmpnam mktemp tempnam": "a race",
}
CALLS = {name: why for names, why in BANNED.items() for name in names.split()}
CALL = re.compile(r"(?<![\w.>])(" + "|".join(CALLS) + r")\s*\(")
MARK = re.compile(r"\b(TODO|FIXME|XXX|HACK)\b")


def code_only(text):
    """The text with comments and strings blanked out, lines kept."""
    blank = lambda m: re.sub(r"[^\n]", " ", m[0])
    return re.sub(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'',
                  blank, text, flags=re.S)


def allowed(path):
    """{(file, what)}: lines `FILE WHAT  reason`; WHAT is a function's name, a
    banned call's, or `lines`."""
    out = {}
    for line in path.read_text().splitlines() if path.exists() else []:
        words = line.split("#")[0].split()
        if len(words) >= 2:
            out[(words[0], words[1])] = len(words) > 2
    return out


def functions(lines):
    """(line, name, length) of each function: braces in the first column."""
    start = None
    for n, line in enumerate(lines, 1):
        if line == "{":
            start = n
        elif line.startswith("}") and start:
            head = " ".join(lines[max(0, start - 8):start - 1])
            names = re.findall(r"(\w+)\s*\(", head.rsplit(";", 1)[-1].rsplit("}", 1)[-1])
            yield start, next((x for x in names if x != "__attribute__"), "?"), n - start - 1
            start = None


def check(path, name, allow):
    text = path.read_text()
    lines = text.splitlines()
    code = code_only(text).splitlines()
    found = []
    if lines[:1] != [SPDX]:
        found.append((1, f"first line is not {SPDX}"))
    if not re.search(rf"^(/\*\*)? ?(\* )?@file {re.escape(path.name)}  \S", "\n".join(lines[:5]),
                     re.M):
        found.append((2, f"no comment `@file {path.name}  what it is`"))
    if len(lines) > FILE_LINES_MAX and (name, "lines") not in allow:
        found.append((len(lines), f"more than {FILE_LINES_MAX} lines"))
    for n, line in enumerate(lines, 1):
        if len(line.expandtabs(8)) > COLUMNS_MAX:
            found.append((n, f"more than {COLUMNS_MAX} columns"))
        if m := MARK.search(line):
            found.append((n, f"{m[1]}: finish it, or write an issue"))
    for n, line in enumerate(code if name.startswith("src/") else [], 1):
        for m in CALL.finditer(line):
            if (name, m[1]) not in allow:
                found.append((n, f"{m[1]}() is banned: {CALLS[m[1]]}"))
    for n, f, length in functions(code):
        if length > FUNCTION_LINES_MAX and (name, f) not in allow:
            found.append((n, f"{f}() has {length} lines, more than {FUNCTION_LINES_MAX}"))
    return found


def main():
    root = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else ".")
    allow = allowed(root / "tools/allow.txt")
    passed = failed = 0
    for (name, what), has_reason in allow.items():
        if not has_reason or not (root / name).exists():
            print(f"tools/allow.txt: {name} {what}: no reason given, or no such file")
            failed += 1
    for top in ("src", "test"):
        for path in sorted((root / top).rglob("*.[ch]")):
            found = check(path, path.relative_to(root).as_posix(), allow)
            for n, why in found:
                print(f"{path}:{n}: {why}")
            failed += bool(found)
            passed += not found
    print(f"style: {passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
