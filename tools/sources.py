"""Our sources, what each depends on, and checks that run in parallel and remember what passed."""

import concurrent.futures
import functools
import hashlib
import os
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
FLAGS = ["-std=c++23", "-Wall", "-Wextra", "-Wpedantic", "-Wshadow", "-Wconversion", "-Werror",
         f"-I{ROOT}/src", f"-I{ROOT}/include"]
_NOISE = re.compile(r"^\d+ warnings? (generated|treated).*\n", re.MULTILINE)
_INCLUDE = re.compile(rb'^[ \t]*#[ \t]*include[ \t]*"([^"\n]+)"', re.MULTILINE)


def files(folders, suffix):
    """The files under these folders of the repository, as absolute paths, in order."""
    return sorted(path for folder in folders for path in (ROOT / folder).rglob("*" + suffix)
                  if path.is_file())


@functools.cache
def _content(path):
    return path.read_bytes()


@functools.cache
def _includes(path):
    found = []
    for name in _INCLUDE.findall(_content(path)):
        for base in (ROOT / "src", ROOT / "include", ROOT, path.parent):
            candidate = (base / os.fsdecode(name)).resolve()
            if candidate.is_file():
                found.append(candidate)
                break
    return found


def closure(path):
    """The file and every header of ours that it includes, directly or not."""
    seen, todo = {path}, [path]
    while todo:
        for include in _includes(todo.pop()):
            if include not in seen:
                seen.add(include)
                todo.append(include)
    return seen


def digest(path, *how):
    """Of all that a check of this file depends on: its closure, and how it is checked."""
    total = hashlib.sha256("\0".join(how).encode())
    for part in sorted(closure(path)):
        total.update(b"\0" + os.fsencode(part) + b"\0" + _content(part))
    return total.hexdigest()


def version(*command):
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def run(name, jobs):
    """Runs jobs (what, key, command, stdin) as many at once as there are cores.

    What passed under a key is not run again, in this build folder. Returns the exit code.
    """
    passed = ROOT / "build" / "check" / name
    passed.mkdir(parents=True, exist_ok=True)
    todo = [job for job in jobs if not (passed / job[1]).exists()]

    def one(job):
        what, key, command, stdin = job
        done = subprocess.run(command, input=stdin, text=True, capture_output=True, cwd=ROOT)
        if done.returncode == 0:
            (passed / key).touch()
            return 0
        said = _NOISE.sub("", done.stdout + done.stderr)
        print(f"{what}: failed\n{said}", end="", flush=True)
        return 1

    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        failed = sum(pool.map(one, todo))
    print(f"{len(jobs)} in all, {len(jobs) - len(todo)} unchanged since they passed, {failed} failed")
    if not jobs:
        print("nothing to check", file=sys.stderr)
    return 0 if jobs and not failed else 1
