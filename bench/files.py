"""Files from one folder in tmpfs to another through a hub, against a bare loop and cp."""

import os
import pathlib
import re
import shutil
import subprocess
import tempfile

from support import PEERS, SKEIN, interleaved, keep, print_table, run

ROUNDS = 7
BIG_BYTES = 1 << 30
SMALL_FILES, SMALL_FOLDERS, SMALL_BYTES = 2_000, 20, 4096


def write_random(path, size):
    with path.open("wb") as file:
        for _ in range(size // (1 << 20)):
            file.write(os.urandom(1 << 20))
        file.write(os.urandom(size % (1 << 20)))


def make_tree(folder):
    for number in range(SMALL_FILES):
        below = folder / f"{number % SMALL_FOLDERS:03}"
        below.mkdir(parents=True, exist_ok=True)
        (below / f"{number}.dat").write_bytes(os.urandom(SMALL_BYTES))


def same(one, other):
    run("diff", "-r", "--exclude=.skein", one, other)


def remove(path):
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


class Hub:
    """A hub over `folder`, ended with the `with` block. Its trash is emptied between runs."""

    def __init__(self, folder):
        self.shared = folder / "shared"
        self.shared.mkdir()
        self.state = folder / "client"
        self.process = subprocess.Popen(
            [SKEIN, "serve", self.shared, "--listen", "127.0.0.1:0", "--state", folder / "state"],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        self.address = re.search(r"127\.0\.0\.1:\d+", self.process.stdout.readline().decode())[0]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.communicate()

    def skein(self, *arguments):
        return run(SKEIN, *arguments, "--hub", self.address, "--state", self.state, "--quiet")

    def forget(self, name):
        remove(self.shared / name)
        for path in (self.shared / ".skein/trash").iterdir():
            remove(path)


def bare_copy(source, target):
    """One file through the bare loop."""
    with subprocess.Popen([PEERS / "bare_copy", "receive", target], stdout=subprocess.PIPE) as end:
        port = end.stdout.readline().decode().strip()
        sent = run(PEERS / "bare_copy", "send", port, source)
        if end.stdout.read().decode() != sent:
            raise RuntimeError("the bare loop's digests differ")


def sides_for(hub, source, back, copy):
    """put, get and cp of `source`, each to where nothing is yet."""
    name = source.name
    there = hub.shared / name

    def ready_to_get():
        remove(back / name)
        if not there.exists():
            hub.skein("put", source)

    return {
        "cp": (lambda: remove(copy), lambda: run("cp", "-r", source, copy)),
        "skein put": (lambda: hub.forget(name), lambda: hub.skein("put", source)),
        "skein get": (ready_to_get, lambda: hub.skein("get", name, "--into", back)),
    }


def measure():
    tables = {}
    # tmpfs, so that it is the program that is measured and not the disk.
    with tempfile.TemporaryDirectory(prefix="skein-bench-", dir="/dev/shm") as temporary:
        folder = pathlib.Path(temporary)
        back, copy, big, tree = (folder / name for name in ("back", "copy", "big.bin", "tree"))
        write_random(big, BIG_BYTES)
        make_tree(tree)
        with Hub(folder) as hub:
            sides = {"bare loop, hashing": (lambda: remove(copy), lambda: bare_copy(big, copy)),
                     **sides_for(hub, big, back, copy)}
            title = f"one file of {BIG_BYTES >> 20} MiB"
            tables[title] = interleaved(sides, ROUNDS)
            same(big, hub.shared / big.name)
            same(big, back / big.name)
            hub.forget(big.name)
            remove(back / big.name)
            print_table(title, tables[title], "bare loop, hashing")

            title = f"{SMALL_FILES} files of {SMALL_BYTES} bytes in {SMALL_FOLDERS} folders"
            tables[title] = interleaved(sides_for(hub, tree, back, copy), ROUNDS)
            same(tree, hub.shared / tree.name)
            same(tree, back / tree.name)
            print_table(title, tables[title], "cp")
    keep("files", tables)
