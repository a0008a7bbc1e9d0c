"""Messages: what is said in a room until everybody has it, beside nats-server, which keeps nothing;
what the disk allows; what a large put does to it; and many members at once.

Nothing is pinned: each server has the same two cores, and shares them with the same load. The room
log lies on a real disk, under build/.
"""

import contextlib
import json
import pathlib
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

from files import bare_copy, write_random
from support import BUILD, PEERS, SKEIN, keep, run

ROUNDS = 5
# members, in flight, messages: so many that a round takes some seconds
ROOMS = [(1_000, 16, 6_000), (100, 64, 45_000)]
SENDERS, SAID = 100, 40_000
ROW_BYTES = 256  # of a message of 128 bytes in the log, with what stands around it
COMMITS = 2_000
PUT_ROUNDS, PUT_BYTES, PUT_EVERY_US, PUT_IN_FLIGHT = 3, 2 << 30, 2_000, 32
RETURNING, MISSED = 5_000, 100
IDLE = 9_000


class Server:
    """A server on a port of its own, ended with the `with` block."""

    def __init__(self, folder, dialect, command, listening):
        self.dialect = dialect
        self.said = folder / f"{dialect}.log"
        with self.said.open("wb") as said:
            self.process = subprocess.Popen(list(map(str, command)), stdin=subprocess.DEVNULL,
                                            stdout=said, stderr=subprocess.STDOUT)
        for _ in range(2_000):
            found = re.search(listening, self.said.read_text(errors="replace"), re.DOTALL)
            if found:
                self.port = found[1]
                return
            time.sleep(0.01)
        self.process.kill()
        raise RuntimeError(f"{command[0]} did not start: {self.said.read_text(errors='replace')}")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait()

    def private_bytes(self):
        rollup = pathlib.Path(f"/proc/{self.process.pid}/smaps_rollup").read_text()
        return 1024 * int(re.search(r"Private_Dirty:\s+(\d+)", rollup)[1])


def hub(folder, shared=None):
    """A hub that knows nobody yet, whose members may say as much as they like."""
    state = folder / "state"
    shutil.rmtree(state, ignore_errors=True)
    shared = shared or folder / "shared"
    shared.mkdir(exist_ok=True)
    return Server(folder, "skein", [SKEIN, "serve", shared, "--listen", "127.0.0.1:0", "--state",
                                    state, "--message-rate", "0"], r" on 127\.0\.0\.1:(\d+),")


def nats(folder):
    """With what it chooses by itself: it logs little, and keeps nothing."""
    return Server(folder, "nats", ["/usr/sbin/nats-server", "-a", "127.0.0.1", "-p", "-1"],
                  r"connections on 127\.0\.0\.1:(\d+)\n.*Server is ready")


def echo(folder):
    return Server(folder, "echo", [PEERS / "bare_epoll", "127.0.0.1:0"], r":(\d+)\s")


def load(what, server, *numbers):
    """Runs the load to its end; the line of JSON that it ends with."""
    done = subprocess.run([PEERS / "chat_load", what, server.dialect, server.port,
                           *map(str, numbers)], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, timeout=300, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"chat_load {what} {server.dialect}: {done.stderr.decode()}")
    return json.loads(done.stdout.splitlines()[-1])


@contextlib.contextmanager
def loaded(what, server, *numbers):
    """The load while the `with` block runs; `result` of what is given has its numbers afterwards."""
    class Load:
        result = None

    with subprocess.Popen([PEERS / "chat_load", what, server.dialect, server.port,
                           *map(str, numbers)], stdin=subprocess.PIPE,
                          stdout=subprocess.PIPE) as process:
        if process.stdout.readline() != b"ready\n":
            raise RuntimeError(f"chat_load {what} {server.dialect} did not begin")
        yield Load
        process.stdin.close()
        last = process.stdout.read()
        if process.wait() != 0:
            raise RuntimeError(f"chat_load {what} {server.dialect} failed")
        if last:
            Load.result = json.loads(last)


def dot():
    print(".", end="", file=sys.stderr, flush=True)


def median(runs, key):
    return statistics.median(run_[key] for run_ in runs)


def compare_rooms(folder, members, in_flight, messages):
    """One sender and a room; the servers take turns. Prints and returns the runs."""
    rows = {"skein": [], "nats-server": []}
    servers = {"skein": hub, "nats-server": nats}
    for number in range(ROUNDS):
        for name in list(servers) if number % 2 == 0 else list(reversed(servers)):
            with servers[name](folder) as server:
                rows[name].append(load("talk", server, members, 1, in_flight, messages))
        dot()
    print(file=sys.stderr)
    print(f"\none sender, a room of {members:,}, 128 bytes, {in_flight} in flight")
    print("|             | deliveries/s | times nats | p50 ms | p99 ms | max ms | answered p99 ms |")
    print("|---|---|---|---|---|---|---|")
    for name, runs in rows.items():
        ratio = statistics.median(
            mine["deliveries_per_second"] / theirs["deliveries_per_second"]
            for mine, theirs in zip(runs, rows["nats-server"], strict=True))
        print(f"| {name:11} | {median(runs, 'deliveries_per_second'):12,.0f} | {ratio:10.2f} | "
              f"{median(runs, 'delivery_p50_ms'):6.1f} | {median(runs, 'delivery_p99_ms'):6.1f} | "
              f"{median(runs, 'delivery_max_ms'):6.1f} | "
              f"{median(runs, 'acknowledgement_p99_ms'):15.1f} |")
    return rows


def many_senders(folder):
    """Acknowledged a second, beside as many rows a commit with nothing around it."""
    said, bare = [], []
    for _ in range(ROUNDS):
        with hub(folder) as server:
            said.append(load("talk", server, 1, SENDERS, 1, SAID))
        bare.append(SENDERS * float(run(PEERS / "bare_commit", folder / "bare", SENDERS, ROW_BYTES,
                                        COMMITS)))
        dot()
    print(file=sys.stderr)
    ours, theirs = median(said, "said_per_second"), statistics.median(bare)
    print(f"\n{SENDERS} senders, one room, one in flight each: {ours:,.0f} acknowledged a second, "
          f"p99 {median(said, 'acknowledgement_p99_ms'):.1f} ms\n"
          f"the disk, {SENDERS} rows to a commit: {theirs:,.0f} rows a second "
          f"({ours / theirs:.3f} of it)")
    return {"skein": said, "bare": bare}


def beside_a_put(folder):
    """How long a message takes while a file of 2 GiB is put at full speed; beside it an echo with
    nothing around it while the same file goes through the loop that only hashes."""
    rows = {"skein": [], "bare": []}
    with tempfile.TemporaryDirectory(prefix="skein-bench-", dir="/dev/shm") as temporary:
        fast = pathlib.Path(temporary)
        big = fast / "big.bin"
        write_random(big, PUT_BYTES)
        talk = (1, 1, PUT_IN_FLIGHT, 0, PUT_EVERY_US)
        for _ in range(PUT_ROUNDS):
            with echo(folder) as server, loaded("talk", server, *talk) as bare:
                bare_copy(big, fast / "copy")
            (fast / "copy").unlink()
            rows["bare"].append(bare.result)
            with hub(folder, fast / "shared") as server, loaded("talk", server, *talk) as ours:
                run(SKEIN, "put", big, "--hub", f"127.0.0.1:{server.port}", "--state",
                    fast / "client", "--quiet")
            shutil.rmtree(fast / "shared")
            rows["skein"].append(ours.result)
            dot()
    print(file=sys.stderr)
    print(f"\na message every {PUT_EVERY_US / 1000:.0f} ms while {PUT_BYTES >> 30} GiB are put")
    print("|                              | p50 ms | p99 ms | max ms |")
    print("|---|---|---|---|")
    for name, runs in (("bare echo, bare hashing loop", rows["bare"]), ("skein", rows["skein"])):
        print(f"| {name:28} | {median(runs, 'delivery_p50_ms'):6.2f} | "
              f"{median(runs, 'delivery_p99_ms'):6.2f} | {median(runs, 'delivery_max_ms'):6.1f} |")
    ratio = median(rows["skein"], "delivery_p99_ms") / median(rows["bare"], "delivery_p99_ms")
    print(f"p99, times the bare: {ratio:.2f}")
    return rows


def many_members(folder):
    """A crowd that comes back all at once, and one that only listens."""
    with hub(folder) as server:
        load("talk", server, RETURNING, 1, 16, 2 * MISSED)
        back = load("return", server, RETURNING, MISSED, MISSED)
        print(f"\n{RETURNING:,} members come back at once, {MISSED} messages behind: connected in "
              f"{back['entered_s']:.2f} s, all caught up in {back['caught_up_s']:.2f} s")
    with hub(folder) as server:
        load("talk", server, 1, 1, 1, 1)
        before = server.private_bytes()
        with loaded("idle", server, IDLE):
            each = (server.private_bytes() - before) / IDLE
        print(f"{IDLE:,} idle members: {each:,.0f} bytes of the hub's memory each")
    return {"back": back, "idle_bytes": each}


def measure():
    (BUILD / "bench").mkdir(parents=True, exist_ok=True)
    tables = {}
    with tempfile.TemporaryDirectory(prefix="chat-", dir=BUILD / "bench") as temporary:
        folder = pathlib.Path(temporary)
        kind = run("stat", "-f", "-c", "%T", folder).strip()
        if kind in ("tmpfs", "ramfs"):
            raise RuntimeError(f"{folder} lies on {kind}: a message would never meet a disk")
        for members, in_flight, messages in ROOMS:
            title = f"{members} members, {in_flight} in flight"
            tables[title] = compare_rooms(folder, members, in_flight, messages)
        tables["senders"] = many_senders(folder)
        tables["put"] = beside_a_put(folder)
        tables["members"] = many_members(folder)
    keep("chat", tables)
