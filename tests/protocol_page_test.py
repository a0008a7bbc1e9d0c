"""The programs and commands in docs/protocol.md run as they stand there, against a real hub."""

import os
import pathlib
import re
import shlex
import subprocess
import sys
import unittest

from support import PATIENCE_S, Case, ended

PAGE = pathlib.Path(__file__).resolve().parent.parent / "docs" / "protocol.md"


def programs():
    """The guest's and the client's."""
    page = PAGE.read_text(encoding="utf-8")
    blocks = re.findall(r"^```python\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    assert len(blocks) == 2, f"the page has {len(blocks)} Python programs, not two"
    return blocks


class ProtocolPage(Case):
    def setUp(self):
        super().setUp()
        guest, client = programs()
        self.guest = guest
        self.client = self.write("client.py", client.encode())

    def run_client(self, hub, file):
        return subprocess.run([sys.executable, "-B", str(self.client), hub.address, str(file)],
                              capture_output=True, text=True, timeout=PATIENCE_S, check=False,
                              env=self.environment)

    def test_puts_lists_and_gets_back(self):
        contents = {
            "many blocks.bin": os.urandom(5_000_001),
            "whole blocks.bin": os.urandom(2 << 20),
            "empty": b"",
            "文件.txt": "线团\n".encode(),
        }
        hub = self.hub()
        for name, content in contents.items():
            with self.subTest(name):
                file = self.write(name, content)
                done = self.run_client(hub, file)
                self.assertEqual(done.returncode, 0, done.stderr + hub.log())
                said, *listed = done.stdout.splitlines()
                verified = "digest" if not content else "length"
                self.assertEqual(said, f"done, verified by {verified}")
                self.assertIn(name, listed)
                self.assertEqual((hub.shared / name).read_bytes(), content)
                self.assertEqual((self.here / f"{name}.back").read_bytes(), content)

    def test_is_told_of_a_refused_name(self):
        done = self.run_client(self.hub(), self.write("ends with a dot.", b"x"))
        self.assertEqual(done.returncode, 1)
        self.assertTrue(done.stderr.startswith("bad_name: "), done.stderr)

    def test_a_guest_talks_in_the_lobby(self):
        hub = self.hub()
        self.assertEqual(self.guest.count("8080"), 1)
        program = self.write("guest.py", self.guest.replace("8080", str(hub.port)).encode())
        process = subprocess.Popen([sys.executable, "-B", program], stdin=subprocess.PIPE,
                                   stdout=subprocess.PIPE, env=self.environment)
        self.addCleanup(lambda: ended(process))

        def say(line):
            process.stdin.write(line.encode() + b"\n")
            process.stdin.flush()
            return process.stdout.readline().decode().rstrip("\n")

        self.assertEqual(say("线团 here"), "ok")
        self.done("say", "photos are up", "--name", "lin")
        self.assertEqual(say("anything new?"), "lin: photos are up")
        log = self.done("log").out
        self.assertIn(": 线团 here\n", log)
        self.assertIn(": anything new?\n", log)


    def test_what_it_shows_of_curl_is_what_comes(self):
        hub = self.hub()
        page = PAGE.read_text(encoding="utf-8")
        (shown,) = re.findall(r"^```console\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
        commands = shown.split("$ curl ")[1:]
        self.assertGreater(len(commands), 4)
        for text in commands:
            command, _, expected = text.partition("\n")
            with self.subTest(command):
                self.assertEqual(self.first_bytes(hub, command, len(expected)),
                                 re.sub(r'"ts":\d+', '"ts":0', expected))

    def first_bytes(self, hub, command, size):
        """What curl writes, as far as the page shows it: a stream of events has no end."""
        words = ["curl", "-sS", *shlex.split(command.replace(":8080/", f":{hub.port}/"))]
        process = subprocess.Popen(words, stdout=subprocess.PIPE, env=self.environment)
        self.addCleanup(lambda: ended(process))
        out = process.stdout.read(size).decode()
        if "-N" not in words:
            out += process.stdout.read().decode()
        return re.sub(r'"ts":\d+', '"ts":0', out)


if __name__ == "__main__":
    unittest.main()
