#!/usr/bin/python3
"""Breaks one rule of the code at a time, in a copy of the tree: the simulator must notice each.

usage: mutate.py [NAME...]     all of tests/simulate/mutations, or those named

A mutation is a file: why it must be noticed, then "file: PATH", then what stands there once, between
"<<<<" and "====", and what is put in its place, up to ">>>>". Seeds are played until one fails;
that none of SEEDS does is an error, and so is text that does not stand in the file once.
exit: 0 each was noticed  1 one was not, or could not be made  2 usage
"""

import filecmp
import pathlib
import re
import shutil
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
COPY = ROOT / "build/mutate/tree"
BUILD = ROOT / "build/mutate/build"
MUTATIONS = pathlib.Path(__file__).resolve().parent / "mutations"
SEEDS = 6000
PORTION = 500  # at a time: after the first that has a failing seed it ends

FORM = re.compile(r"(.+?)\nfile: (\S+)\n<<<<\n(.*?)====\n(.*?)>>>>\n", re.DOTALL)


def copy_tree():
    """The sources as they are; what did not change keeps its time, so that little is built."""
    listed = subprocess.run(["git", "-C", ROOT, "ls-files", "-co", "--exclude-standard"],
                            check=True, capture_output=True, text=True).stdout.split("\n")
    wanted = {name for name in listed if name and (ROOT / name).is_file()}
    for there in [path for path in COPY.rglob("*") if path.is_file()]:
        if str(there.relative_to(COPY)) not in wanted:
            there.unlink()
    for name in wanted:
        source, target = ROOT / name, COPY / name
        if target.is_file() and filecmp.cmp(source, target, shallow=False):
            continue
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(source, target)


def build():
    """What the build said when it failed, else nothing."""
    if not (BUILD / "build.ninja").exists():
        configured = subprocess.run(
            ["cmake", "-S", COPY, "-B", BUILD, "-G", "Ninja", "-DCMAKE_BUILD_TYPE=RelWithDebInfo",
             "-DCMAKE_CXX_COMPILER=g++"], capture_output=True, text=True)
        if configured.returncode != 0:
            return configured.stdout + configured.stderr
    built = subprocess.run(["cmake", "--build", BUILD, "--target", "simulate"],
                           capture_output=True, text=True)
    return None if built.returncode == 0 else built.stdout[-4000:]


def first_failing():
    """The seeds played and what the first failing one said, or nothing."""
    for first in range(1, SEEDS, PORTION):
        played = subprocess.run([BUILD / "bin/simulate", str(PORTION), str(first)],
                                capture_output=True, text=True)
        if played.returncode != 0:
            found = sorted((int(seed), what) for seed, what in
                           re.findall(r"^seed (\d+): (.*)$", played.stdout, re.MULTILINE))
            return found[0] if found else (first, "the program died")
    return None


def main():
    mutations = sorted(MUTATIONS.glob("*.txt"))
    if sys.argv[1:]:
        known = {path.stem: path for path in mutations}
        unknown = [name for name in sys.argv[1:] if name not in known]
        if unknown:
            print(f"skein: error: no mutation '{unknown[0]}'\nskein: hint: {' '.join(known)}",
                  file=sys.stderr)
            return 2
        mutations = [known[name] for name in sys.argv[1:]]
    copy_tree()
    if said := build():
        print(said + "\nskein: error: the tree itself does not build", file=sys.stderr)
        return 1
    if found := first_failing():
        print(f"skein: error: nothing is broken yet, and seed {found[0]} fails: {found[1]}")
        return 1
    width = max(len(path.stem) for path in mutations)
    missed = 0
    for path in mutations:
        form = FORM.fullmatch(path.read_text())
        if form is None:
            print(f"skein: error: {path.name} has not the form of a mutation")
            missed += 1
            continue
        _, name, old, new = form.groups()
        whole = (COPY / name).read_text() if (COPY / name).exists() else ""
        if whole.count(old) != 1:
            print(f"{path.stem:{width}}  FAIL  its text stands {whole.count(old)} times in {name}:"
                  " the code has moved")
            missed += 1
            continue
        (COPY / name).write_text(whole.replace(old, new))
        said = build()
        found = None if said else first_failing()
        (COPY / name).write_text(whole)
        if said:
            print(f"{path.stem:{width}}  FAIL  does not build:\n{said}")
        elif found is None:
            print(f"{path.stem:{width}}  FAIL  not noticed by {SEEDS} seeds")
        else:
            print(f"{path.stem:{width}}  seed {found[0]:5}  {found[1]}")
        missed += 0 if found else 1
        sys.stdout.flush()
    print(f"mutations: {len(mutations)} made, {missed} not noticed")
    return 0 if missed == 0 else 1


if __name__ == "__main__":
    sys.exit(main())
