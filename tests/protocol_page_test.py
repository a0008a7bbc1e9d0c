"""The client at the end of docs/protocol.md runs as it stands there, against a real hub."""

import os
import pathlib
import re
import subprocess
import sys
import unittest

from support import PATIENCE_S, Case

PAGE = pathlib.Path(__file__).resolve().parent.parent / "docs" / "protocol.md"


def client_of(page):
    blocks = re.findall(r"^```python\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    assert len(blocks) == 1, f"the page has {len(blocks)} Python programs, not one"
    return blocks[0]


class ProtocolPage(Case):
    def setUp(self):
        super().setUp()
        self.client = self.write("client.py", client_of(PAGE.read_text(encoding="utf-8")).encode())

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


if __name__ == "__main__":
    unittest.main()
