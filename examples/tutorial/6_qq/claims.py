"""Part 6, a small QQ: many clients over UDP, an operator who blocks nobody, members beside them."""

import pathlib
import socket

from support import (PATIENCE_S, Hub, Program, eventually, example, expect, output_of, python)

HERE = pathlib.Path(__file__).resolve().parent
CLIENT = HERE / "qq_client.py"
SERVER = HERE / "qq_server.py"
PROGRAM = example("tutorial_qq")


class Typist(Program):
    """A client of the tutorial, at which somebody types."""

    def __init__(self, port, output):
        super().__init__(python(CLIENT, "127.0.0.1", port), output)
        self.lines = 0

    def say(self, text):
        """Types a line; the one answer that it earns."""
        self.type(text)
        self.lines += 1
        eventually(lambda: len(self.said().splitlines()) >= self.lines,
                   lambda: f"no answer to {text!r}: {self.said()!r}")
        return self.said().splitlines()[self.lines - 1]

    def hears(self, text):
        """Asks until something that holds `text` came."""
        eventually(lambda: text in self.say("嗯"), lambda: f"{text!r} never came: {self.said()!r}")


def log(hub):
    code, said = hub.run("log", "--last", "1000")
    expect(code == 0, said)
    return said


def two_a_member_and_the_operator(claims, folder):
    with Hub(folder / "hub", terminal=True, USER="ada", NO_COLOR="1") as hub, \
            Typist(hub.port(), folder / "one.out") as one, \
            Typist(hub.port(), folder / "two.out") as two:
        with claims.claim("the tutorial's client talks to a hub: each of its messages earns one answer"):
            expect(one.say("你好") == "ok", one.said())
            expect(two.say("大家好") in ("ok",), two.said())
        with claims.claim("two of them hear each other, although both call themselves the same"):
            one.hears("来自客户端1的消息:大家好")
            two.say("有人吗")
            one.hears("有人吗")
        with claims.claim("a member on the command line says something, and both of them hear it"):
            code, said = hub.run("say", "照片好了", "--name", "lin")
            expect(code == 0, said)
            one.hears("lin: 照片好了")
            two.hears("lin: 照片好了")
        with claims.claim("the hub's own terminal shows all that, and both hear what its operator "
                          "types there"):
            for text in (":你好", ":大家好", ":有人吗", "lin: 照片好了"):
                hub.says(text)
            hub.type("我在")
            one.hears("ada: 我在")
            two.hears("ada: 我在")
        with claims.claim("and the member reads all that they said, in one order, each once"):
            said = log(hub)
            for text in ("你好", "大家好", "有人吗", "照片好了", "我在"):
                expect(said.count(f":{text}\n") + said.count(f": {text}\n") == 1, said)
        with claims.claim("a message of 16 KiB in Chinese reaches them cut to what they read, "
                          "and no character in two"):
            code, said = hub.run("say", "线" * 5000, "--name", "lin")
            expect(code == 0, said)
            one.hears("线线线")
            expect(one.lives(), "the client died of it")
        with claims.claim("the operator types Ctrl-D, and the hub ends in order"):
            expect(hub.end_input() == 0, hub.said())


def operator(claims, folder):
    with Program([PROGRAM, "serve", "127.0.0.1", "0"], folder / "ours.out") as server:
        port = server.port()
        with Typist(port, folder / "three.out") as three, Typist(port, folder / "four.out") as four:
            with claims.claim("with the library: nobody waits for the operator, who types when he likes"):
                for client in (three, four):
                    expect(client.say("在吗") == "ok" or client is four, client.said())
                server.type("我在")
                three.hears("operator: 我在")
                four.hears("operator: 我在")
    with Program(python(SERVER, "127.0.0.1", 0), folder / "theirs.out") as server:
        with claims.claim("our client and the tutorial's server, whose operator answers one by one"):
            server.type("一")
            server.type("二")
            said = output_of([PROGRAM, "ask", "127.0.0.1", str(server.port()), "a", "b"])
            expect(said == "一\n二\n", said)


def a_hundred(claims, folder):
    with Hub(folder / "many") as hub:
        address = ("127.0.0.1", hub.port())
        clients = [socket.socket(type=socket.SOCK_DGRAM) for _ in range(100)]
        with claims.claim("a hundred of them at once: each message is in the log once, "
                          "and each is answered"):
            for client in clients:
                client.settimeout(PATIENCE_S)
            for number, client in enumerate(clients):
                client.sendto(f"来自客户端1的消息:第{number}个".encode(), address)
            for client in clients:
                client.recv(1024).decode()
            said = log(hub)
            for number in range(100):
                expect(said.count(f"第{number}个") == 1, f"{number} is there "
                       f"{said.count(f'第{number}个')} times")
        with claims.claim("an empty datagram says nothing and just asks"):
            before = log(hub)
            for _ in range(3):
                clients[0].sendto(b"", address)
                clients[0].recv(1024).decode()
            expect(log(hub) == before, "something was said")
        for client in clients:
            client.close()


def check(claims, folder):
    two_a_member_and_the_operator(claims, folder)
    operator(claims, folder)
    a_hundred(claims, folder)
