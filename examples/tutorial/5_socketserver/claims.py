"""Part 5, socketserver: Python's servers and ours, blocking, threading and event-driven, both ways."""

import contextlib
import pathlib
import socket

from support import PATIENCE_S, Program, example, expect, output_of, python

HERE = pathlib.Path(__file__).resolve().parent
CLIENT = HERE / "client.py"
SERVER = HERE / "server.py"
PROGRAM = example("tutorial_socketserver")

OURS = {
    "tcp": "TCPServer", "threading_tcp": "ThreadingTCPServer", "async_tcp": "AsyncTCPServer",
    "udp": "UDPServer", "threading_udp": "ThreadingUDPServer", "async_udp": "AsyncUDPServer",
}
THEIRS = ("tcp", "threading_tcp", "udp", "threading_udp")
TEXTS = ("hello", "线团 und so", "once more")
ANSWERS = "HELLO\n线团 UND SO\nONCE MORE\n"


def carrier(kind):
    return kind.rpartition("_")[2]


def ours(kind, folder):
    return Program([PROGRAM, "serve", kind, "127.0.0.1", "0"], folder / f"ours_{kind}.out")


def theirs(kind, folder):
    return Program(python(SERVER, kind, "127.0.0.1", 0), folder / f"theirs_{kind}.out")


def served(server, times):
    """It said whose request it served, and what was sent."""
    server.says(" hello\n", times=times)
    for text in TEXTS:
        expect(f" {text}\n" in server.said(), server.said())


def our_servers(claims, folder):
    for kind, name in OURS.items():
        with ours(kind, folder) as server:
            with claims.claim(f"{name}: the tutorial's client, three of them one after the other, "
                              "each answered and named"):
                for _ in range(3):
                    said = output_of(python(CLIENT, carrier(kind), "127.0.0.1", server.port(),
                                            *TEXTS))
                    expect(said == ANSWERS, said)
                served(server, 3)
            with claims.claim(f"{name}: a handler that throws is told with its type and message, "
                              "and the next client is served"):
                provoke(kind, server.port())
                server.says("AskedToFail: as it was asked to")
                said = output_of([PROGRAM, "ask", carrier(kind), "127.0.0.1", str(server.port()),
                                  *TEXTS])
                expect(said == ANSWERS, said)
                expect(server.lives(), server.said())


def provoke(kind, port):
    tcp = carrier(kind) == "tcp"
    with socket.socket(type=socket.SOCK_STREAM if tcp else socket.SOCK_DGRAM) as client:
        client.settimeout(PATIENCE_S)
        client.connect(("127.0.0.1", port))
        client.send(b"fail")
        if tcp:
            with contextlib.suppress(ConnectionResetError):
                expect(client.recv(100) == b"", "it answered all the same")


def their_servers(claims, folder):
    for kind in THEIRS:
        with theirs(kind, folder) as server:
            with claims.claim(f"Python's {OURS[kind]}: our client"):
                said = output_of([PROGRAM, "ask", carrier(kind), "127.0.0.1", str(server.port()),
                                  *TEXTS])
                expect(said == ANSWERS, said)
                served(server, 1)


def silent_clients(claims, folder):
    for kind in ("threading_tcp", "async_tcp"):
        with ours(kind, folder) as server, contextlib.ExitStack() as silent:
            with claims.claim(f"{OURS[kind]}: fifty clients that are connected and say nothing keep "
                              "nobody waiting"):
                connections = [silent.enter_context(
                    socket.create_connection(("127.0.0.1", server.port()), PATIENCE_S))
                    for _ in range(50)]
                said = output_of(python(CLIENT, "tcp", "127.0.0.1", server.port(), *TEXTS))
                expect(said == ANSWERS, said)
                for number, connection in enumerate(connections):
                    connection.sendall(b"late %d" % number)
                for number, connection in enumerate(connections):
                    answer = connection.recv(1024)
                    expect(answer == b"LATE %d" % number, f"client {number} got {answer}")
    with ours("tcp", folder) as server:
        with claims.claim("TCPServer: one at a time, as Python's: the second is served when the "
                          "first has left"):
            first = socket.create_connection(("127.0.0.1", server.port()), PATIENCE_S)
            first.sendall(b"first")
            expect(first.recv(100) == b"FIRST", "the first was not served")
            with socket.create_connection(("127.0.0.1", server.port()), PATIENCE_S) as second:
                second.sendall(b"second")
                first.sendall(b"first again")
                expect(first.recv(100) == b"FIRST AGAIN", "the first was not served any more")
                expect(" second\n" not in server.said(), "both were served at once")
                first.close()
                expect(second.recv(100) == b"SECOND", "the second was never served")


def stopping(claims, folder):
    with claims.claim("all six end in order at SIGTERM"):
        for kind in OURS:
            server = ours(kind, folder)
            with server:
                server.port()
            expect(server.process.returncode == 0,
                   f"{kind} ended with {server.process.returncode}: {server.said()}")


def check(claims, folder):
    our_servers(claims, folder)
    their_servers(claims, folder)
    silent_clients(claims, folder)
    stopping(claims, folder)
