"""Part 3, UDP: boundaries, empty datagrams, nobody there, many at once; the tutorial's and ours."""

import pathlib
import socket
import subprocess

from support import PATIENCE_S, Program, example, expect, lessons, output_of, python

HERE = pathlib.Path(__file__).resolve().parent
CLIENT = HERE / "udp_client.py"
SERVER = HERE / "udp_server.py"
PROGRAM = example("tutorial_udp")


def properties(claims):
    lesson = {}
    with claims.claim("the lesson runs to its end"):
        lesson = lessons([PROGRAM, "show"])

    def shows(text, heading, *lines):
        with claims.claim(text):
            there = [line.strip() for line in lesson.get(heading, "").splitlines()]
            expect(there == list(lines), f"under '{heading}' stands {there}")

    shows("three datagrams are three receives: nothing sticks together",
          "three datagrams are three receives", *["received   'hello'"] * 3)
    shows("an empty datagram is sent, and arrives as one",
          "an empty datagram arrives", "received   0 bytes", "received   8 bytes")
    shows("one that is too long is cut, said to be, and does not run into the next",
          "one that is longer than was asked for is cut, and the rest is gone",
          "received   '0123', cut", "received   'next', whole")
    shows("sending where nobody listens is no error; a connected socket learns of it",
          "sending where nobody listens", "sender     no error", "sender     no answer either",
          "connected  socketserver::ConnectionRefused")
    shows("loss is no error for anybody: who numbers his datagrams sees it, and asks again",
          "a lost datagram is the caller's matter", "sender     no error",
          "received   fewer than were sent", "asked again all are here")


def both_ways(claims, folder):
    texts = ["hello", "", "线团 und so"]
    with Program([PROGRAM, "serve", "127.0.0.1", "0"], folder / "ours.out") as server:
        with claims.claim("the tutorial's client and our server: every datagram has its answer, "
                          "the empty one too"):
            said = output_of(python(CLIENT, "127.0.0.1", server.port(), *texts))
            answers = [line.partition(" b")[2] for line in said.splitlines()]
            expect(answers == [repr(text.encode().upper())[1:] for text in texts], said)
    with Program(python(SERVER, "127.0.0.1", 0), folder / "theirs.out") as server:
        with claims.claim("our client and the tutorial's server"):
            said = output_of([PROGRAM, "ask", "127.0.0.1", str(server.port()), *texts])
            expect(said == "HELLO\n\n线团 UND SO\n", said)
        with claims.claim("three datagrams of ours are three receives of the tutorial's server"):
            output_of([PROGRAM, "send", "127.0.0.1", str(server.port()), *["one by one"] * 3])
            server.says("b'one by one'", times=3)


def many_at_once(claims, folder):
    with Program([PROGRAM, "serve", "127.0.0.1", "0"], folder / "many.out") as server:
        address = ("127.0.0.1", server.port())
        with claims.claim("many clients at once, one socket at the server: each gets its own answers"):
            clients = [socket.socket(type=socket.SOCK_DGRAM) for _ in range(50)]
            for turn in range(3):
                for number, client in enumerate(clients):
                    client.settimeout(PATIENCE_S)
                    client.sendto(b"client %d turn %d" % (number, turn), address)
                for number, client in reversed(list(enumerate(clients))):
                    expect(client.recv(1024) == b"CLIENT %d TURN %d" % (number, turn),
                           f"client {number} got another's")
            for client in clients:
                client.close()
        with claims.claim("two of the tutorial's clients side by side"):
            running = [subprocess.Popen(python(CLIENT, *address, *[name] * 20),
                                        stdout=subprocess.PIPE) for name in ("ada", "lin")]
            for name, client in zip((b"ADA", b"LIN"), running):
                out, _ = client.communicate(timeout=PATIENCE_S)
                expect(client.returncode == 0 and out.count(name) == 20, out)


def nobody(claims):
    with socket.socket(type=socket.SOCK_DGRAM) as gone:
        gone.bind(("127.0.0.1", 0))
        address = gone.getsockname()
    with claims.claim("the same from Python: sendto to nobody succeeds, a connected socket is told"):
        with socket.socket(type=socket.SOCK_DGRAM) as free:
            for _ in range(3):
                expect(free.sendto(b"anybody?", address) == 8, "it was not sent")
        with socket.socket(type=socket.SOCK_DGRAM) as connected:
            connected.settimeout(PATIENCE_S)
            connected.connect(address)
            connected.send(b"anybody?")
            try:
                connected.recv(1024)
            except ConnectionRefusedError:
                pass
            else:
                raise AssertionError("nobody answered, and nobody was refused")


def check(claims, folder):
    properties(claims)
    both_ways(claims, folder)
    many_at_once(claims, folder)
    nobody(claims)
