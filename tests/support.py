"""What the tests end to end share: a folder and a hub of one's own, running skein, raw frames, and
a relay that harms what passes through it. The program under test is $SKEIN.
"""

import dataclasses
import json
import os
import pathlib
import random
import signal
import socket
import struct
import subprocess
import tempfile
import threading
import time
import unittest

SKEIN = str(pathlib.Path(os.environ["SKEIN"]).resolve())
PATIENCE_S = 40  # until a test is sure that something never happens
MIB = 1 << 20


def eventually(condition, otherwise):
    """Waits until the condition holds and returns its value; `otherwise` says what is wrong if it
    never does, or is called for it."""
    deadline = time.monotonic() + PATIENCE_S
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(otherwise() if callable(otherwise) else otherwise)
        time.sleep(0.005)


def free_port():
    """One that the system gives to nobody unasked, for what must come back on the same port."""
    while True:
        port = random.randint(20000, 31999)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
                return port
            except OSError:
                continue


def noise(size, seed=1):
    """Bytes that are nowhere the same, and the same in every run."""
    return random.Random(seed).randbytes(size)


def ended(process):
    """Ends a process that is still there, gently if it can be."""
    if process.poll() is None:
        process.terminate()
    try:
        process.wait(PATIENCE_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    for stream in (process.stdin, process.stdout, process.stderr):
        if stream:
            stream.close()


@dataclasses.dataclass
class Ran:
    """What a run of skein left: its exit code and output."""

    code: int
    out: str
    err: str

    @property
    def last_json(self):
        return json.loads(self.out.splitlines()[-1])


def ran(process):
    """Waits for the end of a process with piped output."""
    out, err = process.communicate(timeout=2 * PATIENCE_S)
    return Ran(process.returncode, out.decode("utf-8", "surrogateescape"),
               err.decode("utf-8", "surrogateescape"))


class Hub:
    """A hub over folder/shared, or over another folder. It can be killed and started again."""

    def __init__(self, folder, *flags, shared=None, port=0):
        self.shared = pathlib.Path(shared or folder / "shared")
        self.shared.mkdir(exist_ok=True)
        self.state = folder / "hub-state"
        self.log_file = folder / "hub.log"
        self.log_file.touch()
        self.flags = flags
        self.port = port
        self.process = None
        self.start()

    def start(self):
        if self.process:
            ended(self.process)
        command = [SKEIN, "serve", self.shared, "--listen", f"127.0.0.1:{self.port}", "--state",
                   self.state, *self.flags]
        with self.log_file.open("ab") as log:
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL,
                                            stdout=subprocess.PIPE, stderr=log)
        late = threading.Timer(PATIENCE_S, self.process.kill)  # then the line below ends empty
        late.start()
        line = self.process.stdout.readline().decode()
        late.cancel()
        _, _, rest = line.partition(" on 127.0.0.1:")
        if not rest:
            ended(self.process)
            raise AssertionError(f"the hub said {line!r}, and in its log: {self.log()}")
        self.port = int(rest.split(",")[0])

    @property
    def address(self):
        return f"127.0.0.1:{self.port}"

    def kill(self):
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()

    def stop(self):
        """Its exit code after SIGTERM."""
        ended(self.process)
        return self.process.returncode

    def log(self):
        return self.log_file.read_text(encoding="utf-8", errors="surrogateescape")

    def memory(self, kind="RssAnon"):
        """The bytes that are its own and in use; see Case.count_memory(). VmData: those that it
        has asked for, used or not."""
        with open(f"/proc/{self.process.pid}/status", encoding="ascii") as status:
            return next(1024 * int(line.split()[1]) for line in status
                        if line.startswith(kind + ":"))

    def complaints(self, about=""):
        """The lines of the log that are more than information."""
        return [line for line in self.log().splitlines()
                if about in line and (" warning " in line or " error " in line)]

    def names(self):
        """What stands in the shared folder, without what is Skein's own."""
        return names_in(self.shared)


def names_in(folder):
    """The path of everything below a folder, without what is Skein's own."""
    found = []
    for where, folders, files in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith(".skein")]
        inside = os.path.relpath(where, folder)
        found += [os.path.normpath(os.path.join(inside, name)) for name in folders + files]
    return sorted(found)


def partials_in(folder):
    """The names of what is being received into a folder, or was when it was cut off."""
    return sorted(path.stem for path in pathlib.Path(folder, ".skein", "partial").glob("*.data"))


def claims_in(folder):
    """How many blocks the journals of a folder claim: docs/disk.md tells their form."""
    claims = 0
    for path in pathlib.Path(folder, ".skein", "partial").glob("*.journal"):
        journal = path.read_bytes()
        if len(journal) < 12:
            continue
        (body,) = struct.unpack_from("<I", journal, 8)
        claims += max(0, len(journal) - 16 - body) // 32
    return claims


def trash_of(folder):
    """The contents of the files in trash, oldest first, each with the path where it stood."""
    trash = pathlib.Path(folder, ".skein", "trash")
    return [((trash / f"{path.name}.path").read_text(), path.read_bytes())
            for path in sorted(trash.glob("*")) if path.suffix != ".path" and path.is_file()]


class Case(unittest.TestCase):
    """A test with a folder of its own, as the home of whoever runs skein in it."""

    maxDiff = 4000

    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="skein-test-")
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.here = self.folder / "here"  # where skein runs
        self.here.mkdir()
        self.environment = {
            "PATH": os.environ["PATH"], "HOME": str(self.folder), "USER": "lin",
            "LANG": "C.UTF-8", "TZ": "UTC",
            **{key: value for key, value in os.environ.items() if key.endswith("SAN_OPTIONS")},
        }

    def count_memory(self):
        """Before a hub is started whose memory is to be counted: a sanitizer keeps what was
        freed."""
        kept = os.environ.get("ASAN_OPTIONS", "")
        none = "quarantine_size_mb=0:thread_local_quarantine_size_kb=0"
        os.environ["ASAN_OPTIONS"] = f"{kept}:{none}"
        self.addCleanup(os.environ.update, ASAN_OPTIONS=kept)

    def hub(self, *flags, shared=None, port=0):
        hub = Hub(self.folder, "--name", "ada", *flags, shared=shared, port=port)
        self.addCleanup(self.assert_ended_well, hub)
        self.environment["SKEIN_HUB"] = hub.address
        return hub

    def assert_ended_well(self, hub):
        """Whatever a test did to it, a hub ends in order, or by the test's own kill."""
        ended(hub.process)
        self.assertIn(hub.process.returncode, (0, -signal.SIGKILL), hub.log())

    def relay(self, hub, *faults):
        """A relay in front of the hub, which the client calls from now on."""
        relay = Relay(hub.port, faults)
        self.addCleanup(relay.close)
        self.environment["SKEIN_HUB"] = f"127.0.0.1:{relay.port}"
        return relay

    def write(self, path, content, folder=None):
        """A file in the folder in which skein runs, with what is on the way to it."""
        file = (folder or self.here) / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
        return file

    def start(self, *arguments, **more):
        usual = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE,
                 "stderr": subprocess.PIPE}
        process = subprocess.Popen([SKEIN, *arguments], cwd=self.here, env=self.environment,
                                   **{**usual, **more})
        self.addCleanup(lambda: ended(process))
        return process

    def skein(self, *arguments, typed=None):
        process = self.start(*arguments,
                             stdin=subprocess.DEVNULL if typed is None else subprocess.PIPE)
        if typed is not None:
            process.stdin.write(typed.encode())
            process.stdin.close()
            process.stdin = None
        return ran(process)

    def done(self, *arguments):
        """Runs what must succeed."""
        result = self.skein(*arguments)
        self.assertEqual((result.code, result.err), (0, ""), result)
        return result

    def converse(self, hub, hello=True, near="127.0.0.1"):
        conversation = Conversation(hub.port, near)
        self.addCleanup(conversation.close)
        if hello:
            conversation.hello()
        return conversation

    def assert_serves(self, hub):
        """The hub still takes a file, from a client of its own kind."""
        content = noise(5000, seed="still serves")
        with Conversation(hub.port) as other:
            other.hello()
            other.put("still serves", content)
        self.assertEqual((hub.shared / "still serves").read_bytes(), content)
        (hub.shared / "still serves").unlink()


def frame(head, payload=b""):
    """A frame from a dictionary, or from the bytes that stand in place of one."""
    if not isinstance(head, bytes):
        head = json.dumps(head, separators=(",", ":")).encode("utf-8", "surrogateescape")
    return struct.pack("<I", len(head)) + head + payload


class Conversation:
    """A client that speaks in single frames, and may say what no good client would."""

    def __init__(self, port, near="127.0.0.1"):
        self.socket = socket.create_connection(("127.0.0.1", port), PATIENCE_S, (near, 0))
        self.name = "127.0.0.1:%d" % self.socket.getsockname()[1]  # as the hub's log has it
        self.reader = self.socket.makefile("rb")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.reader.close()
        self.socket.close()

    def send(self, data):
        self.socket.sendall(data)

    def answer(self):
        """The next frame, as (dictionary, payload); nothing at the connection's end."""
        try:
            length = self.reader.read(4)
            if len(length) < 4:
                return None
            head = json.loads(self.reader.read(struct.unpack("<I", length)[0]))
            return head, self.reader.read(head.get("size", 0))
        except ConnectionError:
            return None

    def rest(self):
        """All that comes until the hub ends the connection."""
        try:
            return self.reader.read()
        except ConnectionError:
            return b""

    def ask(self, payload=b"", **fields):
        """The whole answer to one request, its parts put together."""
        size = {"size": len(payload)} if payload else {}
        self.send(frame({"id": 1, **fields, **size}, payload))
        whole, body = {"more": True}, b""
        while whole.pop("more", False):
            part = self.answer()
            if part is None:
                raise AssertionError(f"the hub ended the connection instead of answering {fields}")
            whole.update(part[0])
            body += part[1]
        return whole, body

    def code(self, payload=b"", **fields):
        """The error code of the answer, "ok" when there is none."""
        answer, _ = self.ask(payload, **fields)
        return "ok" if answer["ok"] else answer["error"]

    def hello(self, **more):
        answer, _ = self.ask(op="hello", min=1, max=1, **more)
        assert answer["ok"], answer

    def put(self, path, content, **more):
        """A whole file, without digests; the answer to its commit."""
        opened, _ = self.ask(op="put", path=path, total=len(content), **more)
        assert opened["ok"], opened
        size = opened["block_size"]
        for at in range(0, len(content), size):
            sent, _ = self.ask(content[at:at + size], op="block", handle=opened["handle"],
                               block=at // size)
            assert sent["ok"], sent
        committed, _ = self.ask(op="commit", handle=opened["handle"])
        assert committed["ok"], committed
        return committed


UP, DOWN = "up", "down"  # to the hub, to the client


@dataclasses.dataclass
class Fault:
    """What happens to one connection once so many bytes passed in one direction, or at the first
    byte after a text: cut, stall, or flip (one bit)."""

    what: str
    direction: str
    after: int = 0
    text: bytes = b""


class Relay:
    """Passes bytes between clients and a hub. Its connections meet the faults one after the other,
    the ones after that none."""

    def __init__(self, port, faults=()):
        self.hub_port = port
        self.faults = list(faults)
        self.passed = {UP: 0, DOWN: 0}
        self.dialled = 0
        self.stalled = threading.Event()
        self.released = threading.Event()
        self.sockets = []
        self.lock = threading.Lock()
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self):
        self.released.set()
        self.cut()
        _end(self.listener)  # closing alone would not wake its accept

    def cut(self):
        """Ends every connection there is."""
        with self.lock:
            sockets, self.sockets = self.sockets, []
        for one in sockets:
            _end(one)

    def wait_stalled(self):
        if not self.stalled.wait(PATIENCE_S):
            raise AssertionError(f"nothing stalled, after {self.passed}")

    def _accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            self.dialled += 1
            fault = self.faults.pop(0) if self.faults else None
            try:
                hub = socket.create_connection(("127.0.0.1", self.hub_port))
            except OSError:
                client.close()
                continue
            with self.lock:
                self.sockets += [client, hub]
            for direction, ends in ((UP, (client, hub)), (DOWN, (hub, client))):
                mine = fault if fault and fault.direction == direction else None
                threading.Thread(target=self._pump, args=(*ends, direction, mine),
                                 daemon=True).start()

    def _pump(self, source, sink, direction, fault):
        try:
            here = 0
            while data := source.recv(65536):
                at = _where(fault, data, here)
                here += len(data)
                if at is not None:
                    data = self._harm(fault, data, at, source, sink, direction)
                    fault = None
                self._pass(sink, data, direction)
            sink.shutdown(socket.SHUT_WR)
        except OSError:
            _end(source)
            _end(sink)

    def _harm(self, fault, data, at, source, sink, direction):
        if fault.what == "flip":
            return data[:at] + bytes([data[at] ^ 1]) + data[at + 1:]
        self._pass(sink, data[:at], direction)
        if fault.what == "stall":
            self.stalled.set()
            self.released.wait()
        else:
            _end(source)
            _end(sink)
        return data[at:]

    def _pass(self, sink, data, direction):
        sink.sendall(data)
        self.passed[direction] += len(data)


def _where(fault, data, before):
    """Where in these bytes the fault happens, if it does."""
    if fault is None:
        return None
    if fault.text:
        found = data.find(fault.text)
        return None if found < 0 else found + len(fault.text)
    at = fault.after - before
    return at if 0 <= at < len(data) else None


def _end(one):
    try:
        one.shutdown(socket.SHUT_RDWR)
    except OSError:
        pass
    one.close()


def interrupt(process):
    process.send_signal(signal.SIGINT)
