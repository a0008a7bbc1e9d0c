"""Paths that lead elsewhere or that no machine could hold, and links, pipes and look-alikes in the
shared folder: refused by name, nothing outside the folder read or written, nothing harmful shown."""

import json
import os
import unittest

from support import MIB, UP, Case, Fault, frame, names_in, noise, ran, trash_of

# What the rules for names refuse: docs/protocol.md, "Names".
REFUSED = [
    "..", "../x", "a/../../x", "a/..", "/etc/passwd", "/", "//x", "a//b", "a/", ".", "./a", "a/./b",
    "back\\slash", "..\\x", "C:", "C:x", "c:/x", "C:\\x", "\\\\host\\share\\x",
    "CON", "con", "nul.txt", "Aux.tar.gz", "a/PRN", "COM1", "lpt9.x", "CONIN$", "conout$.txt",
    "dot.", "a/dot./b", "space ", "...", "NUL\0", "a\0b", "tab\t", "line\nfeed", "esc\x1b[2J",
    "del\x7f", "n" * 256, "a/" + "n" * 256, "é" * 128,
    "/".join(["n" * 241] * 17), ".skein", ".skein/trash", "a/.skein", ".SKEIN", ".Skein-old",
    ".skein.txt", ".s\u200bkein", ".\u017fkein",
]
# What they allow, as it stands and nothing else.
PLAIN = [
    "a%2Fb", "%2e%2e", "%252e%252e%252fx", "..x", "...x", ".hidden", "~", "~root", "$HOME",
    "COM", "COM10", "CONx", "nulls.txt", "aa:b", "skein", ".skei", "-rf", "--help", "*", "?", "|",
    "n" * 255, "é", "e\u0301", "中文", "🪿", "/".join(["m" * 240] * 17)[:-1],  # 4095 bytes
]
# Refused where a name is needed; the shared folder itself to ls.
EMPTY = ""


class Paths(Case):
    def setUp(self):
        super().setUp()
        self.the_hub = self.hub()
        self.outside = self.write("outside", b"outside", folder=self.folder)


class InFrames(Paths):
    def assert_refused(self, conversation, path, code="bad_name"):
        requests = [
            {"op": "put", "path": path, "total": 1}, {"op": "get", "path": path},
            {"op": "ls", "path": path}, {"op": "rm", "path": path},
            {"op": "mv", "path": path, "to": "fresh"}, {"op": "mv", "path": "there", "to": path},
            {"op": "mkdir", "path": path}, {"op": "link", "path": path, "target": "x"},
            {"op": "restore", "path": path},
        ]
        for request in requests:
            with self.subTest(op=request["op"], path=path[:80]):
                if request == {"op": "ls", "path": EMPTY}:
                    continue
                self.assertEqual(conversation.code(**request), code)

    def test_refused_names(self):
        there = self.write("there", b"1", folder=self.the_hub.shared)
        for path in [*REFUSED, EMPTY]:
            with self.converse(self.the_hub) as conversation:
                self.assert_refused(conversation, path)
        self.assertEqual(self.the_hub.names(), ["there"])
        self.assertEqual(there.read_bytes(), b"1")
        self.assertEqual(names_in(self.the_hub.shared / ".skein/trash"), [])
        self.assertEqual(self.outside.read_bytes(), b"outside")
        # One line for each, and none of them harmful or several lines.
        self.assertEqual(len(self.the_hub.complaints("[bad_name at ")), 9 * len(REFUSED) + 8)
        self.assertEqual(len(self.the_hub.log().splitlines()), 9 * len(REFUSED) + 8)
        self.assertNotRegex(self.the_hub.log(), "[\x00-\x09\x0b-\x1f\x7f]")

    def test_bytes_that_are_not_utf8_are_no_frame(self):
        for op in (b"put", b"get", b"ls", b"rm"):
            with self.converse(self.the_hub) as conversation:
                conversation.send(frame(b'{"op":"%s","id":1,"total":1,"path":"a\xff"}' % op))
                self.assertEqual(conversation.answer()[0]["error"], "bad_frame")

    def test_plain_names_stand_as_they_are(self):
        with self.converse(self.the_hub) as conversation:
            for path in PLAIN:
                with self.subTest(path[:80]):
                    content = path.encode()
                    conversation.put(path, content)
                    _, listed = conversation.ask(op="ls", path=path)
                    self.assertEqual(json.loads(listed)["name"], os.path.basename(path))
                    self.assertEqual(conversation.code(op="rm", path=path), "ok")
                    self.assertEqual(conversation.code(op="ls", path=path), "not_found")
                    self.assertEqual(conversation.code(op="restore", path=path), "ok")
                    opened, _ = conversation.ask(op="get", path=path)
                    _, body = conversation.ask(op="read", handle=opened["handle"], block=0)
                    self.assertEqual(body, content)
                    conversation.ask(op="close", handle=opened["handle"])
                    name = path.split("/")[0]
                    self.assertIn(name, os.listdir(self.the_hub.shared))
        self.assertEqual(self.outside.read_bytes(), b"outside")

    def test_links_that_lead_out_are_not_followed(self):
        secret = self.write("secret/file", b"secret", folder=self.folder)
        shared = self.the_hub.shared
        (shared / "out").symlink_to("../secret")
        (shared / "out-file").symlink_to("../secret/file")
        (shared / "absolute").symlink_to(secret)
        (shared / "absolute-folder").symlink_to(secret.parent)
        (shared / "itself").symlink_to("itself")
        (shared / "dangling").symlink_to("nothing")
        (shared / "proc").symlink_to("/proc/self/root" + str(secret))
        cases = [
            # reading
            ("refused", {"op": "get", "path": "out/file"}),
            ("refused", {"op": "get", "path": "out-file"}),
            ("refused", {"op": "get", "path": "absolute"}),
            ("refused", {"op": "get", "path": "absolute-folder/file"}),
            ("refused", {"op": "get", "path": "proc"}),
            ("refused", {"op": "ls", "path": "out/file"}),
            ("not_found", {"op": "get", "path": "dangling"}),
            ("refused", {"op": "get", "path": "itself"}),
            # writing
            ("not_a_file", {"op": "put", "path": "out/new", "total": 1}),
            ("not_a_file", {"op": "put", "path": "out/file", "total": 1}),
            ("not_a_file", {"op": "put", "path": "absolute-folder/new", "total": 1}),
            ("not_a_file", {"op": "put", "path": "dangling/new", "total": 1}),
            ("refused", {"op": "mkdir", "path": "out/new"}),
            ("exists", {"op": "mkdir", "path": "out"}),
            ("not_a_file", {"op": "link", "path": "out/new", "target": "x"}),
            ("refused", {"op": "rm", "path": "out/file"}),
            ("refused", {"op": "mv", "path": "out/file", "to": "mine"}),
            ("not_a_file", {"op": "mv", "path": "dangling", "to": "out/new"}),
        ]
        before = self.the_hub.names()
        with self.converse(self.the_hub) as conversation:
            for code, request in cases:
                with self.subTest(request):
                    self.assertEqual(conversation.code(**request), code)
            # The links themselves are things like others.
            _, listed = conversation.ask(op="ls", path="out")
            self.assertEqual(json.loads(listed)["target"], "../secret")
            conversation.put("out-file", b"in its place")
            self.assertTrue(conversation.ask(op="rm", path="out")[0]["ok"])
        self.assertEqual(names_in(self.folder / "secret"), ["file"])
        self.assertEqual(secret.read_bytes(), b"secret")
        self.assertEqual((shared / "out-file").read_bytes(), b"in its place")
        self.assertFalse((shared / "out-file").is_symlink())
        self.assertEqual(self.the_hub.names(), [name for name in before if name != "out"])

    def test_links_that_stay_inside_are_read_through(self):
        self.write("folder/file", b"inside", folder=self.the_hub.shared)
        (self.the_hub.shared / "link").symlink_to("folder")
        (self.the_hub.shared / "link-file").symlink_to("link/../folder/file")
        with self.converse(self.the_hub) as conversation:
            for path in ("link/file", "link-file"):
                opened, _ = conversation.ask(op="get", path=path)
                _, body = conversation.ask(op="read", handle=opened["handle"], block=0)
                self.assertEqual(body, b"inside")

    def test_a_link_may_lead_anywhere_and_is_kept_as_it_is(self):
        with self.converse(self.the_hub) as conversation:
            for target in ("/etc/passwd", "../../..", "no such", "t" * 4000, "with\nline", "中文"):
                with self.subTest(target):
                    answer, _ = conversation.ask(op="link", path="link", target=target)
                    self.assertTrue(answer["ok"])
                    self.assertEqual(os.readlink(self.the_hub.shared / "link"), target)
                    again, _ = conversation.ask(op="link", path="link", target=target)
                    self.assertTrue(again["same"])

    def test_a_parent_swapped_for_a_link_during_a_put(self):
        elsewhere = self.folder / "elsewhere"
        elsewhere.mkdir()
        with self.converse(self.the_hub) as conversation:
            opened, _ = conversation.ask(op="put", path="folder/file", total=4)
            conversation.ask(b"1234", op="block", handle=opened["handle"], block=0)
            (self.the_hub.shared / "folder").rename(self.folder / "moved away")
            (self.the_hub.shared / "folder").symlink_to(elsewhere)
            self.assertEqual(conversation.code(op="commit", handle=opened["handle"]), "not_a_file")
            self.assertEqual(names_in(elsewhere), [])
            # Put right again, the same handle commits.
            (self.the_hub.shared / "folder").unlink()
            self.assertEqual(conversation.code(op="commit", handle=opened["handle"]), "ok")
        self.assertEqual((self.the_hub.shared / "folder/file").read_bytes(), b"1234")

    def test_pipes_and_sockets_are_refused_at_once(self):
        os.mkfifo(self.the_hub.shared / "pipe")
        with self.converse(self.the_hub) as conversation:
            self.assertEqual(conversation.code(op="get", path="pipe"), "not_a_file")
            self.assertEqual(json.loads(conversation.ask(op="ls")[1])["kind"], "other")
            self.assertEqual(conversation.code(op="mkdir", path="pipe/x"), "not_a_folder")
            # A file put there takes its place.
            conversation.put("pipe", b"1")
        self.assertEqual((self.the_hub.shared / "pipe").read_bytes(), b"1")

    def test_a_hard_link_is_replaced_and_not_written_through(self):
        (self.the_hub.shared / "hard").hardlink_to(self.outside)
        with self.converse(self.the_hub) as conversation:
            conversation.put("hard", b"new")
        self.assertEqual(self.outside.read_bytes(), b"outside")
        self.assertEqual((self.the_hub.shared / "hard").read_bytes(), b"new")
        self.assertEqual(trash_of(self.the_hub.shared), [("hard", b"outside")])

    def test_names_that_break_the_rules_are_listed_but_cannot_be_reached(self):
        names = ["line\nfeed", "esc\x1b[31m", "back\\slash", "dot.", b"not\xffutf8"]
        for name in names:
            with open(os.path.join(os.fsencode(self.the_hub.shared), os.fsencode(name)), "wb"):
                pass
        with self.converse(self.the_hub) as conversation:
            _, listed = conversation.ask(op="ls")
            for line in map(json.loads, listed.splitlines()):
                self.assertEqual((line["kind"], line["unnamed"]), ("other", True), line)
                self.assertNotRegex(line["name"], "[\x00-\x1f]")
        self.assertEqual(len(listed.splitlines()), len(names))


class OnTheCommandLine(Paths):
    def test_refused_names(self):
        self.write("a", b"1")
        # NUL and "no argument at all" cannot be typed; a slash at the end is forgiven.
        names = [name for name in REFUSED if "\0" not in name and name not in ("a/", "//x")]
        for name in names[::3] + ["..", "/etc/passwd", ".skein/lock"]:
            for command in (("get", "--", name), ("put", "a", f"--to={name}"), ("ls", "--", name),
                            ("rm", "--", name), ("mv", "--", "a", name), ("mkdir", "--", name),
                            ("restore", "--", name)):
                with self.subTest(command):
                    end = self.skein(*command)
                    self.assertEqual((end.code, end.out), (4, ""))
                    self.assertRegex(end.err, r"\Askein: error: name '.*' is refused: .*\n"
                                              r"skein: hint: .*\n\Z")
        self.assertEqual(self.the_hub.names(), [])
        self.assertEqual(names_in(self.here), ["a"])

    def test_put_of_a_path_elsewhere_stores_its_name_only(self):
        self.write("sub/file", b"1")
        self.done("put", str(self.here / "sub/file"), "sub/../sub/../../outside")
        self.assertEqual(self.the_hub.names(), ["file", "outside"])

    def test_what_a_hub_lists_is_shown_escaped(self):
        names = {"\u202egnp.exe": r"\u{202e}gnp.exe", "zero\u200bwidth": r"zero\u{200b}width",
                 "c1\u009b31m": r"c1\u{9b}31m", "plain 中文 🪿": "plain 中文 🪿"}
        for name in names:
            self.write(name, b"1", folder=self.the_hub.shared)
        self.write("esc\x1b]0;title\x07", b"1", folder=self.the_hub.shared)
        listed = self.done("ls").out
        for shown in names.values():
            self.assertIn(shown, listed)
        self.assertNotRegex(listed, "[\x00-\x09\x0b-\x1f\x7f-\x9f\u200b\u202e]")
        got = self.skein("get", "\u202egnp.exe", "missing\u202e", "--into", "esc\x1b[2J")
        self.assertEqual(got.code, 3)
        self.assertIn(r"'missing\u{202e}'", got.err)
        self.assertNotRegex(got.out + got.err, "[\x00-\x09\x0b-\x1f\x7f-\x9f\u200b\u202e]")
        menu = self.skein("menu", typed="h\nq\n")
        self.assertIn(r"\u{202e}gnp.exe", menu.out)
        self.assertNotRegex(menu.out, "[\x00-\x09\x0b-\x1f\x7f-\x9f\u200b\u202e]")
        removed = self.done("rm", "\u202egnp.exe")
        self.assertIn(r"removed '\u{202e}gnp.exe'", removed.out)
        self.assertNotRegex(self.the_hub.log(), "[\x00-\x09\x0b-\x1f\x7f-\x9f\u200b\u202e]")

    def test_link_targets_are_shown_escaped(self):
        (self.the_hub.shared / "link").symlink_to("to\x1b[2J")
        self.assertIn("link -> to\\x1b[2J\n", self.done("ls").out)

    def test_local_names_that_are_not_utf8(self):
        for name in (b"good", b"bad\xff"):
            with open(os.path.join(os.fsencode(self.here), name), "wb") as file:
                file.write(b"1")
        end = self.skein("put", ".")
        self.assertEqual(end.code, 3)
        self.assertIn(r"'bad\xff'", end.err)
        self.assertEqual(self.the_hub.names(), ["here", "here/good"])
        alone = self.skein("put", b"bad\xff")
        self.assertEqual((alone.code, alone.out), (4, ""))

    def test_get_writes_through_no_link_here(self):
        elsewhere = self.folder / "elsewhere"
        elsewhere.mkdir()
        self.write("tree/sub/file", b"1", folder=self.the_hub.shared)
        (self.here / "tree").mkdir()
        (self.here / "tree/sub").symlink_to(elsewhere)
        end = self.skein("get", "tree")
        self.assertNotEqual(end.code, 0)
        self.assertEqual(names_in(elsewhere), [])
        self.assertTrue((self.here / "tree/sub").is_symlink())

    def test_get_of_a_tree_with_links_that_lead_out_keeps_them_as_links(self):
        (self.the_hub.shared / "tree").mkdir()
        (self.the_hub.shared / "tree/out").symlink_to("/etc/passwd")
        (self.the_hub.shared / "tree/up").symlink_to("../..")
        self.done("get", "tree")
        self.assertEqual(os.readlink(self.here / "tree/out"), "/etc/passwd")
        self.assertEqual(names_in(self.here), ["tree", "tree/out", "tree/up"])

    def test_a_parent_swapped_for_a_link_during_a_get(self):
        elsewhere = self.folder / "elsewhere"
        elsewhere.mkdir()
        self.write("tree/file", noise(4 * MIB), folder=self.the_hub.shared)
        relay = self.relay(self.the_hub, Fault("stall", "down", 2 * MIB))
        process = self.start("get", "tree")
        relay.wait_stalled()
        (self.here / "tree").rmdir()
        (self.here / "tree").symlink_to(elsewhere)
        relay.released.set()
        end = ran(process)
        self.assertNotEqual(end.code, 0)
        self.assertEqual(names_in(elsewhere), [])

    def test_a_source_swapped_for_another_file_during_a_put(self):
        source = self.write("a", noise(8 * MIB))
        other = self.write("b", noise(8 * MIB, seed=2))
        relay = self.relay(self.the_hub, Fault("stall", UP, 2 * MIB))
        process = self.start("put", "a")
        relay.wait_stalled()
        other.rename(source)
        relay.released.set()
        end = ran(process)
        self.assertEqual(end.code, 3)
        self.assertIn("'a' changed while being read", end.err)
        self.assertEqual(self.the_hub.names(), [])
        self.done("put", "a")
        self.assertEqual((self.the_hub.shared / "a").read_bytes(), noise(8 * MIB, seed=2))


if __name__ == "__main__":
    unittest.main()
