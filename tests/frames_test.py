"""Frames that no good client sends: each is answered or ended as docs/protocol.md says, leaves one
line in the log and nothing in the folder, and the hub serves on."""

import json
import struct
import unittest

from support import MIB, Case, eventually, frame, noise, partials_in, trash_of

HELLO = {"op": "hello", "id": 1, "min": 1, "max": 1}
DEVICE = "5d1c04b0a7f2439e8b6604c81de23a97"
LARGEST = 1 << 53


def length(number):
    return struct.pack("<i" if number < 0 else "<I", number)


def nested(depth):
    """A dictionary of this depth, itself counted."""
    return b'{"a":' + b"[" * (depth - 1) + b"]" * (depth - 1) + b',"op":"ping","id":1}'


# What cannot be read: name, bytes.
BAD_FRAMES = [
    ("length 0", length(0) + b"{}"),
    ("length over the limit", length(65537) + b"{" + b" " * 65535 + b"}"),
    ("length 0xFFFFFFFF", length(0xFFFFFFFF) + b"{}"),
    ("length -1", length(-1) + b'{"op":"ping","id":1}'),
    ("not an object: a list", frame(b"[]")),
    ("not an object: a text", frame(b'"ping"')),
    ("not an object: null", frame(b"null")),
    ("nothing but space", frame(b"   ")),
    ("two objects", frame(b"{}{}")),
    ("cut off within its length", frame(b'{"op":"ping","id":1')),
    ("a byte too many", frame(b'{"op":"ping","id":1}x')),
    ("not JSON: a trailing comma", frame(b'{"op":"ping","id":1,}')),
    ("not JSON: single quotes", frame(b"{'op':'ping','id':1}")),
    ("not JSON: a comment", frame(b'{"op":"ping",/**/"id":1}')),
    ("not JSON: NaN", frame(b'{"op":"ping","id":1,"a":NaN}')),
    ("a byte order mark", frame(b'\xef\xbb\xbf{"op":"ping","id":1}')),
    ("bytes that are not UTF-8", frame(b'{"op":"ping","id":1,"a":"\xff"}')),
    ("overlong UTF-8", frame(b'{"op":"ping","id":1,"a":"\xc0\xaf"}')),
    ("half a surrogate pair", frame(b'{"op":"ping","id":1,"a":"\\ud800"}')),
    ("a raw control character", frame(b'{"op":"ping","id":1,"a":"\n"}')),
    ("nested 33 deep", frame(nested(33))),
    ("nested 20,000 deep", frame(nested(20000))),
    ("size -1", frame({"op": "ping", "id": 1, "size": -1})),
    ("size 1.5", frame(b'{"op":"ping","id":1,"size":1.5}')),
    ("size 1e3", frame(b'{"op":"ping","id":1,"size":1e3}')),
    ("size 1000.0", frame(b'{"op":"ping","id":1,"size":1000.0}')),
    ("size as text", frame({"op": "ping", "id": 1, "size": "5"}, b"12345")),
    ("size as a list", frame({"op": "ping", "id": 1, "size": [5]}, b"12345")),
    ("size true", frame({"op": "ping", "id": 1, "size": True})),
    ("size over 4 MiB", frame({"op": "ping", "id": 1, "size": 4 * MIB + 1})),
    ("size above 2^53", frame({"op": "ping", "id": 1, "size": LARGEST + 1})),
    ("size above 2^64", frame({"op": "ping", "id": 1, "size": 1 << 65})),
    ("both sizes", frame({"file_name": "a", "file_size": 1, "size": 1}, b"1")),
    ("file_size with op", frame({"op": "ping", "file_name": "a", "file_size": 1}, b"1")),
    ("file_size with id", frame({"id": 1, "file_name": "a", "file_size": 1}, b"1")),
    ("file_size -1", frame({"file_name": "a", "file_size": -1})),
    ("file_size above 2^53", frame({"file_name": "a", "file_size": LARGEST + 1})),
    ("file_size 0.5", frame(b'{"file_name":"a","file_size":0.5}')),
    ("file_size as text", frame({"file_name": "a", "file_size": "1"}, b"1")),
    ("file_name alone", frame({"file_name": "a"})),
]

# Of a connection's first bytes: name, bytes.
STRANGERS = [
    ("a TLS hello", bytes.fromhex("16030100a5010000a10303") + noise(160)),
    ("garbage", noise(4096)),
    ("text", b"hello, is anybody there?\r\n"),
    ("NULs", bytes(64)),
    ("SSH", b"SSH-2.0-OpenSSH_9.2p1\r\n"),
    ("a length, but no object", length(20) + b" " * 20),
]


class Frames(Case):
    def setUp(self):
        super().setUp()
        self.the_hub = self.hub()

    def logged(self, conversation):
        """What the log says of this connection, once it says something."""
        return eventually(lambda: self.the_hub.complaints(f" {conversation.name}: "),
                          lambda: f"nothing of {conversation.name} in {self.the_hub.log()!r}")

    def assert_nothing_happened(self):
        self.assertEqual(self.the_hub.names(), [])
        self.assertEqual(trash_of(self.the_hub.shared), [])
        eventually(lambda: not partials_in(self.the_hub.shared),
                   lambda: f"left: {partials_in(self.the_hub.shared)}")

    def test_what_cannot_be_read_is_bad_frame_after_hello(self):
        for name, data in BAD_FRAMES:
            with self.subTest(name), self.converse(self.the_hub) as conversation:
                conversation.send(data)
                answer, _ = conversation.answer()
                self.assertEqual((answer.get("id"), answer["ok"], answer["error"]),
                                 (None, False, "bad_frame"))
                self.assertIsNone(conversation.answer())
                (line,) = self.logged(conversation)
                self.assertIn("[bad_frame at ", line)
        self.assert_nothing_happened()
        self.assert_serves(self.the_hub)

    def test_what_cannot_be_read_ends_the_connection_without_a_word_before_hello(self):
        for name, data in BAD_FRAMES:
            with self.subTest(name), self.converse(self.the_hub, hello=False) as conversation:
                conversation.send(data)
                self.assertEqual(conversation.rest(), b"")
                (line,) = self.logged(conversation)
                self.assertIn("[bad_frame at ", line)
        self.assert_nothing_happened()
        self.assert_serves(self.the_hub)

    def test_who_speaks_something_else_is_told_nothing(self):
        for name, data in STRANGERS:
            with self.subTest(name), self.converse(self.the_hub, hello=False) as conversation:
                conversation.send(data)
                self.assertEqual(conversation.rest(), b"")
                self.assertEqual(len(self.logged(conversation)), 1)
        self.assert_nothing_happened()
        self.assert_serves(self.the_hub)

    def test_every_method_of_http_is_answered_by_http(self):
        for method in ("GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "CONNECT",
                       "TRACE"):
            with self.subTest(method), self.converse(self.the_hub, hello=False) as conversation:
                conversation.send(f"{method} / HTTP/1.1\r\nHost: x\r\n"
                                  "Connection: close\r\n\r\n".encode())
                answer = conversation.rest()
                self.assertTrue(answer.startswith(b"HTTP/1.1 4"), answer)
                self.assertEqual(len(self.logged(conversation)), 1)
        self.assert_serves(self.the_hub)

    def test_never_a_byte(self):
        # May rest as long as it likes, and nobody is in its way.
        with self.converse(self.the_hub, hello=False) as conversation:
            self.assert_serves(self.the_hub)
            conversation.hello()
            self.assertEqual(conversation.code(op="ping"), "ok")
        self.assertEqual(self.the_hub.complaints(), [])

    def test_one_byte_at_a_time(self):
        content = noise(40)
        with self.converse(self.the_hub, hello=False) as conversation:
            for data in (frame(HELLO),
                         frame({"op": "put", "id": 1, "path": "a", "total": 40}),
                         frame({"op": "block", "id": 2, "handle": 1, "block": 0, "size": 40},
                               content),
                         frame({"op": "commit", "id": 3, "handle": 1})):
                for byte in data:
                    conversation.send(bytes([byte]))
                answer, _ = conversation.answer()
                self.assertTrue(answer["ok"], answer)
        self.assertEqual((self.the_hub.shared / "a").read_bytes(), content)

    def test_everything_at_once(self):
        content = noise(40)
        with self.converse(self.the_hub, hello=False) as conversation:
            conversation.send(frame(HELLO) + b"".join(
                frame({"op": "ping", "id": number}) for number in range(2, 60)))
            ids = [conversation.answer()[0]["id"] for _ in range(59)]
            self.assertEqual(sorted(ids), list(range(1, 60)))
            conversation.put("a", content)
        self.assertEqual((self.the_hub.shared / "a").read_bytes(), content)

    def test_cut_off_anywhere(self):
        whole = (frame({"op": "put", "id": 2, "path": "a", "total": 10})
                 + frame({"op": "block", "id": 3, "handle": 1, "block": 0, "size": 10}, b"0123456789"))
        for end in (1, 3, 4, 5, 20, len(whole) - 11, len(whole) - 10, len(whole) - 1):
            with self.subTest(end), self.converse(self.the_hub) as conversation:
                conversation.send(whole[:end])
                conversation.close()
        self.assert_nothing_happened()
        self.assert_serves(self.the_hub)

    def test_the_answers_due_still_come_after_the_client_ended_its_side(self):
        with self.converse(self.the_hub) as conversation:
            conversation.send(frame({"op": "ls", "id": 7}))
            conversation.socket.shutdown(1)
            self.assertEqual(conversation.answer()[0]["id"], 7)
            self.assertIsNone(conversation.answer())
        self.assertEqual(self.the_hub.complaints(), [])

    def test_before_hello(self):
        before = [
            # (name, dictionary, code of the answer; None: closed without a word)
            ("another operation", {"op": "ls", "id": 4}, "bad_request"),
            ("an unknown one", {"op": "dance", "id": 4}, "unknown_operation"),
            ("no op", {"id": 4}, "bad_request"),
            ("op that is no text", {"id": 4, "op": 5}, "bad_request"),
            ("hello without versions", {"op": "hello", "id": 4}, "bad_request"),
            ("hello with a bad device", {**HELLO, "id": 4, "device": "x"}, "bad_request"),
            ("hello with an upper-case device", {**HELLO, "id": 4, "device": DEVICE.upper()},
             "bad_request"),
            ("hello with a long name", {**HELLO, "id": 4, "name": "n" * 65}, "bad_request"),
            ("hello with a control character", {**HELLO, "id": 4, "name": "a\nb"}, "bad_request"),
            ("hello with max below min", {**HELLO, "id": 4, "min": 1, "max": 0}, "bad_request"),
            ("no id", {"op": "ping"}, None),
            ("id 0", {"op": "hello", "id": 0, "min": 1, "max": 1}, None),
            ("id as text", {"op": "hello", "id": "1", "min": 1, "max": 1}, None),
        ]
        for name, request, code in before:
            with self.subTest(name), self.converse(self.the_hub, hello=False) as conversation:
                conversation.send(frame(request))
                if code is None:
                    self.assertEqual(conversation.rest(), b"")
                else:
                    answer, _ = conversation.answer()
                    self.assertEqual((answer["id"], answer["error"]), (4, code))
                    conversation.hello()
                self.assertEqual(len(self.logged(conversation)), 1)
        self.assert_serves(self.the_hub)

    def test_no_version_in_common_ends_the_connection(self):
        for least, most in ((2, 9), (0, 0)):
            with self.subTest(least), self.converse(self.the_hub, hello=False) as conversation:
                self.assertEqual(conversation.code(op="hello", min=least, max=most), "version")
                self.assertIsNone(conversation.answer())
                self.assertEqual(len(self.logged(conversation)), 1)
        with self.converse(self.the_hub, hello=False) as conversation:
            answer, _ = conversation.ask(op="hello", min=0, max=99, name="lin", extra=[None])
            self.assertEqual((answer["version"], answer["hub"], answer["member"]),
                             (1, "ada", "local/lin"))
            self.assertEqual(conversation.code(op="hello", min=1, max=1), "bad_request")

    def test_requests_that_are_wrong_are_answered_and_skipped(self):
        with self.converse(self.the_hub) as conversation:
            self.assertTrue(conversation.ask(op="put", path="open", total=3 * MIB)[0]["ok"])
            wrong = [
                # (fields, payload, code)
                ({"op": "dance"}, b"x" * 1000, "unknown_operation"),
                ({"op": ""}, b"", "unknown_operation"),
                ({"op": "PING"}, b"", "unknown_operation"),
                ({"op": None}, b"", "bad_request"),
                ({"op": ["ping"]}, b"payload", "bad_request"),
                ({"op": "ls", "path": 5}, b"", "bad_request"),
                ({"op": "put", "path": "a"}, b"", "bad_request"),
                ({"op": "put", "total": 1}, b"", "bad_request"),
                ({"op": "put", "path": "a", "total": -1}, b"", "bad_request"),
                ({"op": "put", "path": "a", "total": 1.5}, b"", "bad_request"),
                ({"op": "put", "path": "a", "total": LARGEST + 1}, b"", "bad_request"),
                ({"op": "put", "path": "a", "total": "1"}, b"", "bad_request"),
                ({"op": "put", "path": "a", "total": True}, b"", "bad_request"),
                ({"op": "put", "path": "a", "total": LARGEST}, b"",
                 "no_space|too_large"),  # which of the two the disk says
                ({"op": "put", "path": "a", "total": 1, "mode": 512}, b"", "bad_request"),
                ({"op": "put", "path": "a", "total": 1, "mode": -1}, b"", "bad_request"),
                ({"op": "put", "path": "a", "total": 1, "mtime_ns": 5}, b"", "bad_request"),
                ({"op": "put", "path": "a", "total": 1, "mtime_ns": "x"}, b"", "bad_request"),
                ({"op": "put", "path": "a", "total": 1, "mtime_ns": "9223372036854775808"}, b"",
                 "bad_request"),
                ({"op": "put", "path": "a", "total": 1, "source": ""}, b"", "bad_request"),
                ({"op": "put", "path": "a", "total": 1, "source": "s" * 65}, b"", "bad_request"),
                ({"op": "put", "path": "a", "total": 1, "source": "a\x7f"}, b"", "bad_request"),
                ({"op": "put", "path": "a", "total": 1, "unless_same": 1}, b"", "bad_request"),
                ({"op": "block", "handle": 99, "block": 0}, b"x" * MIB, "bad_request"),
                ({"op": "block", "block": 0}, b"x", "bad_request"),
                ({"op": "block", "handle": 1}, b"x", "bad_request"),
                ({"op": "block", "handle": 1, "block": 3}, b"x" * MIB, "bad_request"),
                ({"op": "block", "handle": 1, "block": -1}, b"x" * MIB, "bad_request"),
                ({"op": "block", "handle": 1, "block": 1 << 50}, b"x" * MIB, "bad_request"),
                ({"op": "block", "handle": 1, "block": 0}, b"", "bad_request"),
                ({"op": "block", "handle": 1, "block": 0}, b"x" * (MIB - 1), "bad_request"),
                ({"op": "block", "handle": 1, "block": 0}, b"x" * (MIB + 1), "bad_request"),
                ({"op": "block", "handle": 1, "block": 0, "digest": "0" * 32}, b"x" * MIB,
                 "digest_mismatch"),
                ({"op": "block", "handle": 1, "block": 0, "digest": "0" * 31}, b"x" * MIB,
                 "bad_request"),
                ({"op": "block", "handle": 1, "block": 0, "digest": "X" * 32}, b"x" * MIB,
                 "bad_request"),
                ({"op": "commit", "handle": 99}, b"", "bad_request"),
                ({"op": "commit", "handle": "1"}, b"", "bad_request"),
                ({"op": "commit"}, b"", "bad_request"),
                ({"op": "commit", "handle": 1}, b"", "incomplete"),
                ({"op": "get", "path": "missing"}, b"", "not_found"),
                ({"op": "read", "handle": 1, "block": 0}, b"", "bad_request"),
                ({"op": "read", "handle": 99, "block": 0}, b"", "bad_request"),
                ({"op": "close", "handle": 99}, b"", "bad_request"),
                ({"op": "close", "handle": 0}, b"", "bad_request"),
                ({"op": "cancel"}, b"", "bad_request"),
                ({"op": "cancel", "target": "1"}, b"", "bad_request"),
                ({"op": "mkdir"}, b"", "bad_request"),
                ({"op": "link", "path": "l"}, b"", "bad_request"),
                ({"op": "link", "path": "l", "target": ""}, b"", "bad_request"),
                ({"op": "link", "path": "l", "target": "a\0b"}, b"", "bad_request"),
                ({"op": "link", "path": "l", "target": "t" * 4097}, b"", "bad_request"),
                ({"op": "mv", "path": "a"}, b"", "bad_request"),
                ({"op": "rm"}, b"", "bad_request"),
                ({"op": "restore"}, b"", "bad_request"),
            ]
            for number, (fields, payload, code) in enumerate(wrong, 10):
                with self.subTest(fields):
                    before = len(self.the_hub.complaints())
                    answer, _ = conversation.ask(payload, id=number, **fields)
                    self.assertEqual((answer["id"], answer["ok"]), (number, False))
                    self.assertRegex(answer["error"], f"^({code})$")
                    self.assertTrue(answer["message"])
                    self.assertEqual(len(self.the_hub.complaints()), before + 1)
            self.assertEqual(conversation.code(op="ping"), "ok")
            self.assertEqual(conversation.code(op="close", handle=1), "ok")
            self.assert_nothing_happened()

    def test_what_stands_in_the_way_is_told_by_code(self):
        self.write("file", b"1", folder=self.the_hub.shared)
        self.write("folder/inside", b"1", folder=self.the_hub.shared)
        self.write("other", b"1", folder=self.the_hub.shared)
        before = self.the_hub.names()
        cases = [
            ("is_a_folder", {"op": "put", "path": "folder", "total": 1}),
            ("is_a_folder", {"op": "get", "path": "folder"}),
            ("is_a_folder", {"op": "link", "path": "folder", "target": "x"}),
            ("not_a_folder", {"op": "put", "path": "file/x", "total": 1}),
            ("not_a_folder", {"op": "get", "path": "file/x"}),
            ("not_a_folder", {"op": "ls", "path": "file/x"}),
            ("not_a_folder", {"op": "mkdir", "path": "file/x/y"}),
            ("not_a_folder", {"op": "link", "path": "file/x", "target": "x"}),
            ("not_a_folder", {"op": "rm", "path": "file/x"}),
            ("not_a_folder", {"op": "mv", "path": "other", "to": "file/x"}),
            ("exists", {"op": "mkdir", "path": "file"}),
            ("exists", {"op": "mv", "path": "other", "to": "file"}),
            ("exists", {"op": "mv", "path": "other", "to": "folder"}),
            ("bad_request", {"op": "mv", "path": "folder", "to": "folder/deeper"}),
            ("bad_request", {"op": "mv", "path": "file", "to": "file"}),
            ("not_found", {"op": "ls", "path": "missing"}),
            ("not_found", {"op": "rm", "path": "folder/missing"}),
            ("not_found", {"op": "mv", "path": "missing", "to": "x"}),
            ("not_found", {"op": "restore", "path": "file"}),
        ]
        with self.converse(self.the_hub) as conversation:
            for code, request in cases:
                with self.subTest(request):
                    self.assertEqual(conversation.code(**request), code)
            self.assertEqual(conversation.code(op="mkdir", path="folder"), "ok")
        self.assertEqual(self.the_hub.names(), before)
        self.assertEqual(trash_of(self.the_hub.shared), [])

    def test_a_long_list_comes_in_parts_of_whole_lines(self):
        names = {f"{number:0200}" for number in range(3000)}
        (self.the_hub.shared / "many").mkdir()
        for name in names:
            (self.the_hub.shared / "many" / name).touch()
        with self.converse(self.the_hub) as conversation:
            conversation.send(frame({"op": "ls", "id": 3, "path": "many"}))
            listed, parts, more = [], 0, True
            while more:
                answer, body = conversation.answer()
                self.assertEqual(answer.get("kind"), None if parts else "folder")
                self.assertTrue(body.endswith(b"\n"))
                self.assertLess(len(body), MIB)
                listed += [json.loads(line)["name"] for line in body.splitlines()]
                parts, more = parts + 1, answer.get("more", False)
        self.assertGreater(parts, 2)
        self.assertEqual((len(listed), set(listed)), (len(names), names))

    def test_no_valid_id_after_hello_is_answered_without_one(self):
        ids = (None, 0, -1, 1.5, "1", LARGEST + 1, [1], True)
        with self.converse(self.the_hub) as conversation:
            for number in ids:
                with self.subTest(number):
                    conversation.send(frame({"op": "ping", "id": number, "size": 5}, b"12345"))
                    answer, _ = conversation.answer()
                    self.assertEqual((answer.get("id"), answer["error"]), (None, "bad_request"))
            self.assertEqual(conversation.code(op="ping", id=LARGEST), "ok")

    def test_what_is_odd_but_allowed(self):
        odd = [
            b'{"op":"ping","id":1,"op":"ping","id":2,"id":7}',  # of a key given twice the last
            b'{"op":"dance","\\u006fp":"ping","id":7}',
            b' \n\t{ "id" : 7 , "op" : "ping" }\r\n',
            b'{"op":"ping","id":7,"size":null,"what":{"ever":[1.5e300,null,-0]}}',
            b'{"op":"ping","id":7,"size":0}',
            nested(32).replace(b'"id":1', b'"id":7'),
            b'{"op":"ping","id":7}' + b" " * (65536 - 20),
            b'{"op":"ping","id":7,"a":"\\ud83e\\uddf6\\u0000"}',
        ]
        with self.converse(self.the_hub) as conversation:
            for text in odd:
                with self.subTest(text[:60]):
                    conversation.send(frame(text))
                    self.assertEqual(conversation.answer()[0], {"id": 7, "ok": True})
        self.assertEqual(self.the_hub.complaints(), [])

    def test_too_many_requests_at_once(self):
        (self.the_hub.shared / "many").mkdir()
        for number in range(3000):  # a list long enough for its answer to wait for us
            (self.the_hub.shared / f"many/{number:0200}").touch()
        with self.converse(self.the_hub) as conversation:
            requests = [frame({"op": "ls", "id": number, "path": "many"}) for number in range(2, 72)]
            conversation.send(b"".join(requests))
            ends = {}
            while len(ends) < len(requests):
                answer, _ = conversation.answer()
                if not answer.get("more"):
                    self.assertNotIn(answer["id"], ends)
                    ends[answer["id"]] = answer.get("error", "ok")
            self.assertEqual(sorted(set(ends.values())), ["ok", "too_many"])
            self.assertGreaterEqual(list(ends.values()).count("ok"), 64)
            self.assertEqual([ends[number] for number in range(2, 66)], ["ok"] * 64)
            self.assertEqual(conversation.code(op="ping"), "ok")

    def test_an_id_that_is_open_and_cancel(self):
        (self.the_hub.shared / "many").mkdir()
        for number in range(3000):
            (self.the_hub.shared / f"many/{number:0200}").touch()
        with self.converse(self.the_hub) as conversation:
            conversation.send(frame({"op": "ls", "id": 5, "path": "many"}) * 2
                              + frame({"op": "cancel", "id": 6, "target": 5})
                              + frame({"op": "cancel", "id": 7, "target": 99}))
            ends = []
            while len(ends) < 4:
                answer, _ = conversation.answer()
                if not answer.get("more"):
                    ends.append((answer["id"], answer.get("error", "ok")))
            self.assertEqual(sorted(ends), [(5, "bad_request"), (5, "cancelled"), (6, "ok"),
                                            (7, "ok")])

    def test_too_many_open_transfers(self):
        with self.converse(self.the_hub) as conversation:
            handles = []
            for number in range(64):
                answer, _ = conversation.ask(op="put", path=f"{number}", total=1)
                handles.append(answer["handle"])
            self.assertEqual(len(set(handles)), 64)
            self.assertEqual(conversation.code(op="put", path="x", total=1), "too_many")
            self.assertEqual(conversation.code(op="close", handle=handles[5]), "ok")
            self.assertEqual(conversation.code(op="put", path="x", total=1), "ok")
        self.assert_nothing_happened()
        self.assert_serves(self.the_hub)

    def test_more_bytes_than_declared_are_the_next_frame(self):
        with self.converse(self.the_hub) as conversation:
            conversation.ask(op="put", path="a", total=4)
            conversation.send(frame({"op": "block", "id": 2, "handle": 1, "block": 0, "size": 4},
                                    b"1234and more that is no frame"))
            self.assertEqual(conversation.answer()[0], {"id": 2, "ok": True})
            self.assertEqual(conversation.answer()[0]["error"], "bad_frame")
            self.assertIsNone(conversation.answer())
        self.assert_nothing_happened()

    def test_a_block_sent_again_replaces_the_earlier_one(self):
        with self.converse(self.the_hub) as conversation:
            conversation.ask(op="put", path="a", total=4)
            for content in (b"1111", b"2222"):
                self.assertEqual(conversation.code(content, op="block", handle=1, block=0), "ok")
            # A damaged one makes the block count no more.
            self.assertEqual(conversation.code(b"3333", op="block", handle=1, block=0,
                                               digest="0" * 32), "digest_mismatch")
            self.assertEqual(conversation.code(op="commit", handle=1), "incomplete")
            self.assertEqual(conversation.code(b"4444", op="block", handle=1, block=0), "ok")
            answer, _ = conversation.ask(op="commit", handle=1)
            self.assertEqual((answer["verified"], answer["durable"], answer["replaced"]),
                             ("length", True, False))
            self.assertEqual(conversation.code(b"5555", op="block", handle=1, block=0),
                             "bad_request")
            self.assertEqual(conversation.code(op="commit", handle=1), "bad_request")
        self.assertEqual((self.the_hub.shared / "a").read_bytes(), b"4444")

    def test_superseded_is_told_to_the_older(self):
        put = {"op": "put", "path": "a", "total": 2 * MIB, "source": "s"}
        older = self.converse(self.the_hub, hello=False)
        newer = self.converse(self.the_hub, hello=False)
        for conversation in (older, newer):
            conversation.hello(device=DEVICE)
        first, _ = older.ask(**put)
        second, _ = newer.ask(**put)
        self.assertEqual(second["generation"], first["generation"] + 1)
        for fields, payload in (({"op": "block", "block": 0}, noise(MIB)),
                                ({"op": "block", "block": 1}, noise(MIB)),
                                ({"op": "commit"}, b"")):
            self.assertEqual(older.code(payload, handle=first["handle"], **fields),
                             "superseded")
        for block in (0, 1):
            self.assertEqual(newer.code(noise(MIB), op="block", block=block,
                                        handle=second["handle"]), "ok")
        self.assertEqual(newer.code(op="commit", handle=second["handle"]), "ok")
        self.assertEqual((self.the_hub.shared / "a").read_bytes(), noise(MIB) * 2)

    def test_read_refuses_what_is_outside_and_tells_of_changes(self):
        content = noise(MIB + 10)
        self.write("a", content, folder=self.the_hub.shared)
        with self.converse(self.the_hub) as conversation:
            opened, _ = conversation.ask(op="get", path="a")
            handle = opened["handle"]
            self.assertEqual(opened["total"], len(content))
            answer, body = conversation.ask(op="read", handle=handle, block=1)
            self.assertEqual(body, content[MIB:])
            same, body = conversation.ask(op="read", handle=handle, block=1,
                                          digest=answer["digest"])
            self.assertEqual((same["same"], body), (True, b""))
            for block in (2, -1, "0", None, 1 << 52):
                self.assertEqual(conversation.code(op="read", handle=handle, block=block),
                                 "bad_request")
            for more in ({"seed": "0" * 15}, {"seed": "X" * 16}, {"block_size": 0},
                         {"block_size": 4 * MIB + 1}, {"block_size": "1"}):
                self.assertEqual(conversation.code(op="get", path="a", **more), "bad_request")
            (self.the_hub.shared / "a").write_bytes(content[:-1])
            self.assertEqual(conversation.code(op="read", handle=handle, block=0), "changed")


class Uploads(Case):
    """The tutorial's dialect: never answered, one line in the log for each upload."""

    def setUp(self):
        super().setUp()
        self.the_hub = self.hub()

    @staticmethod
    def upload(name, content, **more):
        return frame({"file_name": name, "file_size": len(content), "msg": "hi", **more}, content)

    def log_of(self, conversation, lines):
        """The log's lines about this connection, once there are so many."""
        def found():
            return [line for line in self.the_hub.log().splitlines() if conversation.name in line]
        return eventually(lambda: len(found()) >= lines and found(),
                          lambda: f"not {lines} lines: {self.the_hub.log()}")

    def test_several_on_one_connection_good_and_refused(self):
        big = noise(3 * MIB + 5)
        uploads = [("a.txt", b"hello"), ("../b", b"out"), ("x/y", b"deep"), ("电影.mp4", big),
                   ("", b"nameless"), ("empty", b""), (5, b"no text"), ("a.txt", b"again")]
        with self.converse(self.the_hub, hello=False) as conversation:
            for name, content in uploads:
                conversation.send(self.upload(name, content))
            conversation.socket.shutdown(1)
            self.assertEqual(conversation.rest(), b"")
            lines = self.log_of(conversation, len(uploads))
        self.assertEqual([" info " in line for line in lines],
                         [True, False, False, True, False, True, False, True])
        self.assertEqual(self.the_hub.names(), ["a.txt", "empty", "电影.mp4"])
        self.assertEqual((self.the_hub.shared / "电影.mp4").read_bytes(), big)
        self.assertEqual((self.the_hub.shared / "a.txt").read_bytes(), b"again")
        self.assertEqual(trash_of(self.the_hub.shared), [("a.txt", b"hello")])

    def test_fewer_bytes_than_declared_store_nothing(self):
        with self.converse(self.the_hub, hello=False) as conversation:
            conversation.send(self.upload("a", b"half", file_size=8))
            conversation.close()
            (line,) = self.log_of(conversation, 1)
        self.assertIn(" warning ", line)
        eventually(lambda: not partials_in(self.the_hub.shared), "a partial file stays")
        self.assertEqual(self.the_hub.names(), [])

    def test_more_than_the_disk_has_is_refused_and_skipped(self):
        with self.converse(self.the_hub, hello=False) as conversation:
            conversation.send(self.upload("a", b"", file_size=1 << 53))
            conversation.send(noise(MIB))
            self.assert_serves(self.the_hub)
        eventually(lambda: not partials_in(self.the_hub.shared), "a partial file stays")
        self.assertEqual(self.the_hub.names(), [])

    def test_after_hello_it_is_refused(self):
        with self.converse(self.the_hub) as conversation:
            conversation.send(self.upload("a", b"hello"))
            answer, _ = conversation.answer()
            self.assertEqual((answer.get("id"), answer["error"]), (None, "bad_request"))
            self.assertEqual(conversation.code(op="ping"), "ok")
        self.assertEqual(self.the_hub.names(), [])


if __name__ == "__main__":
    unittest.main()
