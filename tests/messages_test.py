"""Messages with the real program: said, read and followed from the command line; hubs that are
killed, logs that cannot be written or are not ours; text that would harm a terminal."""

import json
import os
import socket
import sqlite3
import threading
import time
import unittest

from support import (DOWN, PATIENCE_S, UP, Case, Conversation, Fault, eventually, frame, free_port,
                     interrupt, ran)

KILLS = 6  # of the hub
SOAK_S = int(os.environ.get("SKEIN_SOAK_S", "0"))  # ./dev soak: so long, a kill a second
SENDERS = 3


def cid():
    return os.urandom(16).hex()


class CommandLine(Case):
    def test_what_is_said_is_read(self):
        self.hub()
        self.done("say", "photos", "are", "up", "--name", "lin")
        self.done("say", "--name", "ada", "--", "--really?")
        line = json.loads(self.done("say", "消息", "--json", "--name", "lin").out)
        self.assertEqual((line["room"], line["seq"]), ("lobby", 3))
        texts = [json.loads(one)["text"] for one in self.done("log", "--json").out.splitlines()]
        self.assertEqual(texts, ["photos are up", "--really?", "消息"])
        last = self.done("log", "--last", "1").out
        self.assertRegex(last, r"^\d{4}-\d\d-\d\d \d\d:\d\d  lin: 消息\n$")

    def test_json_of_the_log_has_the_fields_that_scripts_read(self):
        self.hub()
        self.done("say", "x", "--name", "lin")
        line = json.loads(self.done("log", "--json").out)
        self.assertLessEqual({"seq", "from", "ts", "text"}, set(line))
        self.assertEqual((line["seq"], line["from"], line["text"]), (1, "lin", "x"))
        self.assertLess(abs(line["ts"] / 1000 - time.time()), 3600)

    def test_a_message_is_read_from_the_standard_input(self):
        self.hub()
        self.assertEqual(self.skein("say", "-", typed="two\nlines\n").code, 0)
        self.assertEqual(json.loads(self.done("log", "--json").out)["text"], "two\nlines")
        for typed, error in ((("x" * 16385), "the message has more than 16384 bytes"),
                             ("", "the message is empty"), ("\n", "the message is empty")):
            said = self.skein("say", "-", typed=typed)
            self.assertEqual(said.code, 2)
            self.assertIn(error, said.err)
        self.assertEqual(self.skein("say").code, 2)
        self.assertEqual(len(self.done("log").out.splitlines()), 1)

    def test_rooms_and_direct_messages(self):
        self.hub()
        nowhere = self.skein("say", "--room", "holiday", "hello")
        self.assertEqual(nowhere.code, 1)
        self.assertIn("no room 'holiday'", nowhere.err)
        self.done("who", "--name", "ada")
        self.done("say", "--room", "@ada", "between us", "--name", "lin")
        self.assertIn("lin: between us", self.done("log", "@lin", "--name", "ada").out)
        self.assertEqual(self.done("log", "@lin", "--name", "eve").out, "")
        rooms = self.done("rooms", "--name", "ada").out.splitlines()
        self.assertIn("lobby", rooms)
        self.assertIn("@lin  1 unread", rooms)
        self.assertNotIn("@lin", self.done("rooms", "--name", "eve").out)

    def test_a_name_that_imitates_a_member_is_refused_and_files_go_on(self):
        self.hub()
        self.done("say", "it is me", "--name", "lin")
        self.done("say", "and me", "--name", "LIN")  # the same name, in another case
        fake = self.skein("say", "it is me", "--name", "l\u0456n")  # with a Cyrillic letter
        self.assertEqual(fake.code, 1)
        self.assertIn("'lin'", fake.err)
        self.done("ls", "--name", "l\u0456n")
        self.assertEqual(len(self.done("log").out.splitlines()), 2)

    def test_what_would_harm_a_terminal_is_shown_escaped_live_and_replayed(self):
        hub = self.hub()
        follower = self.start("log", "--follow", "--name", "ada")
        evil = "a\x1b[2J\x07b\u202ec\x00<b>d</b>"
        with Conversation(hub.port) as eve:
            eve.hello(name="eve")
            self.assertEqual(eve.code(evil.encode(), op="say", room="lobby", cid=cid()), "ok")
            self.assertEqual(eve.code(b"\xff\xfe", op="say", room="lobby", cid=cid()),
                             "bad_request")
            self.assertEqual(eve.code(op="say", room="lobby", cid=cid(), file="a\u202e\x1b[2J"),
                             "bad_name")
            self.assertEqual(eve.code(op="topic", room="lobby", topic="t\x1b[2J\0\u202e"), "ok")
            for name in ("l\u202ein", "l\u200bin", "127.0.0.1:5000"):
                with self.subTest(name), Conversation(hub.port) as fake:
                    fake.hello(name=name)
                    self.assertEqual(fake.code(op="who"), "bad_name")
        line = follower.stdout.readline().decode()
        shown = "eve: a\\x1b[2J\\x07b\\u{202e}c\\x00<b>d</b>\n"
        self.assertTrue(line.endswith(shown), line)
        self.assertTrue(self.done("log").out.endswith(shown))
        self.assertTrue(self.done("rooms").out.endswith("  t\\x1b[2J\\x00\\u{202e}\n"))
        self.assertEqual(self.done("who").out, "ada\nlin\n")
        interrupt(follower)
        self.assertEqual(ran(follower).code, 0)


    def test_places_that_are_none_are_refused_and_those_to_come_are_empty(self):
        hub = self.hub()
        self.done("say", "one")
        with Conversation(hub.port) as eve:
            eve.hello(name="eve")
            for after in (-1, 1.5, 1e3, "1", True, 2**53 + 1, 10**400, [], {}):
                for more in ({"op": "log", "room": "lobby"}, {"op": "follow"},
                             {"op": "follow", "room": "lobby"}):
                    with self.subTest(after=after, **more):
                        self.assertEqual(eve.code(after=after, **more), "bad_request")
            answer, lines = eve.ask(op="log", room="lobby", after=2**53)
            self.assertEqual((answer["ok"], lines), (True, b""))


class Following(Case):
    def test_a_reader_shows_each_message_once_through_kills_of_the_hub(self):
        self.shows_each_once_when_the_hub_ends(lambda hub: hub.kill())

    def test_a_reader_shows_each_message_once_through_stops_of_the_hub(self):
        self.shows_each_once_when_the_hub_ends(lambda hub: self.assertEqual(hub.stop(), 0))

    def test_a_hub_that_is_stopped_and_stays_away(self):
        hub = self.hub()
        self.done("say", "x", "--name", "lin")
        reader = self.start("log", "--follow", "--retry-for", "1")
        self.assertIn(b"lin: x", reader.stdout.readline())
        self.assertEqual(hub.stop(), 0)
        said = ran(reader)
        self.assertEqual((said.code, said.out), (3, ""))
        self.assertIn(f"lost the hub at {hub.address}: ", said.err)

    def shows_each_once_when_the_hub_ends(self, end):
        hub = self.hub("--sync", "full", port=free_port())
        reader = self.start("log", "--follow", "--json", "--last", "0", "--name", "reader")
        with Conversation(hub.port) as probe:
            probe.hello(name="probe")
            eventually(lambda: b"reader" in probe.ask(op="who")[1], "the reader never came")
        shown = []
        reading = threading.Thread(
            target=lambda: shown.extend(json.loads(line) for line in reader.stdout), daemon=True)
        reading.start()
        acknowledged = [[] for _ in range(SENDERS)]
        done = threading.Event()

        def send(number):
            """Says what it has to until it is acknowledged, as a client does."""
            conversation, said = None, 0
            while not done.is_set():
                text, mine = f"{number} {said}", cid()
                while True:
                    try:
                        if conversation is None:
                            conversation = Conversation(hub.port)
                            conversation.hello(name=f"sender {number}")
                        answer, _ = conversation.ask(text.encode(), op="say", room="lobby",
                                                     cid=mine)
                        assert answer["ok"] or answer["error"] == "too_many", answer
                        if answer["ok"]:
                            break
                    except (OSError, AssertionError):
                        if conversation:
                            conversation.close()
                        conversation = None
                    time.sleep(0.01)  # the pace of a client that calls again
                acknowledged[number].append((answer["seq"], text))
                said += 1
            if conversation:
                conversation.close()

        senders = [threading.Thread(target=send, args=(number,)) for number in range(SENDERS)]
        for sender in senders:
            sender.start()
        kills, until = 0, time.monotonic() + SOAK_S
        while kills < KILLS or time.monotonic() < until:
            enough = sum(len(one) for one in acknowledged) + 20
            due = time.monotonic() + (1 if SOAK_S else 0)
            eventually(lambda: time.monotonic() >= due
                       and sum(len(one) for one in acknowledged) > enough,
                       "nothing is acknowledged any more")
            end(hub)
            hub.start()
            kills += 1
        done.set()
        for sender in senders:
            sender.join(PATIENCE_S)
        log = [json.loads(line) for line in self.done("log", "--json", "--last", "100000").out
               .splitlines()]
        self.assertEqual([one["seq"] for one in log], list(range(1, len(log) + 1)))
        for number, mine in enumerate(acknowledged):
            logged = [(one["seq"], one["text"]) for one in log
                      if one["from"] == f"sender {number}"]
            self.assertEqual(logged, mine)
        eventually(lambda: len(shown) >= len(log), "the reader has not caught up")
        interrupt(reader)
        reader.wait(PATIENCE_S)
        reading.join(PATIENCE_S)
        self.assertEqual([one["seq"] for one in shown], [one["seq"] for one in log])
        if SOAK_S:
            print(f"{kills} kills, {sum(len(one) for one in acknowledged)} messages acknowledged, "
                  f"{len(log)} in the log, {len(shown)} shown: each once and in order")

    def test_a_slow_reader_costs_the_hub_nothing_and_gets_everything_later(self):
        self.count_memory()
        hub = self.hub()
        text = b"x" * 16000
        count = 2000  # 32 MB of text, much more than the hub may have grown by
        with Conversation(hub.port) as slow:
            slow.hello(name="slow")
            slow.send(frame({"op": "follow", "id": 2, "room": "lobby", "after": 0}))
            before = None
            for number in range(count):
                if number % 50 == 0:  # each member and each address has a limit of its own
                    sender = self.converse(hub, hello=False, near=f"127.0.1.{number // 50 + 1}")
                    sender.hello(name=f"sender {number}")
                self.assertEqual(sender.code(text, op="say", room="lobby", cid=cid()), "ok")
                if number == 500:  # what is held ready for all is full by now
                    before = hub.memory()
            self.assertLess(hub.memory(), before + (12 << 20))
            seqs = []
            while len(seqs) < count:
                _, payload = slow.answer()
                seqs += [json.loads(line)["seq"] for line in payload.splitlines()]
            self.assertEqual(seqs, list(range(1, count + 1)))

    def test_who_follows_and_is_silent_costs_little_whatever_it_asked(self):
        # Some 4 KiB are aimed at; a sanitizer has its own beside that. Kept, what was asked would
        # be 120 KB.
        most_each = 56_000 if "ASAN_OPTIONS" in os.environ else 16_384
        self.count_memory()
        hub = self.hub()
        filler = "x" * 60000
        count = 300

        def follower(number):
            conversation = self.converse(hub, hello=False)
            conversation.hello(name=f"member {number}", filler=filler)
            conversation.send(frame({"op": "follow", "id": 2, "room": "lobby", "filler": filler}))
            self.assertTrue(conversation.answer()[0]["ok"])

        for number in range(20):  # what is made once is there
            follower(number)
        before = hub.memory()
        for number in range(20, 20 + count):
            follower(number)
        self.assertLess(hub.memory(), before + count * most_each)


class Announcing(Case):
    """skein put --announce ROOM."""

    def setUp(self):
        super().setUp()
        self.the_hub = self.hub()
        self.write("a.jpg", b"content")
        self.write("holiday/b.jpg", b"content")

    def offered(self, room="lobby", name="lin"):
        """(text, file) of all that is in the room."""
        lines = self.done("log", room, "--json", "--last", "1000", "--name", name).out.splitlines()
        return [(line["text"], line.get("file")) for line in map(json.loads, lines)]

    def test_each_thing_is_offered_once(self):
        said = self.done("put", "a.jpg", "holiday/", "--to", "2026", "--announce", "lobby")
        self.assertRegex(said.out, r"^done: 2 files, .* at ada:2026/; announced in lobby\n\Z")
        self.assertEqual(self.offered(), [("", "2026/a.jpg"), ("", "2026/holiday")])
        said = self.done("put", "holiday/.", "--announce", "LOBBY", "--json")
        self.assertEqual((said.last_json["done"], said.last_json["announced"]), (True, 1))
        self.assertEqual(self.offered()[2:], [("", "holiday")])
        self.assertNotIn("announced", self.done("put", "a.jpg", "--json").last_json)
        self.assertEqual(self.done("put", "a.jpg", "--announce", "lobby", "--quiet").out, "")
        self.assertEqual(self.offered()[3:], [("", "a.jpg")])

    def test_to_one_member(self):
        self.done("who", "--name", "ada")
        self.done("put", "a.jpg", "--announce", "@ada")
        self.assertEqual(self.offered("@lin", name="ada"), [("", "a.jpg")])
        self.assertEqual(self.offered(), [])

    def test_a_room_that_is_not_there_leaves_it_incomplete(self):
        said = self.skein("put", "a.jpg", "--announce", "nowhere")
        self.assertEqual((said.code, said.out), (3, ""))
        self.assertRegex(said.err, r"\Askein: error: all is there, but not announced in 'nowhere': "
                                   r"no room 'nowhere'\nskein: hint: .*\n\Z")
        self.assertEqual(self.the_hub.names(), ["a.jpg"])
        said = self.skein("put", "a.jpg", "--announce", "nowhere", "--json")
        problem, last = map(json.loads, said.out.splitlines())
        self.assertEqual((problem["problem"], problem["error"]), ("nowhere", "not_found"))
        self.assertEqual((said.code, said.err), (3, ""))
        self.assertEqual([last[key] for key in ("done", "files", "files_there", "problems",
                                                "announced", "durable", "verified")],
                         [False, 1, 1, 1, 0, True, "digest"])
        self.skein("chat", "nowhere", typed="")  # which makes it
        self.done("put", "a.jpg", "--announce", "nowhere")
        self.assertEqual(self.offered("nowhere"), [("", "a.jpg")])

    def test_what_is_not_whole_is_not_announced(self):
        said = self.skein("put", "a.jpg", "missing", "--announce", "lobby", "--json")
        self.assertEqual(said.code, 3)
        self.assertEqual((said.last_json["done"], said.last_json["announced"]), (False, 0))
        self.assertEqual(self.offered(), [])

    def test_a_lost_line_is_no_second_message(self):
        for direction, text in ((UP, b'"op":"say"'), (DOWN, b'"number"')):
            with self.subTest(direction):
                before = len(self.offered())
                relay = self.relay(self.the_hub, Fault("cut", direction, text=text))
                self.done("put", "a.jpg", "--announce", "lobby")
                self.assertEqual(relay.dialled, 2)
                self.environment["SKEIN_HUB"] = self.the_hub.address
                self.assertEqual(self.offered()[before:], [("", "a.jpg")])

    def test_more_than_the_hub_takes_at_once(self):
        names = [f"{number:03}" for number in range(110)]
        for name in names:
            self.write(name, b"")
        said = self.done("put", *names, "--announce", "lobby", "--json")
        self.assertEqual(said.last_json["announced"], len(names))
        self.assertEqual([file for _, file in self.offered()], names)

    def test_what_cannot_be_asked_for(self):
        for arguments, error in ((["--announce", ""], "has no name"),
                                 (["--announce", "x", "--dialect", "tutorial"], "no rooms")):
            said = self.skein("put", "a.jpg", *arguments)
            self.assertEqual(said.code, 2)
            self.assertIn(error, said.err)
        self.assertEqual(self.the_hub.names(), [])


class Logs(Case):
    """The file that the messages are in."""

    def room_log(self, hub):
        return hub.state / "hub" / "rooms.sqlite"

    def start_fails(self, hub):
        failed = self.skein("serve", str(hub.shared), "--listen", "127.0.0.1:0", "--state",
                            str(hub.state))
        self.assertNotEqual(failed.code, 0)
        return failed.err

    def test_a_log_of_a_newer_version_is_refused_and_left_as_it_is(self):
        hub = self.hub()
        self.done("say", "kept")
        hub.stop()
        with sqlite3.connect(self.room_log(hub)) as log:
            log.execute("PRAGMA user_version = 999")
        log.close()
        before = self.room_log(hub).read_bytes()
        error = self.start_fails(hub)
        self.assertIn("skein: hint: ", error)
        self.assertEqual(self.room_log(hub).read_bytes(), before)

    def test_a_broken_log_is_said_and_never_made_anew(self):
        hub = self.hub()
        self.done("say", "kept")
        hub.stop()
        broken = b"this is no log" * 1000
        self.room_log(hub).write_bytes(broken)
        for more in self.room_log(hub).parent.glob("rooms.sqlite-*"):
            more.unlink()
        error = self.start_fails(hub)
        self.assertIn("rooms.sqlite", error)
        self.assertEqual(self.room_log(hub).read_bytes(), broken)

    def test_only_its_owner_can_read_it(self):
        hub = self.hub()
        self.done("say", "secret")
        for file in self.room_log(hub).parent.glob("rooms.sqlite*"):
            self.assertEqual(file.stat().st_mode & 0o077, 0, file)


class Datagrams(Case):
    def test_floods_empty_and_oversize_datagrams_and_our_own_leave_the_hub_serving(self):
        hub = self.hub()
        with socket.socket(type=socket.SOCK_DGRAM) as guest:
            guest.connect(("127.0.0.1", hub.port))
            for number in range(3000):
                guest.send(b"" if number % 3 else os.urandom(100))
            guest.send(b"x" * 60000)
            guest.send(b"\0not a probe")
        self.assert_serves(hub)
        self.done("say", "still here")
        self.assertIn("still here", self.done("log").out)

    def test_floods_by_datagrams_and_by_frames_stay_bounded(self):
        most = (48 if "ASAN_OPTIONS" in os.environ else 24) << 20  # a sanitizer pads what is there
        self.count_memory()
        hub = self.hub()
        before = hub.memory()
        for number in range(100):
            with socket.socket(type=socket.SOCK_DGRAM) as guest:
                guest.connect(("127.0.0.1", hub.port))
                for _ in range(100):
                    guest.send(b"x" * 16000)
        with Conversation(hub.port) as flood:
            flood.hello(name="flood")
            flood.socket.setblocking(False)
            sent, more = 0, b""
            # It never reads its answers: at some time nobody reads what it sends.
            last = time.monotonic()
            while sent < 64 << 20 and time.monotonic() < last + 1:
                more = more or b"".join(
                    frame({"op": "say", "id": number + 1, "room": "lobby", "cid": cid(),
                           "size": 16000}, b"x" * 16000) for number in range(60))
                try:
                    done = flood.socket.send(more)
                    sent, more, last = sent + done, more[done:], time.monotonic()
                except BlockingIOError:
                    time.sleep(0.001)
            self.assertLess(hub.memory(), before + most)
            self.assert_serves(hub)
            self.done("say", "still here", "--name", "ada")


if __name__ == "__main__":
    unittest.main()
