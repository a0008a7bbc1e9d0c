"""What the tutorial's claims share: a line per claim, a hub or another program to talk to, waiting.

A system is a folder N_name with a claims.py, whose check(claims, folder) makes the claims.
"""

import contextlib
import os
import pathlib
import pty
import re
import subprocess
import sys
import threading
import time

SKEIN = pathlib.Path(os.environ.get("SKEIN") or "build/release/skein").resolve()
PATIENCE_S = 30
_PORT = re.compile(r"127\.0\.0\.1:(\d+)")


class Claims:
    """Prints "ok  …" or "FAIL …" for each claim; a failed one does not stop the others."""

    def __init__(self):
        self.kept = 0
        self.failed = 0

    @contextlib.contextmanager
    def claim(self, text):
        try:
            yield
        except Exception as error:  # whatever goes wrong in between, the claim does not hold
            self.failed += 1
            print(f"FAIL  {text}: {type(error).__name__}: {error}", flush=True)
        else:
            self.kept += 1
            print(f"ok    {text}", flush=True)


def expect(condition, otherwise):
    if not condition:
        raise AssertionError(otherwise)


def eventually(condition, otherwise):
    """Waits until the condition holds; `otherwise`: what is wrong if it never does, or calls for it."""
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError(otherwise() if callable(otherwise) else otherwise)
        time.sleep(0.01)


class _Terminal:
    """A terminal from the side of who sits at it; what appears there goes to a file."""

    def __init__(self, master, output):
        self.master = open(master, "r+b", buffering=0)
        self.write = self.master.write
        self.flush = self.master.flush
        threading.Thread(target=self._copy, args=(output.open("wb", buffering=0),),
                         daemon=True).start()

    def _copy(self, file):
        with file, self.master:
            try:
                while True:
                    file.write(self.master.read(4096))
            except OSError:  # what Linux makes of a terminal's end
                return

    def close(self):
        if not self.master.closed:
            self.write(b"\x04")  # Ctrl-D


class Program:
    """One that runs beside us, what it says in a file; ended with the `with` block. In a terminal
    it is as if somebody sat there."""

    def __init__(self, command, output, terminal=False, **environment):
        self.output = output
        environment = {**os.environ, **environment}
        if terminal:
            master, slave = pty.openpty()
            self.process = subprocess.Popen(command, stdin=slave, stdout=slave, stderr=slave,
                                            env={**environment, "TERM": "xterm"})
            os.close(slave)
            self.keys = _Terminal(master, output)
            return
        with output.open("wb") as file:
            self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=file, stderr=file,
                                            env=environment)
        self.keys = self.process.stdin

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.keys.close()
        self.process.terminate()
        try:
            self.process.wait(PATIENCE_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def type(self, line):
        self.keys.write(line.encode() + b"\n")
        self.keys.flush()

    def end_input(self):
        """Returns the exit code."""
        self.keys.close()
        return self.process.wait(PATIENCE_S)

    def said(self):
        return self.output.read_text(encoding="utf-8", errors="replace")

    def says(self, text, times=1):
        eventually(lambda: self.said().count(text) >= times,
                   lambda: f"it never said {text!r}, but {self.said()[-500:]!r}")

    def lives(self):
        return self.process.poll() is None

    def port(self):
        """The one that it says it listens on."""
        eventually(lambda: _PORT.search(self.said()) or not self.lives(), "it never listened")
        found = _PORT.search(self.said())
        expect(found, f"it ended: {self.said()!r}")
        return int(found[1])


class Hub(Program):
    """A hub over an empty folder of its own; `shared` is what it shares. In a terminal it has an
    operator."""

    def __init__(self, folder, **more):
        folder.mkdir()
        self.shared = folder / "shared"
        self.shared.mkdir()
        command = [SKEIN, "serve", self.shared, "--listen", "127.0.0.1:0", "--state",
                   folder / "state"]
        super().__init__(command, folder / "hub.log", **more)
        self.address = f"127.0.0.1:{self.port()}"

    def run(self, *arguments, typed=""):
        """skein with these arguments: (exit code, what it said)."""
        return skein(*arguments, "--hub", self.address, "--state",
                     self.shared.parent / "client", typed=typed)


def skein(*arguments, typed=""):
    done = subprocess.run([SKEIN, *arguments], input=typed.encode(), stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, timeout=2 * PATIENCE_S, check=False)
    return done.returncode, done.stdout.decode("utf-8", "replace")


def example(name):
    """A C++ program of the tutorial, as CMake builds it beside skein."""
    return SKEIN.parent / "examples" / name


def output_of(command):
    """What a program that must succeed prints."""
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True,
                          timeout=2 * PATIENCE_S, check=False)
    out = done.stdout.decode("utf-8")
    expect(done.returncode == 0, f"it ended with {done.returncode}: {out}{done.stderr.decode()}")
    return out


def lessons(command):
    """{heading: what stands under it} of a program that prints "== heading" and lines below."""
    expect(pathlib.Path(command[0]).is_file(), f"no program at '{command[0]}': ./dev build")
    said = output_of(command)
    print(said, flush=True)
    parts = re.split(r"^== (.*)\n", said, flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2]))


def python(script, *arguments):
    return [sys.executable, "-B", str(script), *map(str, arguments)]


def same_bytes(there, here):
    """True once the file `there` exists and has the content of `here`."""
    return there.is_file() and there.read_bytes() == here.read_bytes()
