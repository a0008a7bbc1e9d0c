#!/usr/bin/python3
"""clang-tidy over every source, as .clang-tidy says.

usage: check_tidy.py [--changed]

--changed: only what differs from the last commit. Needs build/clang to be configured.
"""

import json
import subprocess
import sys

import sources

TIDY = "clang-tidy-19"


def changed():
    """Sources that differ from the last commit, and those beside a header that does."""
    out = subprocess.run(
        ["git", "-C", sources.ROOT, "status", "--porcelain", "-z", "--untracked-files=all"],
        capture_output=True, text=True, check=True).stdout
    paths = {sources.ROOT / entry[3:] for entry in out.split("\0") if len(entry) > 3}
    return paths | {path.with_suffix(".cc") for path in paths if path.suffix == ".h"}


def main(arguments):
    build = sources.ROOT / "build" / "clang"
    commands = json.loads((build / "compile_commands.json").read_text(encoding="utf-8"))
    command_of = {entry["file"]: entry["command"] for entry in commands}
    wanted = changed() if "--changed" in arguments else None
    known = sources.version(TIDY, "--version") + (sources.ROOT / ".clang-tidy").read_text()
    jobs = []
    for path in sources.files(["src", "examples", "bench", "tests"], ".cc"):
        if str(path) not in command_of or (wanted is not None and path not in wanted):
            continue
        command = [TIDY, "--quiet", "-p", str(build), str(path)]
        if path.name.endswith("_test.cc"):
            # The analyzer takes six times as long over the test macros as all else together; a
            # fixture's destructor is protected, as GoogleTest shows it; speed is no matter there.
            command.append("--checks=-clang-analyzer-*,-cppcoreguidelines-virtual-class-destructor,"
                           "-performance-inefficient-vector-operation")
        key = sources.digest(path, known, command_of[str(path)], *command)
        jobs.append((path.relative_to(sources.ROOT).as_posix(), key, command, None))
    if wanted is not None and not jobs:
        print("nothing changed")
        return 0
    return sources.run("tidy", jobs)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
