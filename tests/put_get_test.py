"""put, get, ls, rm, mv, mkdir and restore: what arrives is what was sent."""

import json
import os
import socket
import stat
import unittest

from support import MIB, Case, names_in, noise, partials_in, ran, trash_of

BLOCK = MIB


def times_and_modes(folder):
    """{path: (kind, mode, mtime in ns, content)} of all that is in a folder."""
    found = {}
    for name in names_in(folder):
        path = folder / name
        status = path.lstat()
        if path.is_symlink():
            found[name] = ("link", os.readlink(path))
        elif path.is_dir():
            found[name] = ("folder", stat.S_IMODE(status.st_mode), status.st_mtime_ns)
        else:
            found[name] = ("file", stat.S_IMODE(status.st_mode), status.st_mtime_ns,
                           path.read_bytes())
    return found


class OneFile(Case):
    def setUp(self):
        super().setUp()
        self.the_hub = self.hub()

    def there_and_back(self, name, content):
        file = self.write(name, content)
        os.utime(file, ns=(1_700_000_000_123_456_789,) * 2)
        file.chmod(0o640)
        self.done("put", f"./{name}")
        self.done("get", "--into", "../back", "--", name)
        for folder in (self.the_hub.shared, self.folder / "back"):
            self.assertEqual((folder / name).read_bytes(), content)
            status = (folder / name).stat()
            self.assertEqual(status.st_mtime_ns, 1_700_000_000_123_456_789)
            self.assertEqual(stat.S_IMODE(status.st_mode), 0o640)

    def test_every_size(self):
        for size in (0, 1, 2, BLOCK - 1, BLOCK, BLOCK + 1, 5 * BLOCK + 12345):
            with self.subTest(size):
                self.there_and_back(f"{size}.bin", noise(size))
        self.assertEqual(partials_in(self.the_hub.shared), [])
        self.assertFalse((self.folder / "back" / ".skein").exists())

    def test_every_name(self):
        names = ["with spaces", " before", "'single'", '"double"', "`tick` $HOME *?[x]", "中文.txt",
                 "🪿🧶", "e\u0301 é", "-dash", "--", "a%2Fb%252F", "#&;|<>", "n" * 255,
                 "CON1", "c", ":colon", "~", "...three"]
        for name in names:
            with self.subTest(name):
                self.there_and_back(name, name.encode())
        self.assertEqual(self.the_hub.names(), sorted(names))
        listed = self.done("ls", "--json").out.splitlines()
        self.assertEqual(sorted(json.loads(line)["name"] for line in listed), sorted(names))

    def test_refused_names_are_never_stored(self):
        for name in ["new\nline", "tab\tbed", "esc\x1b[2J", "back\\slash", "dot.", "space ", "nul.txt",
                     "C:x", ".skein", ".Skein-x"]:
            with self.subTest(name):
                self.write(name, b"x")
                put = self.skein("put", name)
                self.assertEqual((put.code, put.out), (4, ""))
                self.assertRegex(put.err, r"\Askein: error: name '.*' is refused: it has .*\n"
                                          r"skein: hint: rename it.*\n\Z")
                self.assertNotIn("\x1b", put.err)
        self.assertEqual(self.the_hub.names(), [])

    def test_mtimes_before_1970_and_far_off(self):
        for mtime_ns in (-1, -1_500_000_001, 0, 1, 9_000_000_000_123_456_789):
            with self.subTest(mtime_ns):
                file = self.write("old", str(mtime_ns).encode())
                os.utime(file, ns=(0, mtime_ns))
                # What the disk here makes of it is what must arrive.
                expected = file.stat().st_mtime_ns
                self.done("put", "old")
                self.assertEqual((self.the_hub.shared / "old").stat().st_mtime_ns, expected)

    def test_put_to_a_folder_makes_it(self):
        self.write("a", b"1")
        self.done("put", "a", "--to", "deep/er")
        self.assertEqual((self.the_hub.shared / "deep/er/a").read_bytes(), b"1")

    def test_put_replaces_and_restore_brings_back(self):
        file = self.write("a", b"first")
        self.done("put", "a")
        file.write_bytes(b"second, longer")
        put = self.done("put", "a")
        self.assertRegex(put.out, r"^done: 1 file, 14 bytes in .*; 1 replaced "
                                  r"\(skein restore a brings the old one back\); verified and on disk")
        self.assertEqual((self.the_hub.shared / "a").read_bytes(), b"second, longer")
        self.assertEqual(trash_of(self.the_hub.shared), [("a", b"first")])

        restored = self.done("restore", "a")
        self.assertEqual(restored.out,
                         "restored 'a'; what stood there is in the trash now\n")
        self.assertEqual((self.the_hub.shared / "a").read_bytes(), b"first")
        self.done("restore", "a")
        self.assertEqual((self.the_hub.shared / "a").read_bytes(), b"second, longer")

    def test_get_replaces_and_restore_in_brings_back(self):
        self.write("a", b"the hub's", folder=self.the_hub.shared)
        self.write("a", b"mine")
        got = self.done("get", "a")
        self.assertIn("; 1 replaced (skein restore --in . a brings the old one back)", got.out)
        self.assertEqual((self.here / "a").read_bytes(), b"the hub's")
        self.done("restore", "--in", ".", "a")
        self.assertEqual((self.here / "a").read_bytes(), b"mine")

    def test_what_is_there_already_is_not_sent(self):
        content = noise(3 * MIB)
        self.write("a", content)
        first = self.done("put", "a", "--json").last_json
        again = self.done("put", "a", "--json").last_json
        self.assertEqual((first["bytes_moved"], first["files_there"]), (3 * MIB, 0))
        self.assertEqual((again["bytes_moved"], again["files_there"]), (0, 1))
        self.assertTrue(again["done"])
        got = self.done("get", "a", "--into", "back", "--json").last_json
        again = self.done("get", "a", "--into", "back", "--json").last_json
        self.assertEqual((got["bytes_moved"], got["files_there"]), (3 * MIB, 0))
        self.assertEqual((again["bytes_moved"], again["files_there"]), (0, 1))
        said = self.done("put", "a").out
        self.assertEqual(said, "done: 1 file; it was there already; verified and on disk at ada:a\n")

    def test_a_link_named_on_the_command_line_is_what_it_points_to(self):
        self.write("real", b"content")
        (self.here / "name").symlink_to("real")
        self.done("put", "name")
        self.assertFalse((self.the_hub.shared / "name").is_symlink())
        self.assertEqual((self.the_hub.shared / "name").read_bytes(), b"content")

    def test_many_arguments(self):
        for name in "abc":
            self.write(name, name.encode())
        put = self.done("put", "a", "b", "c", "--to", "x", "--json").last_json
        self.assertEqual((put["files"], put["bytes"], put["bytes_moved"]), (3, 3, 3))
        self.done("get", "x/c", "x/a", "--into", "back")
        self.assertEqual(names_in(self.here / "back"), ["a", "c"])

    def test_one_missing_among_others_is_named_and_the_others_done(self):
        for name in "ac":
            self.write(name, name.encode())
        put = self.skein("put", "a", "missing", "c")
        self.assertEqual((put.code, put.out), (3, ""))
        self.assertIn("skein: error: finding 'missing': no such file or directory\n", put.err)
        self.assertIn("skein: error: incomplete, 2 of 3 files\n", put.err)
        self.assertEqual(self.the_hub.names(), ["a", "c"])
        got = self.skein("get", "a", "missing", "c", "--into", "back", "--json")
        self.assertEqual(got.code, 3)
        problem, summary = map(json.loads, got.out.splitlines())
        self.assertEqual((problem["problem"], problem["error"]), ("missing", "not_found"))
        self.assertEqual((summary["done"], summary["files"], summary["files_wanted"],
                          summary["problems"]), (False, 2, 3, 1))
        self.assertEqual(names_in(self.here / "back"), ["a", "c"])

    def test_json_tells_the_figures(self):
        self.write("a", noise(2 * MIB))
        put = self.done("put", "a", "--json")
        self.assertEqual(len(put.out.splitlines()), 1)
        said = put.last_json
        self.assertGreaterEqual(said.pop("milliseconds"), 0)
        self.assertEqual(said, {"done": True, "files": 1, "files_there": 0, "files_wanted": 1,
                                "bytes": 2 * MIB, "bytes_moved": 2 * MIB, "replaced": 0,
                                "problems": 0, "durable": True, "verified": "digest"})


class Sync(Case):
    def test_a_hub_that_does_not_sync_says_so(self):
        self.hub("--sync", "none")
        self.write("a", b"1")
        put = self.done("put", "a")
        self.assertRegex(put.out, r"; verified, not yet synced to disk at ada:a\n\Z")
        self.write("b", b"1")
        self.assertIs(self.done("put", "b", "--json").last_json["durable"], False)


class Folders(Case):
    def setUp(self):
        super().setUp()
        self.the_hub = self.hub()

    def make_tree(self):
        self.write("tree/a.txt", b"a")
        self.write("tree/deep/er/b.bin", noise(BLOCK + 7))
        self.write("tree/deep/文件", b"")
        (self.here / "tree/empty").mkdir()
        (self.here / "tree/link").symlink_to("deep/er/b.bin")
        (self.here / "tree/dangling").symlink_to("../no such")
        (self.here / "tree/out").symlink_to("/etc/passwd")
        (self.here / "tree/a.txt").chmod(0o755)
        (self.here / "tree/empty").chmod(0o700)
        (self.here / "tree/deep").chmod(0o751)
        for mtime, name in enumerate(["a.txt", "deep/er/b.bin", "deep/er", "deep", "empty", "."]):
            os.utime(self.here / "tree" / name, ns=(0, 1_600_000_000_000_000_001 + mtime))
        return times_and_modes(self.here / "tree")

    def test_names_contents_modes_and_times_there_and_back(self):
        expected = self.make_tree()
        put = self.done("put", "tree/", "--json").last_json
        self.assertEqual((put["files"], put["bytes"]), (3, BLOCK + 8))
        self.assertEqual(times_and_modes(self.the_hub.shared / "tree"), expected)
        self.assertEqual((self.the_hub.shared / "tree").stat().st_mtime_ns,
                         1_600_000_000_000_000_006)
        self.done("get", "tree", "--into", "../back")
        self.assertEqual(times_and_modes(self.folder / "back/tree"), expected)
        self.assertEqual((self.folder / "back/tree").stat().st_mtime_ns,
                         1_600_000_000_000_000_006)

        again = self.done("put", "tree", "--json").last_json
        self.assertEqual((again["files_there"], again["bytes_moved"], again["replaced"]), (3, 0, 0))
        back = self.done("get", "tree", "--into", "../back", "--json").last_json
        self.assertEqual((back["files_there"], back["bytes_moved"], back["replaced"]), (3, 0, 0))
        self.assertEqual(times_and_modes(self.the_hub.shared / "tree"), expected)

    def test_only_what_changed_is_sent(self):
        self.make_tree()
        self.done("put", "tree")
        self.write("tree/new", b"12345")
        self.write("tree/a.txt", b"other")
        put = self.done("put", "tree")
        self.assertRegex(put.out, r"\Adone: 4 files; 2 were there already, 2 sent \(10 bytes\); "
                                  r"1 replaced \(skein restore tree/a.txt ")
        self.assertEqual(trash_of(self.the_hub.shared), [("tree/a.txt", b"a")])

    def test_ls_of_a_folder(self):
        self.make_tree()
        self.done("put", "tree", "tree/a.txt")
        self.assertRegex(self.done("ls").out, r"(?m)^    1 byte  2020-09-13 12:26  a.txt$")
        self.assertRegex(self.done("ls").out, r"(?m)^         -  2020-09-13 12:26  tree/$")
        listed = [json.loads(line) for line in self.done("ls", "tree", "--json").out.splitlines()]
        kinds = {one["name"]: one["kind"] for one in listed}
        self.assertEqual(kinds, {"a.txt": "file", "deep": "folder", "empty": "folder",
                                 "link": "link", "dangling": "link", "out": "link"})
        (file,) = [one for one in listed if one["name"] == "a.txt"]
        self.assertEqual(file, {"name": "a.txt", "kind": "file", "size": 1, "mode": 0o755,
                                "mtime_ns": "1600000000000000001"})
        (link,) = [one for one in listed if one["name"] == "out"]
        self.assertEqual(link["target"], "/etc/passwd")
        self.assertIn("  dangling -> ../no such\n", self.done("ls", "tree").out)

    def test_pipes_and_sockets_are_named_at_the_end_and_the_rest_is_done(self):
        self.make_tree()
        os.mkfifo(self.here / "tree/deep/pipe")
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(os.path.relpath(self.here / "tree/sock"))
            put = self.skein("put", "tree")
        self.assertEqual((put.code, put.out), (3, ""))
        for name in ("deep/pipe", "sock"):
            self.assertRegex(put.err, f"skein: error: '(tree/)?{name}': is a pipe, device or socket\n")
        self.assertRegex(put.err, r"skein: error: incomplete, 3 of 3 files; what is named above is "
                                  r"left out\n")
        self.assertIn("deep/er/b.bin", times_and_modes(self.the_hub.shared / "tree"))
        self.assertNotIn("tree/deep/pipe", self.the_hub.names())

        os.mkfifo(self.the_hub.shared / "tree/pipe")
        got = self.skein("get", "tree", "--into", "../back")
        self.assertEqual(got.code, 3)
        self.assertIn("skein: error: 'tree/pipe': is a pipe, device or socket\n", got.err)
        self.assertEqual((self.folder / "back/tree/deep/er/b.bin").read_bytes(), noise(BLOCK + 7))

    def test_five_hundred_small_files(self):
        for number in range(500):
            self.write(f"many/{number % 7}/{number}", b"%d" % number)
        put = self.done("put", "many", "--json").last_json
        self.assertEqual((put["files"], put["bytes_moved"]), (500, 1390))
        self.done("get", "many", "--into", "../back")
        expected = times_and_modes(self.here / "many")
        self.assertEqual(times_and_modes(self.the_hub.shared / "many"), expected)
        self.assertEqual(times_and_modes(self.folder / "back/many"), expected)

    def test_dot_is_put_under_its_own_name(self):
        self.write("a", b"1")
        self.done("put", ".")
        self.assertEqual(self.the_hub.names(), ["here", "here/a"])

    def test_a_folder_that_received_is_put_without_what_is_skeins_own(self):
        self.write("a", b"first", folder=self.the_hub.shared)
        self.write("a", b"mine")
        self.done("get", "a")  # what it replaced lies in the trash here
        self.assertTrue((self.here / ".skein").is_dir())
        self.done("put", ".")
        self.assertEqual(self.the_hub.names(), ["a", "here", "here/a"])


class Changes(Case):
    def setUp(self):
        super().setUp()
        self.the_hub = self.hub()

    def test_rm_and_restore_of_a_folder(self):
        self.write("x/y/a", b"1", folder=self.the_hub.shared)
        self.write("x/b", b"2", folder=self.the_hub.shared)
        removed = self.done("rm", "x")
        self.assertEqual(removed.out, "removed 'x' (skein restore brings it back)\n")
        self.assertEqual(self.the_hub.names(), [])
        self.assertEqual(self.done("restore", "x/").out, "restored 'x'\n")
        self.assertEqual(self.the_hub.names(), ["x", "x/b", "x/y", "x/y/a"])

    def test_restore_brings_the_newest_first(self):
        for content in (b"1", b"2"):
            self.write("a", content, folder=self.the_hub.shared)
            self.done("rm", "a")
        for content in (b"2", b"1"):
            self.done("restore", "a")
            self.assertEqual((self.the_hub.shared / "a").read_bytes(), content)

    def test_mkdir_and_mv(self):
        self.assertEqual(self.done("mkdir", "a/b", "c").out, "made 'a/b'\nmade 'c'\n")
        self.write("f", b"1", folder=self.the_hub.shared)
        self.assertEqual(self.done("mv", "f", "a/b/new/g").out, "moved 'f'\n")
        self.done("mv", "a/b", "c/d")
        self.assertEqual(self.the_hub.names(), ["a", "c", "c/d", "c/d/new", "c/d/new/g"])
        self.assertEqual(self.done("mv", "c", "e", "--json").last_json,
                         {"done": "moved", "path": "c"})

    def test_rm_of_a_link_leaves_what_it_points_to(self):
        self.write("a", b"1", folder=self.the_hub.shared)
        (self.the_hub.shared / "link").symlink_to("a")
        self.done("rm", "link")
        self.assertEqual(self.the_hub.names(), ["a"])
        self.done("restore", "link")
        self.assertEqual(os.readlink(self.the_hub.shared / "link"), "a")

    def test_a_get_into_the_folder_that_a_hub_shares_leaves_the_hub_what_it_needs(self):
        self.write("x/a", b"1", folder=self.the_hub.shared)
        self.done("get", "x/a", "--into", str(self.the_hub.shared))
        self.write("b", b"2")
        self.done("put", "b")
        self.assertEqual(self.the_hub.names(), ["a", "b", "x", "x/a"])

    def test_gets_into_one_folder_at_once_do_not_meet(self):
        self.write("big", noise(16 * MIB), folder=self.the_hub.shared)
        ends = [ran(process) for process in
                [self.start("get", "big", "--into", "into") for _ in range(3)]]
        self.assertEqual([end.code for end in ends], [0, 0, 0], ends)
        self.assertEqual((self.here / "into" / "big").read_bytes(), noise(16 * MIB))
        self.assertEqual(partials_in(self.here / "into"), [])

    def test_what_fails_changes_nothing(self):
        self.write("a", b"1", folder=self.the_hub.shared)
        self.write("b", b"2", folder=self.the_hub.shared)
        cases = [
            (("rm", "missing"), "no such file", 1),
            (("restore", "a"), "nothing", 1),
            (("mv", "a", "b"), "exists|stands", 1),
            (("mv", "missing", "c"), "no such file", 1),
            (("mkdir", "a"), "stands at 'a'", 1),
            (("mkdir", "a/x"), "not a (folder|directory)", 1),
            (("get", "missing"), "no such file", 1),
            (("ls", "a/b"), "not a (folder|directory)", 1),
        ]
        for arguments, message, code in cases:
            with self.subTest(arguments):
                failed = self.skein(*arguments)
                self.assertEqual((failed.code, failed.out), (code, ""))
                self.assertRegex(failed.err, rf"\Askein: error: .*({message})")
        self.assertEqual(self.the_hub.names(), ["a", "b"])
        self.assertEqual(names_in(self.here), [])


if __name__ == "__main__":
    unittest.main()
