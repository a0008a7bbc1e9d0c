"""The command line, by transcripts of real runs: what it prints, where, and its exit code."""

import json
import os
import pty
import re
import socket
import subprocess
import threading
import unittest

from support import (MIB, PATIENCE_S, SKEIN, UP, Case, Fault, ended, eventually, interrupt, noise,
                     ran)

HELP = """\
skein: files and messages between your own machines
usage: skein COMMAND [options]

start
  serve [DIR]        be a hub for DIR, on this machine only
files
  put PATH...        send files and folders (--to FOLDER)
  get PATH...        fetch files and folders (--into DIR)
  ls, rm, mv, mkdir, restore
  menu [DIR]         the numbered menu
messages
  chat [ROOM]        talk
  say TEXT           send one message (--room ROOM; "-" reads stdin)
  log [ROOM], rooms, who
care
  doctor [HUB]       why is it slow, or not connecting

  --hub HOST:PORT  --json  --quiet  --version    "skein COMMAND --help" for more
exit: 0 done  1 failed  2 usage  3 incomplete, run again  4 refused  5 no hub
"""

COMMON = """\
  --hub HOST:PORT      which hub; else $SKEIN_HUB, else 127.0.0.1:8080
  --retry-for SECONDS  how long to call a lost hub again without progress; 30
  --name NAME          what to be called; else as /name said, or your user's name
  --state DIR          where this device's id and names are kept
  --json               results as JSON lines
  --quiet              no output but errors
  --help               this help

"""

COMMANDS = {
    "serve": """\
be a hub for a folder, on this machine only; in a terminal, talk there
usage: skein serve [FOLDER] [--listen ADDR:PORT] [--state DIR]

  --listen ADDR:PORT  where to listen; 127.0.0.1:8080
  --state DIR         where the hub keeps what is its own
  --name NAME         what the hub calls itself; else the machine's name
  --sync full|none    none: answers do not wait for the disk, and say so
  --message-rate N    how many messages a second one member may say; 20; 0: any number
  --quiet             no output but errors, and no prompt
  --help              this help

""",
    "put": """\
send files and folders; an interrupted one goes on where it stopped
usage: skein put PATH... [--to FOLDER] [--announce ROOM]

  --to FOLDER          into this folder of the hub, made when missing
  --dialect NAME       skein, or tutorial: to a server that reads as the tutorial's does
  --announce ROOM      offer it in this room, or to @NAME, once all of it is there
""" + COMMON,
    "get": """\
fetch files and folders; an interrupted one goes on where it stopped
usage: skein get PATH... [--into DIR]

  --into DIR           into this folder, made when missing; else here
""" + COMMON,
    "ls": """\
list a folder of the hub, one line per entry
usage: skein ls [PATH] [--json]

""" + COMMON,
    "rm": """\
move files and folders of the hub to its trash
usage: skein rm PATH...

""" + COMMON,
    "mv": """\
give a file or folder of the hub another name
usage: skein mv PATH NEW_PATH

""" + COMMON,
    "mkdir": """\
make folders at the hub, with those on the way
usage: skein mkdir PATH...

""" + COMMON,
    "restore": """\
bring back what was removed or replaced last
usage: skein restore PATH... [--in DIR]

  --in DIR             what a get replaced in this folder of yours; no hub is asked
""" + COMMON,
    "menu": """\
choose files by number: to upload from DIR, or to fetch
usage: skein menu [DIR]

""" + COMMON,
    "doctor": """\
why is it slow, or not connecting
usage: skein doctor [HUB] [--json]

  --hub HOST:PORT  which hub; else $SKEIN_HUB, else 127.0.0.1:8080
  --json           the result as one JSON object
  --quiet          no output but errors
  --help           this help

""",
}

PUT_USAGE = "skein: hint: usage: skein put PATH... [--to FOLDER] [--announce ROOM]\n"
ADDRESS_HINT = "skein: hint: write HOST:PORT, for example 127.0.0.1:8080 or [::1]:8080\n"


class Transcripts(Case):
    def assert_says(self, arguments, code, out="", err=""):
        with self.subTest(arguments):
            said = self.skein(*arguments)
            self.assertEqual((said.code, said.out, said.err), (code, out, err))


class WithoutHub(Transcripts):
    def test_help(self):
        for arguments in (["--help"], ["-h"], ["help"]):
            self.assert_says(arguments, 0, HELP)
        self.assert_says([], 2, HELP)
        for command, text in COMMANDS.items():
            for arguments in ([command, "--help"], ["--help", command][::-1],
                              [command, "--quiet", "--help", "x"]):
                self.assert_says(arguments, 0, text)
        self.assert_says(["put", "-h"], 0, COMMANDS["put"])

    def test_version(self):
        said = self.skein("--version")
        self.assertEqual((said.code, said.err), (0, ""))
        self.assertRegex(said.out, r"\Askein \d+\.\d+\n\Z")

    def test_what_is_no_command(self):
        hint = "skein: hint: skein --help lists the commands\n"
        self.assert_says(["frob"], 2, err="skein: error: no command 'frob'\n" + hint)
        self.assert_says([""], 2, err="skein: error: no command ''\n" + hint)
        self.assert_says(["PUT", "x"], 2, err="skein: error: no command 'PUT'\n" + hint)
        self.assert_says(["esc\x1b[2J\u202e"], 2,
                         err="skein: error: no command 'esc\\x1b[2J\\u{202e}'\n" + hint)
        self.assert_says(["-x"], 2, err="skein: error: no flag '-x' here\n" + hint)

    def test_wrong_usage(self):
        cases = [
            (["put"], "too few arguments"),
            (["put", "a", "--bogus"], "no flag '--bogus' here"),
            (["put", "-x", "a"], "no flag '-x' here"),
            (["put", "a", "--to"], "flag '--to' needs a value"),
            (["put", "a", "--retry-for", "x"], "'x' is no number of seconds from 0 to 86400"),
            (["put", "a", "--retry-for=-1"], "'-1' is no number of seconds from 0 to 86400"),
            (["put", "a", "--retry-for", "86401"],
             "'86401' is no number of seconds from 0 to 86400"),
            (["put", "a", "--json=1"], "no flag '--json=1' here"),
            (["put", "--", ], "too few arguments"),
        ]
        for arguments, message in cases:
            self.assert_says(arguments, 2, err=f"skein: error: {message}\n{PUT_USAGE}")
        for arguments, message in ((["ls", "a", "b"], "many"), (["mv", "a"], "few"),
                                   (["mv", "a", "b", "c"], "many"), (["rm"], "few"),
                                   (["get"], "few"), (["mkdir"], "few"), (["restore"], "few"),
                                   (["menu", "a", "b"], "many")):
            usage = COMMANDS[arguments[0]].splitlines()[1]
            self.assert_says(arguments, 2, err=f"skein: error: too {message} arguments\n"
                                               f"skein: hint: {usage}\n")
        said = self.skein("put", "a", "--dialect", "klingon")
        self.assertEqual((said.code, said.out), (2, ""))
        self.assertIn("skein: error: no dialect 'klingon': skein or tutorial\n", said.err)

    def test_addresses_that_are_none(self):
        for address, fault in (("nope", "the port is missing"), ("", "the port is missing"),
                               ("a:", "the port is a number up to 65535"),
                               ("a:99999", "the port is a number up to 65535"),
                               ("a:-1", "the port is a number up to 65535"),
                               ("a:1x", "the port is a number up to 65535")):
            error = f"skein: error: '{address}' is no address: {fault}"
            if address:
                self.assert_says(["ls", "--hub", address], 2, err=f"{error}\n{ADDRESS_HINT}")
                self.environment["SKEIN_HUB"] = address
                self.assert_says(["ls"], 2,
                                 err=f"{error}, while reading $SKEIN_HUB\n{ADDRESS_HINT}")
            self.assert_says(["serve", ".", "--listen", address], 2, err=f"{error}\n{ADDRESS_HINT}")

    def test_nobody_of_that_name(self):
        said = self.skein("ls", "--hub", "no.such.host.invalid:1")
        self.assertEqual((said.code, said.out), (5, ""))
        self.assertIn("'no.such.host.invalid'", said.err)


class Serving(Transcripts):
    def serve(self, *arguments):
        return ("serve", *arguments)

    def test_beyond_this_machine_is_refused(self):
        for address in ("0.0.0.0:0", "[::]:0", "192.168.1.20:8080", "8.8.8.8:80"):
            self.assert_says(
                ["serve", ".", "--listen", address], 4,
                err=f"skein: error: listening on '{address}' would open the hub to other machines, "
                    "and it cannot yet tell who is invited\n"
                    "skein: hint: listen on this machine only: --listen 127.0.0.1:8080\n")

    def test_what_cannot_be_shared(self):
        self.write("file", b"")
        listen = ("--listen", "127.0.0.1:0")
        self.assert_says(["serve", "nope", *listen], 1,
                         err="skein: error: opening folder 'nope': no such file or directory\n"
                             "skein: hint: make it first: mkdir -p FOLDER\n")
        self.assertFalse((self.here / "nope").exists())
        self.assert_says(["serve", "file", *listen], 1,
                         err="skein: error: opening folder 'file': not a directory\n")
        usage = "skein: hint: usage: skein serve [FOLDER] [--listen ADDR:PORT] [--state DIR]\n"
        self.assert_says(["serve", "a", "b"], 2,
                         err=f"skein: error: a hub shares one folder\n{usage}")
        self.assert_says(["serve", "--sync", "maybe"], 2,
                         err="skein: error: no way to sync is called 'maybe': full or none\n"
                             + usage)

    def test_what_another_hub_has(self):
        first = self.hub()
        pid = first.process.pid
        (self.here / "other").mkdir()
        own = ("--state", str(self.folder / "own"))
        self.assert_says(
            ["serve", "other", "--listen", "127.0.0.1:0", "--state", str(first.state)], 1,
            err=f"skein: error: another hub runs on this state folder: '{first.state}/hub/lock' is "
                f"held by process {pid}\n"
                "skein: hint: stop it, or give this one a state folder of its own: --state DIR\n")
        taken = self.skein("serve", "other", "--listen", first.address, *own)
        self.assertEqual((taken.code, taken.out), (1, ""))
        self.assertRegex(taken.err, rf"\Askein: error: {first.address} is taken by skein "
                                    rf"\(process {pid}\)\nskein: hint: .*--listen.*\n\Z")
        shared = self.skein("serve", str(first.shared), "--listen", "127.0.0.1:0", *own)
        self.assertEqual((shared.code, shared.out), (1, ""))
        self.assertRegex(shared.err, rf"\Askein: error: another hub .*process {pid}.*\n"
                                     r"skein: hint: .*\n\Z")
        self.assert_serves(first)

    def test_the_usual_folder_is_made(self):
        process = self.start("serve", "--listen", "127.0.0.1:0")
        said = process.stdout.readline().decode()
        self.assertRegex(said, rf'\Askein: hub ".+" on 127\.0\.0\.1:\d+, sharing '
                               rf'{re.escape(str(self.here))}/skein-files\n\Z')
        self.assertTrue((self.here / "skein-files").is_dir())

    def test_quiet_says_nothing(self):
        process = self.start("serve", ".", "--listen", "127.0.0.1:0", "--quiet")
        eventually((self.here / ".skein/lock").exists, "it never started")
        interrupt(process)  # it heeds signals before it takes the lock
        end = ran(process)
        self.assertEqual((end.code, end.out, end.err), (0, "", ""))

    def test_a_state_folder_is_made_for_its_owner_only(self):
        hub = self.hub()
        self.assertEqual(hub.state.stat().st_mode & 0o777, 0o700)
        self.done("ls")
        mine = self.folder / ".local/state/skein/client/device"
        self.assertRegex(mine.read_text(), r"\A[0-9a-f]{32}\n\Z")
        self.assertEqual(mine.stat().st_mode & 0o777, 0o600)


class WithHub(Transcripts):
    def setUp(self):
        super().setUp()
        self.the_hub = self.hub()
        self.write("f", b"12345")

    def test_flags_anywhere(self):
        hub = self.environment.pop("SKEIN_HUB")
        for arguments in (["--hub", hub, "put", "f"], ["put", "--hub", hub, "f"],
                          ["put", "f", "--hub", hub], ["put", "f", f"--hub={hub}"],
                          ["--json", "--hub", hub, "put", "f"], ["put", "--hub", hub, "--", "f"]):
            with self.subTest(arguments):
                self.done(*arguments)

    def test_two_dashes_end_the_flags(self):
        self.write("--json", b"1")
        self.write("-x", b"1")
        self.assertRegex(self.done("put", "--", "--json", "-x").out, r"\Adone: 2 files, 2 bytes ")
        self.assertEqual(self.the_hub.names(), ["--json", "-x"])
        self.assertEqual(self.done("rm", "--", "--json").out,
                         "removed '--json' (skein restore brings it back)\n")

    def test_the_last_lines_of_put_and_get(self):
        took = r"in (less than 1 s|\d+ s)"
        self.assertRegex(self.done("put", "f").out,
                         rf"\Adone: 1 file, 5 bytes {took}; verified and on disk at ada:f\n\Z")
        self.assertRegex(self.done("put", "f", "--to", "x").out, r" at ada:x/f\n\Z")
        self.write("g", noise(1_500_000))
        self.assertRegex(self.done("put", "f", "g").out,
                         r"\Adone: 2 files; 1 were there already, 1 sent \(1\.5 MB\); "
                         r"verified and on disk at ada:\n\Z")
        self.assertRegex(self.done("get", "g", "--into", "in").out,
                         rf"\Adone: 1 file, 1\.5 MB {took}; verified and on disk at in(/g)?\n\Z")

    def test_missing_files(self):
        self.assert_says(["put", "missing"], 1,
                         err="skein: error: finding 'missing': no such file or directory\n")
        for command in (["get", "missing"], ["ls", "missing"], ["rm", "missing"]):
            said = self.skein(*command)
            self.assertEqual((said.code, said.out), (1, ""))
            self.assertRegex(said.err, r"\Askein: error: looking at 'missing': no such file or "
                                       r"directory, while \w+ it\n\Z")

    def test_quiet_says_only_errors(self):
        for arguments in (["put", "f"], ["get", "f", "--into", "in"], ["ls"], ["mkdir", "d"],
                          ["mv", "f", "g"], ["rm", "g"], ["restore", "g"]):
            self.assert_says([*arguments, "--quiet"], 0)
        said = self.skein("get", "missing", "--quiet")
        self.assertEqual((said.code, said.out), (1, ""))
        self.assertIn("'missing'", said.err)

    def test_json_lines(self):
        for arguments, expected in (
                (["mkdir", "d"], {"done": "made", "path": "d"}),
                (["rm", "d"], {"done": "removed", "path": "d"}),
                (["restore", "d"], {"done": "restored", "path": "d"})):
            with self.subTest(arguments):
                self.assertEqual(self.done(*arguments, "--json").last_json, expected)
        listed = [json.loads(line) for line in self.done("ls", "--json").out.splitlines()]
        self.assertEqual([one["name"] for one in listed], ["d"])

    def test_json_of_what_failed_claims_nothing(self):
        for arguments in (["put", "missing"], ["get", "missing"]):
            with self.subTest(arguments):
                failed = self.skein(*arguments, "--json")
                self.assertEqual((failed.code, failed.err), (1, ""))
                problem, summary = map(json.loads, failed.out.splitlines())
                self.assertEqual((problem["problem"], problem["error"]), ("missing", "not_found"))
                self.assertEqual([summary[key] for key in ("done", "files", "files_wanted",
                                                           "bytes_moved", "problems", "durable",
                                                           "verified")],
                                 [False, 0, 1, 0, 1, False, "none"])

    def test_nothing_but_plain_text_when_not_on_a_terminal(self):
        self.write("big", noise(4 * MIB))
        self.environment.update(TERM="xterm-256color", FORCE_COLOR="1")
        for arguments in (["put", "big"], ["ls"], ["get", "big", "--into", "in"], ["--help"],
                          ["get", "missing"]):
            said = self.skein(*arguments)
            self.assertNotRegex(said.out + said.err, "[\x00-\x09\x0b-\x1f]")
        self.assertNotIn("\x1b", self.the_hub.log())

    def test_output_that_cannot_be_written(self):
        self.done("put", "f")
        with open("/dev/full", "wb") as full:
            process = self.start("ls", stdout=full)
            _, err = process.communicate(timeout=PATIENCE_S)
        self.assertEqual((process.returncode, err.decode()),
                         (1, "skein: error: writing the output failed\n"))

    def test_the_name_of_the_user_is_claimed(self):
        self.done("put", "f", "--name", "someone else")
        self.assertIn(" info local/someone else put 'f', 5 bytes", self.the_hub.log())
        self.done("rm", "f")
        self.assertIn(" info local/lin removed 'f'", self.the_hub.log())


class Menu(Transcripts):
    UPLOAD = "number to upload, h for the hub's files, q to end>>>: "
    FETCH = "number to fetch, u for uploads, q to end>>>: "

    def setUp(self):
        super().setUp()
        self.the_hub = self.hub()

    def menu(self, *typed):
        return self.skein("menu", "files", typed="".join(line + "\n" for line in typed))

    def test_a_whole_visit(self):
        self.write("files/b.txt", b"bb")
        self.write("files/a.txt", b"a")
        (self.here / "files/folder").mkdir()
        said = self.menu("x", "", "0", "3", "99999999999999999999", "h", "1", "u", "2", "h", "2")
        self.assertEqual((said.code, said.err), (0, ""))
        here = "1 a.txt\n2 b.txt\n" + self.UPLOAD
        before = "(the hub has no files)\n" + self.FETCH
        after = "1 b.txt\n" + self.FETCH
        answers = [here, "must be a number\n", here, "must be a number\n", here, "not in range\n",
                   here, "not in range\n", here, "not in range\n", here, before, "not in range\n",
                   before, here, "DONE", here, after, "not in range\n", after, "\n"]
        done = r"done: 1 file, 2 bytes in [^;]*; verified and on disk at ada(:b\.txt)?\n"
        self.assertRegex(said.out, re.escape("".join(answers)).replace("DONE", done))
        self.assertEqual((self.the_hub.shared / "b.txt").read_bytes(), b"bb")

    def test_fetching(self):
        self.write("there", b"the hub's", folder=self.the_hub.shared)
        (self.here / "files").mkdir()
        said = self.menu("h", "1", "q", "never read")
        self.assertEqual((said.code, said.err), (0, ""))
        self.assertRegex(said.out, r"\A\(no files here\)\n" + re.escape(self.UPLOAD)
                         + r"1 there\n" + re.escape(self.FETCH)
                         + r"done: 1 file, 9 bytes in [^;]*; verified and on disk at files(/there)?\n"
                         + r"1 there\n" + re.escape(self.FETCH) + r"\n\Z")
        self.assertEqual((self.here / "files/there").read_bytes(), b"the hub's")
        self.assertFalse((self.here / "files/.skein").exists())

    def test_end_of_input_and_a_last_line_without_an_end(self):
        self.write("files/a", b"1")
        self.assertEqual(self.menu().code, 0)
        said = self.skein("menu", "files", typed="1")
        self.assertEqual(said.code, 0)
        self.assertEqual(self.the_hub.names(), ["a"])

    def test_a_folder_that_is_not_there(self):
        self.assert_says(["menu", "nowhere"], 1,
                         err="skein: error: opening folder 'nowhere': no such file or directory\n"
                             "skein: hint: make it first: mkdir -p FOLDER\n")

    def test_no_hub(self):
        self.write("files/a", b"1")
        self.the_hub.stop()
        said = self.menu("1")
        self.assertEqual(said.code, 5)
        self.assertIn(self.the_hub.address, said.err)

    def test_interrupted(self):
        self.write("files/a", b"1")
        process = self.start("menu", "files", stdin=subprocess.PIPE)
        eventually(lambda: os.read(process.stdout.fileno(), 4096).endswith(b">>>: "), "no question")
        interrupt(process)
        self.assertEqual(process.wait(PATIENCE_S), 3)


class Terminal(Case):
    """On a pseudo-terminal: a line of progress that leaves no trace."""

    def on_terminal(self, *command):
        master, slave = pty.openpty()
        self.addCleanup(os.close, master)
        environment = {**self.environment, "TERM": "xterm"}
        process = subprocess.Popen([SKEIN, *command], stdin=slave, stdout=slave, stderr=slave,
                                   cwd=self.here, env=environment)
        os.close(slave)
        self.addCleanup(lambda: ended(process))
        return process, master

    def read_until(self, master, pattern, said=""):
        """All that is said, up to where the pattern is found, or to the end."""
        def found():
            nonlocal said
            try:
                said += os.read(master, 65536).decode()
            except OSError:  # what Linux makes of a terminal's end
                return True
            return pattern and re.search(pattern, said)
        eventually(found, lambda: f"no {pattern} in {said!r}")
        return said

    def test_progress_appears_and_is_wiped(self):
        hub = self.hub()
        self.write("big file\u202e", noise(4 * MIB))
        relay = self.relay(hub, Fault("stall", UP, 2 * MIB + MIB // 2))
        process, master = self.on_terminal("put", "big file\u202e")
        relay.wait_stalled()
        line = r"\r 50%  2\.1 MB of 4\.2 MB.*big file\\u\{202e\}\x1b\[K"
        said = self.read_until(master, line)
        self.assertIn("\rbig file\\u{202e} to ada   1 file   4.2 MB\x1b[K\r\n", said)
        relay.released.set()
        said = self.read_until(master, None, said)
        self.assertEqual(process.wait(PATIENCE_S), 0)
        *_, last = said.split("\r\x1b[K")
        self.assertRegex(last, r"\Adone: 1 file, 4\.2 MB in .*; verified and on disk at "
                               r"ada:big file\\u\{202e\}\r\n\Z")
        self.assertNotIn("\u202e", said)
        for part in re.findall(r"\r([^\r\n]*)\x1b\[K", said):
            self.assertLess(len(part), 80)

    def test_no_progress_when_quiet_or_json(self):
        self.hub()
        self.write("a", b"1")
        for flag, expected in (("--quiet", r"\A\Z"), ("--json", r"\A\{[^\r\n]*\}\r\n\Z")):
            process, master = self.on_terminal("put", "a", flag)
            said = self.read_until(master, None)
            self.assertEqual(process.wait(PATIENCE_S), 0)
            self.assertRegex(said, expected)

    def test_ctrl_c_on_the_terminal(self):
        hub = self.hub()
        self.write("a", noise(4 * MIB))
        relay = self.relay(hub, Fault("stall", UP, 2 * MIB))
        process, master = self.on_terminal("put", "a")
        relay.wait_stalled()
        said = self.read_until(master, r"\d+%")
        interrupt(process)
        said = self.read_until(master, None, said)
        self.assertEqual(process.wait(PATIENCE_S), 3)
        self.assertTrue(said.endswith(
            "\r\x1b[Kskein: error: interrupted\r\nskein: hint: what was verified is kept; run the "
            "same command again: it goes on from there\r\n"), said)

    def test_a_hub_greets_and_its_log_is_plain_when_asked_to(self):
        (self.here / "shared").mkdir()
        self.environment["NO_COLOR"] = "1"
        process, master = self.on_terminal("serve", "shared", "--listen", "127.0.0.1:0", "--name",
                                           "ada")
        said = self.read_until(master, r"end +Ctrl-D or Ctrl-C\r\n")
        self.assertRegex(said, r'\Askein \d+\.\d+  hub "ada"  sharing .*/here/shared '
                               r"\([\d.]+ .B free\)\r\n"
                               r"  open     127\.0\.0\.1:\d+   this machine only\r\n"
                               r"  guests   udp 127\.0\.0\.1:\d+   plain text, .*\r\n"
                               r"  files    skein put FILE\r\n"
                               r"  talk     type here, or skein chat   /help for commands\r\n"
                               r"  end      Ctrl-D or Ctrl-C\r\n")
        interrupt(process)
        said = self.read_until(master, None, said)
        self.assertEqual(process.wait(PATIENCE_S), 0)
        self.assertIn(" info stopping: signal 2; what is under way may end first\r\n", said)
        self.assertNotRegex(said, r"\x1b\[[\d;]*m")


class TutorialServer:
    """Reads one upload as the tutorial's server does, until the connection breaks."""

    def __init__(self):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.address = "127.0.0.1:%d" % self.listener.getsockname()[1]
        self.received = []
        self.thread = threading.Thread(target=self.serve, daemon=True)
        self.thread.start()

    def serve(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            with connection:
                got = b""
                try:
                    while part := connection.recv(1024):
                        got += part
                    got += b" and an orderly end, of which that server dies"
                except ConnectionResetError:
                    pass
                self.received.append(got)

    def close(self):
        if self.thread.is_alive():
            self.listener.shutdown(socket.SHUT_RDWR)  # wakes its accept
            self.thread.join(PATIENCE_S)
        self.listener.close()


class TutorialDialect(Transcripts):
    def setUp(self):
        super().setUp()
        self.server = TutorialServer()
        self.addCleanup(self.server.close)

    def put(self, *arguments):
        return self.skein("put", *arguments, "--dialect", "tutorial", "--hub", self.server.address)

    def test_sent_not_confirmed(self):
        content = noise(3 * MIB + 1)
        self.write("电影 1", content)
        self.write("empty", b"")
        said = self.put("电影 1", "empty")
        self.assertEqual((said.code, said.err), (0, ""))
        self.assertRegex(said.out, r"\Adone: 2 files, 3\.1 MB in .*; sent, not confirmed: the "
                                   r"server gives no answer\n\Z")
        eventually(lambda: len(self.server.received) == 2, "two connections never ended")
        for got, (name, body) in zip(self.server.received, (("电影 1", content), ("empty", b""))):
            size = int.from_bytes(got[:4], "little")
            self.assertEqual(json.loads(got[4:4 + size]),
                             {"file_name": name, "file_size": len(body)})
            self.assertTrue(got[4 + size:] == body)

    def test_json_claims_nothing(self):
        self.write("a", b"12345")
        said = self.put("a", "--json").last_json
        self.assertEqual([said[key] for key in ("done", "files", "bytes_moved", "durable",
                                                "verified")], [True, 1, 5, False, "none"])

    def test_folders_are_refused_and_the_rest_is_sent(self):
        self.write("folder/x", b"1")
        self.write("a", b"12345")
        said = self.put("folder", "a")
        self.assertEqual((said.code, said.out), (3, ""))
        self.assertIn("'folder'", said.err)
        eventually(lambda: len(self.server.received) == 1, "nothing came")

    def test_to_a_hub(self):
        hub = self.hub()
        self.write("a", b"12345")
        said = self.skein("put", "a", "--dialect", "tutorial")
        self.assertEqual(said.code, 0)
        eventually(lambda: (hub.shared / "a").exists(), lambda: hub.log())
        self.assertEqual((hub.shared / "a").read_bytes(), b"12345")

    def test_nobody_there(self):
        self.write("a", b"1")
        self.server.close()
        said = self.put("a")
        self.assertEqual((said.code, said.out), (5, ""))
        self.assertIn(self.server.address, said.err)


if __name__ == "__main__":
    unittest.main()
