"""Upper-case echo, 64 bytes: the library's event-driven servers against bare loops, and a soak.

The server has one thread on one core, the load has the other: unpinned rounds rank nothing.
"""

import pathlib
import re
import statistics
import subprocess
import sys

from support import PEERS, SKEIN, keep

EXAMPLES = SKEIN.parent / "examples"
ROUNDS = 5
# connections, in flight, requests
TCP = [(100, 1, 400_000), (100, 16, 6_000_000), (1_000, 1, 400_000)]
UDP = (16, 16, 1_000_000)
IDLE = 9_000
SERVER_CORE, LOAD_CORE = "0", "1"


class Server:
    """A server on its core, ended with the `with` block."""

    def __init__(self, program, *options):
        self.process = subprocess.Popen(
            ["taskset", "-c", SERVER_CORE, program, "127.0.0.1:0", *options],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.port = re.search(r":(\d+)\s", self.process.stdout.readline().decode())[1]
        self.own = pathlib.Path(f"/proc/{self.process.pid}")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.communicate()

    def cpu_seconds(self):
        # Of all threads, user and system; in nanoseconds where utime and stime count ticks.
        return sum(int((task / "schedstat").read_text().split()[0])
                   for task in (self.own / "task").iterdir()) / 1e9

    def user_bytes(self):
        status = (self.own / "status").read_text()
        return 1024 * int(re.search(r"RssAnon:\s+(\d+)", status)[1])

    def descriptors(self):
        return len(list((self.own / "fd").iterdir()))


def load(*arguments, **more):
    done = subprocess.run(["taskset", "-c", LOAD_CORE, PEERS / "load", *map(str, arguments)],
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, timeout=300, check=False, **more)
    if done.returncode != 0:
        raise RuntimeError(f"load {arguments}: {done.stderr.decode()}")
    return [float(word) for word in done.stdout.split()]


def tcp_run(program, options, case):
    connections, in_flight, requests = case
    with Server(program, *options) as server:
        load("tcp", server.port, min(connections, 100), 1, 20_000)  # warm
        before = server.cpu_seconds()
        rate = load("tcp", server.port, connections, in_flight, requests)[0]
        return {"per_second": rate,
                "cpu_us": (server.cpu_seconds() - before) / requests * 1e6}


def udp_run(program, options, case):
    clients, in_flight, requests = case
    with Server(program, *options) as server:
        load("udp", server.port, clients, in_flight, 20_000)
        before = server.cpu_seconds()
        rate, answered, lost = load("udp", server.port, clients, in_flight, requests)
        return {"per_second": rate, "lost": lost,
                "cpu_us": (server.cpu_seconds() - before) / answered * 1e6}


def compare(title, run, sides, case):
    """Rounds in which the sides take turns; prints medians of the ratios to the first side."""
    rows = {name: [] for name in sides}
    for number in range(ROUNDS):
        names = list(sides) if number % 2 == 0 else list(reversed(sides))
        for name in names:
            rows[name].append(run(*sides[name], case))
        print(".", end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)
    yardstick = next(iter(sides))
    print(f"\n{title}")
    print(f"| {'':24} | per second | µs of CPU each | rate, times the bare | CPU, times the bare |")
    print("|---|---|---|---|---|")
    for name, runs in rows.items():
        def median(key, runs=runs):
            return statistics.median(one[key] for one in runs)

        def ratio(key, runs=runs):
            return statistics.median(mine[key] / bare[key] for mine, bare
                                     in zip(runs, rows[yardstick], strict=True) if bare[key])

        print(f"| {name:24} | {median('per_second'):10,.0f} | {median('cpu_us'):14.3f} | "
              f"{ratio('per_second'):20.3f} | {ratio('cpu_us'):19.3f} |")
    return rows


def idle(program, options):
    """User memory of the server for each connection that waits in its read."""
    with Server(program, *options) as server:
        before = server.user_bytes()
        with subprocess.Popen([PEERS / "load", "idle", server.port, str(IDLE)],
                              stdin=subprocess.PIPE, stdout=subprocess.PIPE) as clients:
            if clients.stdout.readline() != b"idle\n":
                raise RuntimeError("the idle connections did not come up")
            return (server.user_bytes() - before) / IDLE


def soak(program, options):
    """Connections that come, go, reset and throw, and a million requests; what is left behind."""
    with Server(program, *options) as server:
        load("churn", server.port, 500, 4)
        load("tcp", server.port, 100, 1, 20_000)
        descriptors, memory = settled(server)
        load("churn", server.port, IDLE // 3, 9)
        load("tcp", server.port, 1_000, 1, 1_000_000)
        load("churn", server.port, 500, 20)
        # Once more at full width: what it takes the second time was never given back.
        width = 0
        for _ in range(2):
            with subprocess.Popen([PEERS / "load", "idle", server.port, str(IDLE)],
                                  stdin=subprocess.PIPE, stdout=subprocess.PIPE) as clients:
                clients.stdout.readline()
                last, width = width, server.user_bytes()
        left, _ = settled(server)
        return {"descriptors_before": descriptors, "descriptors_after": left,
                "bytes_before": memory, "widest_once": last, "widest_twice": width}


def settled(server):
    """Descriptors and memory once nobody is connected: what the load closed is seen soon."""
    count = None
    for _ in range(200):
        now = server.descriptors()
        if now == count:
            break
        count = now
        load("tcp", server.port, 1, 1, 2_000)
    return server.descriptors(), server.user_bytes()


def measure():
    one = ("--threads", "1")
    tables = {}
    for case in TCP:
        title = f"TCP, {case[0]:,} connections, {case[1]} in flight"
        tables[title] = compare(title, tcp_run, {"bare epoll loop": (PEERS / "bare_epoll", ()),
                                                 "upper_tcp": (EXAMPLES / "upper_tcp", one)}, case)
    title = f"UDP, {UDP[0]} clients, {UDP[1]} in flight"
    tables[title] = compare(title, udp_run, {"bare recvmmsg loop": (PEERS / "bare_mmsg", ()),
                                             "upper_udp": (EXAMPLES / "upper_udp", one)}, UDP)
    tables["idle"] = idle(EXAMPLES / "upper_tcp", one)
    print(f"\nan idle connection of {IDLE:,}: {tables['idle']:.0f} bytes of the server's memory")
    tables["soak"] = soak(PEERS / "throwing_tcp", ("--threads", "2"))
    print(f"soak: {tables['soak']}")
    if tables["soak"]["descriptors_after"] > tables["soak"]["descriptors_before"]:
        raise RuntimeError("descriptors were leaked")
    if tables["soak"]["widest_twice"] > tables["soak"]["widest_once"] * 1.02:
        raise RuntimeError("memory was leaked")
    keep("echo", tables)
