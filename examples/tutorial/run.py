#!/usr/bin/python3
"""Runs the tutorial's systems, ours against programs in its dialect, and prints a line per claim.

usage: run.py [N]    N: only that system; the program is $SKEIN, else build/release/skein
exit: 0 every claim holds  1 one does not  2 usage
"""

import importlib.util
import pathlib
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
from support import SKEIN, Claims  # noqa: E402


def systems():
    """{"1": the folder 1_upload, …} of those that are here."""
    return {path.parent.name.split("_")[0]: path.parent for path in sorted(HERE.glob("*/claims.py"))}


def fail(message, hint, code):
    print(f"skein: error: {message}\nskein: hint: {hint}", file=sys.stderr)
    return code


def run(system, claims):
    spec = importlib.util.spec_from_file_location(f"claims_{system.name}", system / "claims.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    print(f"== {system.name}: {module.__doc__.splitlines()[0]}", flush=True)
    with tempfile.TemporaryDirectory(prefix="skein-tutorial-") as folder:
        module.check(claims, pathlib.Path(folder))


def main(arguments):
    known = systems()
    if len(arguments) > 1:
        return fail("one system at a time", f"./dev tutorial [{'|'.join(known)}]", 2)
    if arguments and arguments[0] not in known:
        return fail(f"the tutorial's system '{arguments[0]}' is not here",
                    f"./dev tutorial [{'|'.join(known)}]; without a number: all of them", 2)
    if not SKEIN.is_file():
        return fail(f"no program at '{SKEIN}'", "./dev build, or name it by $SKEIN", 1)
    claims = Claims()
    for system in [known[number] for number in arguments] or known.values():
        run(system, claims)
    print(f"{claims.kept} claims hold, {claims.failed} do not")
    return 1 if claims.failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
