#!/usr/bin/env python3
"""Check that every function in src/*/*.h has a contract.

A contract is a comment that ends directly above the declaration, or above the
first declaration of its group (no empty line in between).  `@return` over a
function that gives void is a lie; so is `@param` of a name that is not there.
Prints `file:line: message`, then `contracts: N passed, N failed` (headers).
"""
import pathlib
import re
import sys

TOKEN = re.compile(r"/\*.*?\*/|//[^\n]*|\n[ \t]*(?=\n)|"
                   r'"(?:\\.|[^"\\])*"|[;{}]|[^;{}/"\n]+|\n|/', re.S)


def statements(text):
    """(line, comment or None, declaration) outside of braces and macros."""
    text = re.sub(r"^[ \t]*#(?:[^\n]*\\\n)*[^\n]*$",
                  lambda m: "\n" * m[0].count("\n") + " ", text, flags=re.M)
    line, depth, comment, decl, start = 1, 0, None, "", 0
    for m in TOKEN.finditer(text):
        t = m[0]
        if t.startswith("/*") or t.startswith("//"):
            if not depth and not decl.strip():
                comment = t
        elif t == "{":
            depth += 1
            decl += "{"
        elif t == "}":
            depth -= 1
            decl += "}"
            if not depth and re.search(r"\)[^()]*\{\}$", decl):
                yield start, comment, decl      # static inline, with a body
                decl = ""
        elif t == ";" and not depth:
            yield start, comment, decl
            decl = ""
        elif not depth:
            if t.startswith("\n") and len(t) >= 1 and not t.strip() and \
                    text[m.end():m.end() + 1] == "\n" and not decl.strip():
                comment = None                  # an empty line ends a group
            if t.strip() and not decl.strip():
                start = line + (len(t) - len(t.lstrip("\n")))
            decl += t
        line += t.count("\n")


def function(decl):
    """(gives, name, parameters) if this declares a function, else None."""
    flat = re.sub(r"__attribute__\s*\(\(.*?\)\)(?=\s|$|;)", " ", " ".join(decl.split()))
    flat = re.sub(r"\{.*\}$", "", flat).strip()
    m = re.match(r"((?:[\w*]+[\s*]+)+\**)(\w+)\s*\((.*)\)$", flat)
    if not m or flat.startswith(("typedef", "struct {", "enum {", "extern \"")):
        return None
    return m[1].strip(), m[2], m[3]


def check(path):
    found = []
    for line, comment, decl in statements(path.read_text()):
        f = function(decl)
        if not f:
            continue
        gives, name, params = f
        if not comment:
            found.append((line, f"{name}() has no contract"))
            continue
        if "@return" in comment and re.fullmatch(r"(static |inline )*void", gives):
            found.append((line, f"{name}() is void and cannot @return"))
        for p in re.findall(r"@param\s+(\w+(?:,\s*\w+)*)", comment):
            for word in re.split(r",\s*", p):
                if comment.count("@param") and not re.search(rf"\b{word}\b", params):
                    found.append((line, f"{name}() has no parameter {word}"))
    return found


def main():
    root = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else ".")
    passed = failed = 0
    for path in sorted((root / "src").glob("*/*.h")):
        found = check(path)
        for line, why in found:
            print(f"{path}:{line}: {why}")
        failed += bool(found)
        passed += not found
    print(f"contracts: {passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
