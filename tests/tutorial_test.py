"""./dev tutorial: every claim holds; an unknown system is named, with exit code 2."""

import os
import pathlib
import subprocess
import sys
import unittest

from support import SKEIN

RUN = pathlib.Path(__file__).resolve().parent.parent / "examples" / "tutorial" / "run.py"


def run(*arguments):
    return subprocess.run([sys.executable, "-B", str(RUN), *arguments], stdin=subprocess.DEVNULL,
                          capture_output=True, text=True, timeout=150, check=False,
                          env={**os.environ, "SKEIN": SKEIN})


class Tutorial(unittest.TestCase):
    def test_every_claim_holds(self):
        done = run()
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertNotIn("FAIL", done.stdout)
        for system in ("1_upload", "2_exceptions", "3_udp", "4_tcp_vs_udp", "5_socketserver", "6_qq"):
            self.assertIn(f"== {system}", done.stdout)

    def test_says_which_systems_there_are(self):
        for arguments in (["99"], ["upload"], [""], ["1", "2"]):
            done = run(*arguments)
            self.assertEqual(done.returncode, 2, arguments)
            self.assertIn("skein: error: ", done.stderr)
            self.assertIn("./dev tutorial [1|2|3|4|5|6]", done.stderr)

    def test_without_the_program(self):
        done = subprocess.run([sys.executable, "-B", str(RUN)], capture_output=True, text=True,
                              timeout=60, check=False, env={**os.environ, "SKEIN": "/no/such"})
        self.assertEqual(done.returncode, 1)
        self.assertIn("/no/such", done.stderr)


if __name__ == "__main__":
    unittest.main()
