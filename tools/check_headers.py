#!/usr/bin/python3
"""Each header compiles alone, and twice in a row, with both compilers."""

import sys

import sources


def main():
    jobs = []
    for compiler in ("g++", "clang++-19"):
        known = sources.version(compiler, "--version")
        command = [compiler, *sources.FLAGS, "-fsyntax-only", "-x", "c++", "-"]
        for header in sources.files(["src", "include"], ".h"):
            name = header.relative_to(sources.ROOT).as_posix()
            text = f'#include "{name.split("/", 1)[1]}"\n' * 2
            key = sources.digest(header, known, *command)
            jobs.append((f"{name} by {compiler}", key, command, text))
    return sources.run("headers", jobs)


if __name__ == "__main__":
    sys.exit(main())
