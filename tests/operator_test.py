"""The hub's own terminal: its operator talks there, sees what the hub logs, and blocks nobody."""

import os
import re
import shlex
import signal
import socket
import termios
import unittest

from support import SKEIN, Case, Conversation, eventually
from terminal import Person

TALKS_NOT = "nobody can talk at this terminal; the hub goes on, and Ctrl-C ends it"


class Operator(Person):
    """Who has started a hub in a terminal."""

    def __init__(self, case, *flags, shell=None, **more):
        self.shared = case.folder / "shared"
        self.shared.mkdir(exist_ok=True)
        command = [SKEIN, "serve", str(self.shared), "--listen", "127.0.0.1:0",
                   "--name", "ada's", *flags]
        super().__init__(case, shell or command, case.here, **more)
        if shell:
            self.type(shlex.join(command) + " &\n")

    def serves(self):
        """Waits until the hub listens, where it says so."""
        self.see(lambda screen: any(line.startswith("  end ") for line in screen.lines))
        self.port = int(re.search(r"  open     127\.0\.0\.1:(\d+)", "\n".join(self.screen.lines))[1])
        return self


class AtTheHub(Case):
    """Where an operator sits."""

    def operator(self, *flags, **more):
        operator = Operator(self, *flags, **more).serves()
        self.environment["SKEIN_HUB"] = f"127.0.0.1:{operator.port}"
        return operator

    def at_prompt(self, *flags, **more):
        operator = self.operator(*flags, **more)
        operator.at_prompt()
        return operator

    def is_refused_something(self, operator):
        """Makes the hub log a line; what it ends with."""
        with Conversation(operator.port) as eve:
            eve.hello(name="eve")
            self.assertEqual(eve.code(op="frob"), "unknown_operation")
        return "no operation 'frob'"

    def says(self, text, name="eve"):
        self.done("say", text, "--name", name)


class Talking(AtTheHub):
    def test_talks_as_a_member_of_the_users_name(self):
        ada = self.at_prompt(USER="ada")
        self.says("are you there?")
        ada.see(" eve: are you there?")
        ada.type("I am\r")
        ada.see(" ada: I am")
        ada.at_prompt()
        self.assertEqual(ada.times(" ada: I am"), 1)
        self.assertRegex(self.done("log").out, r"eve: are you there\?\n.*  ada: I am\n\Z")
        ada.type("/join holiday\r")
        ada.at_prompt("holiday>")
        self.says("in the lobby")
        ada.see(lambda screen: screen.lines[-2:] == ["1 unread in lobby", "holiday>"])
        ada.type("/help\r")
        ada.see("end the hub; Ctrl-D too")
        ada.type("/quit\r")
        self.assertEqual(ada.end(), 0)

    def test_guests_are_heard_and_answered(self):
        ada = self.at_prompt(USER="ada")
        with socket.socket(type=socket.SOCK_DGRAM) as guest:
            guest.connect(("127.0.0.1", ada.port))
            guest.send("在吗".encode())
            ada.see(": 在吗")
            ada.type("我在\r")
            ada.see(" ada: 我在")
            def answered():
                guest.send(b"")
                return guest.recv(1024).decode() == "ada: 我在"
            eventually(answered, "no answer of the operator's came")

    def test_what_the_hub_logs_leaves_the_half_typed_line_whole(self):
        ada = self.at_prompt(USER="ada")
        ada.type("half a thought")
        ada.at_prompt("lobby> half a thought")
        for _ in range(3):
            logged = self.is_refused_something(ada)
        ada.see(lambda screen: "".join(screen.lines).count(logged) == 3)
        ada.at_prompt("lobby> half a thought")
        self.assertEqual("".join(ada.screen.lines).count("lobby> "), 1, ada.screen.lines)
        ada.type(", whole\r")
        ada.see(" ada: half a thought, whole")

    def test_a_log_that_goes_elsewhere_stays_there(self):
        with (self.folder / "log").open("wb") as log:
            ada = self.at_prompt(USER="ada", stderr=log)
        logged = self.is_refused_something(ada)
        eventually(lambda: logged in (self.folder / "log").read_text(), "not in the log")
        self.says("and then?")
        ada.see(" eve: and then?")
        self.assertNotIn(logged, "".join(ada.screen.lines))

    def test_every_way_to_end_ends_the_hub_in_order(self):
        for keys, why in (("/quit\r", "its operator ended it"), ("\x04", "its operator ended it"),
                          ("half\x03", "signal 2")):
            ada = self.at_prompt(USER="ada")
            self.assertNotEqual(termios.tcgetattr(ada.slave), ada.before)
            ada.type(keys)
            self.assertEqual(ada.end(), 0, ada.screen.lines)
            said = "".join(ada.screen.lines)
            self.assertIn(f"info stopping: {why};", said)
            self.assertNotIn(" warning ", said)
            self.assertEqual(termios.tcgetattr(ada.slave), ada.before)

    def test_who_cannot_talk_still_serves(self):
        ada = self.operator(USER="a/b")
        ada.see(lambda screen: TALKS_NOT in "".join(screen.lines))
        self.assertTrue(any(line.startswith("skein: error: ") for line in ada.screen.lines))
        self.says("hello")
        ada.type("not said\r\x04")
        self.assertRegex(self.done("log").out, r"\A.*  eve: hello\n\Z")
        ada.type("\x03")
        self.assertEqual(ada.end(), 0)

    def test_nobody_waits_for_a_terminal_that_takes_nothing(self):
        ada = self.at_prompt(USER="ada")
        texts = [f"{number} " + "x" * 8000 for number in range(80)]  # much more than it holds
        with Conversation(ada.port) as eve:
            eve.hello(name="eve")
            for text in texts:
                self.assertEqual(eve.code(text.encode(), op="say", room="lobby",
                                          cid=os.urandom(16).hex()), "ok")
        self.assertEqual(len(self.done("log").out.splitlines()), len(texts))
        ada.at_prompt()
        seen = re.findall(r"\d\d:\d\d eve: (\d+) x", "".join(ada.screen.lines))
        self.assertEqual(seen, [str(number) for number in range(80)])

    def test_quiet_is_no_prompt(self):
        ada = Operator(self, "--quiet", USER="ada")
        hub = self.folder / ".local" / "state" / "skein" / "hub" / "lock"
        eventually(lambda: hub.exists() and hub.read_text(), "it never began")
        self.assertEqual(termios.tcgetattr(ada.slave), ada.before)
        ada.type("not said\r")
        ada.process.send_signal(signal.SIGTERM)
        self.assertEqual(ada.end(), 0)
        self.assertEqual(ada.screen.lines, ["not said"])  # the terminal's own echo


class InTheBackground(AtTheHub):
    """Beside a shell, which has the terminal first: a hub there must not be stopped by it."""

    SHELL = ["bash", "--norc", "--noprofile", "--noediting", "-i"]

    def shell(self):
        ada = self.operator(USER="ada", shell=self.SHELL, PS1="$ ")
        self.done("say", "hello", "--name", "eve")
        ada.see(" eve: hello")
        return ada

    def put_aside(self, ada):
        """Ctrl-Z, and on in the background."""
        ada.type("\x1a")
        ada.at_prompt("$")
        ada.type("bg\n")

    def test_it_serves_and_is_fetched_to_the_front(self):
        ada = self.shell()
        ada.type("echo at the shell\n")
        ada.see(lambda screen: "at the shell" in screen.lines)
        self.assertNotIn("lobby>", ada.screen.lines)
        ada.type("fg\n")
        ada.at_prompt()
        ada.type("here I am\n")
        ada.see(" ada: here I am")
        self.put_aside(ada)
        self.says("still there?")
        ada.see(" eve: still there?")
        ada.type("fg\n")
        ada.at_prompt()
        ada.type("/quit\n")
        ada.see(lambda screen: "stopping: its operator ended it" in "".join(screen.lines))
        ada.type("exit 7\n")
        self.assertEqual(ada.end(), 7)

    def test_it_ends_there(self):
        ada = self.shell()
        ada.type("fg\n")
        ada.at_prompt()
        self.put_aside(ada)
        self.says("still there?")
        ada.see(" eve: still there?")
        ada.type("kill %1; wait %1; echo ended: $?\n")
        ada.see("ended: 0")
        ada.type("exit 7\n")
        self.assertEqual(ada.end(), 7)


if __name__ == "__main__":
    unittest.main()
