#!/usr/bin/python3
"""Breaks one rule of the code at a time, in a copy of one source: the simulator must notice each.

usage: mutate.py [NAME...]     all of tests/simulate/mutations, or those named

A mutation is a file: why it must be noticed, then "file: PATH", then what stands there once, between
"<<<<" and "====", and what is put in its place, up to ">>>>". The changed copy is compiled into
build/mutate and linked before the libraries of build/release, which must be built; then seeds are
played until one fails. That none of SEEDS does is an error, and so is text that does not stand in
the file once.
exit: 0 each was noticed  1 one was not, or could not be made  2 usage
"""

import json
import pathlib
import re
import shlex
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
RELEASE = ROOT / "build/release"
OUT = ROOT / "build/mutate"
MUTATIONS = pathlib.Path(__file__).resolve().parent / "mutations"
SEEDS = 10_000  # as many as .ci/run plays
PORTION = 500  # at a time: after the first that has a failing seed it ends

FORM = re.compile(r"(.+?)\nfile: (\S+)\n<<<<\n(.*?)====\n(.*?)>>>>\n", re.DOTALL)


class Broken(Exception):
    """It could not be made."""


def run(command, cwd=RELEASE):
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True)
    if done.returncode != 0:
        raise Broken((done.stdout + done.stderr)[-3000:])
    return done.stdout


def with_output(command, output):
    command = list(command)
    command[command.index("-o") + 1] = str(output)
    return command


def compile_changed(name, text, stem):
    """The object of a changed source, made as the build makes that of the real one."""
    known = json.loads((RELEASE / "compile_commands.json").read_text())
    entry = next((entry for entry in known if entry["file"] == str(ROOT / name)), None)
    if entry is None:
        raise Broken(f"the build knows no {name}")
    source, target = OUT / f"{stem}.cc", OUT / f"{stem}.o"
    source.write_text(text)
    command = [str(source) if word == entry["file"] else word
               for word in shlex.split(entry["command"])]
    # What is broken may well leave something unused.
    run([*with_output(command, target), "-w"], entry["directory"])
    return target


def link(changed, stem):
    """A simulator in which that object stands for the one in its library."""
    last = run(["ninja", "-t", "commands", "simulate"]).strip().split("\n")[-1]
    command = shlex.split(last.removeprefix(": && ").removesuffix(" && :"))
    first = next(i for i, word in enumerate(command) if word.endswith(".o"))
    program = OUT / stem
    run(with_output([*command[:first], str(changed), *command[first:]], program))
    return program


def first_failing(program):
    """The first seed that fails and what it said, or None."""
    for first in range(1, SEEDS, PORTION):
        played = subprocess.run([program, str(PORTION), str(first)], capture_output=True, text=True)
        if played.returncode == 0:
            continue
        found = sorted((int(seed), what) for seed, what in
                       re.findall(r"^seed (\d+): (.*)$", played.stdout, re.MULTILINE))
        return found[0] if found else (first, "the program died")
    return None


def try_mutation(path):
    """What the simulator found, in one line."""
    form = FORM.fullmatch(path.read_text())
    if form is None:
        raise Broken("it has not the form of a mutation")
    _, name, old, new = form.groups()
    whole = (ROOT / name).read_text() if (ROOT / name).is_file() else ""
    if whole.count(old) != 1:
        raise Broken(f"its text stands {whole.count(old)} times in {name}: the code has moved")
    program = link(compile_changed(name, whole.replace(old, new), path.stem), path.stem)
    found = first_failing(program)
    for left in OUT.glob(f"{path.stem}*"):
        left.unlink()
    if found is None:
        raise Broken(f"not noticed by {SEEDS} seeds")
    return f"seed {found[0]:5}  {found[1]}"


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
    OUT.mkdir(parents=True, exist_ok=True)
    width = max(len(path.stem) for path in mutations)
    missed = 0
    for path in mutations:
        try:
            said = try_mutation(path)
        except Broken as why:
            missed += 1
            said = f"FAIL  {why}"
        print(f"{path.stem:{width}}  {said}", flush=True)
    print(f"mutations: {len(mutations)} made, {missed} not noticed")
    return 0 if missed == 0 else 1


if __name__ == "__main__":
    sys.exit(main())
