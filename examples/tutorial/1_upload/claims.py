"""Part 1, upload over TCP and the menu: the tutorial's programs and ours, both ways."""

import json
import os
import pathlib
import select
import socket
import struct
import time

from support import Hub, Program, eventually, expect, python, same_bytes, skein

HERE = pathlib.Path(__file__).resolve().parent
CLIENT = HERE / "upload_client.py"
SERVER = HERE / "upload_server.py"
PAUSE_S = 1.5  # of a person who reads the menu


def make_files(folder, contents):
    folder.mkdir()
    for name, content in contents.items():
        (folder / name).write_bytes(content)
    return sorted(folder.iterdir())


def head(name, size):
    dictionary = json.dumps({"file_name": name, "file_size": size}).encode()
    return struct.pack("i", len(dictionary)) + dictionary


def arrives(hub, file, name=None):
    there = hub.shared / (name or file.name)
    eventually(lambda: same_bytes(there, file), lambda: f"{there.name} never came: {hub.said()}")


def nothing_beside(hub, names):
    """The hub's folder has these files and no other, and nothing fell out of it."""
    there = {path.name for path in hub.shared.iterdir() if not path.name.startswith(".skein")}
    expect(there == set(names), f"the folder has {sorted(there)}")
    beside = {path.name for path in hub.shared.parent.iterdir()}
    expect(beside <= {"shared", "state", "client", "hub.log"}, f"beside it: {sorted(beside)}")


def several_files(claims, folder):
    files = make_files(folder / "movies", {
        "a movie.mp4": os.urandom(3_000_001),
        "b empty.mp4": b"",
        "c lines.txt": b"a short line\n" * 20_000,
        "一路顺风.mp4": os.urandom(70_000),
    })
    with Hub(folder / "hub") as hub:
        command = python(CLIENT, "127.0.0.1", hub.port(), folder / "movies")
        with Program(command, folder / "client.out") as client:
            with claims.claim("a hub takes the tutorial's client: files on one connection, "
                              "with a person's pause between them"):
                for number, file in enumerate(files[:3], 1):
                    client.type(str(number))
                    arrives(hub, file)
                    time.sleep(PAUSE_S)  # not waiting for anything: the pause is the claim
                expect(hub.said().count("uploaded") == 3, hub.said())
            with claims.claim("a name in Chinese, escaped by json.dumps, is that name on disk"):
                client.type("4")
                arrives(hub, files[3])
            with claims.claim("its menu: 'must be a number', 'not in range', and on it goes"):
                for line in ("x", "0", "5"):
                    client.type(line)
                client.says("must be a number")
                client.says("not in range", times=2)
                expect(client.end_input() == 0, client.said())
        with claims.claim("whole on disk, nothing else in the folder, nothing outside it"):
            for file in files:
                expect(same_bytes(hub.shared / file.name, file), f"{file.name} differs")
            nothing_beside(hub, [file.name for file in files])


def one_name(claims, folder):
    first, second = make_files(folder / "episodes", {"1.mp4": b"first" * 900, "2.mp4": b"second"})
    name = "每次都一样.mp4"
    with Hub(folder / "one_name") as hub:
        with claims.claim("every file under one name, as the tutorial sends them: the last stands, "
                          "the one before is in trash"):
            command = python(CLIENT, "127.0.0.1", hub.port(), folder / "episodes", name)
            with Program(command, folder / "one_name.out") as client:
                client.type("1")
                client.type("2")
                expect(client.end_input() == 0, client.said())
            arrives(hub, second, name)
            code, said = hub.run("restore", name)
            expect(code == 0, said)
            expect(same_bytes(hub.shared / name, first), "what came back is not the first")


def two_clients(claims, folder):
    files = make_files(folder / "two", {"1.mp4": os.urandom(2_000_000), "2.mp4": os.urandom(9_999)})
    with Hub(folder / "two_hub") as hub:
        with claims.claim("two clients at once: neither waits for the other to leave"):
            command = python(CLIENT, "127.0.0.1", hub.port(), folder / "two")
            with (Program(command, folder / "one.out") as one,
                  Program(command, folder / "other.out") as other):
                one.type("1")
                arrives(hub, files[0])
                other.type("2")
                arrives(hub, files[1])
                expect(one.lives() and other.lives(), "one of them has left")


def hostile(claims, folder):
    (good,) = make_files(folder / "good", {"good.mp4": os.urandom(4_000)})
    names = ["../escape.mp4", "/tmp/escape.mp4", "a/b.mp4", "..", "", ".skein", "a\0b", "\x1b[2J",
             "x" * 300]
    with Hub(folder / "hostile") as hub:
        with claims.claim("a file_name that is a path, or no name: refused, and the next file of "
                          "the same connection arrives"):
            with socket.create_connection(("127.0.0.1", hub.port())) as conn:
                for name in names:
                    conn.sendall(head(name, 10) + b"0123456789")
                conn.sendall(head(good.name, 4_000) + good.read_bytes())
                arrives(hub, good)
            hub.says("was not stored", times=len(names))
            expect("\x1b" not in hub.said(), "a name reached the log raw")
            nothing_beside(hub, [good.name])


def cut(claims, folder):
    (late,) = make_files(folder / "late", {"late.mp4": b"late"})
    with Hub(folder / "cut") as hub:
        with claims.claim("cut off in the middle: nothing is stored, and the hub serves on"):
            content = os.urandom(2_500_000)
            for end in ("orderly", "reset"):
                conn = socket.create_connection(("127.0.0.1", hub.port()))
                conn.sendall(head(f"{end}.mp4", 5_000_000) + content)
                if end == "reset":
                    conn.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                conn.close()
            with socket.create_connection(("127.0.0.1", hub.port())) as conn:
                conn.sendall(head(late.name, 4) + b"late")
                arrives(hub, late)
            hub.process.terminate()  # an upload that is still open is over with the hub
            expect(hub.process.wait(30) == 0, hub.said())
            nothing_beside(hub, [late.name])


def never_answers(claims, folder):
    (slow,) = make_files(folder / "slow", {"slow.mp4": b"one byte at a time"})
    with Hub(folder / "silent") as hub:
        with claims.claim("a frame that comes byte by byte is taken, and never answered"):
            with socket.create_connection(("127.0.0.1", hub.port())) as conn:
                conn.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                for byte in head(slow.name, 18) + slow.read_bytes() + head("../no", 0):
                    conn.sendall(bytes([byte]))
                arrives(hub, slow)
                hub.says("was not stored")
                readable, _, _ = select.select([conn], [], [], 0)
                expect(not readable, "the hub said something, or hung up")
                conn.shutdown(socket.SHUT_WR)
                conn.settimeout(30)
                expect(conn.recv(100) == b"", "the hub said something at the end")


def put_to_the_tutorials_server(claims, folder):
    files = make_files(folder / "ours", {
        "a.mp4": os.urandom(5_000_003), "empty": b"", "small": b"s" * 1023, "片子.mp4": b"m" * 1025})
    stored = folder / "stored"
    stored.mkdir()
    with Program(python(SERVER, "127.0.0.1", 0, stored), folder / "server.out") as server:
        arguments = ["put", *files, "--dialect", "tutorial", "--hub", f"127.0.0.1:{server.port()}",
                     "--state", folder / "state"]
        with claims.claim("skein put --dialect tutorial feeds the tutorial's server, which stores "
                          "all files whole"):
            code, said = skein(*arguments)
            expect(code == 0, said)
            server.says("stored", times=len(files))
            for file in files:
                expect(same_bytes(stored / file.name, file), f"{file.name} differs")
        with claims.claim("it says 'sent, not confirmed', as nobody answered"):
            expect("sent, not confirmed" in said, said)
        with claims.claim("the server lives, and takes more"):
            server.says("reset", times=len(files))
            expect(server.lives(), server.said())
            code, said = skein(*arguments)
            expect(code == 0, said)
            server.says("stored", times=2 * len(files))
            expect(server.lives(), server.said())


def menu(claims, folder):
    files = make_files(folder / "menu", {"a.mp4": os.urandom(50_000), "b.mp4": b"b"})
    with Hub(folder / "menu_hub") as hub:
        with claims.claim("skein menu: uploads by number, 'must be a number', 'not in range', "
                          "on until the end of input"):
            code, said = hub.run("menu", folder / "menu", typed="abc\n9\n2\n0\n-1\n1\n")
            expect(code == 0, said)
            expect(said.count("must be a number") == 2, said)
            expect(said.count("not in range") == 2, said)
            expect("1 a.mp4\n2 b.mp4\n" in said, said)
            for file in files:
                expect(same_bytes(hub.shared / file.name, file), f"{file.name} differs")
        with claims.claim("skein menu: lists the hub's files and fetches one"):
            into = folder / "fetched"
            into.mkdir()
            code, said = hub.run("menu", into, typed="h\n1\n")
            expect(code == 0, said)
            expect(same_bytes(into / "a.mp4", files[0]), said)


def check(claims, folder):
    for part in (several_files, one_name, two_clients, hostile, cut, never_answers,
                 put_to_the_tutorials_server, menu):
        part(claims, folder)
