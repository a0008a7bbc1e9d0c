#!/usr/bin/python3
"""Each header stands alone, for both compilers, and may be included twice.

One that a source includes before anything else is compiled alone whenever that source is built, and
the checks build everything by both; so only the others are compiled here.
"""

import re
import sys

import sources

GUARDED = re.compile(r"(//.*\n|\s)*#pragma once\n")
FIRST = re.compile(r'(//.*\n|\s)*#include "([^"\n]+)"')


def main():
    headers = {path.relative_to(sources.ROOT).as_posix().split("/", 1)[1]: path
               for path in sources.files(["src", "include"], ".h")}
    failed = 0
    for name, path in headers.items():
        if not GUARDED.match(path.read_text(encoding="utf-8")):
            print(f"{name}: does not begin with '#pragma once'")
            failed = 1
    firsts = (FIRST.match(path.read_text(encoding="utf-8"))
              for path in sources.files(["src"], ".cc"))
    alone = {first.group(2) for first in firsts if first}
    jobs = []
    for compiler in ("g++", "clang++-19"):
        known = sources.version(compiler, "--version")
        command = [compiler, *sources.FLAGS, "-fsyntax-only", "-x", "c++", "-"]
        for name, path in headers.items():
            if name not in alone:
                key = sources.digest(path, known, *command)
                jobs.append((f"{name} by {compiler}", key, command, f'#include "{name}"\n'))
    print(f"{len(headers)} headers, {len(alone & headers.keys())} of them first in a source")
    return sources.run("headers", jobs) or failed


if __name__ == "__main__":
    sys.exit(main())
