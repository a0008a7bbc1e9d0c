"""Talking in a terminal, with the real program, a real hub and what a person would see."""

import json
import os
import re
import subprocess
import termios
import time
import unittest

from support import (DOWN, MIB, PATIENCE_S, SKEIN, UP, Case, Conversation, Fault, eventually,
                     free_port, interrupt, noise)
from terminal import COLUMNS, Person, Screen

class Chatter(Person):
    """Somebody who chats."""

    def __init__(self, case, *arguments, name="lin", **more):
        folder = case.folder / name
        folder.mkdir(exist_ok=True)
        self.folder = folder
        super().__init__(case, [SKEIN, "chat", "--name", name, *arguments], folder, **more)


class Terminal(Case):
    def setUp(self):
        super().setUp()
        self.the_hub = self.hub(port=free_port())

    def chatter(self, *arguments, **more):
        chatter = Chatter(self, *arguments, **more)
        chatter.at_prompt(more.get("prompt", "lobby>"))
        return chatter

    def someone(self, name="eve"):
        conversation = self.converse(self.the_hub, hello=False)
        conversation.hello(name=name)
        return conversation

    def says(self, conversation, text, room="lobby"):
        self.assertEqual(conversation.code(text.encode(), op="say", room=room,
                                           cid=os.urandom(16).hex()), "ok")

    def logged(self, room="lobby", name="reader"):
        out = self.done("log", room, "--json", "--name", name).out
        return [json.loads(line)["text"] for line in out.splitlines()]

    def test_two_people_talk(self):
        lin, ada = self.chatter(), self.chatter(name="ada")
        lin.type("photos are up\r")
        ada.see(" lin: photos are up")
        ada.type("nice\r")
        for one in (lin, ada):
            one.see(" ada: nice")
            one.see(lambda screen: screen.edited == "lobby>"
                    and not any("sending:" in line for line in screen.lines))
            self.assertEqual(one.times(" lin: photos are up"), 1, one.screen.lines)
            self.assertEqual(one.times(" ada: nice"), 1, one.screen.lines)
            self.assertFalse([line for line in one.screen.lines if line.startswith("lobby> ")])
        self.assertEqual(self.logged(), ["photos are up", "nice"])
        for one in (lin, ada):
            one.type("/quit\r")
            self.assertEqual(one.end(), 0)

    def test_what_was_said_before_is_there(self):
        eve = self.someone()
        for number in range(30):
            self.says(eve, f"number {number}")
        lin = self.chatter()
        lin.see(" eve: number 29")
        self.assertEqual(lin.times(" eve: number 10"), 1)
        self.assertEqual(lin.times(" eve: number 9"), 0)
        self.assertRegex("\n".join(lin.screen.lines), r"\n-- \w{3} \d\d \w{3} \d{4} --\n\d\d:\d\d eve")

    def test_what_comes_in_leaves_the_half_typed_line_whole(self):
        lin, eve = self.chatter(), self.someone()
        half = "half a thought"
        long = " 0123456789" * 12  # three rows
        for typed, rows in ((half, 1), (half + long, 2)):
            lin.type(typed if typed == half else long)
            whole = "lobby> " + typed
            def is_whole(screen, whole=whole):
                return "".join(screen.lines).endswith(whole)
            lin.see(is_whole)
            for number in range(5):
                self.says(eve, f"{rows} hello {number}")
            lin.see(f" eve: {rows} hello 4")
            lin.see(is_whole)
            for number in range(5):
                self.assertEqual(lin.times(f" eve: {rows} hello {number}"), 1)
            self.assertEqual("".join(lin.screen.lines).count("lobby> "), 1, lin.screen.lines)
        lin.type("\x01so: \r")
        lin.see(lambda screen: screen.edited == "lobby>")
        eventually(lambda: self.logged()[-1] == "so: " + half + long, "it is not as typed")

    def test_every_length_of_a_line_around_the_edge_of_the_terminal(self):
        lin, eve = self.chatter(), self.someone()
        for number, size in enumerate((COLUMNS - 9, 1, 1, 1, 1)):
            lin.type("x" * size if number != 2 else "中")
            self.says(eve, f"at {number}")
            lin.see(f" eve: at {number}")
        typed = "x" * (COLUMNS - 8) + "中" + "xx"
        lin.see(lambda screen: "".join(screen.lines).endswith("lobby> " + typed[:-2] + "xx"))
        self.assertEqual("".join(lin.screen.lines).count("lobby> "), 1, lin.screen.lines)
        lin.type("\r")
        eventually(lambda: self.logged()[-1] == typed, "it is not as typed")
        lin.at_prompt()
        self.assertFalse([line for line in lin.screen.lines if line.startswith("lobby> ")])

    def test_the_cursor_on_a_wide_character_that_the_edge_moved_down(self):
        lin, eve = self.chatter(), self.someone()
        typed = "x" * (COLUMNS - 8) + "中"
        lin.type(typed + "\x1b[D")
        lin.see(lambda screen: (screen.edited, screen.column) == ("中", 0))
        for number in range(3):
            self.says(eve, f"number {number}")
            lin.see(f" eve: number {number}")
            lin.see(lambda screen: (screen.edited, screen.column) == ("中", 0))
        self.assertEqual("".join(lin.screen.lines).count("lobby> "), 1, lin.screen.lines)
        lin.type("\r")
        eventually(lambda: self.logged()[-1] == typed, "it is not as typed")

    def test_chinese_and_emoji_are_edited_by_characters(self):
        lin = self.chatter()
        lin.type("你好😀é")
        lin.at_prompt("lobby> 你好😀é")
        lin.type("\x7f\x7f")
        lin.at_prompt("lobby> 你好")
        lin.type("\x1b[D都\x05吗\r")
        lin.see(" lin: 你都好吗")
        self.assertEqual(self.logged(), ["你都好吗"])

    def test_what_was_typed_before_comes_back_by_the_arrow(self):
        lin = self.chatter()
        lin.type("first\r")
        lin.see(" lin: first")
        lin.type("second\r")
        lin.see(" lin: second")
        lin.type("\x1b[A\x1b[A")
        lin.at_prompt("lobby> first")
        lin.type("!\r")
        lin.see(" lin: first!")

    def test_what_would_harm_the_terminal_is_shown_escaped_live_and_replayed(self):
        eve = self.someone("eve")
        lin = self.chatter()
        self.assertEqual(eve.code(op="topic", room="lobby", topic="t\x1b[2J\0\u202e"), "ok")
        evil = "a\x1b[2J\x07b\u202ec\x9bd\nlin: me"
        self.says(eve, evil)
        shown = r" eve: a\x1b[2J\x07b\u{202e}c\u{9b}d"
        lin.see(shown)
        lin.see("      | lin: me")
        ada = self.chatter(name="ada")
        ada.see(shown)
        ada.see(r"-- lobby: t\x1b[2J\x00\u{202e} --")
        lin.type("/rooms\r")
        lin.see(r"  lobby, here: t\x1b[2J\x00\u{202e}")
        for one in (lin, ada):
            self.assertNotIn(b"\x1b[2J", one.bytes)
            self.assertNotIn("\u202e".encode(), one.bytes)
            self.assertNotIn("\x9b".encode(), one.bytes)

    def test_what_is_typed_while_the_hub_is_away_arrives_once(self):
        lin = self.chatter()
        lin.type("zero\r")
        lin.see(" lin: zero")
        self.the_hub.kill()
        lin.see("reconnecting")
        lin.type("one\rtwo\r/who\rthr")
        lin.see(lambda screen: screen.lines[-4:] == ["waiting: one", "waiting: two",
                                                     "waiting: /who", "lobby> thr"])
        self.the_hub.start()
        lin.see(" lin: two")
        lin.see(lambda screen: screen.edited == "lobby> thr"
                and not any("waiting:" in line for line in screen.lines))
        lin.type("ee\r")
        lin.see(" lin: three")
        self.assertEqual(self.logged(), ["zero", "one", "two", "three"])
        for text in self.logged():
            self.assertEqual(lin.times(" lin: " + text), 1, lin.screen.lines)
        self.assertEqual(lin.times("reconnecting"), 1, lin.screen.lines)
        lin.type("/quit\r")
        self.assertEqual(lin.end(), 0)

    def test_a_hub_that_is_stopped_in_order_and_started_again(self):
        lin, ada = self.chatter(), self.chatter(name="ada")
        for number in range(5):
            self.assertEqual(self.the_hub.stop(), 0)
            lin.see(lambda _, times=number + 1: lin.times("reconnecting") == times)
            lin.type(f"message {number}\r")
            self.the_hub.start()
            for one in (lin, ada):
                one.see(f" lin: message {number}")
            lin.at_prompt()
        self.assertEqual(self.logged(), [f"message {number}" for number in range(5)])
        for one in (lin, ada):
            for text in self.logged():
                self.assertEqual(one.times(" lin: " + text), 1, one.screen.lines)

    def test_killed_again_and_again(self):
        lin, ada = self.chatter(), self.chatter(name="ada")
        expected = []
        for number in range(12):
            if number % 3 == 1:
                self.the_hub.kill()
                self.the_hub.start()
            lin.type(f"message {number}.\r")
            expected.append(f"message {number}.")
        for one in (lin, ada):
            one.see(" lin: message 11.")
        self.assertEqual(self.logged(), expected)
        for one in (lin, ada):
            for text in expected:
                self.assertEqual(one.times(" lin: " + text), 1, one.screen.lines)

    def test_other_rooms_are_counted_and_read_when_entered(self):
        self.done("say", "x", "--name", "lin")
        lin, eve = self.chatter(), self.someone()
        self.assertEqual(eve.code(op="join", room="holiday"), "ok")
        lin.type("/join holiday\r")
        lin.at_prompt("holiday>")
        lin.type("/join lobby\r")
        lin.at_prompt()
        self.says(eve, "one", "holiday")
        lin.see("1 unread in holiday")
        self.says(eve, "two", "holiday")
        lin.see(lambda screen: screen.lines[-2:] == ["2 unread in holiday", "lobby>"])
        self.assertEqual(lin.times(" eve: one"), 0)
        lin.type("/join HOLIDAY\r")  # it is the same
        lin.see(" eve: two")
        lin.at_prompt("holiday>")
        self.assertFalse([line for line in lin.screen.lines if "unread" in line])
        eventually(lambda: "holiday\n" in self.done("rooms", "--name", "lin").out,
                   "still unread at the hub")
        lin.type("/leave\r")
        lin.at_prompt()
        self.says(eve, "three", "holiday")
        self.says(eve, "in the lobby")
        lin.see(" eve: in the lobby")
        self.assertFalse([line for line in lin.screen.lines if "unread" in line])

    def test_commands(self):
        lin, ada = self.chatter(), self.chatter(name="ada")
        lin.type("/help\r")
        lin.see("end; Ctrl-D too")
        lin.type("/who\r")
        lin.see("  ada, lin")
        lin.type("/topic where to\r/topic\r")
        lin.see(lambda _: lin.times("-- lobby: where to --") == 2)
        lin.type("/rooms\r")
        lin.see("  lobby, here: where to")
        lin.type("/msg ada between us\r")
        ada.see(" @lin lin: between us")
        lin.see(" @ada lin: between us")
        self.assertEqual(self.logged(), [])
        lin.type("/search BETWEEN\r")
        lin.see(lambda _: lin.times(" @ada lin: between us") == 2)
        lin.type("/search nowhere\r")
        lin.see("nothing found")
        lin.type("/no such thing\r")
        lin.see("skein: error: no command '/no'")
        lin.type("/msg nobody x\r/msg ada\r/get 7\r/join a/b\r/\r")
        lin.see("skein: error: no command '/ '")
        self.assertIn("skein: hint: usage: /msg NAME TEXT", lin.screen.lines)
        self.assertIn("skein: error: no file '7'", lin.screen.lines)
        self.assertEqual(self.logged(), [])
        lin.type("//etc/hosts\r")
        ada.see(" lin: /etc/hosts")

    def test_files(self):
        lin, ada = self.chatter(), self.chatter(name="ada")
        self.write("照片 1.zip", b"content", folder=lin.folder)
        lin.type("/send 照片 1.zip\r")
        ada.see(" lin: [1 file '照片 1.zip']")
        self.assertEqual((self.the_hub.shared / "照片 1.zip").read_bytes(), b"content")
        ada.type("/get 1\r")
        ada.see("verified and on disk at this folder")
        self.assertEqual((ada.folder / "照片 1.zip").read_bytes(), b"content")
        lin.type("/send nothing here\r")
        lin.see(lambda screen: any(line.startswith("skein: error: ") and "'nothing here'" in line
                                   for line in screen.lines))
        self.assertEqual(self.the_hub.names(), ["照片 1.zip"])

    def test_progress_of_files_leaves_the_talk_as_it_is(self):
        eve = self.someone()
        content = noise(8 * MIB)
        (self.folder / "lin").mkdir()
        self.write("big file", content, folder=self.folder / "lin")
        for name, command, way, direction in (("lin", "/send big file", "to the hub: ", UP),
                                              ("ada", "/get 1", "from the hub: ", DOWN)):
            # Connections come in this order: to talk, to follow, to move files.
            relay = self.relay(self.the_hub, None, None, Fault("stall", direction, after=3 * MIB))
            one = self.chatter(name=name)
            one.type(command + "\r")
            relay.wait_stalled()
            one.type("half")
            bar = re.compile(re.escape(way) + r" *[1-9]\d?%  \d.* of 8\.4 MB.*   big file")
            def is_shown(screen, bar=bar):
                return len(screen.lines) > 1 and bar.fullmatch(screen.lines[-2])
            one.see(lambda screen: is_shown(screen) and screen.edited == "lobby> half")
            self.says(eve, f"meanwhile, {name}")
            one.see(f" eve: meanwhile, {name}")
            one.see(lambda screen: is_shown(screen) and screen.edited == "lobby> half")
            one.type(" a thought\r/who\r")
            one.see(f" {name}: half a thought")
            one.see(lambda screen: any("eve" in line and "," in line and ":" not in line
                                       for line in screen.lines))
            one.see(lambda screen: is_shown(screen) and screen.edited == "lobby>")
            one.type("/send nothing\r")
            one.see(lambda screen, bar=bar: screen.lines[-2] == "next: /send nothing"
                    and bar.fullmatch(screen.lines[-3]))
            relay.released.set()
            one.see(lambda screen: any("verified and on disk at" in line for line in screen.lines))
            one.see(lambda screen: screen.edited == "lobby>"
                    and not any("%" in line for line in screen.lines))
            one.type("/quit\r")
            self.assertEqual(one.end(), 0)
        for folder in (self.the_hub.shared, self.folder / "ada"):
            self.assertEqual((folder / "big file").read_bytes(), content)

    def test_another_name(self):
        lin, ada = self.chatter(), self.chatter(name="ada")
        lin.type("before\r")
        ada.see(" lin: before")
        lin.type("/name ada\r")
        lin.see(lambda screen: any("skein: error: " in line for line in screen.lines))
        lin.type("/name lin w\rafter\r")
        ada.see(" lin w: after")
        lin.see(" lin w: after")
        self.the_hub.kill()
        lin.see("reconnecting")
        lin.type("still\r")
        self.the_hub.start()
        ada.see(" lin w: still")
        ada.type("heard\r")
        lin.see(" ada: heard")
        self.assertEqual(lin.times(" ada: heard"), 1)

    def test_who_comes_and_goes_is_told_in_a_line(self):
        ada = self.chatter(name="ada")
        came = []

        def told():
            # A hub that has just begun takes who comes for somebody who was there before.
            if not came or time.monotonic() > came[-1][0] + 0.2:
                conversation = self.someone(f"m{len(came)}")
                conversation.ask(op="who")
                came.append((time.monotonic(), conversation))
            return any(line.endswith(" here") for line in ada.look().lines)
        eventually(told, lambda: "\n".join(ada.screen.lines))
        self.assertRegex("\n".join(ada.screen.lines), r"(?m)^m\d+[^:]* (is|are) here$")
        for _, conversation in came:
            conversation.close()
        ada.see(lambda screen: any(line.endswith(" have left") for line in screen.lines))
        self.assertRegex("\n".join(ada.screen.lines),
                         r"(?m)^m\d+, m\d+, m\d+ and \d+ more have left$")
        self.assertEqual(ada.screen.edited, "lobby>")

    def test_another_name_is_kept_for_later_commands_at_this_hub(self):
        def last():
            return json.loads(self.done("log", "--json", "--last", "1", "--name", "ada").out)["from"]
        lin = self.chatter()
        lin.type("/name lin w\r")
        lin.see("you are lin w now, and in later commands")
        lin.type("/quit\r")
        self.assertEqual(lin.end(), 0)
        self.done("say", "who am I?")
        self.assertEqual(last(), "lin w")
        self.done("say", "--name", "eve", "for once")
        self.assertEqual(last(), "eve")
        self.done("say", "and again")
        self.assertEqual(last(), "lin w")
        self.environment["SKEIN_HUB"] = f"localhost:{self.the_hub.port}"  # known by another address
        self.done("say", "elsewhere")
        self.assertEqual(last(), "lin")

    def test_a_kept_name_that_is_none_is_said(self):
        for kept, error in ((b"", "is damaged"), (b"torn", "is damaged"), (b"a/b\n", "is none"),
                            (b"\x1b[2J\n", "is none"), (b"\xff\n", "is none")):
            self.write(f".local/state/skein/client/names/{self.the_hub.address}", kept,
                       folder=self.folder)
            said = self.skein("who")
            self.assertEqual((said.code, said.out), (1, ""), kept)
            self.assertIn(error, said.err)
            self.assertRegex(said.err, r"\nskein: hint: remove it.*, or say --name NAME\n\Z")
            self.assertNotIn("\x1b", said.err)
            self.done("who", "--name", "lin")

    def test_colours_unless_asked_not_to(self):
        eve = self.someone()
        self.says(eve, "before")
        lin, ada = self.chatter(), self.chatter(name="ada", NO_COLOR="1")
        self.says(eve, "hello")
        for one in (lin, ada):
            one.see(" eve: hello")
        self.assertRegex(lin.bytes, rb"\x1b\[\d+meve\x1b\[0m: hello")
        colours = re.findall(rb"\x1b\[(\d+)meve", lin.bytes)
        self.assertEqual((len(colours), len(set(colours))), (2, 1))
        self.assertNotRegex(ada.bytes, rb"\x1b\[[\d;]*m")

    def test_another_width(self):
        lin, eve = self.chatter(), self.someone()
        lin.type("x" * 60)
        lin.at_prompt("lobby> " + "x" * 60)
        lin.look()
        lin.screen = Screen(columns=40)
        lin.resize(40)
        lin.see(lambda screen: "".join(screen.lines).endswith("lobby> " + "x" * 60))
        self.says(eve, "hello")
        lin.see(" eve: hello")
        lin.see(lambda screen: "".join(screen.lines).endswith("lobby> " + "x" * 60))
        self.assertEqual("".join(lin.screen.lines).count("lobby> "), 1, lin.screen.lines)

    def test_the_terminal_is_left_as_it_was(self):
        for keys, code in (("/quit\r", 0), ("\x04", 0), ("half\x03", 0)):
            lin = self.chatter()
            self.assertNotEqual(termios.tcgetattr(lin.slave), lin.before)
            lin.type(keys)
            self.assertEqual(lin.end(), code, lin.screen.lines)
            self.assertEqual(termios.tcgetattr(lin.slave), lin.before)
            self.assertEqual((lin.screen.edited, lin.screen.column), ("", 0), lin.screen.lines)

    def test_ctrl_c_says_what_was_not_acknowledged(self):
        lin = self.chatter()
        self.the_hub.kill()
        lin.see("reconnecting")
        lin.type("lost\r")
        lin.see("waiting: lost")
        lin.type("\x03")
        self.assertEqual(lin.end(), 3)
        self.assertTrue(any("interrupted, and 1 message" in line for line in lin.screen.lines),
                        lin.screen.lines)
        self.assertEqual(termios.tcgetattr(lin.slave), lin.before)

    def test_quit_waits_for_the_hub(self):
        lin = self.chatter()
        self.the_hub.kill()
        lin.see("reconnecting")
        lin.type("last words\r/quit\r")
        lin.see("waiting for the hub, 1 not acknowledged; Ctrl-C gives up")
        self.the_hub.start()
        self.assertEqual(lin.end(), 0)
        self.assertEqual(self.logged(), ["last words"])
        self.assertEqual(lin.times(" lin: last words"), 1, lin.screen.lines)


class Pipe(Case):
    def test_lines_in_and_lines_out(self):
        self.hub()
        self.done("say", "before", "--name", "ada")
        said = self.skein("chat", typed="hi\n你好\n\n//slash\n/quit\nnever\n")
        self.assertEqual((said.code, said.err), (0, ""))
        when = r"\d{4}-\d\d-\d\d \d\d:\d\d  "
        self.assertRegex(said.out, rf"\A{when}ada: before\n{when}lin: hi\n{when}lin: 你好\n"
                                   rf"{when}lin: /slash\n\Z")
        self.assertEqual(said.out, self.done("log").out)

    def test_the_end_of_the_input_is_an_end(self):
        self.hub()
        said = self.skein("chat", "holiday", "--json", typed="one\ntwo")
        self.assertEqual((said.code, said.err), (0, ""))
        self.assertEqual([json.loads(line)["text"] for line in said.out.splitlines()],
                         ["one", "two"])
        self.assertEqual(self.done("log", "holiday", "--json").out, said.out)
        self.assertEqual(self.skein("chat", "--quiet", typed="x\n").out, "")

    def test_more_than_the_hub_takes_at_once(self):
        self.hub()
        lines = [f"line {number}" for number in range(130)]
        said = self.skein("chat", "--quiet", typed="\n".join(lines))
        self.assertEqual((said.code, said.err), (0, ""))
        log = self.done("log", "--json", "--last", "1000").out.splitlines()
        self.assertEqual([json.loads(line)["text"] for line in log], lines)

    def test_what_fails_ends_it_with_its_code(self):
        hub = self.hub()
        for typed, code, error in (
                ("/nothing\nx\n", 2, "no command '/nothing'"),
                ("/msg nobody hi\nx\n", 1, "'nobody'"),
                ("x" * 16385 + "\nx\n", 2, "more than 16384 bytes"),
                ("/send no file\nx\n", 1, "'no file'")):
            said = self.skein("chat", typed=typed)
            self.assertEqual(said.code, code, said)
            self.assertIn("skein: error: ", said.err)
            self.assertIn(error, said.err)
        self.assertNotIn("lin: xx", self.done("log").out)
        self.assertEqual(self.skein("chat", "a", "b").code, 2)
        self.assertEqual(self.skein("chat", "a/b", typed="x\n").code, 4)
        hub.stop()
        said = self.skein("chat", typed="x\n")
        self.assertEqual(said.code, 5)
        self.assertIn(hub.address, said.err)

    def test_a_hub_that_stays_away(self):
        hub = self.hub()
        process = self.start("chat", "--retry-for", "1", stdin=subprocess.PIPE)
        process.stdin.write(b"hello\n")
        process.stdin.flush()
        eventually(lambda: b"lin: hello" in os.read(process.stdout.fileno(), 4096), "not said")
        hub.kill()
        process.stdin.write(b"x\n")
        process.stdin.close()
        self.assertEqual(process.wait(PATIENCE_S), 3)

    def test_interrupted(self):
        hub = self.hub()
        process = self.start("chat", stdin=subprocess.PIPE)
        with Conversation(hub.port) as probe:
            probe.hello(name="probe")
            eventually(lambda: b"lin" in probe.ask(op="who")[1], "never came")
        interrupt(process)
        self.assertEqual(process.wait(PATIENCE_S), 0)


if __name__ == "__main__":
    unittest.main()
