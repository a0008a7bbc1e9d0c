"""The two upper-case servers of examples/: what they are told, and what they answer."""

import pathlib
import socket
import subprocess
import unittest

from support import PATIENCE_S, SKEIN, ended

EXAMPLES = pathlib.Path(SKEIN).parent / "examples"
PROGRAMS = {"upper_tcp": socket.SOCK_STREAM, "upper_udp": socket.SOCK_DGRAM}


class Upper(unittest.TestCase):
    def test_answers_in_upper_case_and_ends_by_a_signal(self):
        for program, kind in PROGRAMS.items():
            for arguments in (["127.0.0.1:0"], ["[::1]:0", "--threads", "2"]):
                with self.subTest((program, arguments)):
                    server = subprocess.Popen([EXAMPLES / program, *arguments],
                                              stdout=subprocess.PIPE)
                    self.addCleanup(ended, server)
                    said, _, port = server.stdout.readline().decode().rpartition(":")
                    self.assertEqual(said, "listening on " + arguments[0].rpartition(":")[0])
                    family = socket.AF_INET6 if "[" in said else socket.AF_INET
                    with socket.socket(family, kind) as client:
                        client.settimeout(PATIENCE_S)
                        client.connect((said.split()[-1].strip("[]"), int(port)))
                        client.send("goose, 雁".encode())
                        self.assertEqual(client.recv(100).decode(), "GOOSE, 雁")
                    server.terminate()
                    self.assertEqual(server.wait(PATIENCE_S), 0)

    def test_anything_else_is_usage(self):
        for program in PROGRAMS:
            for arguments in ([], ["127.0.0.1"], ["127.0.0.1:"], ["127.0.0.1:x"],
                              ["127.0.0.1:70000"], ["127.0.0.1:0", "--threads"],
                              ["127.0.0.1:0", "--threads", "two"], ["127.0.0.1:0", "--loops", "2"],
                              ["127.0.0.1:0", "--threads", "2", "more"]):
                with self.subTest((program, arguments)):
                    said = subprocess.run([EXAMPLES / program, *arguments], capture_output=True,
                                          timeout=PATIENCE_S, check=False)
                    self.assertEqual((said.returncode, said.stdout), (2, b""))
                    self.assertEqual(said.stderr.decode(),
                                     f"usage: {program} ADDR:PORT [--threads N]\n")


if __name__ == "__main__":
    unittest.main()
