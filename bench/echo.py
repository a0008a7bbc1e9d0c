"""Upper-case echo, 64 bytes: the library's event-driven servers against bare loops and other
libraries' servers, and a soak.

The server is on one core, the load on the other: unpinned rounds rank nothing.
"""

import pathlib
import re
import resource
import statistics
import subprocess
import sys
import time
import typing

from support import PEERS, SKEIN, keep

EXAMPLES = SKEIN.parent / "examples"
SCRIPTS = pathlib.Path(__file__).resolve().parent / "peers"
ROUNDS = 5
WARM_REQUESTS = 20_000
# connections, in flight, requests
TCP = [(100, 1, 250_000), (100, 16, 3_000_000), (1_000, 1, 250_000)]
UDP = (16, 16, 500_000)
IDLE = 9_000
SERVER_CORE, LOAD_CORE = "0", "1"


class Side(typing.NamedTuple):
    """A server: what starts it, with the address between `program` and `options`.

    `share`: how much of a case's requests it is asked, so that a slow side does not take all the
    time.
    """

    program: tuple
    options: tuple = ()
    share: float = 1


ONE_THREAD = ("--threads", "1")
TCP_SIDES = {
    "bare epoll loop": Side((PEERS / "bare_epoll",)),
    "upper_tcp": Side((EXAMPLES / "upper_tcp",), ONE_THREAD),
    "Asio, coroutines": Side((PEERS / "asio_tcp",)),
    "libuv, tuned": Side((PEERS / "libuv_tcp",)),
    "libuv, as in tutorials": Side((PEERS / "libuv_tutorial_tcp",), share=1 / 2),
    "Python's, with threads": Side(("/usr/bin/python3", SCRIPTS / "python_tcp.py"), share=1 / 20),
}
UDP_SIDES = {
    "bare recvmmsg loop": Side((PEERS / "bare_mmsg",)),
    "upper_udp": Side((EXAMPLES / "upper_udp",), ONE_THREAD),
    "Asio, coroutines": Side((PEERS / "asio_udp",)),
    "libuv, tuned": Side((PEERS / "libuv_udp",)),
    "Python's, with threads": Side(("/usr/bin/python3", SCRIPTS / "python_udp.py"), share=1 / 40),
}


class Server:
    """A server on its core, ended with the `with` block."""

    def __init__(self, side):
        self.process = subprocess.Popen(
            ["taskset", "-c", SERVER_CORE, *side.program, "127.0.0.1:0", *side.options],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        listening = re.search(r":(\d+)\s", self.process.stdout.readline().decode())
        if listening is None:
            self.process.terminate()
            said = self.process.communicate()[1].decode()
            raise RuntimeError(f"{side.program[-1]} did not start: {said}")
        self.port = listening[1]
        self.own = pathlib.Path(f"/proc/{self.process.pid}")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.communicate()

    def cpu_seconds(self):
        # The process's own clock: user and system, and threads that have ended are in it too. The
        # number is what clock_getcpuclockid() makes of a process, for which Python has no name.
        return time.clock_gettime((~self.process.pid << 3) | 2)

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


def tcp_run(side, case):
    connections, in_flight, requests = case
    requests = int(requests * side.share)
    with Server(side) as server:
        load("tcp", server.port, min(connections, 100), 1, int(WARM_REQUESTS * side.share))
        before = server.cpu_seconds()
        rate = load("tcp", server.port, connections, in_flight, requests)[0]
        return {"per_second": rate,
                "cpu_us": (server.cpu_seconds() - before) / requests * 1e6}


def udp_run(side, case):
    clients, in_flight, requests = case
    with Server(side) as server:
        load("udp", server.port, clients, in_flight, int(WARM_REQUESTS * side.share))
        before = server.cpu_seconds()
        rate, answered, lost = load("udp", server.port, clients, in_flight,
                                    int(requests * side.share))
        return {"per_second": rate, "lost": lost,
                "cpu_us": (server.cpu_seconds() - before) / answered * 1e6}


def compare(title, run, sides, case):
    """Rounds in which the sides take turns; prints medians of the ratios to the first side."""
    rows = {name: [] for name in sides}
    for number in range(ROUNDS):
        names = list(sides) if number % 2 == 0 else list(reversed(sides))
        for name in names:
            rows[name].append(run(sides[name], case))
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


def idle(side):
    """User memory of the server for each connection that waits in its read."""
    with Server(side) as server:
        before = server.user_bytes()
        with subprocess.Popen([PEERS / "load", "idle", server.port, str(IDLE)],
                              stdin=subprocess.PIPE, stdout=subprocess.PIPE) as clients:
            if clients.stdout.readline() != b"idle\n":
                raise RuntimeError("the idle connections did not come up")
            return (server.user_bytes() - before) / IDLE


def soak(side):
    """Connections that come, go, reset and throw, and a million requests; what is left behind."""
    with Server(side) as server:
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
    # The children inherit it: not every server raises it by itself.
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    tables = {}
    for case in TCP:
        title = f"TCP, {case[0]:,} connections, {case[1]} in flight"
        tables[title] = compare(title, tcp_run, TCP_SIDES, case)
    title = f"UDP, {UDP[0]} clients, {UDP[1]} in flight"
    tables[title] = compare(title, udp_run, UDP_SIDES, UDP)
    tables["idle"] = idle(TCP_SIDES["upper_tcp"])
    print(f"\nan idle connection of {IDLE:,}: {tables['idle']:.0f} bytes of the server's memory")
    tables["soak"] = soak(Side((PEERS / "throwing_tcp",), ("--threads", "2")))
    print(f"soak: {tables['soak']}")
    if tables["soak"]["descriptors_after"] > tables["soak"]["descriptors_before"]:
        raise RuntimeError("descriptors were leaked")
    if tables["soak"]["widest_twice"] > tables["soak"]["widest_once"] * 1.02:
        raise RuntimeError("memory was leaked")
    keep("echo", tables)
