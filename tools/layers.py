#!/usr/bin/env python3
"""Check that each room of src/ includes only what tools/layers.txt allows.

Prints one `file:line: message` a violation, then `layers: N passed, N failed`
(files).  Exit 0 clean, 1 not, 2 the table itself is wrong.
"""
import fnmatch
import pathlib
import re
import sys

C = """assert ctype errno inttypes limits stdarg stdbool stddef stdint stdio
    stdlib stdnoreturn string""".split()
POSIX = """time signal locale unistd fcntl dirent getopt poll pwd grp syslog ftw
    termios spawn fnmatch arpa/* net/* netinet/* sys/* bits/*""".split()
SETS = {"c": [f"{h}.h" for h in C],
        "posix": [h if h.endswith("*") else f"{h}.h" for h in POSIX]}
INCLUDE = re.compile(r'\s*#\s*include\s*(<[^>]+>|"[^"]+"|\S+)')


def read_table(path):
    """{room or file: (rooms it may include, globs of outside headers)}"""
    table = {}
    for n, line in enumerate(path.read_text().splitlines(), 1):
        line = line.split("#")[0].strip()
        if not line:
            continue
        name, _, rest = line.partition(":")
        ours, _, outside = rest.partition("|")
        for room in ours.split():
            if room not in table:
                print(f"{path}:{n}: {name} may not come before {room}")
                sys.exit(2)
        globs = [g for word in outside.split() for g in SETS.get(word, [word])]
        table[name] = (set(ours.split()), globs)
    return table


def why_not(room, rule, include):
    """Words for what is wrong with this include, or None."""
    name = include[1:-1]
    if include[0] == "<":
        ok = any(fnmatch.fnmatchcase(name, g) for g in rule[1])
        return None if ok else f"{room} may not include <{name}>"
    if include[0] != '"':
        return "includes by macro cannot be checked"
    if "/" not in name:
        return f'write "{room}/{name}": includes are relative to src/'
    other = name.split("/")[0]
    if other == room or other in rule[0]:
        return None
    return f"{room} may not include {other}"


def check(path, where, table):
    room = where.parts[0]
    rule = table.get(where.as_posix(), table.get(room))
    if not rule:
        return [(1, f"room {room} is not in tools/layers.txt")]
    found = []
    for n, line in enumerate(path.read_text().splitlines(), 1):
        if m := INCLUDE.match(line):
            if why := why_not(room, rule, m[1]):
                found.append((n, why))
    return found


def main():
    root = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else ".")
    table = read_table(root / "tools/layers.txt")
    passed = failed = 0
    for path in sorted((root / "src").rglob("*.[ch]")):
        found = check(path, path.relative_to(root / "src"), table)
        for n, why in found:
            print(f"{path}:{n}: {why}")
        failed += bool(found)
        passed += not found
    print(f"layers: {passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
