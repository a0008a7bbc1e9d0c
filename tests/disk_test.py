"""Disks that are full or cannot be written, and something else standing where a file or folder
must be: said so, nothing lost, and the same command again once there is room.

Mounts need a namespace of their own: the file runs itself again inside of one.
"""

import json
import os
import pathlib
import subprocess
import sys
import unittest

from support import (DOWN, MIB, UP, Case, Fault, claims_in, eventually, names_in, noise,
                     partials_in, ran, trash_of)

ROOM = 64 * MIB
SIZE = 32 * MIB


def run_inside_a_namespace():
    """Does not return: this file runs again where it may mount."""
    flags = ["--mount"] if os.geteuid() == 0 else ["--mount", "--map-root-user"]
    trial = subprocess.run(["unshare", *flags, "true"], capture_output=True, text=True, check=False)
    if trial.returncode != 0:
        sys.exit("disk_test.py needs mounts of its own, as root or by user namespaces "
                 f"(sysctl kernel.unprivileged_userns_clone=1): {trial.stderr}")
    os.environ["SKEIN_TEST_MOUNTS"] = "1"
    os.execvp("unshare", ["unshare", *flags, sys.executable, "-B", *sys.argv])


class Mounted(Case):
    def mount(self, folder, *options):
        folder.mkdir(exist_ok=True)
        subprocess.run(["mount", *options, folder], check=True)
        self.addCleanup(subprocess.run, ["umount", "--lazy", folder], check=True)
        return folder

    def small_disk(self, folder):
        return self.mount(folder, "-t", "tmpfs", "-o", f"size={ROOM}", "tmpfs")

    def read_only(self, folder):
        folder.mkdir(exist_ok=True)
        self.mount(folder, "--bind", folder)
        subprocess.run(["mount", "-o", "remount,bind,ro", folder], check=True)
        return folder

    @staticmethod
    def fill(folder, but):
        """Leaves `but` bytes of room."""
        status = os.statvfs(folder)
        pathlib.Path(folder, "filler").write_bytes(bytes(status.f_bavail * status.f_frsize - but))


class FullDisk(Mounted):
    def setUp(self):
        super().setUp()
        shared = self.small_disk(self.folder / "shared")
        self.the_hub = self.hub(shared=shared)

    def assert_resumes_once_there_is_room(self, way, command, receiver):
        relay = self.relay(self.the_hub, Fault("stall", way, 5 * MIB + MIB // 2))
        process = self.start(*command)
        relay.wait_stalled()
        eventually(lambda: claims_in(receiver) == 5, "five blocks never came")
        self.fill(receiver, but=8 * MIB)
        relay.released.set()
        end = ran(process)
        self.assertEqual((end.code, end.out), (3, ""))
        self.assertRegex(end.err, r"\Askein: error: .*no space")
        self.assertFalse((receiver / "big").exists())
        kept = claims_in(receiver)
        self.assertGreater(kept, 5)
        self.assertEqual(self.skein("ls").code, 0)

        (receiver / "filler").unlink()
        again = self.done(*command, "--json").last_json
        self.assertEqual(again["bytes_moved"], SIZE - kept * MIB)
        self.assertEqual((receiver / "big").read_bytes(), noise(SIZE))
        self.assertEqual(partials_in(receiver), [])
        self.assertIn("'big'", end.err)
        self.assertRegex(end.err, r"skein: hint: .*again")

    def test_full_while_a_file_is_received(self):
        self.write("big", noise(SIZE))
        self.assert_resumes_once_there_is_room(UP, ("put", "big"), self.the_hub.shared)

    def test_full_while_a_file_is_fetched(self):
        into = self.small_disk(self.here / "into")
        self.write("big", noise(SIZE), folder=self.the_hub.shared)
        self.assert_resumes_once_there_is_room(DOWN, ("get", "big", "--into", "into"), into)

    def test_what_cannot_fit_is_refused_before_it_is_sent(self):
        with open(self.here / "huge", "wb") as file:
            file.truncate(ROOM + 1)
        relay = self.relay(self.the_hub)
        put = self.skein("put", "huge")
        self.assertEqual((put.code, put.out), (3, ""))
        self.assertRegex(put.err, r"\Askein: error: .*(no space|room)")
        self.assertLess(relay.passed[UP], 1000)
        self.assertEqual(partials_in(self.the_hub.shared), [])

    def test_what_cannot_fit_here_is_not_fetched(self):
        into = self.small_disk(self.here / "into")
        self.write("big", noise(SIZE), folder=self.the_hub.shared)
        self.fill(into, but=SIZE // 2)
        relay = self.relay(self.the_hub)
        got = self.skein("get", "big", "--into", "into")
        self.assertEqual((got.code, got.out), (3, ""))
        self.assertRegex(got.err, r"\Askein: error: .*(no space|room)")
        self.assertLess(relay.passed[DOWN], 1000)
        self.assertEqual(names_in(into), ["filler"])

    def test_full_among_many_small_files(self):
        content = {f"tree/{name}": noise(20_000, seed=name) for name in range(400)}
        for path, text in content.items():
            self.write(path, text)
        self.fill(self.the_hub.shared, but=4 * MIB)
        end = self.skein("put", "tree")
        self.assertEqual((end.code, end.out), (3, ""))
        self.assertRegex(end.err, r"\Askein: error: .*no space")
        there = [path for path in content if (self.the_hub.shared / path).exists()]
        self.assertLess(len(there), len(content))
        for path in there:
            self.assertEqual((self.the_hub.shared / path).read_bytes(), content[path])

        (self.the_hub.shared / "filler").unlink()
        again = self.done("put", "tree", "--json").last_json
        self.assertEqual(again["files_there"], len(there))
        for path, text in content.items():
            self.assertEqual((self.the_hub.shared / path).read_bytes(), text)

    def test_not_even_room_for_a_name(self):
        self.fill(self.the_hub.shared, but=0)
        self.write("small", b"x" * 5000)
        for command in (("put", "small"), ("put", "small", "--to", "a/b/c"), ("mkdir", "a/b/c")):
            with self.subTest(command):
                end = self.skein(*command)
                # A folder may still fit where a file does not.
                self.assertIn(end.code, (0, 3) if command[0] == "mkdir" else (3,), end)
        (self.the_hub.shared / "filler").unlink()
        self.done("put", "small")
        self.assertEqual((self.the_hub.shared / "small").read_bytes(), b"x" * 5000)


class FullLog(Mounted):
    def test_saying_fails_clearly_reading_goes_on_and_it_heals(self):
        state = self.small_disk(self.folder / "hub-state")
        self.hub()
        self.done("say", "before")
        self.fill(state, but=0)
        failed = self.skein("say", "y" * 16000)
        self.assertEqual((failed.code, failed.out), (3, ""), failed)
        self.assertRegex(failed.err, r"\Askein: error: .*(no space|full)")
        self.assertIn("before", self.done("log").out)
        (state / "filler").unlink()
        self.done("say", "after")
        texts = [json.loads(line)["text"] for line in self.done("log", "--json").out.splitlines()]
        self.assertEqual(texts, ["before", "after"])


class ReadOnly(Mounted):
    def test_a_hub_cannot_share_what_it_cannot_write(self):
        self.read_only(self.folder / "shared")
        process = self.start("serve", self.folder / "shared", "--listen", "127.0.0.1:0")
        end = ran(process)
        self.assertEqual((end.code, end.out), (1, ""))
        self.assertRegex(end.err, r"\Askein: error: .*read-only")
        self.assertIn(str(self.folder / "shared"), end.err)

    def test_get_into_what_cannot_be_written(self):
        the_hub = self.hub()
        self.write("a", b"1", folder=the_hub.shared)
        self.read_only(self.here / "into")
        got = self.skein("get", "a", "--into", "into")
        self.assertEqual((got.code, got.out), (1, ""))
        self.assertRegex(got.err, r"\Askein: error: .*'.*into.*'.*read-only")

    def test_another_disk_mounted_in_the_shared_folder_is_refused(self):
        the_hub = self.hub()
        self.small_disk(the_hub.shared / "other")
        self.write("inside", b"secret", folder=the_hub.shared / "other")
        self.write("a", b"1")
        for command in (("put", "a", "--to", "other"), ("get", "other/inside"), ("ls", "other"),
                        ("mkdir", "other/b"), ("rm", "other/inside")):
            with self.subTest(command):
                end = self.skein(*command)
                self.assertEqual((end.code, end.out), (1, ""))
                self.assertRegex(end.err, r"\Askein: error: 'other' crosses into another filesystem")
                self.assertIn("\nskein: hint: nothing may be mounted inside", end.err)
        self.assertEqual(names_in(the_hub.shared / "other"), ["inside"])
        self.assertEqual(self.skein("put", "a").code, 0)


class SomethingElseThere(Case):
    """A file where a folder must be, and the other way about, in both directions."""

    def setUp(self):
        super().setUp()
        self.the_hub = self.hub()
        self.into = self.here / "into"

    def test_a_folder_onto_a_file(self):
        for way, receiver, command in (
                (UP, self.the_hub.shared, ("put", "way-up")),
                (DOWN, self.into, ("get", "way-down", "--into", "into"))):
            with self.subTest(way):
                name = command[1]
                sender = self.here if way == UP else self.the_hub.shared
                self.write(f"{name}/b", b"1", folder=sender)
                self.write(f"{name}/c/d", b"1", folder=sender)
                self.write(name, b"a file", folder=receiver)
                end = self.skein(*command)
                self.assertEqual((end.code, end.out), (3, ""))
                # Named once, and nothing of what would be below it.
                errors = end.err.splitlines()
                self.assertIn(f"'{name}'", errors[0])
                self.assertEqual(len(errors), 3, errors)
                self.assertIn("skein: error: incomplete, 0 of 2 files\n", end.err)
                self.assertEqual((receiver / name).read_bytes(), b"a file")
                self.assertEqual(trash_of(receiver), [])

    def test_a_file_onto_a_folder(self):
        for way, receiver, command in (
                (UP, self.the_hub.shared, ("put", "way-up")),
                (DOWN, self.into, ("get", "way-down", "--into", "into"))):
            with self.subTest(way):
                name = command[1]
                self.write(name, noise(2 * MIB),
                           folder=self.here if way == UP else self.the_hub.shared)
                self.write(f"{name}/inside", b"kept", folder=receiver)
                relay = self.relay(self.the_hub)
                end = self.skein(*command)
                self.assertEqual((end.code, end.out), (1, ""))
                self.assertTrue(end.err.startswith(f"skein: error: a folder stands at '{name}'"))
                self.assertLess(relay.passed[way], 2000)  # refused before it is sent
                self.assertEqual(names_in(receiver / name), ["inside"])
                self.assertEqual(partials_in(receiver), [])

    def test_a_link_onto_a_folder(self):
        (self.here / "tree").mkdir()
        (self.here / "tree/x").symlink_to("y")
        self.write("tree/x/inside", b"kept", folder=self.the_hub.shared)
        put = self.skein("put", "tree")
        self.assertEqual((put.code, put.out), (1, ""))
        self.assertIn("'tree/x'", put.err)
        self.assertEqual(self.the_hub.names(), ["tree", "tree/x", "tree/x/inside"])

    def test_below_a_file(self):
        self.write("a", b"a file", folder=self.the_hub.shared)
        self.write("b", b"1")
        put = self.skein("put", "b", "--to", "a/c")
        self.assertEqual((put.code, put.out), (1, ""))
        self.assertRegex(put.err, r"\Askein: error: .*'a(/c)?'")
        self.assertEqual(self.the_hub.names(), ["a"])

    def test_into_a_file(self):
        self.write("a", b"1", folder=self.the_hub.shared)
        self.write("into", b"a file")
        got = self.skein("get", "a", "--into", "into")
        self.assertEqual((got.code, got.out), (1, ""))
        self.assertRegex(got.err, r"\Askein: error: .*'into'.*not a (folder|directory)")


if __name__ == "__main__":
    if "SKEIN_TEST_MOUNTS" not in os.environ:
        run_inside_a_namespace()
    unittest.main()
