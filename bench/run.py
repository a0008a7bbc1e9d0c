#!/usr/bin/python3
"""Measures what NAME says, or everything, and prints tables; the raw runs go to build/bench.

usage: run.py [NAME]    NAME: a module beside this one with a function measure()
exit: 0 measured  1 failed  2 usage
"""

import importlib
import pathlib
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
from support import SKEIN, machine  # noqa: E402


def main(arguments):
    known = sorted(path.stem for path in HERE.glob("*.py") if path.stem not in ("run", "support"))
    if len(arguments) > 1 or not set(arguments) <= set(known):
        print(f"skein: error: no measurement '{' '.join(arguments)}'\n"
              f"skein: hint: ./dev bench [{'|'.join(known)}]", file=sys.stderr)
        return 2
    if not SKEIN.is_file():
        print(f"skein: error: no program at '{SKEIN}'\nskein: hint: ./dev build", file=sys.stderr)
        return 1
    print(machine())
    for name in arguments or known:
        importlib.import_module(name).measure()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
