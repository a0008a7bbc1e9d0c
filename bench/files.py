"""Files from one folder in tmpfs to another through a hub, against a bare loop, cp, tar and rsync."""

import os
import pathlib
import re
import shutil
import socket
import subprocess
import tempfile
import time

from support import PEERS, SKEIN, interleaved, keep, print_table, run

ROUNDS = 7
BIG_BYTES = 1 << 30
SMALL_FILES, SMALL_FOLDERS, SMALL_BYTES = 40_000, 200, 4096


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


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as one:
        return one.getsockname()[1]


def tar_over_nc(source, target):
    """The whole tree by tar, through nc and nc, out of tar."""
    target.mkdir()
    port = str(free_port())
    with subprocess.Popen(["nc", "-l", "-N", "127.0.0.1", port], stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE) as listening, \
            subprocess.Popen(["tar", "-x", "-C", target], stdin=listening.stdout) as unpacking:
        wait_for_listener(port)
        with subprocess.Popen(["tar", "-c", "-C", source.parent, source.name],
                              stdout=subprocess.PIPE) as packing, \
                subprocess.Popen(["nc", "-N", "127.0.0.1", port],
                                 stdin=packing.stdout) as sending:
            packing.stdout.close()
            codes = [packing.wait(), sending.wait(), unpacking.wait()]
    if any(codes):
        raise RuntimeError(f"tar and nc end with {codes}")


def wait_for_listener(port):
    """Until somebody listens there; a call would take its only connection."""
    wanted = f"0100007F:{int(port):04X}"
    while not any(fields[1] == wanted and fields[3] == "0A"
                  for fields in map(str.split, open("/proc/net/tcp", encoding="ascii"))):
        time.sleep(0.001)


class RsyncDaemon:
    """rsync's daemon over `folder`, ended with the `with` block."""

    def __init__(self, folder):
        self.folder = folder / "rsync"
        self.folder.mkdir()
        self.port = free_port()
        settings = folder / "rsyncd.conf"
        settings.write_text(f"use chroot = no\n[to]\npath = {self.folder}\nread only = no\n"
                            f"uid = {os.getuid()}\ngid = {os.getgid()}\n")
        self.process = subprocess.Popen(
            ["rsync", "--daemon", "--no-detach", f"--config={settings}", f"--port={self.port}",
             "--address=127.0.0.1"], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        wait_for_listener(self.port)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait()

    def put(self, source):
        return run("rsync", "-a", source, f"rsync://127.0.0.1:{self.port}/to/")


def again(hub, rsync, source):
    """The same tree once more, where all of it is there already."""
    return {
        "rsync -a, nothing to do": (lambda: None, lambda: rsync.put(source)),
        "skein put, nothing to do": (lambda: None, lambda: hub.skein("put", source)),
    }


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
            unpacked = folder / "unpacked"
            with RsyncDaemon(folder) as rsync:
                sides = {"tar and nc": (lambda: remove(unpacked),
                                        lambda: tar_over_nc(tree, unpacked)),
                         "rsync -a": (lambda: remove(rsync.folder / tree.name),
                                      lambda: rsync.put(tree)),
                         **sides_for(hub, tree, back, copy)}
                tables[title] = interleaved(sides, ROUNDS)
                same(tree, hub.shared / tree.name)
                same(tree, back / tree.name)
                same(tree, unpacked / tree.name)
                print_table(title, tables[title], "tar and nc")

                title = "the same, when all of it is there already"
                tables[title] = interleaved(again(hub, rsync, tree), ROUNDS)
                print_table(title, tables[title], "rsync -a, nothing to do")
    keep("files", tables)
